"""Protocols written as Python functions that are read, never run.

```python
from mmuspec.interleave.notation import at_end, cpu, protocol, smp_wmb, word32

@protocol
def message_passing():
    data, flag = word32(), word32()

    @cpu
    def writer():
        WRITE_ONCE(data, 1)
        smp_wmb()
        WRITE_ONCE(flag, 1)

    @cpu
    def reader():
        seen = READ_ONCE(flag)
        value = READ_ONCE(data)

    at_end(not reader.seen or reader.value, "who sees the flag sees the data")
```

Calling the protocol, ``message_passing()``, returns its `Program`. Its parameters, the names of
its module and whatever is computed from them are constants; a name that stands for a word is a
load where it is read; every other name that a CPU assigns is a register.
"""

from mmuspec.interleave.notation.protocol import Protocol, protocol
from mmuspec.interleave.notation.vocabulary import (
    READ_ONCE,
    WRITE_ONCE,
    always,
    at_end,
    barrier,
    cmpxchg,
    cpu,
    fetch_and,
    fetch_or,
    ghost,
    give_up,
    inline,
    lock,
    note,
    possible,
    record,
    retries,
    smp_mb,
    smp_rmb,
    smp_wmb,
    unlock,
    wait_until,
    word32,
    word64,
    xadd,
    xchg,
)

__all__ = [
    "READ_ONCE",
    "WRITE_ONCE",
    "Protocol",
    "always",
    "at_end",
    "barrier",
    "cmpxchg",
    "cpu",
    "fetch_and",
    "fetch_or",
    "ghost",
    "give_up",
    "inline",
    "lock",
    "note",
    "possible",
    "protocol",
    "record",
    "retries",
    "smp_mb",
    "smp_rmb",
    "smp_wmb",
    "unlock",
    "wait_until",
    "word32",
    "word64",
    "xadd",
    "xchg",
]
