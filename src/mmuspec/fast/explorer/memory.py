"""Memory that both Python and the kernel write: 64-bit numbers at an address."""

import ctypes
import mmap

HUGE = 1 << 21
"""From this size on it pays to ask for huge pages: fewer of them have to be mapped."""

PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


class Block:
    """Numbers, 0 at first; memory is used when they are touched.

    :param size: how many
    """

    def __init__(self, size: int) -> None:
        self.map = mmap.mmap(-1, max(size, 1) * 8, flags=PRIVATE)
        self.settle(size)

    def settle(self, size: int) -> None:
        """Find out where the numbers stand."""
        self.size = size
        if size * 8 >= HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
            self.map.madvise(mmap.MADV_HUGEPAGE)
        self.view = memoryview(self.map).cast("Q")
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))

    def grow(self, size: int) -> None:
        """Make room for *size* numbers; the address changes."""
        self.view.release()
        try:
            self.map.resize(size * 8)
        except SystemError:  # a system that cannot: copy
            old, self.map = self.map, mmap.mmap(-1, size * 8, flags=PRIVATE)
            self.map[: len(old)] = old[:]
        self.settle(size)

    def forget(self, first: int, last: int) -> None:
        """Give the memory of some numbers back; they are 0 then, or what they were."""
        if (last - first) * 8 >= HUGE and hasattr(mmap, "MADV_DONTNEED"):
            page = mmap.PAGESIZE
            start, end = -(-first * 8 // page) * page, last * 8 // page * page
            self.map.madvise(mmap.MADV_DONTNEED, start, end - start)

    def free(self) -> None:
        """Give the memory back."""
        self.view.release()
        self.map.close()


class Arena:
    """A block that is handed out piece by piece.

    :param size: how many numbers there are in all
    """

    def __init__(self, size: int) -> None:
        self.block, self.used = Block(size), 0

    def take(self, size: int) -> "Piece":
        """Return the next *size* numbers."""
        first = self.used
        self.used += size
        view = self.block.view[first : self.used]
        if len(view) != size:
            raise MemoryError("the arena was made too small")
        return Piece(view, self.block.address + first * 8)


class Piece:
    """Some numbers, and the address of the first."""

    def __init__(self, view: "memoryview[int]", address: int) -> None:
        self.view, self.address = view, address
