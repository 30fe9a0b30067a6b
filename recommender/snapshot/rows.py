"""How the rows of lists look in bytes: lists, their reasons, their evidence. Public: docs/snapshot-format.md.

The first byte of a list says how its places are laid out, by their bytes; numbers are little-endian:

- 6, exact: for lists whose scores are added up with those of others. All places, then all scores. A place is
  a uint32: bits 0–23 item position, bits 24–30 source, bit 31 bought before. A score is an IEEE half float.
- 4, narrow: for lists of which the order matters most. The row's best and its worst score as half floats,
  then for each place a uint32: bits 0–18 item position, bits 19–22 source, bit 23 bought before, and in bits
  24–31 the score in 255 equal steps from the worst to the best. So the order stays, though scores that are
  near each other may become equal.
- 5, wide: the same, where items or sources are too many for that. The two scores, all places as in an exact
  list, then the steps of all scores, a byte each.
- 3, past orders: a byte with the source, which all places share, then for each place the low 16 bits of a
  number, then for each its high 8 bits: bits 0–22 item position, bit 23 set where an older order begins than
  that of the place before. The scores are not stored: they number the orders from the oldest, see
  `ranking.past_orders`. All places are of items bought before.

A row whose best score is beyond the largest half float is scaled down to it. An empty list has no bytes. A
reason is a uint32: bits 0–23 its value, bits 24–31 its kind.

Only numpy, because the service imports this on its way up. What lies in pages is written by `paged_rows`.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from recommender.errors import SnapshotUnreadable
from recommender.ranking.evidence import Evidence
from recommender.ranking.lists import ListTable, RecommendationList
from recommender.ranking.reasons import KINDS, Reasons

MOST_ITEMS = 1 << 23
"""A place of past orders, the narrowest of all, has 23 bits for its item."""

MOST_NARROW_ITEMS, MOST_NARROW_SOURCES = 1 << 19, 1 << 4
"""Items and sources that the places of a narrow list can tell apart."""

LARGEST_SCORE = float(np.finfo(np.float16).max)
"""Of a list, as it is stored."""

LARGEST_VALUE = (1 << 24) - 1
"""Of a reason; a number of days or of purchases beyond it is stored as this one."""

_ORDERS, _NARROW, _WIDE, _EXACT = 3, 4, 5, 6

_BOUGHT = 0x80
_SOURCE = 0x7F
_ITEM = (1 << 24) - 1
_LEVELS = 255  # steps from a list's worst score to its best
_BOUNDS = struct.Struct("<2e")
_SOURCES = bytes(tag & _SOURCE for tag in range(256))
_NARROW_SOURCES = bytes(tag >> 3 & (MOST_NARROW_SOURCES - 1) for tag in range(256))
_REASON = 4  # bytes
_EVIDENCE = 16  # bytes


def encode_list(ranked: RecommendationList) -> bytes:
    """One list as `encode_lists` writes it."""
    starts = np.array([0, len(ranked)], np.int64)
    (row,) = encode_lists(ListTable(starts, ranked.items, ranked.scores, ranked.sources, ranked.bought))
    return row


def encode_lists(table: ListTable) -> list[bytes]:
    """Each row of a table as an exact list.

    Raises:
        ValueError: a score is not finite.
    """
    lengths = np.diff(table.starts)
    filled = np.flatnonzero(lengths)
    if not np.isfinite(table.scores).all():
        raise ValueError("a list with a score that is no number cannot be stored")
    scale = np.ones(len(lengths), np.float32)
    if len(filled):
        largest = np.maximum.reduceat(np.abs(table.scores), table.starts[filled])
        scale[filled] = np.maximum(1.0, largest / np.float32(LARGEST_SCORE))
    scores = (table.scores / np.repeat(scale, lengths)).astype("<f2").tobytes()
    places = _places(table).tobytes()
    return [
        bytes((_EXACT,)) + places[4 * start : 4 * end] + scores[2 * start : 2 * end] if start < end else b""
        for start, end in pairwise(table.starts.tolist())
    ]


def decode_list(row: bytes) -> RecommendationList:
    """The list in a row of any layout, its scores as near as they are kept.

    Raises:
        SnapshotUnreadable: the first byte says nothing that is known, or the length does not fit it.
    """
    if not row:
        return _unpacked(np.zeros(0, np.uint32), np.zeros(0, np.float32))
    head, n = _head_and_length(row)
    match row[0]:
        case 3:
            return _decode_orders(row, n)
        case 4:
            return _decode_narrow(row, n)
        case 5:
            levels = np.frombuffer(row, np.uint8, n, head + 4 * n)
            return _unpacked(np.frombuffer(row, "<u4", n, head), _scores(row, levels))
        case _:
            scores = np.frombuffer(row, "<f2", n, head + 4 * n).astype(np.float32)
            return _unpacked(np.frombuffer(row, "<u4", n, head), scores)


_HEADS = {_ORDERS: 2, _NARROW: 5, _WIDE: 5, _EXACT: 1}
"""First byte of a list → bytes before its first place."""


@dataclass(frozen=True, slots=True)
class PackedList:
    """A stored list of which only a few places are looked at: these cost little more than their bytes.

    Attributes:
        row: as it is stored; exact, narrow or wide.
        items: position of each place's item, best first.
        sources: positions in `SOURCES`, a byte a place.
    """

    row: bytes
    items: list[int]
    sources: bytes

    @classmethod
    def of(cls, row: bytes) -> "PackedList | None":
        """The list of a row; None where it is empty or of past orders.

        Raises:
            SnapshotUnreadable: see `decode_list`.
        """
        if not row or row[0] == _ORDERS:
            return None
        head, n = _head_and_length(row)
        places = np.frombuffer(row, "<u4", n, head)
        if row[0] == _NARROW:
            items, tags, sources = places & (MOST_NARROW_ITEMS - 1), row[head + 2 :: 4], _NARROW_SOURCES
        else:
            items, tags, sources = places & _ITEM, row[head + 3 : head + 4 * n : 4], _SOURCES
        return cls(row, items.tolist(), tags.translate(sources))

    def fits(self, n_items: int, n_sources: int) -> bool:
        """Whether every place means something with so many items and sources, no item stands there twice."""
        if self.row[0] == _EXACT:
            finite = bool(np.isfinite(self._exact_scores()).all())
        else:
            finite = all(map(isfinite, _BOUNDS.unpack_from(self.row, 1)))
        return (
            finite
            and max(self.items) < n_items
            and len(set(self.items)) == len(self.items)
            and max(self.sources) < n_sources
        )

    def scores(self, places: list[int]) -> list[float]:
        """Scores of these places."""
        if self.row[0] == _EXACT:
            chosen = self._exact_scores()[places]
        else:
            first, step = (_HEADS[_NARROW] + 3, 4) if self.row[0] == _NARROW else (-len(self.items), 1)
            levels = bytes([self.row[first + step * place] for place in places])
            chosen = _scores(self.row, np.frombuffer(levels, np.uint8))
        found: list[float] = chosen.tolist()
        return found

    def _exact_scores(self) -> NDArray[np.float32]:
        n = len(self.items)
        return np.frombuffer(self.row, "<f2", n, _HEADS[_EXACT] + 4 * n).astype(np.float32)


def _head_and_length(row: bytes) -> tuple[int, int]:
    """Bytes before a list's first place, and how many places it has."""
    head = _HEADS.get(row[0])
    n, rest = divmod(len(row) - (head or 0), max(row[0], 1))
    if head is None or rest or n < 0:
        raise SnapshotUnreadable(
            f"a stored list of {len(row)} bytes is not whole: publish the snapshot again "
            "with the matching version"
        )
    return head, n


