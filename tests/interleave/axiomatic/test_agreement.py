"""The explorer, which runs a machine, and the axioms come to the same final states."""

import pytest
from hypothesis import HealthCheck, given, settings

from mmuspec.interleave.axiomatic import Outcome, final_states
from mmuspec.interleave.axiomatic.execution import asked_registers
from mmuspec.interleave.explore import explore
from mmuspec.interleave.program import Memory, Program
from tests.interleave.shapes import CLASSICAL
from tests.interleave.straight import mixed, straight

FEW = settings(max_examples=70, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MANY = settings(FEW, max_examples=1000)


def outcomes(program: Program, memory: Memory) -> frozenset[Outcome]:
    """Return how *program* can end, according to the explorer."""
    found = set()
    for state in explore(program, memory, all_states=True).finals:
        registers = {
            (thread.name, name): value
            for thread, cpu in zip(program.threads, state.cpus, strict=True)
            for name, value in cpu.registers
        }
        asked = ((reg, registers[reg.thread, reg.name]) for reg in asked_registers(program))
        found.add(Outcome(state.memory, tuple(asked)))
    return frozenset(found)


def agree(program: Program) -> None:
    for memory in Memory:
        assert outcomes(program, memory) == final_states(program, memory)


@pytest.mark.parametrize("name", CLASSICAL)
def test_classical(name: str) -> None:
    agree(CLASSICAL[name][0])


@FEW
@given(straight(max_accesses=7))
def test_dense(program: Program) -> None:
    agree(program)


@FEW
@given(mixed(5))
def test_every_operation(program: Program) -> None:
    agree(program)


@pytest.mark.nightly
@MANY
@given(straight(max_accesses=10))
def test_many_dense(program: Program) -> None:
    agree(program)


@pytest.mark.nightly
@MANY
@given(mixed(7))
def test_many_with_every_operation(program: Program) -> None:
    agree(program)
