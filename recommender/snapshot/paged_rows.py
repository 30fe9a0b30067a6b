"""Puts the rows of customers into pages: whole columns in, the bytes of many pages out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recommender.campaigns.due import DueTable
from recommender.campaigns.own_bundles import OwnBundles
from recommender.ranking.lists import ListTable
from recommender.ranking.reasons import Reasons
from recommender.snapshot import bundle_rows, due_rows
from recommender.snapshot.page_kernels import crc32, frame, put_orders, put_ranks, put_reasons
from recommender.snapshot.pages import page_key, pages_for
from recommender.snapshot.rows import LARGEST_SCORE, LARGEST_VALUE
from recommender.snapshot.store import Entry

_PAGES_AT_ONCE = 20_000
"""Some 60 MB: the more, the nearer to each other are the places that are read for them."""

_REMAINDERS = np.arange(256, dtype=np.uint32)
"""What each byte leaves of the polynomial of CRC-32, its bits reversed as zlib has them."""
for _ in range(8):
    _REMAINDERS = np.where(_REMAINDERS & 1, _REMAINDERS >> 1 ^ np.uint32(0xEDB88320), _REMAINDERS >> 1)

_MOST_FRAME = 15  # bytes around a row at most: before its id, before itself, and of its page's beginning


@dataclass(frozen=True, slots=True)
class RowOwners:
    """Whose rows they are, in bytes.

    Attributes:
        text: their ids in UTF-8, one after the other.
        starts: shape (n + 1,) int64, where each id begins, and the last one ends.
        hashes: shape (n,) uint32, CRC-32 of each id.
    """

    text: NDArray[np.uint8]
    starts: NDArray[np.int64]
    hashes: NDArray[np.uint32]

    @classmethod
    def of(cls, ids: Sequence[str]) -> "RowOwners":
        """Of these ids."""
        text = "".join(ids).encode()
        lengths = np.fromiter(map(len, ids), np.int64, len(ids))
        if int(lengths.sum()) != len(text):
            # Some are not of ASCII alone.
            lengths = np.fromiter((len(id_.encode()) for id_ in ids), np.int64, len(ids))
        starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
        owners = cls(np.frombuffer(text, np.uint8), starts, np.empty(len(ids), np.uint32))
        crc32(owners.text, starts, _REMAINDERS, owners.hashes)
        return owners


@dataclass(frozen=True, slots=True)
class PagedRows:
    """The rows of one kind, on their way into pages.

    Attributes:
        kind: what the rows are.
        owners: whose they are.
        starts: shape (n + 1,) int64, where each row's places begin in the columns; who has none has no row.
        head: bytes of a row before its first place.
        place: bytes a place.
        put: writes rows: whose they are, where in the buffer each belongs, the buffer.
        cut: into how many pages they are cut; None for as many as make pages of the usual size.
    """

    kind: str
    owners: RowOwners
    starts: NDArray[np.int64]
    head: int
    place: int
    put: Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]], None]
    cut: int | None = None

    @property
    def pages(self) -> int:
        """Into how many pages the rows are cut."""
        if self.cut is not None:
            return self.cut
        rows = int((np.diff(self.starts) > 0).sum())
        return pages_for(rows, rows * self.head + int(self.starts[-1]) * self.place)

    def entries(self) -> Iterator[Entry]:
        """All pages in their order; of large shops a part of them is in memory at a time.

        Raises:
            ValueError: a score is not finite.
        """
        pages, rows = self.pages, np.flatnonzero(np.diff(self.starts))
        page_of = self.owners.hashes[rows] % np.uint32(max(pages, 1))
        order = np.argsort(page_of, kind="stable")
        rows, begins = rows[order], np.searchsorted(page_of[order], np.arange(pages + 1))
        for first in range(0, pages, _PAGES_AT_ONCE):
            cuts = begins[first : first + _PAGES_AT_ONCE + 1]
            content, ends = self._written(rows[cuts[0] : cuts[-1]], cuts - cuts[0])
            for page, (start, end) in enumerate(pairwise([0, *ends.tolist()]), start=first):
                yield page_key(self.kind, page), bytes(content[start:end])

    def _written(
        self, rows: NDArray[np.int64], cuts: NDArray[np.int64]
    ) -> tuple[memoryview, NDArray[np.int64]]:
        """Pages one after the other, and where each ends."""
        ids = self.owners.starts
        sizes = self.head + self.place * (self.starts[rows + 1] - self.starts[rows])
        room = int(sizes.sum() + (ids[rows + 1] - ids[rows]).sum()) + _MOST_FRAME * (len(rows) + len(cuts))
        out, row_at, ends = np.empty(room, np.uint8), np.empty_like(rows), np.empty(len(cuts) - 1, np.int64)
        frame(rows, cuts, sizes, self.owners.text, ids, out, row_at, ends)
        # In the order of the columns, which lie in memory in that order.
        order = np.argsort(rows)
        self.put(rows[order], row_at[order], out)
        return out.data, ends


def paged_ranks(kind: str, owners: RowOwners, table: ListTable, *, wide: bool) -> PagedRows:
    """Lists of which the order matters most, as narrow rows or as wide ones, see `rows`."""

    def put(rows: NDArray[np.int64], row_at: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        bounds = np.empty((len(rows), 2), np.float32)
        columns = (table.items, table.scores, table.sources, table.bought)
        if not put_ranks(rows, row_at, table.starts, *columns, wide, bounds, out):
            raise ValueError("a list with a score that is no number cannot be stored")
        scale = np.maximum(1.0, np.abs(bounds).max(axis=1, keepdims=True) / np.float32(LARGEST_SCORE))
        halves = np.ascontiguousarray(bounds / scale, "<f2").view(np.uint8)
        out[row_at[:, None] + np.arange(1, 5)] = halves

    return PagedRows(kind, owners, table.starts, 5, 5 if wide else 4, put)


def paged_orders(kind: str, owners: RowOwners, table: ListTable) -> PagedRows:
    """Past orders."""

    def put(rows: NDArray[np.int64], row_at: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        put_orders(rows, row_at, table.starts, table.items, table.scores, table.sources, out)

    return PagedRows(kind, owners, table.starts, 2, 3, put)


def paged_reasons(kind: str, owners: RowOwners, starts: NDArray[np.int64], reasons: Reasons) -> PagedRows:
    """Reasons of the lists that begin at `starts`."""

    def put(rows: NDArray[np.int64], row_at: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        put_reasons(rows, row_at, starts, reasons.kinds, reasons.values, LARGEST_VALUE, out)

    return PagedRows(kind, owners, starts, 0, 4, put)


def paged_due(kind: str, owners: RowOwners, table: DueTable) -> PagedRows:
    """What is due again, see `due_rows`."""

    def places(at: NDArray[np.int64]) -> NDArray[np.void]:
        return due_rows.places_of(
            table.items[at], table.chance[at], table.day[at], table.first[at], table.last[at]
        )

    return _of_records(kind, owners, table.starts, due_rows.LAYOUT, due_rows.PLACE, places)


def paged_bundles(kind: str, owners: RowOwners, own: OwnBundles) -> PagedRows:
    """Bundles of customers, see `bundle_rows`."""

    def places(at: NDArray[np.int64]) -> NDArray[np.void]:
        return bundle_rows.places_of(own.bundles[at], own.owned[at], own.due[at])

    return _of_records(kind, owners, own.starts, bundle_rows.LAYOUT, bundle_rows.PLACE, places)


def _of_records(
    kind: str,
    owners: RowOwners,
    starts: NDArray[np.int64],
    layout: int,
    record: np.dtype[np.void],
    places: Callable[[NDArray[np.int64]], NDArray[np.void]],
) -> PagedRows:
    """Rows that are a byte and then a record a place; `places` gives the records of these places."""

    def put(rows: NDArray[np.int64], row_at: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        out[row_at] = layout
        lengths = starts[rows + 1] - starts[rows]
        number = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        written = places(np.repeat(starts[rows], lengths) + number)
        at = np.repeat(row_at + 1, lengths) + number * record.itemsize
        out[at[:, None] + np.arange(record.itemsize)] = written.view(np.uint8).reshape(-1, record.itemsize)

    return PagedRows(kind, owners, starts, 1, record.itemsize, put)
