"""What a holder of mmu_lock does to one spte, in words: ``clear,set-B``."""

from typing import NamedTuple

from mmuspec.x86.entry import RW, XD, P

SPTES = {
    "A": 0xA_1111_0001,
    "B": 0xB_1111_0001,
    "C": 0xC_2222_0001,
    "AW": 0xA_1111_0001 | RW,
    "AWN": 0xA_1111_0001 | RW | XD,
    "M": 0xFFFF_FF00_FEE0_0B4F,
}
"""A and B differ in the high half only; C differs in both.

AW and AWN have the frame of A, and W, and NX; M is an MMIO spte.
"""

MMIO = 3 << 62
"""Bits that every MMIO spte has, and no other value."""

VERBS = ("clear", "set", "update", "change", "flush")


class Update(NamedTuple):
    """One thing that is done to the spte.

    :param verb: ``set``, ``clear``, ``update`` (another present value with the same frame),
        ``change`` (``kvm_set_pte_rmapp()``) or ``flush``
    :param spte: the new value
    :param slow: whether the old value is taken out by an exchange
    """

    verb: str
    spte: int = 0
    slow: bool = False


def parsed(updates: str) -> tuple[Update, ...]:
    """Return the updates that *updates* names.

    Each is a verb, the name of a value of `SPTES` where one is needed, and ``slow`` if wanted:
    ``clear-slow,set-B,update-AW``. In front, ``from-M`` says what the spte holds before; else A.

    :raises ValueError: if a word is unknown, or KVM would not do this to what the spte holds
    """
    now, found = first(updates), []
    for text in words(updates):
        update = one(text)
        if update.verb == "set" and is_shadow_present_pte(now):
            raise ValueError(f"{text!r}: only an spte that is not present is set")
        if update.verb == "update" and (now ^ update.spte) & ~(RW | XD):
            raise ValueError(f"{text!r}: an update keeps the frame of what is present")
        now = now if update.verb == "flush" else update.spte
        found.append(update)
    return tuple(found)


def first(updates: str) -> int:
    """Return what the spte holds before *updates*.

    :raises ValueError: if nothing has that name
    """
    verb, _, name = updates.split(",")[0].strip().partition("-")
    if verb != "from":
        return SPTES["A"]
    if name not in SPTES:
        raise ValueError(f"no spte is named {name!r}; there are {', '.join(SPTES)}")
    return SPTES[name]


def words(updates: str) -> list[str]:
    """Return the words of *updates* but for what the spte holds before."""
    found = [text.strip() for text in updates.split(",")]
    return found[found[0].startswith("from-") :]


def is_shadow_present_pte(spte: int) -> bool:
    """Whether *spte* maps something."""
    return bool(spte & P) and spte & MMIO != MMIO


def one(text: str) -> Update:
    """Return the update that one word names.

    :raises ValueError: if it is none
    """
    verb, *rest = text.split("-")
    slow = rest[-1:] == ["slow"]
    names = rest[:-1] if slow else rest
    wanted = 0 if verb in ("clear", "flush") else 1
    if verb not in VERBS or len(names) != wanted or not SPTES.keys() >= set(names):
        known = f"one of {', '.join(VERBS)}, with one of {', '.join(SPTES)} but for clear and flush"
        raise ValueError(f"{text!r} is no update: expected {known}, and slow at the end if wanted")
    return Update(verb, SPTES[names[0]] if names else 0, slow)


def held(updates: str, but: int = 0) -> tuple[int, ...]:
    """Return the values with P that the spte holds as a whole, one after the other.

    :param but: bits that are left out of them
    """
    values = [first(updates), *(update.spte for update in parsed(updates) if update.spte)]
    return tuple(dict.fromkeys(value & ~but for value in values))
