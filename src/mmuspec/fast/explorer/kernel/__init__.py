"""The kernel of the explorer; only what compiles it imports it, and numba with it."""
