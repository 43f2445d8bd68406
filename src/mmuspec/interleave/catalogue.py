"""The protocols of the book, by name, and their parameters."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmuspec.interleave import protocols as book
from mmuspec.interleave.guards import guard, without
from mmuspec.interleave.notation import Protocol
from mmuspec.interleave.program import Program

WORDS = {"true": True, "false": False, "1": True, "0": False, "none": None}
"""What stands for a value that is neither a number nor a name."""


class UnknownProtocolError(Exception):
    """A name that no protocol has."""


class ParameterError(Exception):
    """A parameter that a protocol does not have, or a value that it does not take."""


def protocols() -> dict[str, Protocol]:
    """Return the protocols of the book, in alphabetical order."""
    names = (module.name for module in pkgutil.iter_modules(book.__path__))
    found = {name_of(each): each for name in names for each in protocols_of(name)}
    return dict(sorted(found.items()))


def protocols_of(module: str) -> list[Protocol]:
    """Return the protocols that a module of the book writes down."""
    name = f"{book.__name__}.{module}"
    values = vars(importlib.import_module(name)).values()
    return [each for each in values if isinstance(each, Protocol) and each.__module__ == name]


def of_the_book(name: str) -> Protocol | None:
    """Return the protocol of the book with that name, without importing all of them."""
    function = f"def {name.replace('-', '_')}("
    for folder in book.__path__:
        for file in sorted(Path(folder).glob("*.py")):
            if function in file.read_text(encoding="utf-8"):
                for each in protocols_of(file.stem):
                    if name_of(each) == name:
                        return each
    return None


def name_of(protocol: Protocol) -> str:
    """Return the name by which *protocol* is asked for, such as ``split-spte``."""
    return str(protocol.__wrapped__.__name__).replace("_", "-")


def find(name: str) -> Protocol:
    """Return the protocol of the book with that name, or the one that ``module:function`` is.

    :raises UnknownProtocolError: if there is none; it lists those of the book
    """
    module, colon, function = name.partition(":")
    if not colon:
        known = of_the_book(name)
        if known is None:
            text = f"no protocol is named {name!r}; there are {', '.join(protocols())}"
            raise UnknownProtocolError(text)
        return known
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise UnknownProtocolError(f"{name}: {error}") from None
    if not isinstance(found, Protocol):
        raise UnknownProtocolError(f"{name} is no protocol: it lacks the decorator @protocol")
    return found


def summary(protocol: Protocol) -> str:
    """Return what *protocol* is about: the first line of its docstring."""
    return (inspect.getdoc(protocol.__wrapped__) or "").partition("\n")[0]


def parameters(protocol: Protocol) -> dict[str, Any]:
    """Return the parameters of *protocol* and what they are if nothing is said, or ``None``."""
    given = inspect.signature(protocol.__wrapped__).parameters
    return {n: None if each.default is each.empty else each.default for n, each in given.items()}


def built(protocol: Protocol, given: Mapping[str, str]) -> Program:
    """Return the program of *protocol*.

    :param given: values of parameters, as they are typed
    :raises ParameterError: for a parameter or a value that there is not
    :raises ProgramError: if the protocol is none
    """
    known = parameters(protocol)
    for name in given:
        if name not in known:
            listed = ", ".join(f"{key}={shown(value)}" for key, value in known.items()) or "none"
            text = f"{name_of(protocol)} has no parameter {name!r}; it has {listed}"
            raise ParameterError(text)
    values = {name: value_of(name, text, known[name]) for name, text in given.items()}
    try:
        return protocol(**values)
    except (TypeError, ValueError, KeyError) as error:
        listed = ", ".join(f"{name}={text}" for name, text in given.items())
        raise ParameterError(f"{name_of(protocol)} with {listed or 'nothing'}: {error}") from error


def shown(value: object) -> str:
    """Return a value as it is typed."""
    return str(value).lower() if isinstance(value, bool | None) else str(value)


def value_of(name: str, text: str, default: object) -> Any:
    """Return the value that *text* stands for, for a parameter with that default.

    :raises ParameterError: if it is of another kind
    """
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        if not isinstance(WORDS.get(text.lower()), bool):
            raise ParameterError(f"{name}={text}: expected true or false")
        return WORDS[text.lower()]
    try:
        return int(text, 0)
    except ValueError:
        if isinstance(default, int):
            raise ParameterError(f"{name}={text}: expected a number") from None
        return WORDS.get(text.lower(), text)


def weakened(program: Program, names: Sequence[str]) -> Program:
    """Return *program* without the guards of those names.

    :raises UnknownGuardError: for a name that no guard has; it lists them
    :raises ParameterError: if nothing is left that is a protocol
    """
    for found in [guard(program, name) for name in names]:
        less = without(program, found.source, found.text)
        if less is None:
            raise ParameterError(f"without {', '.join(names)} a CPU would loop without any access")
        program = less
    return program
