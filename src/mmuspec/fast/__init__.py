"""Quick twins of parts of the model, over flat arrays: the only room that knows numba.

Everything here is equal to something written to be read, and a test says so.
Import it only where speed is wanted: it brings numba and NumPy along.
"""
