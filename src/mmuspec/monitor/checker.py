"""Reads trace text line by line, remembers what the monitors need, and lets them judge."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..events import VOCABULARY
from ..trace.gap import Gap, entries_written, gap_mark, says_nothing
from ..trace.line import Parts, is_entry, read_head, read_line
from ..trace.numbers import Event, LeafSet, Page, WithoutFields
from .kernel import Kernel, flags_tell_5_15
from .kind import Kind, Known, Wrong
from .outcome import Found, Outcome
from .registry import IfFromStart
from .task import Machine, Recording, Task

MOST_TEXTS = 1 << 14
"""Different texts of one trace point that are remembered as read."""

MOST_TASKS = 1 << 12
MOST_KEPT = 1000
"""Violations and problems of one file that are kept; the rest is counted."""

_OURS = ("kvm_mmu_", "kvm_tdp_mmu_", "mark_mmio", "check_mmio", "handle_mmio", "fast_page_fault")
"""How the trace points of the MMU begin."""

_NOT_MODELLED = {"v4.19": "shadow pages are printed as by v4.19, a version that is not modelled"}


class Checker:
    """Checks one file, given in batches of lines.

    :param kernel: what is known of its kernel in advance
    :param one_machine: all tasks serve one virtual machine
    :param from_start: the recording begins before the machine does
    """

    def __init__(
        self,
        kernel: Kernel | None = None,
        *,
        one_machine: bool = False,
        from_start: bool = False,
    ) -> None:
        self.outcome = Outcome()
        self.number = 0
        self._told = kernel
        self._one_machine = one_machine
        self._from_start = from_start
        self._kinds = {name: Kind(name) for name in VOCABULARY}
        self._held: list[Found] = []
        self._unmodelled: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        """Know nothing: a recording begins."""
        self._recording = Recording(self._told or Kernel(), self._from_start)
        self._heads: dict[str, Task] = {}
        self._tasks: dict[tuple[int, int], Task] = {}
        self._machines: dict[int, Machine] = {}
        self._time = 0.0
        for kind in self._kinds.values():
            kind.known.clear()

    # --- lines ------------------------------------------------------------------------

    def feed(self, lines: Iterable[str]) -> None:
        """Read *lines*, which follow those read before."""
        # This loop decides how fast a check is: what is common is done here, the rest elsewhere.
        kinds, number = self._kinds, self.number
        heads, last = self._heads, self._time
        entries = events = 0
        for line in lines:
            number += 1
            head, _, rest = line.partition("] ")
            try:
                task = heads[head]
                stamp, name, body = rest.split(": ", 2)
                time = float(stamp[stamp.rfind(" ") + 1 :])
            except (KeyError, ValueError):
                time = -1.0
            if time < last:
                self._count(number, entries, events, last)
                self._unusual(line)
                heads, last, entries, events = self._heads, self._time, 0, 0
                continue
            last = time
            entries += 1
            kind = kinds.get(name)
            if kind is None:
                if name.startswith(_OURS):
                    self.number = number
                    self._unknown(name, body)
                    heads = self._heads
                continue
            known = kind.known.get(body)
            if known is None:
                self.number = number
                known = self._read(kind, body)
                if known is None:
                    heads = self._heads
                    continue
            events += 1
            event, wrong, tests = known
            if wrong:
                self._accuse(number, wrong)
            for monitor, test in tests:
                message = test(event, task)
                if message is not None:
                    self._accuse(number, [(monitor, message)])
            kind.follow(event, task)
            task.last = event
        self._count(number, entries, events, last)

    def _count(self, number: int, entries: int, events: int, time: float) -> None:
        """Take over what the loop has counted."""
        self.number = number
        self._time = time
        self._recording.entries += entries
        self.outcome.events += events
        self.outcome.others += entries - events

    def note_end(self, reason: str) -> None:
        """Note that the text ended early, or never began, and why."""
        self._problem(reason)

    def finish(self) -> Outcome:
        """Return what was found, after the last line."""
        self._end()
        self.outcome.violations.sort(key=lambda found: found.line)
        return self.outcome

    def _unusual(self, line: str) -> None:
        """Read a line that is not an event of a known task at a later time."""
        gap = gap_mark(line)
        if gap is not None:
            self._forget(gap)
        elif says_nothing(line):
            self._recording.promised = entries_written(line) or self._recording.promised
        elif (parts := read_line(line)) is not None:
            if parts.time < self._time:
                self._forget(Gap.RESTART)
            self._one(parts, self._introduced(parts.head, parts.flags))
        elif is_entry(line):
            self._recording.entries += 1
            self.outcome.others += 1
        else:
            self._problem(f"not a trace line: {_shown(line)}; expected 'TASK-PID [CPU] TIME: ...'")
            if any(name in line for name in VOCABULARY):
                self._forget(Gap.UNREADABLE)

    def _one(self, parts: Parts, task: Task) -> None:
        """Do what the loop does, for an event line that it could not take apart."""
        self._recording.entries += 1
        self._time = parts.time
        kind = self._kinds.get(parts.name)
        known = kind.known.get(parts.body) or self._read(kind, parts.body) if kind else None
        if kind is None or known is None:
            self.outcome.others += 1
            if parts.name.startswith(_OURS) and kind is None:
                self._unknown(parts.name, parts.body)
            return
        self.outcome.events += 1
        event, wrong, tests = known
        messages = [(monitor, test(event, task)) for monitor, test in tests]
        told = [(monitor, message) for monitor, message in messages if message is not None]
        self._accuse(self.number, wrong + told)
        kind.follow(event, task)
        task.last = event

    def _introduced(self, text: str, flags: str) -> Task:
        """Return the task of *text*, which stands before the time; make it known if it is not."""
        known = self._heads.get(text)
        if known is not None:
            return known
        head = read_head(text)
        if flags_tell_5_15(flags) and not self._told:
            self._learn(since_5_15=True)
        if len(self._heads) >= MOST_TASKS or len(self._tasks) >= MOST_TASKS:
            self._forget(Gap.CROWD)
        owner = 0 if self._one_machine else -head.tgid if head.tgid else head.tid
        machine = self._machines.setdefault(owner, Machine(self._recording, owner))
        task = self._tasks.setdefault((head.tid, owner), Task(self._recording, machine))
        self._heads[text] = task
        return task

    # --- events -----------------------------------------------------------------------

    def _read(self, kind: Kind, body: str) -> Known | None:
        """Return the event with *body*, and what is wrong with it by itself."""
        try:
            event = kind.read(body.strip())
        except WithoutFields:
            self._forget(Gap.UNDECODED)
            return None
        except (ValueError, KeyError) as error:
            self._problem(f"{kind.name} does not print {_shown(body)}: {_words(error)}")
            self._forget(Gap.UNREADABLE)
            return None
        if not self._fits_kernel(kind.name, event):
            self._forget(Gap.UNREADABLE)
            return None
        kernel = self._recording.kernel
        wrong = [
            (monitor, text)
            for monitor, test in kind.by_line
            if (text := test(event, kernel)) is not None
        ]
        if len(kind.known) >= MOST_TEXTS:
            kind.known.clear()
        known = (event, wrong, kind.tests(event))
        kind.known[body] = known
        return known

    def _fits_kernel(self, name: str, event: Event) -> bool:
        """Learn of the kernel from *event*; whether it goes with what was learnt before."""
        kernel = self._recording.kernel
        if isinstance(event, Page) and event.form != kernel.form:
            if kernel.form:
                self._problem(
                    f"{name} prints as in {event.form}, the lines before as in {kernel.form}"
                )
                return False
            self._learn(form=event.form)
            self._tell_unmodelled(event.form)
        elif name == "kvm_tdp_mmu_spte_changed" and not kernel.two_dimensional:
            self._learn(two_dimensional=True, since_5_15=True)
        elif isinstance(event, LeafSet) and kernel.ept is not (len(event.letters) == 3):
            self._learn(ept=len(event.letters) == 3)
        return True

    def _learn(self, **facts: Any) -> None:
        """Know more of the kernel; what was judged before may be judged otherwise now."""
        told = self._told
        if told and told.exact:
            facts.pop("since_5_15", None)
        known = replace(self._recording.kernel, **facts)
        if known == self._recording.kernel:
            return
        self._recording.kernel = known
        for kind in self._kinds.values():
            kind.known.clear()

    def _tell_unmodelled(self, form: str) -> None:
        if form in _NOT_MODELLED and form not in self._unmodelled:
            self._unmodelled.add(form)
            self._problem(_NOT_MODELLED[form])

    def _unknown(self, name: str, body: str) -> None:
        """Note an event of the MMU that no modelled version has; kprobes may be called anything."""
        if body.startswith("("):
            return
        self._problem(f"unknown trace point {name}")
        self._forget(Gap.UNREADABLE)

    # --- findings ---------------------------------------------------------------------

    def _accuse(self, line: int, wrong: Wrong) -> None:
        for monitor, message in wrong:
            found = Found(line, monitor.rule, monitor.name, str(message))
            held = isinstance(message, IfFromStart)
            kept = self._held if held else self.outcome.violations
            if len(kept) < MOST_KEPT:
                kept.append(found)
            elif not held:
                self.outcome.violations_left_out += 1

    def _problem(self, text: str) -> None:
        if len(self.outcome.problems) < MOST_KEPT:
            self.outcome.problems.append((max(1, self.number), text))
        else:
            self.outcome.problems_left_out += 1

    def _forget(self, gap: Gap) -> None:
        """Forget what may no longer be so."""
        self.outcome.gaps[gap] += 1
        if gap is Gap.RESTART:
            if self._recording.entries:
                self._end()
            else:
                self.outcome.gaps[gap] -= 1
            self._begin()
            return
        self._held.clear()
        self._recording.whole = self._recording.from_start = False
        self._heads, self._tasks, self._machines = {}, {}, {}

    def _end(self) -> None:
        """Decide about what holds only if the recording is whole, and count its doubts."""
        recording = self._recording
        if recording.whole and recording.promised == recording.entries:
            room = MOST_KEPT - len(self.outcome.violations)
            self.outcome.violations += self._held[:room]
        self._held.clear()
        if recording.doubted:
            self.outcome.gaps[Gap.TASKS] += 1
        self.outcome.gaps[Gap.NESTED] += sum(task.nested for task in self._tasks.values())
        self.outcome.gaps = +self.outcome.gaps


def _shown(text: str) -> str:
    """Return *text* as an error message quotes it."""
    short = text.strip()
    return repr(short if len(short) <= 100 else short[:100] + "...")


def _words(error: Exception) -> str:
    return f"no flag is called {error}" if isinstance(error, KeyError) else str(error)
