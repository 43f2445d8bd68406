"""The shadow MMU, in the kernel's names: this is the specification.

A function is named after the kernel function whose behaviour it states, and
so is a field.  ``kvm`` and ``vcpu`` are the first arguments, as in the kernel.
Unless a docstring says otherwise, the source is v3.11.
"""
