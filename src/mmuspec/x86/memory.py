"""Memory as a page walk sees it: aligned little-endian words at addresses."""

from typing import Protocol

from .entry import PAGE_SHIFT

WORDS_PER_PAGE = 512


class Memory(Protocol):
    """What a walk needs of memory.  *size* is 1, 2, 4 or 8 bytes, and no access leaves its page."""

    def read(self, address: int, size: int) -> int:
        """Return the value stored at *address*."""

    def write(self, address: int, value: int, size: int) -> None:
        """Store *value* at *address*."""


class PhysicalMemory:
    """Physical memory that reads as zero where nothing was written."""

    def __init__(self) -> None:
        self.pages: dict[int, list[int]] = {}

    def page(self, frame: int) -> list[int]:
        """Return the 512 8-byte words of page frame *frame*."""
        words = self.pages.get(frame)
        if words is None:
            words = self.pages[frame] = [0] * WORDS_PER_PAGE
        return words

    def read(self, address: int, size: int) -> int:
        """Return the *size*-byte value at *address*."""
        inside = 8 - (address & 7)
        if size > inside:
            high = self.read(address + inside, size - inside)
            return high << 8 * inside | self.read(address, inside)
        word = self.page(address >> PAGE_SHIFT)[address >> 3 & 511]
        return word >> (8 * (address & 7)) & ((1 << 8 * size) - 1)

    def write(self, address: int, value: int, size: int) -> None:
        """Store the low *size* bytes of *value* at *address*."""
        inside = 8 - (address & 7)
        if size > inside:
            self.write(address + inside, value >> 8 * inside, size - inside)
            size = inside
        words, index = self.page(address >> PAGE_SHIFT), address >> 3 & 511
        shift, mask = 8 * (address & 7), (1 << 8 * size) - 1
        words[index] = words[index] & ~(mask << shift) | (value & mask) << shift
