"""Shadow page-table entries: their bits, and every way of writing one."""
