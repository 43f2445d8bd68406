"""API pages: one for each package, with constants as they are written.

The stock renderer makes a page of every module, which is slow to build and tiresome to read,
prints ``None`` for a value that is not a literal (``1 << 63``), and prints masks in decimal; in a
specification of bits the last two mislead.
"""

import ast
import functools
import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from astroid.builder import AstroidBuilder
from astroid.manager import AstroidManager
from autodoc2 import analysis
from autodoc2.render.myst_ import MystRenderer
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import ObjectEntry
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

from mmuspec.rules.places import PACKAGE

_PACKAGES = [path.parent.relative_to(PACKAGE).parts for path in PACKAGE.rglob("__init__.py")]

NO_PAGE = rf"(?!({'|'.join('.'.join(('mmuspec', *parts)) for parts in _PACKAGES)})$).*\..*\..*"
"""The names of modules that have no page of their own: those inside a room."""

_LONGEST = 100
_DOCSTRING = "```{autodoc2-docstring} "
_ROLE = re.compile(r":(mod|class|func|meth|attr|data|exc|obj):`([^`]+)`")


class _Builder(AstroidBuilder):
    """Builds the tree of a module's source and stops there.

    The pages show what is written; inferring what an attribute might be doubles the time.
    """

    def __init__(self) -> None:
        super().__init__(apply_transforms=False)

    def delayed_assattr(self, node: Any) -> None:
        """Infer nothing."""


vars(analysis)["AstroidBuilder"] = _Builder
# Nor is anything on these pages told by the sources of the standard library.
AstroidManager().module_denylist |= sys.stdlib_module_names - {"builtins"}


class PackageRenderer(MystRenderer):
    """Renders a package with its modules, and a value as its source expression."""

    def render_package(self, item: Any) -> Iterable[str]:
        """Yield the page of a package, or of a module that stands in none."""
        inside = sorted(
            self.get_children(item, {"package", "module"}, omit_hidden=False),
            key=lambda child: str(child["full_name"]),
        )
        yield from self._module(item, "#")
        for module in inside:
            if self.is_hidden(module):
                yield from self._module(module, "##")
        pages = [child["full_name"] for child in inside if not self.is_hidden(child)]
        if pages:
            yield from ["```{toctree}", ":titlesonly:", "", *pages, "```"]

    def _module(self, item: Any, heading: str) -> Iterable[str]:
        """Yield one module: its docstring, then what it holds."""
        name = item["full_name"]
        yield from [f"{heading} {{py:mod}}`{name}`", "", f"```{{py:module}} {name}", "```", ""]
        yield from self._docstring(item)
        for child in self.get_children(item):
            if child["type"] not in ("package", "module"):
                yield from self.render_item(child["full_name"])

    def render_item(self, full_name: str) -> Iterable[str]:
        """Yield one object, its docstring in place of the directive that would parse it apart."""
        lines = iter(super().render_item(full_name))
        for line in lines:
            if not line.startswith(_DOCSTRING):
                yield line
                continue
            while next(lines) != "```":
                pass
            yield from self._docstring(self.get_item(line.removeprefix(_DOCSTRING)))

    def _docstring(self, item: Any) -> Iterable[str]:
        """Yield a docstring as MyST; roles may be written as Python programmers know them."""
        yield from _ROLE.sub(r"{py:\1}`\2`", item["doc"]).strip().splitlines()
        yield ""

    def render_data(self, item: Any) -> Iterable[str]:
        """Yield the lines of a module's or class's datum."""
        source = self._source(item)
        lines = iter(super().render_data(item))
        for line in lines:
            if not line.startswith(":value:"):
                yield line
                continue
            if line.endswith(">"):
                next(lines)
            if source and len(source) <= _LONGEST:
                quoted = source.replace("'", "''")
                yield f":value: '{quoted}'"

    def _source(self, item: Any) -> str | None:
        name = item["full_name"]
        while name := name.rpartition(".")[0]:
            parent = self.get_item(name)
            if parent and parent.get("file_path") and item.get("range"):
                return _assignments(str(parent["file_path"])).get(item["range"][0])
        return None


@functools.cache
def _assignments(path: str) -> dict[int, str]:
    """Return the source text of each value that is assigned in one line of a file, by line."""
    source = Path(path).read_bytes()
    lines = source.splitlines()
    return {
        node.lineno: lines[node.lineno - 1][value.col_offset : value.end_col_offset].decode()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and (value := node.value) is not None
        and node.lineno == value.end_lineno
    }


def resolve_exported(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Return a link for a Python name that a package exports from one of its modules.

    ``mmuspec.rules.read`` stands on the API page as ``mmuspec.rules.parse.read``; and a docstring
    names things of its neighbours without saying where they are.  A name that could mean two
    things is not resolved.
    """
    if node.get("refdomain") != "py":
        return None
    package, _, name = node["reftarget"].rpartition(".")
    python = env.domains.python_domain
    types = python.objtypes_for_role(node["reftype"]) or []
    known = _by_last_name(len(python.objects), env).get(name, [])
    found = [entry for full_name, entry in known if full_name.startswith(package)]
    found = [entry for entry in found if entry.objtype in types] or found
    places = {(entry.docname, entry.node_id) for entry in found}
    if len(places) != 1:
        return None
    page, anchor = places.pop()
    return make_refnode(app.builder, node["refdoc"], page, anchor, content)


@functools.lru_cache(maxsize=1)
def _by_last_name(_objects: int, env: BuildEnvironment) -> dict[str, list[tuple[str, ObjectEntry]]]:
    """Return the Python objects by the last part of their names, once all are known."""
    index: dict[str, list[tuple[str, ObjectEntry]]] = defaultdict(list)
    for full_name, entry in env.domains.python_domain.objects.items():
        index[full_name.rpartition(".")[2]].append((full_name, entry))
    return index
