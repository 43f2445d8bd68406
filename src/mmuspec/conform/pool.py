"""Comparing many recordings at once, the results in the order of the files."""

import os
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

from ..scenario.error import ScenarioError
from .examine import examine
from .findings import Broken, Result, Unreadable

WORTH_IT = 4
"""Fewer recordings than this are compared in this process."""


def compare_all(
    tasks: Sequence[Path | Unreadable], *, timelines: bool = False, processes: int | None = None
) -> Iterator[Result]:
    """Yield what comes of each of *tasks*, in order.

    :param timelines: also keep what the report in HTML shows
    :param processes: how many to use; by default as many as there are processors
    """
    jobs = [(task, timelines) for task in tasks]
    count = min(processes or os.cpu_count() or 1, len(jobs))
    if count < 2 or len(jobs) < WORTH_IT:
        yield from map(_result, jobs)
        return
    with get_context("spawn").Pool(count) as pool:
        yield from pool.imap(_result, jobs)


def _result(job: tuple[Path | Unreadable, bool]) -> Result:
    """Compare one recording; whatever goes wrong becomes one line."""
    task, timelines = job
    if isinstance(task, Unreadable):
        return task
    try:
        return examine(task, timeline=timelines)
    except ScenarioError as error:
        return Unreadable(str(task), str(error))
    except Exception as error:  # one file must not hide the others
        at = error.__traceback__
        while at and at.tb_next:
            at = at.tb_next
        where = f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at else "nowhere"
        return Broken(str(task), f"{task}: internal error at {where}: {error!r}")
