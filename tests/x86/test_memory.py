from hypothesis import given
from hypothesis import strategies as st

from mmuspec.x86.memory import PhysicalMemory


@st.composite
def stores(draw: st.DrawFn) -> tuple[int, int, int]:
    size = draw(st.sampled_from([1, 2, 4, 8]))
    address = draw(st.integers(0, 31)) * size % 32 + draw(st.sampled_from([0, 0xFF0]))
    return address, draw(st.integers(0, (1 << 64) - 1)), size


@given(st.lists(stores()))
def test_memory_is_an_array_of_bytes(stores: list[tuple[int, int, int]]) -> None:
    memory, array = PhysicalMemory(), bytearray(0x1100)
    for address, value, size in stores:
        memory.write(address, value, size)
        array[address : address + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    for size in (1, 2, 4, 8):
        for address in (*range(0, 48, size), *range(0xFE8, 0x1028, size)):
            expected = int.from_bytes(array[address : address + size], "little")
            assert memory.read(address, size) == expected


def test_memory_never_written_reads_as_zero() -> None:
    assert PhysicalMemory().read(0xFF_FFFF_FFF8, 8) == 0
