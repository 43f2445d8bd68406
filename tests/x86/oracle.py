"""The walk beside QEMU's processor core: what agrees, what may differ, what differs."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mmuspec.x86.entry import PAGE_MASK, PS, A, P, bits
from mmuspec.x86.exceptions import GeneralProtection, PageFault
from mmuspec.x86.layout import layout_of
from mmuspec.x86.memory import PhysicalMemory
from mmuspec.x86.mode import LONG4, NO_PAGING, PAE
from mmuspec.x86.pferr import Pferr
from mmuspec.x86.walk import Accessed, Pdptes, load_pdptes, walk

from .probes import MAXPHYADDR, Probe
from .processor import Seen

A_BEFORE_FAULT = "A is set in upper entries though the walk then faults"
A_IN_1G_LEAF = "A is set in the entry of a 1-GByte page though the access faults"
PDPTE_AT_WALK = "PDPTEs are read at the walk: #PF with RSVD instead of #GP at MOV CR3"
PDPTE_UNCHECKED = "bits 1, 2, 5-8 of PDPTEs and PDPTEs that the walk does not use go unchecked"
ALLOWANCES = (A_BEFORE_FAULT, A_IN_1G_LEAF, PDPTE_AT_WALK, PDPTE_UNCHECKED)
"""Every way in which QEMU may differ from the specification."""
PDPTE_CHECKED = bits(MAXPHYADDR, 63)
"""Reserved bits of the PDPTE in use that QEMU does check."""


class Difference(NamedTuple):
    """A probe on which the two disagree, and no allowance covers it."""

    probe: Probe
    processor: Seen
    model: Seen


class Report(NamedTuple):
    """A comparison of many probes."""

    differences: list[Difference]
    allowances: Counter[str]
    outcomes: Counter[tuple[str, str, int]]


def memory_of(probe: Probe) -> PhysicalMemory:
    memory = PhysicalMemory()
    for word in probe.words:
        memory.write(*word)
    if probe.mode is not NO_PAGING:
        memory.write(*probe.code_entry())
    return memory


def model(probe: Probe, accessed: Accessed, pdptes: Pdptes | None = None) -> Seen:
    """Return what the walk under test says of *probe*."""
    memory = memory_of(probe)

    def after() -> tuple[int, ...]:
        return tuple(memory.read(address, size) for address, _, size in probe.words)

    try:
        found = walk(memory, probe.controls, probe.linear, probe.access, pdptes, accessed)
    except PageFault as fault:
        return Seen("#PF", int(fault.error_code), fault.cr2, 0, after())
    except GeneralProtection:
        return Seen("#GP", 0, 0, 0, after())
    return Seen("", 0, 0, found.physical & ~PAGE_MASK, after())


def as_qemu(probe: Probe) -> Iterator[tuple[Seen, set[str]]]:
    """Yield what the walk says of *probe* under each set of allowances that may apply."""
    plain = model(probe, Accessed.ON_SUCCESS)
    yield plain, set()
    if probe.mode is PAE and plain.exception == "#GP":
        yield from pdptes_as_qemu(probe, plain)
    elif plain.exception == "#PF":
        yield from faults_as_qemu(probe, None, set())


def pdptes_as_qemu(probe: Probe, plain: Seen) -> Iterator[tuple[Seen, set[str]]]:
    """Yield what QEMU may do where a MOV to CR3 should have refused a PDPTE."""
    pdpte = probe.words[0][1]
    if pdpte & P and pdpte & PDPTE_CHECKED:
        code = probe.access & layout_of(probe.controls).reported | Pferr.P | Pferr.RSVD
        yield plain._replace(exception="#PF", error_code=code, cr2=probe.linear), {PDPTE_AT_WALK}
        return
    pdptes = repaired_pdptes(probe)
    seen = model(probe, Accessed.ON_SUCCESS, pdptes)
    yield seen, {PDPTE_UNCHECKED}
    if seen.exception:
        yield from faults_as_qemu(probe, pdptes, {PDPTE_UNCHECKED})


def faults_as_qemu(
    probe: Probe, pdptes: Pdptes | None, used: set[str]
) -> Iterator[tuple[Seen, set[str]]]:
    """Yield the ways in which QEMU may leave A behind when a walk faults."""
    seen = model(probe, Accessed.DURING_WALK, pdptes)
    yield seen, used | {A_BEFORE_FAULT}
    if probe.mode is LONG4 and len(probe.words) == 2 and probe.words[1][1] & PS:
        first, leaf = seen.entries
        yield seen._replace(entries=(first, leaf | A)), used | {A_IN_1G_LEAF}


def repaired_pdptes(probe: Probe) -> Pdptes:
    """Return the PDPTEs with every reserved bit clear."""
    memory = memory_of(probe)
    root, keep = probe.controls.cr3, bits(12, MAXPHYADDR - 1) | P
    for number in range(4):
        memory.write(root + 8 * number, memory.read(root + 8 * number, 8) & keep, 8)
    return load_pdptes(memory, probe.controls)


def compare(answers: Iterable[tuple[Probe, Seen]]) -> Report:
    """Compare the walk with what the processor core did on each probe."""
    report = Report([], Counter(), Counter())
    for probe, processor in answers:
        report.outcomes[probe.mode.name, processor.exception, processor.error_code] += 1
        for seen, allowances in as_qemu(probe):
            if seen == processor:
                report.allowances.update(allowances)
                break
        else:
            plain = model(probe, Accessed.ON_SUCCESS)
            report.differences.append(Difference(probe, processor, plain))
    return report
