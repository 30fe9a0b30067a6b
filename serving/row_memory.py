"""What was read lately, in memory that all workers of a service share.

Each worker writes into it and reads from it without asking the others. What two of them wrote at once, or
what was read while it was written, has a wrong checksum and counts as nothing: no lock, and nobody waits.
"""

import logging
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from struct import Struct
from time import sleep
from zlib import crc32

logger = logging.getLogger(__name__)

SHARED_BYTES = 128 << 20
"""Some sixty thousand rows and forty thousand answers; takes up only as much as is used of it."""

OWN_BYTES = 32 << 20
"""Of a worker that shares with nobody."""

_FEWEST_BYTES = 1 << 20

_WAYS = 8
"""Rows that may stand at one place. What is about one customer has one place, so that it is found there."""

_PRINTS = Struct(f"<{_WAYS}I")
"""A hash of each key at a place; 0 where there is none."""

_PRINT = Struct("<I")
_HEAD = Struct("<IHH")
"""Checksum of all that follows, bytes of the key and of the row; both follow."""

_LENGTHS = Struct("<HH")

_SIZES = ((128, 1), (512, 2), (1_536, 4), (4_096, 1))
"""Bytes of a cell, and how many eighths of the memory have such: for the word that nothing is noted of a
customer, for lists, for answers, and for larger ones."""

_AT_ONCE = 64
"""Places that are looked through before requests have their turn again."""

_BREATH_SECONDS = 0.001


class RowMemory:
    """A bounded memory of rows, by key; any of them may be gone at any time."""

    def __init__(self, shared: Path | None = None) -> None:
        """Maps the memory.

        Args:
            shared: what `shared_memory` gave; None for a memory of our own.
        """
        memory = _mapped(shared) or mmap.mmap(-1, OWN_BYTES)
        self._sizes, start = [], 0
        for cell, eighths in _SIZES:
            size = len(memory) * eighths // 8
            self._sizes.append(_Cells(memory, start, size, cell))
            start += size

    def get(self, key: str) -> bytes | None:
        """The row that was put there last, if it is still there."""
        name, place = key.encode(), crc32(_subject(key).encode())
        for cells in self._sizes:
            if (found := cells.get(name, place)) is not None:
                return found
        return None

    def put(self, key: str, row: bytes) -> None:
        """Remember a row instead of what was there; one of more than some kilobytes is not remembered.

        Args:
            key: with what it is about in braces, as `entry_key` writes it.
            row: what to remember.
        """
        name, place = key.encode(), crc32(_subject(key).encode())
        size, before = len(name) + len(row), 0
        for cells in self._sizes:
            cells.put(name, place, row if before < size <= cells.room else None)
            before = cells.room

    def remove(self, key: str) -> None:
        """Remember nothing there."""
        name, place = key.encode(), crc32(_subject(key).encode())
        for cells in self._sizes:
            cells.put(name, place, None)

    def remove_all_about(self, subject: str) -> None:
        """Leave no byte of what stands under keys with this in their braces."""
        place = crc32(subject.encode())
        for cells in self._sizes:
            cells.wipe(place, lambda key: _subject(key) == subject)

    def remove_where(self, hidden: Callable[[str], bool]) -> None:
        """The same of all subjects that are hidden; requests have their turns meanwhile."""
        for cells in self._sizes:
            for place in range(cells.places):
                cells.wipe(place, lambda key: hidden(_subject(key)))
                if place % _AT_ONCE == 0:
                    sleep(_BREATH_SECONDS)


@contextmanager
def shared_memory() -> Iterator[Path | None]:
    """Memory for the workers that are started meanwhile; None where the system has none without a file."""
    handle = _memory_without_a_file()
    if handle is None:
        yield None
        return
    try:
        yield Path(f"/proc/{os.getpid()}/fd/{handle}")
    finally:
        os.close(handle)


