"""Paging as the processor defines it: entries, error codes, the walk, the TLB.

Source of the facts: *Intel 64 and IA-32 Architectures Software Developer's
Manual*, volume 3A, chapter "Paging".  This room imports nothing of ours.
"""
