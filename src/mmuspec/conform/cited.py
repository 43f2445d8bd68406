"""The rule that says what an event, an outcome or a counter should have been.

Rules are stated in the chapters, which this room cannot read; a test holds the two
together.  ``None`` stands where no chapter states a rule.
"""

GET_PAGE, ZAP_PAGE = "kvm_mmu_get_page", "kvm_mmu_prepare_zap_page"
FAST = "fast_page_fault"
_ANY = "*"

EVENT_RULES: dict[tuple[str, str], str] = {
    ("kvm_mmu_pagetable_walk", _ANY): "WALK-1",
    ("kvm_mmu_paging_element", _ANY): "WALK-1",
    ("kvm_mmu_set_accessed_bit", _ANY): "WALK-4",
    ("kvm_mmu_set_dirty_bit", _ANY): "WALK-4",
    ("kvm_mmu_walker_error", _ANY): "WALK-2",
    (_ANY, "gen"): "ZAP-1",
    (_ANY, "root_count"): "SP-4",
    (GET_PAGE, _ANY): "SP-1",
    (GET_PAGE, "quadrant"): "ROLE-2",
    (GET_PAGE, "access"): "ROLE-3",
    (GET_PAGE, "nx"): "ROLE-1",
    (GET_PAGE, "sync"): "FLOOD-2",
    ("kvm_mmu_sync_page", _ANY): "SP-2",
    ("kvm_mmu_unsync_page", _ANY): "FLOOD-2",
    (ZAP_PAGE, _ANY): "ZAP-3",
    (ZAP_PAGE, "invalid"): "ZAP-6",
    ("mark_mmio_spte", _ANY): "MMIO-1",
    ("mark_mmio_spte", "gen"): "MMIO-6",
    ("mark_mmio_spte", "access"): "MMIO-2",
    ("handle_mmio_page_fault", _ANY): "MMIO-4",
    ("check_mmio_spte", _ANY): "MMIO-5",
    ("check_mmio_spte", "kvm_gen"): "MMIO-6",
    ("check_mmio_spte", "spte"): "MMIO-2",
    ("kvm_mmu_zap_all_fast", _ANY): "ZAP-2",
    ("kvm_mmu_invalidate_zap_all_pages", _ANY): "ZAP-2",
    ("kvm_mmu_set_spte", _ANY): "RMAP-1",
    ("kvm_mmu_set_spte", "rwxu"): "WALK-6",
    ("kvm_mmu_spte_requested", _ANY): "SP-3",
    (FAST, _ANY): "FPF-5",
    (FAST, "error_code"): "FPF-3",
    (FAST, "spurious"): "FPF-4",
}
"""(trace point, field) -> rule; ``*`` stands for any."""

OUTCOME_RULES = {"fault": "WALK-2", "mmio": "MMIO-4", "value": "WALK-1"}
"""Part of the outcome -> rule."""

COUNTER_RULES = {
    "pf_guest": "WALK-2",
    "pf_fast": "FPF-5",
    "mmio_exits": "MMIO-4",
    "mmu_cache_miss": "SP-1",
    "mmu_shadow_zapped": "ZAP-3",
    "mmu_pte_write": "FLOOD-1",
    "mmu_pde_zapped": "FLOOD-1",
    "mmu_flooded": "FLOOD-6",
    "mmu_unsync": "FLOOD-2",
    "pf_mmio_spte_created": "MMIO-1",
    "pages_4k": "RMAP-1",
    "pages_2m": "RMAP-1",
    "pages_1g": "RMAP-1",
    "max_mmu_rmap_size": "RMAP-4",
}
"""Counter -> rule."""


def rule_of_event(event: str, field: str | None) -> str | None:
    """Return the rule that decides *field* of trace point *event*, or the event as a whole."""
    exact = EVENT_RULES.get((event, field or _ANY)) or EVENT_RULES.get((_ANY, field or ""))
    return exact or EVENT_RULES.get((event, _ANY))
