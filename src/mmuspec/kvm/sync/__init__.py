"""Keeping up with the guest's tables: unsync pages, INVLPG, emulated writes."""
