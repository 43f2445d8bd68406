"""Addresses that the kernel chose: matched one to one over a whole scenario.

A model cannot know where the kernel puts a page table, nor which frame the
host gives to a page that no recording tells.  It knows when two mentions are
of the same page.  Each mention is noted while events are compared; at the end
every page of the model must have one address, and no two pages that exist at
the same time may share one.  Where mentions contradict each other, the fewer
are wrong; where nothing decides, all of them are reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..scenario.stage import is_made_up
from ..trace.field_match import (
    DIFFERENT,
    PAGE_SHIFT,
    SAME,
    SPTE_ADDRESS,
    SPTE_FIELDS,
    SPTEP_FIELDS,
    Verdict,
)
from ..trace.printed import Printed
from .settlement import Mention, Settlement, Space

DIRECT_MAP = {64: 0xFFFF_8880_0000_0000, 32: 0xC000_0000}
"""Host word size -> virtual address of physical address 0, without KASLR.

Source: Documentation/x86/x86_64/mm.rst, CONFIG_PAGE_OFFSET (v6.1).
"""
_HEX = frozenset("0123456789abcdef")


@dataclass
class AddressBook:
    """Compares fields, and notes every mention of a chosen address.

    :ivar operation: the operation that is being compared
    :ivar told: frame that the model made up -> the frame that a recording told later
    :ivar freed: table of the model -> operation that freed it
    """

    host_bits: int
    operation: int = 0
    mentions: list[Mention] = field(default_factory=list)
    told: dict[int, int] = field(default_factory=dict)
    freed: dict[int, int] = field(default_factory=dict)

    def release_tables(self) -> None:
        """Do nothing: the model says itself when it frees a table."""

    def release_frames(self) -> None:
        """Do nothing: the model makes up a new frame for every page that it faults in."""

    def match(self, name: str, key: str, model: Printed, other: Printed) -> Verdict:
        """Compare field *key* of two events of trace point *name*."""
        ours, theirs = model[key], other[key]
        if key in SPTEP_FIELDS:
            return self._sptep(key, model, theirs)
        if key == "pfn":
            return self._frame(key, model, int(ours, 16), int(theirs, 16))
        if (name, key) in SPTE_FIELDS:
            mine, his = int(ours, 16), int(theirs, 16)
            if (mine ^ his) & ~SPTE_ADDRESS:
                return DIFFERENT
            pages = ((spte & SPTE_ADDRESS) >> PAGE_SHIFT for spte in (mine, his))
            return self._frame(key, model, *pages)
        return SAME if ours == theirs else DIFFERENT

    def _sptep(self, key: str, model: Printed, theirs: str) -> Verdict:
        """Compare addresses of sptes: the table is chosen, the place in it is not."""
        ours = model[key]
        if not _HEX.issuperset(theirs):
            return SAME if ours == theirs else DIFFERENT
        mine, his = int(ours, 16), int(theirs, 16)
        if (mine ^ his) & ((1 << PAGE_SHIFT) - 1) or (mine == 0) != (his == 0):
            return DIFFERENT
        if mine:
            space = Space.TABLE if key == "sptep_pa" else Space.POINTER
            self._note(space, key, model, mine >> PAGE_SHIFT, his >> PAGE_SHIFT)
        return SAME

    def _frame(self, key: str, model: Printed, mine: int, his: int) -> Verdict:
        """Compare frames: only one that the model made up need not be equal."""
        if not is_made_up(mine):
            return SAME if mine == his else DIFFERENT
        self._note(Space.FRAME, key, model, mine, his)
        return SAME

    def _note(self, space: Space, key: str, model: Printed, mine: int, his: int) -> None:
        self.mentions.append(Mention(self.operation, space, mine, his, model, key))

    def settle(self) -> Settlement:
        """Decide which address each page has."""
        return Settlement(_unified(self.mentions, self.host_bits), self.told, self.freed)


def _unified(mentions: Sequence[Mention], host_bits: int) -> list[Mention]:
    """Return *mentions* with pointers as physical pages, if this kernel printed them unhashed."""
    base = DIRECT_MAP[host_bits] >> PAGE_SHIFT
    tables = {(m.model, m.recorded) for m in mentions if m.space is Space.TABLE}
    pointers = {(m.model, m.recorded - base) for m in mentions if m.space is Space.POINTER}
    if not tables & pointers:
        return list(mentions)
    return [_physical(mention, base) for mention in mentions]


def _physical(mention: Mention, base: int) -> Mention:
    if mention.space is not Space.POINTER:
        return mention
    return Mention(
        mention.operation,
        Space.TABLE,
        mention.model,
        mention.recorded - base,
        mention.printed,
        mention.key,
    )
