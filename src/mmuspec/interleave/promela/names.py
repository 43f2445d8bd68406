"""The names of things in Promela: each is an identifier, and means one thing only."""

import re

from mmuspec.interleave.words import HALF

KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """
    D_proctype active assert atomic bit bool break byte c_code c_decl c_expr c_state c_track chan
    d_step do else empty enabled eval false fi for full get_priority goto hidden if in init inline
    int len local ltl mtype nempty never nfull notrace np_ nr_pr od of pc_value pid printf printm
    priority proctype provided return run select set_priority short show skip timeout trace true
    typedef unless unsigned xr xs auto case char const continue default double enum extern float
    long register restrict signed sizeof static struct switch union void volatile while
    end judge ended stopped spare spare_high half
    """,
    )
)
"""Words of Promela and of the C that Spin makes of it, and names that the writer gives itself."""

SMALL = 10
"""Lesser numbers stand as they are; greater ones are named after their bits."""


class Names:
    """Identifiers given so far."""

    def __init__(self) -> None:
        self.given: dict[tuple[str, ...], str] = {}
        self.numbers: set[int] = set()

    def name(self, *parts: str) -> str:
        """Return the identifier of the thing that *parts* name, always the same one."""
        if parts not in self.given:
            name = re.sub(r"\W", "_", "_".join(parts), flags=re.ASCII)
            if not re.match(r"[A-Za-z]", name):
                name = "v" + name
            while self.is_taken(name):
                name += "_"
            self.given[parts] = name
        return self.given[parts]

    def is_taken(self, name: str) -> bool:
        """Tell whether *name* has another meaning already, or may have one in Spin's C code."""
        return (
            name in KEYWORDS
            or name in self.given.values()
            or re.fullmatch("x[0-9a-f]+|[A-Z_]{2,}", name) is not None
        )

    def number(self, value: int) -> str:
        """Return 32 bits as an ``int`` of Promela."""
        if value < SMALL:
            return str(value)
        self.numbers.add(value)
        return f"x{value:x}"

    def defined(self) -> list[str]:
        """Return the definitions of the numbers named so far (Promela has no hexadecimal ones)."""
        return [f"#define x{value:x} {signed(value)}" for value in sorted(self.numbers)]


def signed(value: int) -> str:
    """Return the ``int`` with the 32 bits of *value*."""
    if value <= HALF >> 1:
        return str(value)
    return f"(-{HALF - value} - 1)"
