"""Protocols of a few CPUs: every interleaving, under SC and x86-TSO."""
