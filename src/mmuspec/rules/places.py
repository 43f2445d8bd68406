"""Where the chapters and tables are: in a checkout, or inside the installed package."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def _place(installed: str, checkout: str) -> Path:
    """Return the folder shipped in the wheel or, where there is none, the checkout's."""
    inside = PACKAGE / installed
    return inside if inside.is_dir() else PACKAGE.parents[1] / checkout


SPEC = _place("_spec", "spec")
"""The folder of chapters."""

DATA = _place("_data", "data")
"""The folder of tables: kernel symbols, the claims of the 2013 series."""


def checkout() -> Path | None:
    """Return the root of the checkout that the package runs from, or None."""
    root = PACKAGE.parents[1]
    return root if (root / "pyproject.toml").is_file() else None
