"""Filling lists anew, place by place and many rows at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.lists import ListTable


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a list table side by side; shape (n_rows, width) each, best place first.

    Attributes:
        at: int64, the candidate's place in the table; where the row is shorter, some other place.
        filled: False where the row is shorter; the attributes below mean nothing there.
        items: int32 positions.
        scores: float32.
        bought: True for repeats.
    """

    at: NDArray[np.int64]
    filled: NDArray[np.bool_]
    items: NDArray[np.int32]
    scores: NDArray[np.float32]
    bought: NDArray[np.bool_]

    @classmethod
    def of(cls, table: ListTable, starts: NDArray[np.int64]) -> "Block":
        """The rows between these starts, shape (n_rows + 1,), of a table that has a place at all."""
        lengths = np.diff(starts)
        columns = np.arange(max(1, lengths.max()))
        filled = columns < lengths[:, None]
        at = np.where(filled, starts[:-1, None] + columns, 0)
        return cls(at, filled, table.items[at], table.scores[at], table.bought[at])


class Rule(Protocol):
    """Something that forbids candidates in view of what is placed already."""

    def allowed(self, place: int) -> NDArray[np.bool_]:
        """Which candidates may take this place, counted from 0; shape (n_rows, width)."""
        ...

    def take(self, column: NDArray[np.intp]) -> None:
        """Hear which candidate of each row took the place, shape (n_rows,)."""
        ...


class Preference(Protocol):
    """Something that tells better candidates from worse in view of what is placed already."""

    def worth(self) -> NDArray[np.float32]:
        """The higher the better, shape (n_rows, width)."""
        ...

    def take(self, column: NDArray[np.intp]) -> None:
        """See `Rule.take`."""
        ...


def placed(
    block: Block,
    places: int,
    *,
    spare: NDArray[np.bool_],
    rules: Sequence[Rule],
    preference: Preference | None,
) -> NDArray[np.intp]:
    """The order in which a block's candidates fill their lists.

    The first `places` go, one after the other, to the best candidate that is not spare and that every rule
    allows. A rule that would leave a place empty gives way, the last one first, and spare candidates are
    taken when there are no others. The rest stays in its order.

    Args:
        block: best candidate first.
        places: that the rules hold for.
        spare: shape (n_rows, width).
        rules: the most important first.
        preference: what makes a candidate the best; None for its place.

    Returns:
        Shape (n_rows, width): columns of `block`, that of the first place first; where a row is shorter,
        the columns that are not filled come last.
    """
    rows, columns = np.arange(len(block.items)), np.arange(block.items.shape[1])
    turn = len(columns) * (1 + ~block.filled) + columns
    left = block.filled.copy()
    for place in range(min(places, len(columns))):
        pool = _narrowed(left, ~spare)
        for rule in rules:
            pool = _narrowed(pool, rule.allowed(place))
        worth = preference.worth() if preference else -columns
        chosen = np.where(pool, worth, -np.inf).argmax(axis=1)
        # A row that has run out chooses what is no longer left; that keeps its turn.
        running = left[rows, chosen]
        turn[rows[running], chosen[running]] = place
        left[rows, chosen] = False
        for watcher in (*rules, *((preference,) if preference else ())):
            watcher.take(chosen)
    return np.argsort(turn, axis=1, kind="stable")


def _narrowed(pool: NDArray[np.bool_], allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pool without what is not allowed; rows where that would leave nothing keep theirs."""
    narrow = pool & allowed
    return np.where(narrow.any(axis=1, keepdims=True), narrow, pool)
