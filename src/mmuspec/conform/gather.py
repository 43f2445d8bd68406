"""From the paths on a command line to the recordings in them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from .findings import Unreadable

SUFFIXES = (".json", ".json.gz")
INDEX = "index.json"
"""The list of recordings that a folder has beside them; no recording itself."""


def gather(paths: Iterable[str | Path]) -> Iterator[Path | Unreadable]:
    """Yield every recording that *paths* name, folders with all that is in them, in order.

    A path that is missing, or a folder without a recording, comes as
    {py:class}`Unreadable`, in its place.
    """
    for path in map(Path, paths):
        if not path.is_dir():
            missing = f"{path}: expected a recording or a folder of recordings; there is nothing"
            yield path if path.exists() else Unreadable(str(path), missing)
            continue
        found = sorted(each for each in path.rglob("*") if _is_recording(each))
        if not found:
            wanted = " or ".join(f"NAME{suffix}" for suffix in SUFFIXES)
            empty = f"{path}: expected recordings ({wanted}) in this folder; there is none"
            yield Unreadable(str(path), empty)
        yield from found


def _is_recording(path: Path) -> bool:
    return path.name.endswith(SUFFIXES) and path.name != INDEX and path.is_file()
