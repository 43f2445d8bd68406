"""Protocols from texts: CPU0/CPU1 tables, and the kernel's C litmus files."""
