"""What the axioms of x86-TSO and of SC allow: a second meaning of protocols.

The explorer runs a machine: CPUs, store buffers, memory, step by step. This room never
runs anything. It writes down every way in which loads could have read from stores (rf)
and in which the stores to each location could be ordered (co), and keeps those that the
axioms of the memory model allow. Both must come to the same final states.

`executions` yields what is allowed, `final_states` collects how it ends, and `count`
gives the two numbers of herd's line ``Witnesses``.
"""

from mmuspec.interleave.axiomatic.execution import (
    Execution,
    Outcome,
    count,
    executions,
    final_states,
)

__all__ = ["Execution", "Outcome", "count", "executions", "final_states"]