class _Cells:
    """Cells of one size in a part of a memory, `_WAYS` a place.

    Attributes:
        room: bytes of key and row that a cell takes.
        places: how many there are.
    """

    def __init__(self, memory: mmap.mmap, start: int, size: int, cell: int) -> None:
        self.room, self._cell = cell - _HEAD.size, cell
        self.places = size // (_WAYS * (_PRINT.size + cell))
        self._memory, self._prints_at = memory, start
        self._cells_at = start + self.places * _PRINTS.size
        self._draw = Random().randrange

    def get(self, name: bytes, place: int) -> bytes | None:
        place %= self.places
        print_ = crc32(name) or 1
        prints = self._prints(place)
        if print_ not in prints:
            return None
        found = self._said(place * _WAYS + prints.index(print_))
        return found[1] if found is not None and found[0] == name else None

    def put(self, name: bytes, place: int, row: bytes | None) -> None:
        """Write a row instead of what was there, or nothing."""
        place %= self.places
        print_ = crc32(name) or 1
        prints = self._prints(place)
        if print_ in prints:
            way = prints.index(print_)
        elif row is None:
            return
        else:
            way = prints.index(0) if 0 in prints else self._draw(_WAYS)
        if row is None:
            self._clear(place, way)
            return
        body = _HEAD.pack(0, len(name), len(row))[_PRINT.size :] + name + row
        at = self._cells_at + (place * _WAYS + way) * self._cell
        # To the end of the cell: nothing may be left there of whoever was there before.
        self._memory[at : at + self._cell] = (_PRINT.pack(crc32(body)) + body).ljust(self._cell, b"\0")
        _PRINT.pack_into(self._memory, self._prints_at + place * _PRINTS.size + way * _PRINT.size, print_)

    def wipe(self, place: int, unwanted: Callable[[str], bool]) -> None:
        """Remove what stands at a place under unwanted keys, and what cannot be read."""
        place %= self.places
        for way, print_ in enumerate(self._prints(place)):
            if print_:
                found = self._said(place * _WAYS + way)
                if found is None or unwanted(found[0].decode()):
                    self._clear(place, way)

    def _prints(self, place: int) -> tuple[int, ...]:
        return _PRINTS.unpack_from(self._memory, self._prints_at + place * _PRINTS.size)

    def _clear(self, place: int, way: int) -> None:
        _PRINT.pack_into(self._memory, self._prints_at + place * _PRINTS.size + way * _PRINT.size, 0)
        at = self._cells_at + (place * _WAYS + way) * self._cell
        self._memory[at : at + self._cell] = bytes(self._cell)

    def _said(self, cell: int) -> tuple[bytes, bytes] | None:
        """Key and row in a cell; None where they are not whole."""
        at = self._cells_at + cell * self._cell
        check, n_name, n_row = _HEAD.unpack_from(self._memory, at)
        if n_name + n_row > self.room:
            return None
        body = self._memory[at + _PRINT.size : at + _HEAD.size + n_name + n_row]
        # What was read before the body may be of another row, and so may a body that is whole.
        if crc32(body) != check or _LENGTHS.unpack_from(body) != (n_name, n_row):
            return None
        start = _HEAD.size - _PRINT.size
        return body[start : start + n_name], body[start + n_name :]


def _memory_without_a_file() -> int | None:
    if not hasattr(os, "memfd_create"):
        return None
    try:
        handle = os.memfd_create("cartlift-rows")
        os.ftruncate(handle, SHARED_BYTES)
    except OSError as error:  # a container may forbid it
        logger.warning("the workers share no memory: %s", error)
        return None
    return handle


def _mapped(shared: Path | None) -> mmap.mmap | None:
    if shared is None:
        return None
    try:
        with shared.open("r+b") as file:
            memory = mmap.mmap(file.fileno(), 0)
    except (OSError, ValueError) as error:
        logger.warning("this worker shares its memory with no other: %s", error)
        return None
    return memory if len(memory) >= _FEWEST_BYTES else None


def _subject(key: str) -> str:
    """What stands between the braces of a key: the id, where it is about one customer."""
    return key.partition("{")[2][:-1]
