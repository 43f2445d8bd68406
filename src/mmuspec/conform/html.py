"""The result of a comparison as one HTML file that needs nothing else.

Each scenario's timeline is gzipped JSON in base64, unpacked by the browser when it is chosen.
"""

import base64
import gzip
import json
import re
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from .findings import Result, ScenarioReport
from .report import Total, total_lines

TEMPLATE = Path(__file__).with_name("page.html")


def page(results: Sequence[Result], statement: Callable[[str], str]) -> str:
    """Return the page for *results*.

    :param statement: tells what a rule says, given its id
    """
    total = Total()
    for result in results:
        total.add(result)
    rules = {f.rule for r in _reports(results) for f in r.findings if f.rule}
    index = [_entry(report) for report in _reports(results)]
    problems = [each.message for each in results if not isinstance(each, ScenarioReport)]
    parts = {
        "@SUMMARY@": "".join(f"<p>{escape(line)}</p>" for line in total_lines(total)),
        "@PROBLEMS@": "".join(f"<p class=problem>{escape(line)}</p>" for line in problems),
        "@INDEX@": _script({"scenarios": index, "rules": {r: statement(r) for r in sorted(rules)}}),
        "@DATA@": "\n".join(map(_packed, _reports(results))),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    return re.sub("|".join(parts), lambda mark: parts[mark[0]], text)


def _reports(results: Sequence[Result]) -> list[ScenarioReport]:
    return [each for each in results if isinstance(each, ScenarioReport)]


def _entry(report: ScenarioReport) -> dict[str, Any]:
    """Return what the list of scenarios shows."""
    return {
        "name": report.name,
        "kernel": report.kernel,
        "epoch": report.epoch,
        "host_bits": report.host_bits,
        "operations": report.operations,
        "agree": report.agree,
        "note": report.not_modelled,
        "allowances": {a.name.lower(): n for a, n in report.allowances.items() if n},
    }


def _script(value: Any) -> str:
    """Return JSON that may stand inside a script element."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _packed(report: ScenarioReport) -> str:
    """Return the timeline as gzipped JSON in base64, the same bytes for the same timeline."""
    text = json.dumps(report.timeline, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(text, 9, mtime=0)).decode()
