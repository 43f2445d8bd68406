"""Events as text: what each version prints, and that printing loses nothing it prints."""

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmuspec.epochs import EPOCHS, V3_10, V3_11, V5_10, V6_1, Epoch
from mmuspec.events import (
    VOCABULARY,
    CheckMmioSpte,
    Event,
    FastPageFault,
    GetPage,
    MarkMmioSpte,
    PagetableWalk,
    PrepareZapPage,
    SetSpte,
    ShadowPageEvent,
)
from mmuspec.scenario.read import read_scenario
from mmuspec.scenario.recorded_event import RECORDED_EVENTS
from mmuspec.trace.printed import (
    flag_code,
    flag_names,
    has_trace_point,
    printed_fields,
)
from mmuspec.trace.recorded import recorded_event, recorded_fields, takes_part
from mmuspec.trace.text import event_text, parse_event_text
from tests.scenario.example import recordings


def text(event: Event, epoch: Epoch) -> str:
    return event_text(event.name, printed_fields(event, epoch))


def role(epoch: Epoch, **values: int) -> int:
    return sum(value << epoch.role_layout[name][0] for name, value in values.items())


LEVEL_2 = {"level": 2, "quadrant": 1, "access": 7, "nxe": 1, "cr0_wp": 1}


def test_every_trace_point_has_a_form_for_every_field() -> None:
    assert set(RECORDED_EVENTS) == set(VOCABULARY)


@pytest.mark.parametrize(
    ("epoch", "more", "printed"),
    [
        (V3_10, {"cr4_pae": 1}, "sp gfn 12 2 pae q1 wux nxe root 1 unsync new"),
        (V3_11, {"cr4_pae": 1}, "sp gen a gfn 12 2 pae q1 wux nxe root 1 unsync new"),
        (V3_11, {"direct": 1}, "sp gen a gfn 12 2 q1 direct wux nxe root 1 unsync new"),
        (
            V5_10,
            {"gpte_is_8_bytes": 1},
            "sp gen 10 gfn 12 l2 8-byte q1 wux nxe ad root 1 unsync new",
        ),
        (
            V6_1,
            {"has_4_byte_gpte": 1},
            "sp gen 10 gfn 12 l2 4-byte q1 wux nxe ad root 1 unsync new",
        ),
        (V6_1, {"direct": 1}, "sp gen 10 gfn 12 l2 8-byte q1 direct wux nxe ad root 1 unsync new"),
        (
            V6_1,
            {"invalid": 1, "ad_disabled": 1},
            "sp gen 10 gfn 12 l2 8-byte q1 wux invalid nxe !ad root 1 unsync new",
        ),
    ],
)
def test_a_shadow_page(epoch: Epoch, more: dict[str, int], printed: str) -> None:
    event = GetPage(10, 0x12, role(epoch, **LEVEL_2, **more), 1, True, True)
    assert text(event, epoch) == printed


def test_other_events() -> None:
    fault = FastPageFault(0, 0x400008, 7, 0xFFFF888000001000, 0x1F54E65, 0x1F54E67, False, True)
    assert text(fault, V6_1) == (
        "vcpu 0 gva 400008 error_code P|W|U sptep ffff888000001000"
        " old 0x1f54e65 new 1f54e67 spurious 0 fixed 1"
    )
    assert text(PagetableWalk(0x1000, 0), V3_11) == "addr 1000 pferr 0 "
    assert text(PagetableWalk(0x1000, 0x110), V3_11) == "addr 1000 pferr 110 F|0x100"
    assert text(MarkMmioSpte(0x88, 0xD0, 7, 26), V3_11) == "sptep:88 gfn d0 access 7 gen 1a"
    assert text(MarkMmioSpte(0x88, 0xD0, 7, 26), V3_10) == "sptep:88 gfn d0 access 7"
    assert text(CheckMmioSpte(6, 4, 0x27), V6_1) == "spte 27 kvm_gen 6 spte-gen 4 valid 0"
    spte = SetSpte(0x400, 0x8000000001E66A25, 1, 0x80AA000)
    assert text(spte, V6_1) == "gfn 400 spte 8000000001e66a25 (r--u) level 1 at 80aa000"


