"""Each monitor speaks about a recording with one line changed, and not about the recording."""

import pytest

from mmuspec.monitor import MONITORS

from .recordings import Damage, change, change_before, check, double, drop, lines_of

A6, A32 = "linux-6.1/a-simple-long4", "linux-6.1/a-simple-legacy32"
B6, B5 = "linux-6.1/b-mmio-long4", "linux-5.10/b-mmio-long4"
D6, E6, F6 = "linux-6.1/d-unsync-long4", "linux-6.1/e-fastpf-nopaging", "linux-6.1/f-zap-long4"
H6, D32 = "linux-6.1/h-huge-long4", "linux-6.1/d-unsync-legacy32"
F2, E2 = "linux-6.1/f-zap-2vcpu", "linux-6.1/e-fastpf-nopaging-2vcpu"
T6, TH6 = "linux-6.1/tdp-f-zap", "linux-6.1/tdp-h-huge"
A5 = "linux-5.10/a-simple-long4"
FIXED = r"old 0x(\w+)e65 new (\w+)e67 spurious 0 fixed 1"

DAMAGES: dict[str, tuple[str, Damage]] = {
    "leaf-letters": (A6, change(r"\(rwxu\)", "(r-xu)")),
    "leaf-writable": (A6, change(r"spte (\w+)e67 \(rwxu", r"spte \1a67 (rwxu")),
    "leaf-present": (A6, change(r"spte (\w+)e67 \(rwxu", r"spte \g<1>667 (rwxu")),
    "leaf-level": (A6, change(r"(set_spte: .*) level 1 at", r"\1 level 4 at")),
    "leaf-large": (A6, change(r"(set_spte: .*) level 1 at", r"\1 level 2 at")),
    "leaf-aligned": (H6, change(r"set_spte: gfn (\w+)0 (.*level 2)", r"set_spte: gfn \g<1>1 \2")),
    "leaf-address": (A6, change(r"(set_spte.* at \w+)8$", r"\g<1>9")),
    "tdp-change": (T6, change(r"old_spte \w+ new_spte (\w+)", r"old_spte \1 new_spte \1")),
    "tdp-leaf-replaced": (T6, change(r"1 old_spte 0 new_spte (\w+e67)",
                                     r"1 old_spte 7777e67 new_spte \1")),
    "split-large": (TH6, change(r"(split_huge.*) level 2", r"\1 level 1")),
    "fast-not-reserved": (E6, change(r"error_code P\|W sptep", "error_code P|W|RSVD sptep")),
    "fast-is-write": (E6, change(r"error_code P\|W sptep", "error_code P sptep")),
    "fast-allowed": (E6, change(FIXED, r"old 0x\1a65 new \2e67 spurious 0 fixed 1")),
    "fast-spurious": (E6, change(r"spurious 0 fixed 1", "spurious 1 fixed 0")),
    "fast-one-result": (E6, change(r"spurious 0 fixed 1", "spurious 1 fixed 1")),
    "fast-was-readonly": (E6, change(FIXED, r"old 0x\1e67 new \2e67 spurious 0 fixed 1")),
    "fast-fixed-writable": ("v3.11", change(r"new (\w+)7 spurious 0 fixed 1",
                                            r"new \g<1>5 spurious 0 fixed 1")),
    "fast-changes-w": (E6, change(FIXED, r"old 0x\1e65 new \2e63 spurious 0 fixed 1")),
    "flag-letters": (A6, change(r"pferr 10 F", "pferr 10 W")),
    "reserved-is-present": (A6, change(r"_error: pferr 3 P\|W", "_error: pferr a W|RSVD")),
    "walk-without-rsvd": (A6, change(r"pferr 3 P\|W", "pferr b P|W|RSVD")),
    "walk-descends": (A6, change(r"(paging_element.*) level 3", r"\1 level 2")),
    "entry-size": (A32, change(r"pte (\w+) level 2", r"pte 10000\1 level 2")),
    "walk-ends": (A6, drop(r"paging_element: .* level 1$")),
    "error-copies-access": (A6, change(r"walker_error: pferr 3 P\|W", "walker_error: pferr 1 P")),
    "error-present": (A6, change(r"walker_error: pferr 3 P\|W", "walker_error: pferr 2 W")),
    "accessed-in-walk": (A6, change(r"accessed_bit: gpa 10ff8", "accessed_bit: gpa 10ff0")),
    "accessed-was-clear": (A6, double(r"accessed_bit: gpa 11000")),
    "success-sets-accessed": (A6, drop(r"accessed_bit: gpa 11000")),
    "dirty-at-page": (A6, change(r"dirty_bit: gpa 16000", "dirty_bit: gpa 16008")),
    "dirty-for-write": (A6, change_before("dirty_bit", r"(_walk: addr \w+ pferr).*", r"\1 0 ")),
    "success-sets-dirty": (A6, drop("dirty_bit")),
    "page-level": (A6, change(r" l4 8-byte", " l6 8-byte")),
    "page-gfn": (A6, change(r"gfn 11 l3", "gfn 11111111111 l3")),
    "quadrant-range": (A32, change(r"l1 4-byte q0", "l1 4-byte q3")),
    "quadrant-size": (A6, change(r"l1 8-byte q0", "l1 8-byte q1")),
    "small-entries-level": (A6, change(r"l3 8-byte", "l3 4-byte")),
    "direct-without-pae": ("v3.11", change(r"(\d) q0 direct", r"\1 pae q0 direct")),
    "new-is-fresh": (A6, change(r"root 0 sync new", "root 1 sync new")),
    "lookup-skips-invalid": (F2, change(r" nxe (.*existing)", r" invalid nxe \1")),
    "unsync-is-leaf": (A6, change(r"(l3 .*) sync new", r"\1 unsync new")),
    "unsync-leaf-only": (D6, change(r"(unsync_page: .*) l1 ", r"\1 l2 ")),
    "direct-is-sync": (E2, change(r"(direct .*) sync existing", r"\1 unsync existing")),
    "unsync-was-sync": (D6, change(r"(unsync_page: .*) sync$", r"\1 unsync")),
    "sync-was-unsync": (D6, change(r"(_sync_page: .*) unsync$", r"\1 sync")),
    "generation-toggles": (A6, change(r"sp gen 0", "sp gen 2")),
    "lookup-skips-obsolete": (F6, change(r"sp gen 1 (.*existing)", r"sp gen 0 \1")),
    "new-has-current": (F6, change(r"sp gen 1 (.*new)", r"sp gen 0 \1")),
    "zap-all-tells-current": (F6, change(r"valid-gen 1", "valid-gen 0")),
    "found-was-made": (F6, change(r"(sp gen 1 .* root 0 sync) new", r"\1 existing")),
    "found-sync-state": (D32, change(r" unsync existing", " sync existing")),
    "unsync-alternates": (D6, change(r"_sync_page: (.*) unsync$", r"_unsync_page: \1 sync")),
    "sync-alternates": (D6, change(r"_unsync_page: (.*) sync$", r"_sync_page: \1 unsync")),
    "zapped-was-made": (F6, change(r"(prepare_zap_page: sp gen 1 gfn) 12 l2", r"\1 13 l1")),
    "pinned-was-zapped": (F6, change(r"(prepare_zap_page: .* root) 1 sync", r"\1 0 sync")),
    "used-pages": (F6, change(r"used_pages 8", "used_pages 9")),
    "mmio-valid": (B6, change(r"valid 0", "valid 1")),
    "mmio-generation": (B6, change(r"spte-gen \w+ valid 0", "spte-gen 2 valid 0")),
    "mmio-not-newer": (B6, change(r"kvm_gen \w+ (.*) valid 0", r"kvm_gen 2 \1 valid 0")),
    "mmio-access": ("v3.11", change(r"access 6 gen", "access 7 gen")),
    "mmio-access-range": (B6, change(r"access 7 gen", "access 8 gen")),
    "slots-grow": (B6, change(r"kvm_gen \w+ spte-gen \w+", "kvm_gen 2 spte-gen 2", 3)),
    "mark-is-current": (B6, change(r"(mark_mmio.*) gen \w+", r"\1 gen 2", 3)),
    "answer-was-checked": (B6, change(r"(handle_mmio.*) gfn d0000", r"\1 gfn d0003")),
    "answer-access": (B6, change(r"(handle_mmio.*) access 6", r"\1 access 4")),
    "mark-then-set": (B5, change(r"set_spte: gfn d0000", "set_spte: gfn d0001")),
    "page-of-walk": (A6, change(r"gfn 12 l2", "gfn 33 l2")),
    "page-access": (A6, change(r"(gfn 12 l2 8-byte q0) wux", r"\1 -ux")),
    "leaf-rights": (A6, change(r"spte (\w+)e63 \(rwx-\)", r"spte \1e67 (rwxu)")),
    "leaf-clean": (A32, change(r"spte (\w+)a25 \(r-xu\)", r"spte \1e67 (rwxu)")),
    "leaf-gfn": (A6, change(r"pte 8063 level 1", "pte 9063 level 1")),
    "leaf-frame": (A6, change(r"(set_spte: gfn \w+ spte \w+)0e67", r"\g<1>1e67")),
    "target-frame": (A5, change(r"spte_requested: gfn (\w+) pfn (\w+) level 1",
                                r"spte_requested: gfn \1 pfn 12\2 level 1")),
}  # fmt: skip


def test_every_monitor_is_shown_to_speak() -> None:
    assert DAMAGES.keys() == MONITORS.keys()


@pytest.mark.parametrize("name", DAMAGES)
def test_a_monitor_speaks_about_a_damaged_recording(name: str) -> None:
    recording, damage = DAMAGES[name]
    lines = lines_of(recording)
    assert check(lines).violations == []
    outcome = check(damage(lines))
    assert name in {found.monitor for found in outcome.violations}
    assert outcome.problems == []
