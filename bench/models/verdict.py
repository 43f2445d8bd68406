"""Answer one question from a fresh process: ``verdict.py PROTOCOL sc|tso NUMBER...``."""

import sys

import protocols

from mmuspec.interleave.program import Memory
from mmuspec.interleave.quick.explore import explore_fast


def main() -> None:
    """Print how many states there are, and what was found."""
    name, memory, *numbers = sys.argv[1:]
    program = getattr(protocols, name)(*map(int, numbers))
    answer = explore_fast(program, Memory(memory))
    print(answer.states, answer.found or "nothing found")


if __name__ == "__main__":
    main()
