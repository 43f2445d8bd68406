"""The version that is meant where none is named."""

import pytest

from mmuspec.epochs import DEFAULT, EPOCHS, V3_11, V5_10, V6_1, Epoch, current, using
from mmuspec.kvm.rmaps.pte_list import PteList, PteListDescCache, pte_list_add
from mmuspec.kvm.state.vm import Kvm
from mmuspec.scenario.machine import Machine


def test_the_book_is_about_v3_11() -> None:
    assert current() is DEFAULT is V3_11


@pytest.mark.parametrize("epoch", EPOCHS.values(), ids=str)
def test_what_is_made_in_the_block_is_of_that_version(epoch: Epoch) -> None:
    with using(epoch):
        assert Machine().kvm.epoch is epoch
        assert Kvm().epoch is epoch
        assert PteListDescCache().ext == epoch.pte_list_ext
    assert Machine().kvm.epoch is V3_11


def test_blocks_nest_and_are_left_by_exceptions() -> None:
    with using(V5_10):
        with pytest.raises(ZeroDivisionError), using(V6_1):
            raise ZeroDivisionError
        assert current() is V5_10
    assert current() is V3_11


def test_a_version_that_is_named_wins() -> None:
    with using(V6_1):
        assert Machine(epoch=V5_10).kvm.epoch is V5_10
        assert PteListDescCache(ext=3).ext == 3


@pytest.mark.parametrize(("epoch", "fourth"), [(V3_11, 0), (V5_10, 3)], ids=str)
def test_descriptors_count_as_their_version_does(epoch: Epoch, fourth: int) -> None:
    with using(epoch):
        descs, word = PteListDescCache(), PteList()
    counts = [pte_list_add(descs, word, 8 * number) for number in range(1, 5)]
    assert counts[3] == fourth
