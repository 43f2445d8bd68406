# mypy: ignore-errors
"""The kernel of the explorer: what it can be asked to do."""

from numba import types

from mmuspec.fast.explorer.context import (
    BLOCK,
    BROKE,
    CHECK,
    CLAIMED,
    CLAIMS,
    COUNT,
    DIVIDE,
    DONE,
    END_MASK,
    END_VALUE,
    ENDED,
    ENDED_ROOM,
    ENDS,
    EXCHANGE,
    EXPAND,
    FAILED,
    FAILS,
    FILL,
    FULL,
    HALT,
    HALTED,
    HIT,
    LAST,
    MISSED,
    MISSING,
    MODE,
    NEXT,
    OUTBOX_ROOM,
    RECEIVE,
    RING,
    ROOM,
    SENT,
    STATES,
    TABLE_SIZE,
    TARGET,
)
from mmuspec.fast.explorer.kernel.lookup import lookup
from mmuspec.fast.explorer.kernel.primitives import peek, poke, small
from mmuspec.fast.explorer.kernel.steps import stepping
from mmuspec.fast.explorer.kernel.store import keeping


def build(wide, gather):
    """Return the kernel, not yet compiled.

    :param wide: whether a state has two numbers
    :param gather: whether the processor gathers bits fast (PEXT)
    """
    size = 2 if wide else 1
    hashed, place, missing = lookup(wide, gather)
    successors = stepping(wide, place, missing)
    prepare, keep, fill, receive = keeping(wide, hashed)

    @small
    def expand(search):
        """Take every step from the states from NEXT to LAST."""
        ring, states = peek(search, RING), peek(search, STATES)
        first, last = peek(search, NEXT), peek(search, LAST)
        while first < last:
            if peek(search, COUNT) > peek(search, ROOM):
                return FULL
            if peek(search, DIVIDE):
                if peek(search, SENT) > peek(search, OUTBOX_ROOM):
                    return EXCHANGE
                if peek(peek(search, HALT), 0):
                    return HALTED
            end = min(first + BLOCK, last)
            missed = peek(search, MISSED)
            n = types.int64(0)
            for index in range(first, end):
                a, b = peek(states, index * size), types.int64(0)
                if wide:
                    b = peek(states, index * size + 1)
                n = successors(search, index, ring, n, a, b)
            if peek(search, MISSED) != missed:
                return MISSING
            keep(search, ring, prepare(search, ring, n, peek(search, DIVIDE)))
            first = end
            poke(search, NEXT, first)
            if peek(search, HIT):
                return BROKE
        return DONE

    @small
    def check(search):
        """Look at what is claimed of the states from NEXT to LAST."""
        states, last = peek(search, STATES), peek(search, LAST)
        first = peek(search, NEXT)
        while first < last:
            end = min(first + BLOCK, last)
            missed = peek(search, MISSED)
            for k in range(peek(search, CLAIMED)):
                record = peek(search, CLAIMS) + k * (TABLE_SIZE * 8)
                mode = peek(record, MODE)
                for index in range(first, end):
                    a, b = peek(states, index * size), types.int64(0)
                    if wide:
                        b = peek(states, index * size + 1)
                    at = place(record, mode, a, b)
                    known = peek(at, 0) if at else 0
                    if known == 0:
                        missing(search, record, at, a, b)
                    elif known == FAILS and peek(peek(search, FAILED), k) < 0:
                        poke(peek(search, FAILED), k, index)
                if peek(search, MISSED) != missed:
                    return MISSING
            first = end
            poke(search, NEXT, first)
        return DONE

    @small
    def ends(search):
        """Collect states from NEXT on in which everybody has ended, as many as there is room."""
        states, last = peek(search, STATES), peek(search, LAST)
        mask, value = peek(search, END_MASK), peek(search, END_VALUE)
        index = peek(search, NEXT)
        found = 0
        while index < last and found < ENDED_ROOM:
            if peek(states, index * size) & mask == value and (
                not wide
                or peek(states, index * size + 1) & peek(search, END_MASK + 1)
                == peek(search, END_VALUE + 1)
            ):
                poke(peek(search, ENDED), found, index)
                found += 1
            index += 1
        poke(search, NEXT, index)
        return found

    @small
    def before(search):
        """Return the first state from NEXT on from which a step leads to TARGET, or -1."""
        ring, states = peek(search, RING), peek(search, STATES)
        for index in range(peek(search, NEXT), peek(search, LAST)):
            a, b = peek(states, index * size), types.int64(0)
            if wide:
                b = peek(states, index * size + 1)
            n = successors(search, index, ring, types.int64(0), a, b)
            for k in range(n):
                if peek(ring, k * size) == peek(search, TARGET) and (
                    not wide or peek(ring, k * size + 1) == peek(search, TARGET + 1)
                ):
                    return index
        return -1

    def explorer(task, search):
        """Do one of the tasks."""
        if task == EXPAND:
            return expand(search)
        if task == CHECK:
            return check(search)
        if task == FILL:
            return fill(search)
        if task == RECEIVE:
            return receive(search)
        if task == ENDS:
            return ends(search)
        return before(search)

    return explorer
