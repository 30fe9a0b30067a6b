"""Recommendation lists: one, and many in one table."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOURCES = (
    "best_sellers",
    "als",
    "item_knn",
    "co_purchase",
    "buy_again",
    "customer_knn",
    "als_long_term",
    "co_purchase_recent",
    "content",
    "local_best_sellers",
    "linear",
)
"""Who can have proposed an item; a list stores the position in this tuple, so only append."""


@dataclass(frozen=True, slots=True)
class RecommendationList:
    """Items best first, with the score that put them there and where they came from.

    All attributes have shape (n,).

    Attributes:
        items: int32 positions in the item vocabulary, no item twice.
        scores: float32, non-increasing; comparable only within one list.
        sources: uint8 positions in `SOURCES`.
        bought: bool, True where the customer had bought the item before.
    """

    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    sources: NDArray[np.uint8]
    bought: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.items)

    def keep(self, mask: NDArray[np.bool_]) -> "RecommendationList":
        """The places where `mask` (shape (n,)) is True, in the same order."""
        return RecommendationList(self.items[mask], self.scores[mask], self.sources[mask], self.bought[mask])

    def take(self, places: NDArray[np.integer]) -> "RecommendationList":
        """These places, in this order."""
        return RecommendationList(
            self.items[places], self.scores[places], self.sources[places], self.bought[places]
        )

    def first(self, n: int) -> "RecommendationList":
        """The best `n` places, or all when there are fewer."""
        return RecommendationList(self.items[:n], self.scores[:n], self.sources[:n], self.bought[:n])


def joined(lists: Sequence[RecommendationList]) -> RecommendationList:
    """The places of one list after those of another; of no list, none."""
    if len(lists) < 2:
        return lists[0] if lists else RecommendationList(*(np.zeros(0, dtype) for dtype in _COLUMNS.values()))
    return RecommendationList(
        np.concatenate([ranked.items for ranked in lists]),
        np.concatenate([ranked.scores for ranked in lists]),
        np.concatenate([ranked.sources for ranked in lists]),
        np.concatenate([ranked.bought for ranked in lists]),
    )


@dataclass(frozen=True, slots=True)
class ListTable:
    """Many recommendation lists, one a row, stored end to end.

    Attributes:
        starts: shape (n_rows + 1,) int64; row r stands at starts[r]:starts[r + 1] of the others.
        items: shape (n,) int32 positions in the item vocabulary.
        scores: shape (n,) float32, non-increasing within a row.
        sources: shape (n,) uint8 positions in `SOURCES`.
        bought: shape (n,) bool, True where the row's customer had bought the item before.
    """

    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    sources: NDArray[np.uint8]
    bought: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if len(self.starts) == 0 or self.starts[0] != 0 or self.starts[-1] != len(self.items):
            raise ValueError("the rows of a list table must cover its places exactly")

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __iter__(self) -> Iterator[RecommendationList]:
        return (self.row(r) for r in range(len(self)))

    def row(self, r: int) -> RecommendationList:
        """The list of row `r`."""
        at = slice(int(self.starts[r]), int(self.starts[r + 1]))
        return RecommendationList(self.items[at], self.scores[at], self.sources[at], self.bought[at])

    def rows(self, at: slice) -> "ListTable":
        """Consecutive rows, of the same memory."""
        starts = self.starts[at.start : at.stop + 1]
        places = slice(int(starts[0]), int(starts[-1]))
        return ListTable(
            starts - starts[0],
            self.items[places],
            self.scores[places],
            self.sources[places],
            self.bought[places],
        )

    def row_of_place(self) -> NDArray[np.int64]:
        """Row of every stored place, shape (n,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def keep(self, mask: NDArray[np.bool_]) -> "ListTable":
        """The places where `mask` (shape (n,)) is True; rows keep their number, and may become empty."""
        kept_before = np.concatenate(([0], np.cumsum(mask)))
        return ListTable(
            kept_before[self.starts],
            self.items[mask],
            self.scores[mask],
            self.sources[mask],
            self.bought[mask],
        )

    def first(self, n: int) -> "ListTable":
        """The best `n` places of every row."""
        if np.diff(self.starts).max(initial=0) <= n:
            return self
        rank = np.arange(len(self.items)) - self.starts[self.row_of_place()]
        return self.keep(rank < n)

    def places_of(self, rows: NDArray[np.integer]) -> NDArray[np.int64]:
        """Positions of the places of these rows, one row after the other."""
        lengths = np.diff(self.starts)[rows]
        ends = np.cumsum(lengths)
        within = np.arange(int(lengths.sum())) - np.repeat(ends - lengths, lengths)
        return np.asarray(np.repeat(self.starts[:-1][rows], lengths) + within, np.int64)

    def take(self, rows: NDArray[np.integer]) -> "ListTable":
        """These rows, in this order."""
        places = self.places_of(rows)
        return ListTable(
            np.concatenate(([0], np.cumsum(np.diff(self.starts)[rows]))).astype(np.int64),
            self.items[places],
            self.scores[places],
            self.sources[places],
            self.bought[places],
        )

    @classmethod
    def stack(cls, tables: Iterable["ListTable"], most: int) -> "ListTable":
        """The rows of several tables, one table after the other.

        Args:
            tables: each is copied as it comes, and not kept.
            most: places that all of them together may have. Memory is only taken by those that they do have.
        """
        lengths: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]
        columns: dict[str, NDArray[Any]] = {name: np.empty(most, dtype) for name, dtype in _COLUMNS.items()}
        end = 0
        for table in tables:
            lengths.append(np.diff(table.starts))
            start, end = end, end + len(table.items)
            for name, column in columns.items():
                column[start:end] = getattr(table, name)
        return cls(
            np.cumsum(np.concatenate(lengths)), **{name: column[:end] for name, column in columns.items()}
        )


_COLUMNS: dict[str, type[np.generic]] = {
    "items": np.int32,
    "scores": np.float32,
    "sources": np.uint8,
    "bought": np.bool_,
}
"""What a place holds."""