def test_which_version_has_which_trace_point() -> None:
    assert [has_trace_point(v, "kvm_mmu_zap_all_fast") for v in EPOCHS] == [0, 0, 1, 1]
    assert [has_trace_point(v, "kvm_mmu_invalidate_zap_all_pages") for v in EPOCHS] == [0, 1, 0, 0]
    assert [has_trace_point(v, "kvm_mmu_get_page") for v in EPOCHS] == [1, 1, 1, 1]
    assert not has_trace_point("v6.1", "kvm_exit")


@given(st.integers(0, 2**40))
def test_flag_names(code: int) -> None:
    assert flag_code(flag_names(code)) == code


# --- print, parse, normalise ----------------------------------------------------------

WORD = st.integers(0, 2**64 - 1)
TYPES: dict[Any, st.SearchStrategy[Any]] = {"int": WORD, "bool": st.booleans()}
SMALL = {
    "level": st.integers(0, 9),
    "pferr": st.integers(0, 2**32 - 1),
    "error_code": st.integers(0, 2**32 - 1),
    "root_count": st.integers(0, 2**31 - 1),
    "vcpu_id": st.integers(0, 255),
    "as_id": st.integers(0, 1),
    "errno": st.integers(-4095, 0),
    "mmu_valid_gen": st.integers(0, 255),
}


@st.composite
def events(draw: st.DrawFn, epoch: Epoch) -> Event:
    """Draw an event of a trace point that *epoch* has, with a role as far as it is printed."""
    name = draw(st.sampled_from([name for name in VOCABULARY if has_trace_point(epoch.name, name)]))
    cls = VOCABULARY[name]
    values = {
        f.name: draw(SMALL.get(f.name, TYPES[getattr(f.type, "__name__", f.type)]))
        for f in fields(cls)
    }
    if issubclass(cls, ShadowPageEvent):
        hidden = {"cr0_wp", "smep_andnot_wp", "smap_andnot_wp"}
        layout = epoch.role_layout.items()
        values["role"] = sum(
            draw(st.integers(0, (1 << width) - 1)) << low
            for name, (low, width) in layout
            if name not in hidden
        )
    if epoch is V3_10 and cls is MarkMmioSpte:
        values["gen"] = 0
    if epoch is V3_10 and issubclass(cls, ShadowPageEvent):
        values["mmu_valid_gen"] = 0
    return cls(**values)


@pytest.mark.parametrize("epoch", EPOCHS.values(), ids=str)
@given(st.data())
def test_printing_and_parsing_lose_nothing(epoch: Epoch, data: st.DataObject) -> None:
    event = data.draw(events(epoch))
    printed = printed_fields(event, epoch)
    assert parse_event_text(event.name, event_text(event.name, printed)) == printed
    recorded = {"e": event.name, **printed}
    assert recorded_fields(recorded) == printed
    assert recorded_event(recorded, epoch) == event


@given(st.sampled_from(sorted(VOCABULARY)), st.text(st.characters(codec="utf-8")))
def test_a_text_that_no_kernel_prints_is_refused(name: str, garbage: str) -> None:
    with pytest.raises(ValueError, match=f"{name} does not print"):
        parse_event_text(name, f"?{garbage}")


def test_a_trace_point_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="kvm_exit does not print"):
        parse_event_text("kvm_exit", "sp gen 0 gfn 10 l4 8-byte q0 wux nxe ad root 0 sync")


def test_the_kernels_nul_is_tolerated() -> None:
    event = PrepareZapPage(1, 0x12, role(V3_11, **LEVEL_2), 0, False)
    printed = printed_fields(event, V3_11)
    assert parse_event_text(event.name, event_text(event.name, printed) + "\0") == printed


def test_recorded_numbers_are_normalised() -> None:
    recorded = {"e": "kvm_mmu_paging_element", "pte": "00ab", "level": "1"}
    assert recorded_fields(recorded) == {"pte": "ab", "level": "1"}


def test_recorded_events_are_printed_again() -> None:
    seen = set()
    for path in recordings():
        if not path.name.startswith(("a-", "b-", "e-", "tdp-a")):
            continue
        scenario = read_scenario(path)
        epoch = EPOCHS[scenario.kernel_version or ""]
        for recorded in (event for step in scenario.steps for event in step.events):
            key = tuple(recorded.items())
            if key in seen or not takes_part(recorded):
                continue
            seen.add(key)
            name, printed = recorded["e"], recorded_fields(recorded)
            assert printed_fields(recorded_event(recorded, epoch), epoch) == printed
            assert parse_event_text(name, event_text(name, printed)) == printed
    assert len(seen) > 1000
