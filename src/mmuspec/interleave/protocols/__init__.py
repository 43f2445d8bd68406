"""The protocols of the book, one topic a module."""
