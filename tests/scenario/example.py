"""A small scenario that is valid, as the JSON value a file would hold."""

import copy
import json
from pathlib import Path
from typing import Any

from mmuspec.scenario.read import parse_scenario
from mmuspec.scenario.recording import Scenario

RECORDINGS = Path(__file__).parents[2] / "data" / "recordings"

SHADOW_PAGE = {
    "gen": "0",
    "gfn": "10",
    "level": "4",
    "gpte_bytes": "8",
    "quadrant": "0",
    "access": "wux",
    "nx": "nxe",
    "ad": "ad",
    "root_count": "0",
    "sync": "sync",
}


def memslot(n: int, change: str, slot: int, gpa: int, size: int) -> dict[str, Any]:
    return {
        "n": n,
        "do": "memslot",
        "change": change,
        "slot": slot,
        "gpa": hex(gpa),
        "size": hex(size),
        "flags": 0,
        "hva": "0x7f0000000000",
        "rc": 0,
        "stats": {},
        "events": [],
    }


READ_EVENTS = [
    {"e": "kvm_exit", "reason": "PF excp", "rip": "8010", "info1": "0", "info2": "40000000"},
    {"e": "kvm_mmu_pagetable_walk", "addr": "40000000", "pferr": "0", "flags": ""},
    {"e": "kvm_mmu_paging_element", "pte": "14007", "level": "4"},
    {"e": "kvm_mmu_paging_element", "pte": "15007", "level": "3"},
    {"e": "kvm_mmu_paging_element", "pte": "16007", "level": "2"},
    {"e": "kvm_mmu_paging_element", "pte": "400007", "level": "1"},
    {"e": "kvm_mmu_set_accessed_bit", "gpa": "16000"},
    {"e": "kvm_mmu_get_page", **SHADOW_PAGE, "created": "new"},
    {"e": "fn:kvm_mmu_sync_roots"},
    {"e": "kvm_mmu_spte_requested", "gfn": "400", "pfn": "1e66", "level": "1"},
    {
        "e": "kvm_mmu_set_spte",
        "gfn": "400",
        "spte": "1e66a25",
        "rwxu": "r-xu",
        "level": "1",
        "sptep_pa": "80aa008",
    },
]

_EXAMPLE: dict[str, Any] = {
    "name": "example",
    "lab": {"kernel": "Linux 6.1.0 (x86_64)", "cpu": "a processor"},
    "config": {
        "scenario": "simple",
        "args": ["vcpus=2"],
        "mode": "long4",
        "cr0": "0x80010031",
        "cr3": "0x10000",
        "cr4": "0x20",
        "efer": "0xd00",
        "sys_gva": "0xffffff8000000000",
        "sys_page_gpa": "0x8000",
        "user_code_gpa": "0x9000",
        "pool_gpa": "0x10000",
        "fill": "zeros",
    },
    "initial_guest_tables": [{"gpa": "0x10000", "esize": 8, "entries": {"0": "0x14007"}}],
    "frames": [{"after_op": 1, "why": "create", "slot": 0, "runs": [["0x0", "0x1e9b", 256]]}],
    "notes": [{"before_op": 3, "text": "first touch"}],
    "ops": [
        memslot(1, "create", 0, 0, 0x100000),
        memslot(2, "create", 1, 0x400000, 0x10000),
        {
            "n": 3,
            "do": "read",
            "vcpu": 0,
            "cpl": 0,
            "a": "0x40000000",
            "value": "0x40000010e6",
            "stats": {"mmu_cache_miss": 1},
            "events": READ_EVENTS,
        },
        {
            "n": 4,
            "do": "write",
            "vcpu": 1,
            "cpl": 3,
            "a": "0x40001008",
            "val": "0x1",
            "fault": {"vector": 14, "error_code": "0x7", "cr2": "0x40001008"},
            "stats": {},
            "events": [{"e": "kvm_mmu_walker_error", "pferr": "7", "flags": "P|W|U"}],
        },
        {
            "n": 5,
            "do": "get_dirty_log",
            "slot": 1,
            "rc": 0,
            "dirty": [0, 3],
            "stats": {},
            "events": [],
        },
        {
            "n": 6,
            "do": "madvise_dontneed",
            "gpa": "0x400000",
            "size": "0x2000",
            "rc": 0,
            "stats": {},
            "events": [{"e": "kvm_mmu_prepare_zap_page", **SHADOW_PAGE}],
        },
        {
            "n": 7,
            "do": "read",
            "vcpu": 0,
            "cpl": 0,
            "a": "0x10000008",
            "mmio": [{"gpa": "0xd0000008", "len": 8, "write": 0, "data": "0x33d0"}],
            "value": "0x33d0",
            "stats": {},
            "events": [],
        },
    ],
    "events_between_ops": [{"after_op": 1, "e": "fn:kvm_mmu_free_roots", "roots": "0x1"}],
    "final_stats": {"pf_fixed": 1},
    "trace_lost_events": False,
}


def example() -> dict[str, Any]:
    """Return a copy that a test may spoil."""
    return copy.deepcopy(_EXAMPLE)


def parsed(value: Any, file: str = "example.json") -> Scenario:
    """Return the scenario that *value* spells."""
    return parse_scenario(json.dumps(value).encode(), file)


def recordings() -> list[Path]:
    """Return every recording that the repository carries."""
    return sorted(path for path in RECORDINGS.glob("*/*.json.gz"))
