"""Every interleaving, breadth first: the specification of the fast explorer.

Breadth first, so that the first way to a state is a shortest one. What is found is
reported after the whole level (all states at that distance) has been looked at, so that
the count of states depends on the protocol alone.
"""

from mmuspec.interleave.answer import DEADLOCK, Answer, claims, judge, stuck
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.state import State, Step

Arrival = tuple[State | None, Step]
"""A step, and the state that it was taken from."""


def explore(program: Program, memory: Memory = Memory.TSO, *, all_states: bool = False) -> Answer:
    """Look at every state that *program* can reach.

    :param all_states: go on after something was found
    """
    search = Search(Semantics(program, memory))
    while search.level and (all_states or not search.found):
        found = search.next_level()
        search.found = search.found or found
    return search.answer()


class Search:
    """A search under way: the states seen, the newest level of them, and what was found."""

    def __init__(self, semantics: Semantics) -> None:
        self.semantics = semantics
        first = semantics.initial()
        self.arrivals: dict[State, Arrival] = {first.state: (None, first)}
        self.level = [first.state]
        self.depth = 0
        self.found = dict.fromkeys(judge(semantics, first), self.arrivals[first.state])

    def next_level(self) -> dict[str, Arrival]:
        """Take every step from the newest level; return the claims that fell, and where."""
        found: dict[str, Arrival] = {}
        before, self.level = self.level, []
        for state in before:
            steps = list(self.semantics.steps(state))
            if not steps and stuck(self.semantics, state):
                found.setdefault(DEADLOCK, self.arrivals[state])
            for step in steps:
                self.arrive(state, step, found)
        self.depth += bool(self.level)
        return found

    def arrive(self, state: State, step: Step, found: dict[str, Arrival]) -> None:
        """Note one step, and its state if it is new."""
        new = step.state not in self.arrivals
        if new:
            self.arrivals[step.state] = (state, step)
            self.level.append(step.state)
        for text in judge(self.semantics, step) if new else step.broken:
            found.setdefault(text, (state, step))

    def schedule(self, arrival: Arrival) -> tuple[Step, ...]:
        """Return the steps that led to *arrival*, and it, without the beginning."""
        state, step = arrival
        steps = []
        while state is not None:
            steps.append(step)
            state, step = self.arrivals[state]
        return tuple(reversed(steps))

    def answer(self) -> Answer:
        """Return what is known now."""
        semantics = self.semantics
        found = next((text for text in claims(semantics.program) if text in self.found), None)
        return Answer(
            program=semantics.program,
            memory=semantics.memory,
            states=len(self.arrivals),
            depth=self.depth,
            found=found,
            schedule=self.schedule(self.found[found]) if found is not None else (),
            finals=frozenset(filter(semantics.ended, self.arrivals)),
            gave_up=any(map(semantics.gave_up, self.arrivals)),
        )
