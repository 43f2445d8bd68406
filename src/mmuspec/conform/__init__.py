"""Conformance: recordings of real kernels against the model of their version."""
