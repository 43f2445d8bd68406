"""What a litmus file asks about the final states: ``exists (0:EAX=0 /\\ x=1)``.

`questions` reads everything after the code: ``locations [...]``, ``filter``, the quantifier
and its claim. It serves assembly and C alike.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mmuspec.interleave.litmus.claims import TRUE, Claim, Equals, Every, Implies, Not, Same, Some
from mmuspec.interleave.litmus.locations import Location, Shared, location, starts_location
from mmuspec.interleave.litmus.text import Text, Tokens
from mmuspec.interleave.program import Quantifier

Known = Callable[[Location], Location | None]
"""Returns a location by the name that is to be shown; ``None`` if there is none."""


DEEPEST = 100
"""How deep claims may stand within each other: nobody writes more, and Python can follow it."""


@dataclass(frozen=True)
class Questions:
    """All that stands after the code.

    :param locations: what is to be shown besides what the claim speaks of
    :param condition: final states without it do not count (``filter``)
    :param kinds: ``with tso: ~exists``: what is known, by the name of a model
    """

    quantifier: Quantifier
    claim: Claim
    locations: tuple[Location, ...] = ()
    condition: Claim = TRUE
    kinds: tuple[tuple[str, Quantifier], ...] = ()


def questions(text: Text, start: int, end: int, known: Known = lambda place: place) -> Questions:
    """Read what stands between the indices *start* and *end* of a file, after its code.

    :param known: tells which locations there are
    :raises ProgramError: where it is wrong, and what was expected
    """
    return Reader(text, start, end, known).questions()


class Reader:
    """A reading of the questions."""

    def __init__(self, text: Text, start: int, end: int, known: Known) -> None:
        self.tokens = Tokens(text, start, end)
        self.known = known
        self.depth = 0

    def questions(self) -> Questions:
        """Read everything."""
        tokens = self.tokens
        locations = self.locations()
        condition = self.either() if tokens.takes("filter") else TRUE
        quantifier, claim = self.constraint()
        tokens.takes(";")
        kinds = self.kinds() if tokens.takes("with") else ()
        if not tokens.ended():
            raise tokens.wrong("/\\, \\/ or the end of the file")
        return Questions(quantifier, claim, locations, condition, kinds)

    def locations(self) -> tuple[Location, ...]:
        """Read ``locations [x; 0:EAX;]``, if it is there."""
        found: list[Location] = []
        if self.tokens.takes("locations"):
            self.tokens.expect("[")
            while not self.tokens.takes("]"):
                found.append(self.location())
                while self.tokens.peek().kind == "name" or self.tokens.sees("*"):
                    self.tokens.take()  # a type, which herd takes here too
                if not self.tokens.sees("]"):
                    self.tokens.expect(";")
        return tuple(found)

    def constraint(self) -> tuple[Quantifier, Claim]:
        """Read the quantifier and the claim; without one, all final states will do."""
        if self.tokens.ended() or self.tokens.sees("with"):
            return Quantifier.FORALL, TRUE
        if self.tokens.sees("("):
            return Quantifier.EXISTS, self.either()
        return self.quantifier(), self.either()

    def quantifier(self) -> Quantifier:
        """Read ``exists``, ``final`` (which means the same), ``~exists`` or ``forall``."""
        tokens = self.tokens
        if tokens.takes("exists") or tokens.takes("final"):
            return Quantifier.EXISTS
        if tokens.takes("forall"):
            return Quantifier.FORALL
        if tokens.takes("~", "exists") or tokens.takes("not", "exists"):
            return Quantifier.NOT_EXISTS
        if tokens.peek().text in ("observed", "Observed"):
            raise tokens.text.not_modelled(tokens.peek().at, "a list of observed states")
        raise tokens.wrong("exists, ~exists or forall")

    def kinds(self) -> tuple[tuple[str, Quantifier], ...]:
        """Read ``tso: ~exists; sc: exists;``."""
        found = []
        while not self.tokens.ended():
            name = self.tokens.kind("name", "the name of a model").text
            self.tokens.expect(":")
            found.append((name, self.quantifier()))
            if not self.tokens.ended():
                self.tokens.expect(";")
        return tuple(found)

    def either(self) -> Claim:
        """Read a claim: ``\\/`` binds least, then ``/\\``, then ``=>``, then ``~``."""
        claims = [self.both()]
        while self.tokens.takes("\\/"):
            claims.append(self.both())
        return claims[0] if len(claims) == 1 else Some(tuple(claims))

    def both(self) -> Claim:
        """Read claims with ``/\\`` between them."""
        claims = [self.implication()]
        while self.tokens.takes("/\\"):
            claims.append(self.implication())
        return claims[0] if len(claims) == 1 else Every(tuple(claims))

    def implication(self) -> Claim:
        """Read claims with ``=>`` between them; the last two belong together."""
        claim = self.plain()
        if self.tokens.takes("=>"):
            return Implies(claim, self.nested(self.implication))
        return claim

    def plain(self) -> Claim:
        """Read a claim that no operator tears apart."""
        tokens = self.tokens
        if tokens.takes("~") or tokens.takes("not"):
            return Not(self.nested(self.plain))
        if tokens.takes("("):
            claim = self.nested(self.either)
            tokens.expect(")")
            return claim
        if tokens.takes("true"):
            return TRUE
        if tokens.takes("false"):
            return Some(())
        return self.comparison()

    def nested(self, inner: Callable[[], Claim]) -> Claim:
        """Read what *inner* reads, one level deeper."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.tokens.wrong(f"at most {DEEPEST} claims within each other")
        claim = inner()
        self.depth -= 1
        return claim

    def comparison(self) -> Claim:
        """Read ``x=1``, ``[x]==y`` or ``0:r1!=1:r2``."""
        tokens = self.tokens
        if tokens.peek().text in ("fault", "Fault"):
            raise tokens.text.not_modelled(tokens.peek().at, "a fault")
        left = self.location()
        for sign in ("=", "==", "!=", "<>"):
            if tokens.takes(sign):
                claim = self.equality(left)
                return claim if sign in ("=", "==") else Not(claim)
        raise tokens.wrong("=")

    def equality(self, left: Location) -> Claim:
        """Read what *left* is compared with: a number, an address, or another location."""
        tokens = self.tokens
        if tokens.peek().kind == "number" and tokens.peek(1).text != ":":
            return Equals(left, tokens.number())
        if tokens.takes("*") or tokens.sees("["):
            return Same(left, self.location())
        tokens.takes("&")
        right = self.location()
        return Equals(left, right) if isinstance(right, Shared) else Same(left, right)

    def location(self) -> Location:
        """Read a location that there is."""
        first = self.tokens.peek()
        if not starts_location(self.tokens):
            raise self.tokens.wrong("a register such as 0:EAX, or the name of a word")
        place = location(self.tokens)
        known = self.known(place)
        if known is None:
            raise self.tokens.text.error(first.at, f"the test has no {place}")
        return known
