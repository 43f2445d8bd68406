"""RCU and SRCU: what a grace period waits for.

A read-side critical section of RCU is no instruction that orders anything. What counts is
that ``synchronize_rcu()`` returns only when every section that had begun has ended, and
when the accesses of those sections can be seen by all (every CPU went through a quiescent
state, which orders fully). So a section that begins is noted in a ghost; its end is a store,
which waits behind the section's other stores; and a grace period waits until it sees the end
of every section that was noted when it began. SRCU is the same for each of its domains, but
its functions do have full barriers (``__srcu_read_lock``, ``__srcu_read_unlock``).
"""

import ast
import re
from collections.abc import Iterable, Mapping

from mmuspec.interleave.expressions import Expr, Op, Read, Reg
from mmuspec.interleave.notation.assemble import Label
from mmuspec.interleave.notation.declared import Shared
from mmuspec.interleave.operations import Assign, Fence, Note, Store, WaitUntil
from mmuspec.interleave.readers.c_asked import ONE, ZERO, Asked, Function, equal
from mmuspec.interleave.words import Place

RCU = "rcu"
"""The domain of ``rcu_read_lock()``; those of SRCU have the names of their words."""

Entry = tuple[Function, tuple[int, ...]]

READERS = {"rcu_read_lock": RCU, "srcu_read_lock": ""}
WRITERS = ("synchronize_rcu", "synchronize_rcu_expedited", "synchronize_srcu")


def began(domain: str, cpu: str) -> str:
    """Return the ghost that counts the sections that *cpu* began."""
    return f"{domain}.began.{cpu}"


def ended(domain: str, cpu: str) -> str:
    """Return the word that counts the sections of *cpu* whose end all can see."""
    return f"{domain}.ended.{cpu}"


def calls(code: Iterable[ast.stmt], names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the calls in *code* of functions with *names*: function, and domain."""
    found = []
    for part in (part for statement in code for part in ast.walk(statement)):
        match part:
            case ast.Call(func=ast.Name(id=name), args=args) if name in names:
                found.append((name, domain_of(name, args)))
    return found


def domain_of(name: str, args: list[ast.expr]) -> str:
    """Return the domain of a call."""
    match args:
        case [ast.Name(id=domain), *_] | [ast.Call(args=[ast.Name(id=domain)]), *_]:
            return domain if "srcu" in name else RCU
    return RCU


def grace_words(code: Mapping[str, list[ast.stmt]]) -> list[Shared]:
    """Return the words that count sections, for CPUs with *code*: none without grace periods."""
    waited = {domain for body in code.values() for _, domain in calls(body, WRITERS)}
    found = []
    for cpu, body in code.items():
        for domain in sorted({domain for _, domain in calls(body, READERS)} & waited):
            found.append(Shared(64, 0, ghost=True, name=began(domain, cpu)))
            found.append(Shared(64, 0, name=ended(domain, cpu)))
    return found


def counted(call: Asked, domain: str) -> bool:
    """Tell whether some grace period waits for this CPU's sections of *domain*."""
    return began(domain, call.body.cpu) in call.scope.names


def read_lock(call: Asked) -> None:
    """``rcu_read_lock()``, ``srcu_read_lock(s)``."""
    domain = domain_of(call.name, call.args)
    if counted(call, domain):
        begin(call, domain)
    if domain != RCU:
        call.emit(Fence())
        call.give(ZERO)


def begin(call: Asked, domain: str) -> None:
    """Note that a section begins, in a step of its own, unless it is within another."""
    depth, count = Reg(f"{domain}.depth"), Reg(f"{domain}.count")
    if domain != RCU and call.body.sections.get(domain):
        raise call.not_modelled("a section of SRCU within another of the same domain")
    call.body.sections[domain] = call.body.sections.get(domain, 0) + 1
    inner = Label()
    call.emit(WaitUntil(ONE))
    call.unless(equal(depth, ZERO), inner)
    call.emit(Assign(count.name, Op("+", (count, ONE))))
    call.emit(Note(began(domain, call.body.cpu), count))
    call.here(inner)
    call.emit(Assign(depth.name, Op("+", (depth, ONE))))


def read_unlock(call: Asked) -> None:
    """``rcu_read_unlock()``, ``srcu_read_unlock(s, index)``."""
    domain = domain_of(call.name, call.args)
    if domain != RCU:
        call.emit(Fence())
    if counted(call, domain):
        end(call, domain)


def end(call: Asked, domain: str) -> None:
    """Store that a section ended, unless it was within another."""
    depth, count = Reg(f"{domain}.depth"), Reg(f"{domain}.count")
    call.body.sections[domain] = call.body.sections.get(domain, 1) - 1
    inner = Label()
    call.emit(Assign(depth.name, Op("-", (depth, ONE))))
    call.unless(equal(depth, ZERO), inner)
    call.emit(Store(Place(ended(domain, call.body.cpu)), count))
    call.here(inner)


def synchronize(call: Asked) -> None:
    """``synchronize_rcu()``, ``synchronize_srcu(s)``."""
    domain = domain_of(call.name, call.args)
    call.emit(Fence())
    seen: Expr | None = None
    for cpu in others(call, domain):
        before = Reg(call.temporary())
        call.emit(Assign(before.name, Read(Place(began(domain, cpu)))))
        done = Op(">=", (Read(Place(ended(domain, cpu))), before))
        seen = done if seen is None else Op("and", (seen, done))
    if seen is not None:
        call.emit(WaitUntil(seen))


def others(call: Asked, domain: str) -> list[str]:
    """Return the other CPUs with sections of *domain*."""
    begins = re.compile(re.escape(began(domain, "")) + "(.*)")
    found = [begins.fullmatch(name) for name in call.scope.names]
    return [match[1] for match in found if match and match[1] != call.body.cpu]


TABLE: dict[str, Entry] = {
    "rcu_read_lock": (read_lock, (0,)),
    "rcu_read_unlock": (read_unlock, (0,)),
    "srcu_read_lock": (read_lock, (1,)),
    "srcu_read_unlock": (read_unlock, (2,)),
    "synchronize_rcu": (synchronize, (0,)),
    "synchronize_rcu_expedited": (synchronize, (0,)),
    "synchronize_srcu": (synchronize, (1,)),
}
