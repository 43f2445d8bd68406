"""Monitors of what one line says about a shadow page."""

from ..trace.numbers import Page
from .kernel import Kernel
from .registry import of_line

GET, ZAP = "kvm_mmu_get_page", "kvm_mmu_prepare_zap_page"
UNSYNC, SYNC = "kvm_mmu_unsync_page", "kvm_mmu_sync_page"
EVERY = (GET, ZAP, UNSYNC, SYNC)

_GFN_BITS = 40
_QUADRANTS = {1: 2, 2: 4}


@of_line("page-level", "SP-1", "a shadow page is at level 1 to 5; up to v4.10, to 4", *EVERY)
def page_level(page: Page, _: Kernel) -> str | None:
    """There are so many levels of tables."""
    most = 4 if page.form in ("v3.10", "v3.11") else 5
    return None if 1 <= page.level <= most else f"level {page.level}"


@of_line("page-gfn", "SP-1", "a shadow page's gfn fits in 40 bits", *EVERY)
def page_gfn(page: Page, _: Kernel) -> str | None:
    """Physical addresses have at most 52 bits."""
    return f"gfn {page.gfn:#x} is wider than {_GFN_BITS} bits" if page.gfn >> _GFN_BITS else None


@of_line("quadrant-range", "ROLE-2", "a quadrant is one of 2 at level 1, of 4 at level 2", *EVERY)
def quadrant_range(page: Page, _: Kernel) -> str | None:
    """A table of 1024 entries has two shadow pages, one of 4 MiB entries four."""
    if page.quadrant < _QUADRANTS.get(page.level, 1):
        return None
    return f"quadrant {page.quadrant} at level {page.level}"


@of_line("quadrant-size", "ROLE-2", "only 4-byte entries, or none, make a quadrant", *EVERY)
def quadrant_size(page: Page, _: Kernel) -> str | None:
    """Tables of 8-byte entries have as many entries as a shadow page."""
    if page.quadrant and page.size == 8 and not page.direct:
        return f"quadrant {page.quadrant} of a table with 8-byte entries"
    return None


@of_line("small-entries-level", "ROLE-2", "tables of 4-byte entries are at level 1 or 2", *EVERY)
def small_entries_level(page: Page, _: Kernel) -> str | None:
    """Legacy 32-bit paging has two levels."""
    if page.size == 4 and not page.direct and page.level > 2:
        return f"4-byte entries at level {page.level}"
    return None


@of_line("direct-without-pae", "ROLE-1", "up to v4.19, a direct page is never 'pae'", *EVERY)
def direct_without_pae(page: Page, kernel: Kernel) -> str | None:
    """The size of guest entries is taken out of the role of a page that shadows none."""
    if page.direct and page.size == 8 and kernel.before_5 and page.form != "v5.10":
        return "a direct page prints 'pae'"
    return None


@of_line("new-is-fresh", "SP-1", "a new page is valid, synchronized and no root yet", GET)
def new_is_fresh(page: Page, _: Kernel) -> str | None:
    """Nothing can have happened to it."""
    if page.created != "new" or not (page.root_count or page.unsync or page.invalid):
        return None
    return f"a new page has root {page.root_count}" + ", unsync" * page.unsync


@of_line("lookup-skips-invalid", "ZAP-6", "a lookup does not find a page that was zapped", GET)
def lookup_skips_invalid(page: Page, _: Kernel) -> str | None:
    """An invalid page waits only for the last vCPU that uses it."""
    return "a lookup returned an invalid page" if page.invalid else None


@of_line("unsync-is-leaf", "FLOOD-2", "only a page of level 1 is unsync", *EVERY)
def unsync_is_leaf(page: Page, _: Kernel) -> str | None:
    """Upper tables stay write-protected."""
    return f"unsync at level {page.level}" if page.unsync and page.level != 1 else None


@of_line("unsync-leaf-only", "FLOOD-2", "only a page of level 1 goes unsync", UNSYNC)
def unsync_leaf_only(page: Page, _: Kernel) -> str | None:
    """The same at the moment when it happens."""
    return f"a page of level {page.level} goes unsync" if page.level != 1 else None


@of_line("direct-is-sync", "SP-2", "a direct page is never unsync", *EVERY)
def direct_is_sync(page: Page, _: Kernel) -> str | None:
    """It shadows no table that a guest could write."""
    return "a direct page is unsync" if page.direct and page.unsync else None


@of_line("unsync-was-sync", "FLOOD-2", "a page that goes unsync prints sync", UNSYNC)
def unsync_was_sync(page: Page, _: Kernel) -> str | None:
    """The event comes before the change; and a direct page never goes unsync."""
    if page.direct:
        return "a direct page goes unsync"
    return "the page is unsync already" if page.unsync else None


@of_line("sync-was-unsync", "FLOOD-2", "a page that is synchronized prints unsync", SYNC)
def sync_was_unsync(page: Page, _: Kernel) -> str | None:
    """The event comes before the change."""
    return None if page.unsync else "the page is synchronized already"


@of_line("generation-toggles", "ZAP-2", "since v5.10, the page generation is 0 or 1", *EVERY)
def generation_toggles(page: Page, _: Kernel) -> str | None:
    """The byte alternates."""
    return f"generation {page.gen}" if page.form == "v5.10" and page.gen > 1 else None
