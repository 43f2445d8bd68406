"""Traces: what a kernel prints, read back and compared with a witness."""
