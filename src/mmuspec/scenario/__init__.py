"""Scenarios: ordered lists of host and guest operations, and how to run them."""
