"""The shadow pages of one machine, by what is printed of them.

Two pages may print alike: ``cr0_wp``, ``smep_andnot_wp``, ``smm`` and other
bits of the role are not printed.  So pages are counted, not named, and the
counts mean something only if no page was made out of sight.
"""

from ..trace.numbers import Key, Page

MOST = 1 << 16
"""Different pages that are remembered at once."""

LIVE, UNSYNC, LEAVING, PINNED = range(4)
"""What is counted of pages that print alike: valid ones; unsync ones of those; zapped ones whose
``kvm_mmu_sync_page`` is due; zapped roots in use."""


class Pages:
    """How many pages there are of each description.

    :ivar begun: the generation whose beginning was seen, so that all its pages are known
    :ivar complete: every page since the machine's start is known; None while undecided
    :ivar used: pages that the kernel counts as used, if complete
    """

    def __init__(self) -> None:
        self.counts: dict[Key, list[int]] = {}
        self.begun: int | None = None
        self.complete: bool | None = None
        self.used = 0

    def of(self, page: Page) -> list[int] | None:
        """Return the counts of pages that print like *page*, None if there was none in sight."""
        return self.counts.get(page.key)

    def known(self, page: Page) -> bool:
        """Whether the counts for *page* are exact, or would be if the recording is whole."""
        return bool(self.complete) or (self.begun is not None and self.begun == page.gen)

    def looked_up(self, page: Page) -> None:
        """Note ``kvm_mmu_get_page``."""
        counts = self.counts.get(page.key)
        if counts is None:
            if page.created != "new":
                self.complete = False
            counts = self._begin(page)
        if page.created == "new":
            counts[LIVE] += 1
            self.used += 1
        else:
            counts[LIVE] = max(counts[LIVE], 1)

    def went_unsync(self, page: Page) -> None:
        """Note ``kvm_mmu_unsync_page``."""
        self._of_known(page)[UNSYNC] += 1

    def synced(self, page: Page) -> None:
        """Note ``kvm_mmu_sync_page``: of a page that is zapped, or of one that stays."""
        counts = self._of_known(page)
        which = LEAVING if counts[LEAVING] else UNSYNC
        counts[which] = max(0, counts[which] - 1)

    def zapped(self, page: Page) -> None:
        """Note ``kvm_mmu_prepare_zap_page``."""
        counts = self._of_known(page)
        if page.invalid:
            counts[PINNED] = max(0, counts[PINNED] - (not page.root_count))
        else:
            counts[LIVE] = max(0, counts[LIVE] - 1)
            counts[PINNED] += bool(page.root_count)
            if page.unsync:
                counts[UNSYNC] = max(0, counts[UNSYNC] - 1)
                counts[LEAVING] += 1
        self.used -= not page.root_count

    def generation_began(self, gen: int) -> None:
        """Note that *gen* is the generation from now on: no valid page has it yet."""
        self.begun = gen
        for key, counts in self.counts.items():
            if key[0] == gen:
                counts[LIVE] = counts[UNSYNC] = 0

    def forget_rest(self) -> None:
        """Give up what was counted: somebody else may make pages of this machine."""
        self.counts.clear()
        self.begun, self.complete = None, False

    def _of_known(self, page: Page) -> list[int]:
        counts = self.counts.get(page.key)
        if counts is None:
            self.complete = False
            counts = self._begin(page)
        return counts

    def _begin(self, page: Page) -> list[int]:
        if len(self.counts) >= MOST:
            self._drop_gone()
        return self.counts.setdefault(page.key, [0, 0, 0, 0])

    def _drop_gone(self) -> None:
        """Forget descriptions that no page has any more; all of them if that does not help."""
        self.complete = False
        self.counts = {key: counts for key, counts in self.counts.items() if any(counts)}
        if len(self.counts) > MOST // 2:
            self.forget_rest()
