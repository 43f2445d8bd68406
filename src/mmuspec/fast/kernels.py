"""The kernels: flat uint64 arrays in and out, no Python objects, and no constant from elsewhere.

A kernel's compiled form is kept on disk and only a change of *this file*
replaces it: hence all kernels and their constants stand here, and a test
compares the constants with those of the specification.  Every literal is a
uint64: mixed with a plain 0, numba would turn it into a float and lose bits.

What differs between paging modes and controls comes in as tables:

``levels``
    one row per level of tables, root first; columns ``SHIFT`` to ``EXTENSION``
``allowed``
    for each access (index: error-code bits shifted right by one) the set of
    rights (bit number: ``rights_index``) that allow it
"""

import numpy as np

from .jit import kernel

U = np.uint64
ZERO, ONE = U(0), U(1)
P, RW, US, A, D, G = U(1 << 0), U(1 << 1), U(1 << 2), U(1 << 5), U(1 << 6), U(1 << 8)
XD = U(1 << 63)
ADDRESS_MASK = U(0x000F_FFFF_FFFF_F000)
CODE_P, CODE_W, CODE_RSVD = U(1), U(2), U(8)
EXTENSION_SHIFT = U(19)
CANONICAL_SHIFT, CANONICAL_TOP = U(47), U((1 << 17) - 1)
PDPTE_SHIFT, PDPTE_MASK = U(30), U(3)
WORD_SHIFT, WORD_MASK, HALF, HALF_SHIFT, HALF_MASK = U(3), ~U(7), U(4), U(32), U(0xFFFF_FFFF)

SHIFT, INDEX_MASK, LARGE, RESERVED, RESERVED_LARGE, FRAME_MASK, EXTENSION = range(7)
"""Columns of ``levels``."""
ENTRY_SIZE, ROOT, REPORTED, CANONICAL, PAE, PGE, ON_THE_WAY = range(7)
"""Elements of ``settings``; the last four are 0 or 1."""
FAULTED, NOT_CANONICAL = U(1 << 8), U(1 << 9)
"""In a fault word: a page fault with the error code below; a general-protection exception."""
PHYSICAL, LEVEL, FLAGS, FAULT, USED = range(5)
"""Columns of ``found``.  FLAGS has the bits RW, US, XD, G, D; USED counts the path."""


@kernel
def read_entry(memory, address, size):
    """Return the entry at *address*; memory beyond the array reads as zero."""
    word = address >> WORD_SHIFT
    if word >= U(memory.shape[0]):
        return ZERO
    value = memory[word]
    if size != HALF:
        return value
    if address & HALF:
        return value >> HALF_SHIFT
    return value & HALF_MASK


@kernel
def set_bits(memory, address, bits):
    """Set *bits* in the entry at *address*, of either size."""
    word = address >> WORD_SHIFT
    if word < U(memory.shape[0]):
        if address & HALF:
            bits = bits << HALF_SHIFT
        memory[word] = memory[word] | bits


@kernel
def rights_index(rights):
    """Return the number, 0 to 7, of a set of rights: R/W, U/S, and XD *not* set."""
    return (rights & (RW | US)) >> ONE | (rights & XD) >> U(61)


@kernel
def walk_one(memory, levels, allowed, settings, pdptes, linear, access, found, path):
    """Translate *linear* into the row *found*; addresses of the entries used go to *path*.

    The same steps as ``mmuspec.x86.walk.walk``.
    """
    found[FAULT] = ZERO
    found[USED] = ZERO
    if levels.shape[0] == 0:
        found[PHYSICAL] = linear
        found[LEVEL] = ZERO
        found[FLAGS] = RW | US | D
        return
    code = access & settings[REPORTED]
    upper = linear >> CANONICAL_SHIFT
    if settings[CANONICAL] and upper != ZERO and upper != CANONICAL_TOP:
        found[FAULT] = NOT_CANONICAL
        return
    table = settings[ROOT]
    if settings[PAE]:
        pdpte = pdptes[linear >> PDPTE_SHIFT & PDPTE_MASK]
        if not pdpte & P:
            found[FAULT] = FAULTED | code
            return
        table = pdpte & ADDRESS_MASK
    size = settings[ENTRY_SIZE]
    rights = RW | US | XD
    entry = ZERO
    row = 0
    for row in range(levels.shape[0]):
        level = levels[row]
        address = table + (linear >> level[SHIFT] & level[INDEX_MASK]) * size
        entry = read_entry(memory, address, size)
        if not entry & P:
            found[FAULT] = FAULTED | code
            return
        large = entry & level[LARGE]
        reserved = level[RESERVED_LARGE] if large else level[RESERVED]
        if entry & reserved:
            found[FAULT] = FAULTED | code | CODE_RSVD | CODE_P
            return
        rights &= entry ^ XD
        path[row] = address
        if large or row == levels.shape[0] - 1:
            break
        if settings[ON_THE_WAY]:
            set_bits(memory, address, A)
        table = entry & ADDRESS_MASK
    if not allowed[access >> ONE] >> rights_index(rights) & ONE:
        found[FAULT] = FAULTED | code | CODE_P
        return
    for above in range(row):
        set_bits(memory, path[above], A)
    flags = A | D if access & CODE_W else A
    set_bits(memory, path[row], flags)
    entry |= flags
    describe(levels, settings, row, entry, rights, linear, found)


@kernel
def describe(levels, settings, row, entry, rights, linear, found):
    """Fill the row *found* for the page that *entry* of ``levels[row]`` maps."""
    level = levels[row]
    frame = entry & level[FRAME_MASK] | (entry & level[EXTENSION]) << EXTENSION_SHIFT
    found[PHYSICAL] = frame | linear & ((ONE << level[SHIFT]) - ONE)
    found[LEVEL] = U(levels.shape[0] - row)
    flags = rights & (RW | US) | (rights ^ XD) & XD | entry & D
    if settings[PGE]:
        flags |= entry & G
    found[FLAGS] = flags
    found[USED] = U(row + 1)


@kernel
def walk_many(memory, levels, allowed, settings, pdptes, linears, accesses, found, paths):
    """Translate each of *linears* in turn; each sees the A and D that those before it set."""
    for number in range(linears.shape[0]):
        walk_one(
            memory,
            levels,
            allowed,
            settings,
            pdptes,
            linears[number],
            accesses[number],
            found[number],
            paths[number],
        )
