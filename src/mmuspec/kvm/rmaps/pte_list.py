"""``pte_list``: which sptes point here, in one machine word.

The word of a reverse map (``rmap``) and of ``parent_ptes`` has three forms:
0 (nothing), the address of the only spte (bit 0 clear), or the address of a
``pte_list_desc`` with bit 0 set.  Sptes and descriptors are 8-byte aligned,
which is what makes bit 0 free.

Source: pte_list_add(), pte_list_remove(), rmap_get_first() (v3.11).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ...epochs import current
from ..state.errors import PteListError

DESC_TAG = 1
"""Bit 0 of the word: it holds the address of a descriptor."""
DESC_SIZE = 32
"""Bytes in a descriptor of three sptes and a pointer on a 64-bit host."""


@dataclass
class PteList:
    """A list head: one word."""

    val: int = 0


@dataclass
class PteListDesc:
    """``struct pte_list_desc``: up to ``PTE_LIST_EXT`` sptes and a successor."""

    sptes: list[int] = field(default_factory=list)
    more: int = 0


class PteListDescCache:
    """Where descriptors live: address -> descriptor.

    What is not given is as in the current epoch.

    :param ext: ``PTE_LIST_EXT``, sptes in a descriptor (3 until v5.10, 14 later)
    :param exact_count: whether BUG-1 is repaired
    """

    def __init__(self, *, ext: int | None = None, exact_count: bool | None = None) -> None:
        self.ext = current().pte_list_ext if ext is None else ext
        exact = "BUG-1" not in current().defects
        self.exact_count = exact if exact_count is None else exact_count
        self.descs: dict[int, PteListDesc] = {}
        self._next = 0xFFFF_8880_0000_0000

    def alloc(self, *sptes: int) -> int:
        """Return the address of a new descriptor holding *sptes*."""
        address = self._next
        self._next += DESC_SIZE
        self.descs[address] = PteListDesc(list(sptes))
        return address

    def free(self, address: int) -> None:
        """Give the descriptor at *address* back."""
        del self.descs[address]

    def chain(self, head: PteList) -> Iterator[tuple[int, PteListDesc]]:
        """Yield (address, descriptor) along a tagged *head*."""
        address = head.val & ~DESC_TAG if head.val & DESC_TAG else 0
        while address:
            desc = self.descs[address]
            yield address, desc
            address = desc.more


def pte_list_add(descs: PteListDescCache, head: PteList, sptep: int) -> int:
    """Add *sptep* to *head* and return how many entries were there before.

    In v3.11 the count is too small by one descriptor whenever a further
    descriptor had to be allocated [BUG-1].

    :raises PteListError: *sptep* is 0 or not 8-byte aligned
    """
    if not sptep or sptep & 7:
        raise PteListError(f"spte address {sptep:#x} is not a multiple of 8 above 0")
    if not head.val:
        head.val = sptep
        return 0
    if not head.val & DESC_TAG:
        head.val = descs.alloc(head.val, sptep) | DESC_TAG
        return 1
    return _add_to_descs(descs, head, sptep)


def _add_to_descs(descs: PteListDescCache, head: PteList, sptep: int) -> int:
    """Store *sptep* in the first descriptor with room, or in a new last one."""
    count = 0
    for _, desc in descs.chain(head):
        if len(desc.sptes) < descs.ext or not desc.more:
            break
        count += descs.ext
    if len(desc.sptes) == descs.ext:
        if descs.exact_count:
            count += descs.ext
        desc.more = descs.alloc()
        desc = descs.descs[desc.more]
    count += len(desc.sptes)
    desc.sptes.append(sptep)
    return count


def pte_list_remove(descs: PteListDescCache, head: PteList, sptep: int) -> None:
    """Remove *sptep*: its place is taken by the last entry of the same descriptor.

    A list that shrinks to one entry keeps its descriptor.

    :raises PteListError: *sptep* is not in the list (the kernel stops with BUG())
    """
    if head.val == sptep and sptep:
        head.val = 0
        return
    previous: PteListDesc | None = None
    for address, desc in descs.chain(head):
        if sptep in desc.sptes:
            desc.sptes[desc.sptes.index(sptep)] = desc.sptes[-1]
            desc.sptes.pop()
            if not desc.sptes:
                _unlink_desc(descs, head, previous, address)
            return
        previous = desc
    raise PteListError(f"spte {sptep:#x} is not in the list {head.val:#x}")


def _unlink_desc(
    descs: PteListDescCache, head: PteList, previous: PteListDesc | None, address: int
) -> None:
    """Take the empty descriptor at *address* out of the chain and free it."""
    more = descs.descs[address].more
    if previous:
        previous.more = more
    else:
        head.val = more | DESC_TAG if more else 0
    descs.free(address)


def pte_list_iterate(descs: PteListDescCache, head: PteList) -> Iterator[int]:
    """Yield every spte address; after a removal the caller starts again."""
    if head.val & DESC_TAG:
        for _, desc in descs.chain(head):
            yield from desc.sptes
    elif head.val:
        yield head.val


def pte_list_first(descs: PteListDescCache, head: PteList) -> int:
    """Return the first spte address, or 0 (``rmap_get_first()``)."""
    return next(pte_list_iterate(descs, head), 0)


def pte_list_shape(descs: PteListDescCache, head: PteList) -> list[list[int]]:
    """Return the entries descriptor by descriptor; a single entry is one list."""
    if head.val & DESC_TAG:
        return [list(desc.sptes) for _, desc in descs.chain(head)]
    return [[head.val]] if head.val else []
