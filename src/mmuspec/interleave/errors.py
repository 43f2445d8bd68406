"""What is said of a text that is no protocol."""

from mmuspec.interleave.program import Source


class ProgramError(Exception):
    """A text that is no protocol: where it is wrong, and what was expected."""

    def __init__(self, source: Source, text: str) -> None:
        super().__init__(f"{source}: {text}" if source.file else text)
        self.source, self.text = source, text


class NotModelledError(ProgramError):
    """A construct that means something, but that no micro-operation stands for."""

    def __init__(self, source: Source, construct: str) -> None:
        super().__init__(source, f"not modelled: {construct}")
        self.construct = construct
