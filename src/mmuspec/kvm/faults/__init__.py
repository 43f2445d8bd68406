"""Page faults: shadow and direct, fast, MMIO; and what may be mapped how large."""
