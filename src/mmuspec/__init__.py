"""mmuspec: an executable, literate specification of the Linux KVM x86 shadow MMU.

Importing the package imports none of its rooms: a chapter or a program takes
what it needs, and the model never pulls in NumPy or numba.
"""

__version__ = "0.1.0"
