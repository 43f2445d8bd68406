"""Monitors of what happens to shadow pages over time."""

from ..trace.numbers import Page, ZapAll
from .pages import LEAVING, LIVE, PINNED, UNSYNC
from .registry import IfFromStart, of_history
from .shadow_pages import GET, SYNC, ZAP
from .shadow_pages import UNSYNC as GOES_UNSYNC
from .task import Task

OLD_ZAP_ALL, ZAP_ALL = "kvm_mmu_invalidate_zap_all_pages", "kvm_mmu_zap_all_fast"


def _is_new(page: Page) -> bool:
    return page.created == "new"


def _is_existing(page: Page) -> bool:
    return page.created == "existing"


@of_history(
    "lookup-skips-obsolete", "ZAP-1", "a lookup never finds an obsolete page", GET,
    only_if=_is_existing,
)  # fmt: skip
def lookup_skips_obsolete(page: Page, task: Task) -> str | None:
    """What is found has the current generation."""
    current = task.machine.current
    if current is None or page.gen == current:
        return None
    if not task.machine.generation_counts(page):
        return None
    return f"a page of generation {page.gen} was found; the current one is {current}"


@of_history(
    "new-has-current", "ZAP-2", "a new page has the current generation", GET,
    only_if=_is_new,
)  # fmt: skip
def new_has_current(page: Page, task: Task) -> str | None:
    """The generation of a new page is that of the last toggle or increment."""
    current = task.machine.current
    if current is None or page.gen == current:
        return None
    if not task.machine.generation_counts(page):
        return None
    return f"a new page has generation {page.gen}; the current one is {current}"


@of_history(
    "zap-all-tells-current", "ZAP-2", "zapping all prints the generation that ends",
    ZAP_ALL, OLD_ZAP_ALL,
)  # fmt: skip
def zap_all_tells_current(event: ZapAll, task: Task) -> str | None:
    """The event comes before the toggle or increment."""
    current = task.machine.current
    if current is None or event.gen == current:
        return None
    return f"generation {event.gen} is said to end; the current one is {current}"


def _held(page: Page, task: Task, text: str) -> str | None:
    """Return *text* as a finding as certain as the counts of *page* are."""
    pages = task.machine.pages
    if task.recording.doubted:
        return None
    if pages.begun is not None and pages.begun == page.gen:
        return text
    # A page that was never seen rather shows that the recording begins later than the machine.
    counts = pages.of(page)
    if counts is None or not pages.complete:
        return None
    return text if task.recording.from_start else IfFromStart(text)


@of_history(
    "found-was-made", "SP-1", "a lookup finds only a page that was made and not zapped", GET,
    only_if=_is_existing,
)  # fmt: skip
def found_was_made(page: Page, task: Task) -> str | None:
    """There are as many valid pages as were made and not zapped."""
    pages = task.machine.pages
    if not pages.known(page):
        return None
    counts = pages.of(page)
    if counts is not None and counts[LIVE] > 0:
        return None
    return _held(page, task, f"a page of gfn {page.gfn:#x} was found after all such were zapped")


@of_history(
    "found-sync-state", "FLOOD-2", "a page is found as unsync as it was left", GET,
    only_if=_is_existing,
)  # fmt: skip
def found_sync_state(page: Page, task: Task) -> str | None:
    """What is printed agrees with the unsync and sync events before."""
    counts = task.machine.pages.of(page)
    if counts is None or not counts[LIVE]:
        return None
    if page.unsync and not counts[UNSYNC]:
        return _held(page, task, "the page is unsync; it was not marked so")
    if not page.unsync and counts[UNSYNC] >= counts[LIVE]:
        return _held(page, task, "the page is synchronized; it was marked unsync")
    return None


@of_history("unsync-alternates", "FLOOD-2", "a page goes unsync only if synchronized", GOES_UNSYNC)
def unsync_alternates(page: Page, task: Task) -> str | None:
    """Between two events of unsync, a page is synchronized."""
    counts = task.machine.pages.of(page)
    if counts is None or counts[UNSYNC] < counts[LIVE]:
        return None
    return _held(page, task, f"no synchronized page of gfn {page.gfn:#x} is left to go unsync")


@of_history("sync-alternates", "FLOOD-2", "a page is synchronized only if unsync", SYNC)
def sync_alternates(page: Page, task: Task) -> str | None:
    """A page goes unsync between two events of sync."""
    counts = task.machine.pages.of(page)
    if counts is None or counts[UNSYNC] + counts[LEAVING] > 0:
        return None
    return _held(page, task, f"no page of gfn {page.gfn:#x} is unsync")


@of_history("zapped-was-made", "ZAP-6", "a valid page is zapped once", ZAP)
def zapped_was_made(page: Page, task: Task) -> str | None:
    """Only an invalid root is zapped again."""
    counts = task.machine.pages.of(page)
    if page.invalid or counts is None or counts[LIVE]:
        return None
    if page.direct and not task.machine.generation_counts(page):
        return None
    return _held(page, task, f"no valid page of gfn {page.gfn:#x} is left to zap")


@of_history(
    "pinned-was-zapped", "ZAP-6", "an invalid page is a root that was zapped in use", ZAP,
    only_if=lambda page: page.invalid,
)  # fmt: skip
def pinned_was_zapped(page: Page, task: Task) -> str | None:
    """A page is invalid because an earlier zap found it in use."""
    pages = task.machine.pages
    counts = pages.of(page)
    if counts is None or counts[PINNED] or not pages.complete:
        return None
    if task.recording.doubted:
        return None
    text = f"an invalid page of gfn {page.gfn:#x} is zapped; none was zapped while in use"
    return text if task.recording.from_start else IfFromStart(text)


@of_history(
    "used-pages", "SP-4", "used pages are those made, less those zapped and not in use",
    ZAP_ALL, OLD_ZAP_ALL,
)  # fmt: skip
def used_pages(event: ZapAll, task: Task) -> str | None:
    """A zapped root counts as used until the last vCPU lets go of it."""
    machine = task.machine
    pages = machine.pages
    if not pages.complete or machine.direct_root or task.recording.doubted:
        return None
    if event.used_pages == pages.used:
        return None
    text = f"{event.used_pages} pages are said to be used; the events leave {pages.used}"
    return text if task.recording.from_start else IfFromStart(text)
