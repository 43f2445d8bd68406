"""The kernel's functions for shared memory, and what each of them is on x86.

The facts are those of ``arch/x86/include/asm``: ``barrier.h`` (of all barriers only
``smp_mb()`` and ``mb()`` make the CPU wait for its own stores; ``smp_store_mb()`` is XCHG),
``cmpxchg.h`` and ``atomic.h`` (what changes a word and returns its value is locked, whatever
order its name asks for), ``bitops.h``, ``spinlock.h`` (dropping a lock is a store).
"""

import re

from mmuspec.interleave.readers import c_accesses as access
from mmuspec.interleave.readers import c_arithmetic, c_grace
from mmuspec.interleave.readers.c_asked import Function

LVALUE_LOADS = (
    *("READ_ONCE", "ACCESS_ONCE", "rcu_dereference", "rcu_dereference_raw", "lockless_dereference"),
    *("rcu_dereference_bh", "rcu_dereference_sched", "rcu_access_pointer"),
)
LVALUE_STORES = ("WRITE_ONCE", "rcu_assign_pointer", "RCU_INIT_POINTER")
BARRIERS = (
    *("smp_rmb", "smp_wmb", "barrier", "rmb", "wmb", "dma_rmb", "dma_wmb", "virt_rmb", "virt_wmb"),
    *("smp_mb__before_atomic", "smp_mb__after_atomic", "smp_mb__before_spinlock"),
    *("smp_mb__after_spinlock", "smp_mb__after_unlock_lock", "smp_mb__after_srcu_read_unlock"),
    *("smp_read_barrier_depends", "read_barrier_depends"),
    *("smp_mb__before_clear_bit", "smp_mb__after_clear_bit"),
    *("smp_mb__before_atomic_inc", "smp_mb__after_atomic_inc"),
    *("smp_mb__before_atomic_dec", "smp_mb__after_atomic_dec"),
    *("smp_acquire__after_ctrl_dep", "cpu_relax"),
)
"""What keeps the compiler from moving accesses, and is no instruction that orders stores."""

NOTHING = (
    *("preempt_disable", "preempt_enable", "local_irq_disable", "local_irq_enable"),
    *("local_irq_save", "local_irq_restore", "might_sleep", "rcu_read_lock_sched"),
    *("rcu_read_unlock_sched", "rcu_read_lock_bh", "rcu_read_unlock_bh"),
)
"""What no other CPU sees, and what no instruction of this one waits for."""

DOUBTS = ("BUG_ON", "WARN_ON", "WARN_ON_ONCE", "VM_BUG_ON", "MMU_WARN_ON")

ORDERED = re.compile(r"((?:try_)?cmpxchg(?:64)?|xchg|atomic_\w+?)_(?:relaxed|acquire|release)$")
"""A name with the order that it asks for; on x86 a locked instruction has them all."""

SPINLOCK = re.compile(
    r"(?:raw_)?(?:arch_)?(spin_(?:lock|unlock|trylock|is_locked|unlock_wait))"
    r"(?:_irqsave|_irqrestore|_irq|_bh)?$"
)

ATOMIC = re.compile(r"(?:arch_|raw_)?atomic(?:64|_long)?_")

Entry = tuple[Function, tuple[int, ...]]
"""A function, and with how many arguments it may be called."""


def table() -> dict[str, Entry]:
    """Return what the names stand for that have no variants."""
    found: dict[str, Entry] = {
        **{name: (access.load_place, (1, 2)) for name in LVALUE_LOADS},
        **{name: (access.store_place, (2,)) for name in LVALUE_STORES},
        **{name: (access.barrier, (0,)) for name in BARRIERS},
        **{name: (access.nothing, (0, 1)) for name in NOTHING},
        **{name: (access.fence, (0,)) for name in ("smp_mb", "mb", "virt_mb")},
        **{name: (access.exchange_place, (2,)) for name in ("smp_store_mb", "set_mb")},
        "smp_load_acquire": (access.load, (1,)),
        "smp_store_release": (access.store, (2,)),
        "atomic_read": (access.load, (1,)),
        "atomic_set": (access.store, (2,)),
        "xchg": (access.update("=", 0, 1), (2,)),
        "atomic_xchg": (access.update("=", 0, 1), (2,)),
        "xadd": (access.update("+", 0, 1), (2,)),
        "cmpxchg": (access.compare_exchange, (3,)),
        "cmpxchg64": (access.compare_exchange, (3,)),
        "atomic_cmpxchg": (access.compare_exchange, (3,)),
        "try_cmpxchg": (access.try_compare_exchange, (3,)),
        "try_cmpxchg64": (access.try_compare_exchange, (3,)),
        "atomic_try_cmpxchg": (access.try_compare_exchange, (3,)),
        "spin_lock": (access.lock, (1, 2)),
        "spin_unlock": (access.unlock, (1, 2)),
        "spin_trylock": (access.try_lock, (1,)),
        "spin_is_locked": (access.is_locked, (1,)),
        "spin_unlock_wait": (access.wait_unlocked, (1,)),
        "mutex_lock": (access.lock, (1,)),
        "mutex_unlock": (access.unlock_mutex, (1,)),
        "wait_until": (access.wait_until, (1,)),
        "give_up": (access.give_up, (0,)),
        "assert": (access.claim, (1, 2)),
        "likely": (access.value, (1,)),
        "unlikely": (access.value, (1,)),
        "BIT": (access.bit, (1,)),
    }
    found |= {name: (access.doubt, (1, 2)) for name in DOUBTS}
    return found


TABLE = {**table(), **c_arithmetic.TABLE, **c_grace.TABLE}


def function(name: str) -> Entry | None:
    """Return what the function *name* does, and with how many arguments it is called.

    :returns: ``None`` if nothing here stands for it
    """
    plain = ORDERED.sub(r"\1", ATOMIC.sub("atomic_", name))
    if found := SPINLOCK.match(plain):
        plain = found[1]
    return TABLE.get(plain) or c_arithmetic.atomic(plain)


def pointer_argument(name: str) -> int | None:
    """Return which argument of the function *name* points to a word, or names one."""
    entry = function(name)
    if entry is None or max(entry[1]) == 0 or entry[0] in VALUES:
        return None
    plain = ATOMIC.sub("atomic_", name)
    second = "_bit" in plain or (plain not in TABLE and 2 in entry[1])
    return int(second)


VALUES = (access.value, access.bit, access.claim, access.doubt, access.nothing, access.wait_until)
"""Functions of which no argument is a word's place."""