def _places(table: ListTable) -> NDArray[np.uint32]:
    tag = table.sources.astype(np.uint32) | (table.bought.astype(np.uint32) * _BOUGHT)
    return (table.items.astype(np.uint32) | (tag << 24)).astype("<u4", copy=False)


def _unpacked(places: NDArray[np.uint32], scores: NDArray[np.float32]) -> RecommendationList:
    tag = places >> 24
    return RecommendationList(
        (places & _ITEM).astype(np.int32),
        scores,
        (tag & _SOURCE).astype(np.uint8),
        (tag & _BOUGHT).astype(bool),
    )


def _decode_narrow(row: bytes, n: int) -> RecommendationList:
    head = _HEADS[_NARROW]
    # The third byte of a place is a part of the item, the source and the flag, the fourth one is the step.
    tag, levels = np.frombuffer(row, np.uint8, 4 * n, head).reshape(n, 4)[:, 2:].T
    return RecommendationList(
        (np.frombuffer(row, "<u4", n, head) & (MOST_NARROW_ITEMS - 1)).astype(np.int32),
        _scores(row, levels),
        tag >> 3 & (MOST_NARROW_SOURCES - 1),
        (tag >> 7).view(bool),
    )


def _scores(row: bytes, levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    high, low = _BOUNDS.unpack_from(row, 1)
    return levels * np.float32((high - low) / _LEVELS) + np.float32(low)


def _decode_orders(row: bytes, n: int) -> RecommendationList:
    head = _HEADS[_ORDERS]
    low, high = np.frombuffer(row, "<u2", n, head), np.frombuffer(row, np.uint8, n, head + 2 * n)
    number = np.cumsum(high >> 7, dtype=np.int32)
    return RecommendationList(
        low | ((high & 0x7F).astype(np.int32) << 16),
        (number[-1:] - number + 1).astype(np.float32),
        np.full(n, row[1], np.uint8),
        np.ones(n, bool),
    )


def decode_reasons(row: bytes) -> Reasons:
    """The reasons in a row.

    Raises:
        SnapshotUnreadable: the length is not a multiple of a reason, or a kind is unknown.
    """
    if len(row) % _REASON:
        raise SnapshotUnreadable(
            f"stored reasons of {len(row)} bytes are not whole: publish the snapshot again "
            "with the matching version"
        )
    packed = np.frombuffer(row, "<u4")
    kinds = (packed >> 24).astype(np.uint8)
    if not np.all(kinds < len(KINDS)):
        raise SnapshotUnreadable("a stored reason is of a kind that this version does not know: upgrade it")
    return Reasons(kinds, (packed & LARGEST_VALUE).astype(np.int32))


def encode_evidence(starts: NDArray[np.int64], evidence: Evidence) -> list[bytes]:
    """The evidence of each list as 16 bytes a place: all orders, all customers, all lifts, all lower ends.

    The first two are uint32, the others float32, all little-endian.

    Args:
        starts: shape (rows + 1,); row r has the evidence of the places `starts[r]:starts[r + 1]`.
        evidence: of all rows.
    """
    columns = [column.astype("<u4").tobytes() for column in (evidence.orders, evidence.customers)]
    columns += [column.astype("<f4").tobytes() for column in (evidence.lift, evidence.lift_low)]
    return [
        b"".join(column[4 * start : 4 * end] for column in columns)
        for start, end in pairwise(starts.tolist())
    ]


def decode_evidence(row: bytes) -> Evidence:
    """The evidence that `encode_evidence` wrote.

    Raises:
        SnapshotUnreadable: the length is not a multiple of a place's, or a number makes no sense.
    """
    n, rest = divmod(len(row), _EVIDENCE)
    if rest:
        raise SnapshotUnreadable(
            f"stored evidence of {len(row)} bytes is not whole: publish the snapshot again "
            "with the matching version"
        )
    orders, customers = (np.frombuffer(row, "<u4", n, 4 * n * at).astype(np.int32) for at in (0, 1))
    lift, lift_low = (np.frombuffer(row, "<f4", n, 4 * n * at) for at in (2, 3))
    # Written so that what is no number fails, too.
    sound = (orders >= 0) & (customers >= 0) & (lift_low >= 0) & (lift >= lift_low) & np.isfinite(lift)
    if not sound.all():
        raise SnapshotUnreadable("stored evidence has numbers that make no sense: publish the snapshot again")
    return Evidence(orders, customers, lift, lift_low)
