"""A small chapter about the toy, and folders of such chapters."""

from pathlib import Path

GOOD = """\
# Limits

```{rule} LIM-1 A number is below the limit only if it is less
:reads: LIMIT
:requires: nothing
:effect: tells: below, or not # no comment
   in one word
:without: C1 would not hold
:since: v3.10
:symbols: kvm_mmu_get_page, FNAME(fetch)
:claims: CLAIM-42
Prose about {rule}`LIM-1`.

A second paragraph.
```

```python
from tests.rules.toy import below_limit
```

```{doctest} LIM-1
>>> below_limit(2)
True
>>> below_limit(3)
False
```

```{mutant} LIM-1/too-far tests.rules.toy:below_limit
-    if number < LIMIT + slack:
+    if number <= LIMIT + slack:
```
"""


def folder(path: Path, **pages: str) -> Path:
    """Write *pages* as chapters into a folder below *path* and return it."""
    spec = path / "spec"
    spec.mkdir()
    for name, text in pages.items():
        (spec / f"{name}.md").write_text(text, encoding="utf-8")
    return spec
