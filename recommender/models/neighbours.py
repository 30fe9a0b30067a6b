"""The strongest few relations of every item, found in blocks."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

_BLOCK_CELLS = 8_000_000
"""Pairs of items that a block may hold at most, each thread its own block."""

_Block = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]
"""Of a block of anchors: entries kept an anchor, their columns, their relations."""

Measure = Callable[[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]], NDArray[np.floating]]
"""(together, mass of the anchor, mass of the other) → relation, elementwise; 0 means none."""

Allowed = Callable[[slice], csr_array]
"""A block of anchors → shape (n_anchors, n_items), True where the two items may be related."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """For every item the items that go with it.

    Attributes:
        relation: shape (n_items, n_items) float32, row = anchor item, column = item to show beside it;
            positive entries only, at most as many a row as were asked for, none on the diagonal.
    """

    relation: csr_array


def strongest_relations(
    rows: csr_array,
    mass: NDArray[np.float32],
    measure: Measure,
    *,
    n: int,
    min_together: float = 0.0,
    allowed: Allowed | None = None,
    threads: int | None = None,
) -> Neighbours:
    """The `n` strongest relations of each item, without holding all pairs.

    Args:
        rows: shape (n_rows, n_items); items that share a row (basket, customer) may be related. The
            strength of sharing is the product of the two entries, summed over rows.
        mass: shape (n_items,) or (n_items, m), what `measure` needs to know of an item alone.
        measure: makes a relation of the sum shared and the two masses.
        n: relations to keep for an anchor; ties go to the lower item position.
        min_together: pairs that share less than this are no relation.
        allowed: all others are no relation either; None allows every pair.
        threads: blocks worked on at a time; as many as the machine has cores by default.

    Returns:
        The kept relations.
    """
    columns, n_items = rows.T.tocsr(), rows.shape[1]
    size = max(1, _BLOCK_CELLS // max(1, n_items))

    def block(start: int) -> _Block:
        anchors = slice(start, start + size)
        together = columns[anchors] @ rows
        if allowed is not None:
            together = csr_array(together.multiply(allowed(anchors)))
        return _strongest_of(together, start, mass, measure, n, min_together)

    # scipy and numpy let go of the interpreter inside their loops, so threads share the work.
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        blocks = list(pool.map(block, range(0, n_items, size)))
    return Neighbours(_stacked(blocks, n_items))


def _strongest_of(
    together: csr_array, start: int, mass: NDArray[np.float32], measure: Measure, n: int, min_together: float
) -> _Block:
    """What is kept of a block of the product, for anchors from `start` on."""
    anchor = np.repeat(np.arange(start, start + together.shape[0]), np.diff(together.indptr))
    wanted = (anchor != together.indices) & (together.data >= min_together)
    anchor, other, shared = anchor[wanted], together.indices[wanted], together.data[wanted]
    strength = measure(shared, mass[anchor], mass[other])
    ends = np.searchsorted(anchor, np.arange(start, start + together.shape[0] + 1))
    best = [_best_of_row(other[a:b], strength[a:b], n) + a for a, b in pairwise(ends)]
    at = np.concatenate(best)
    return np.array([len(row) for row in best]), other[at], strength[at]


def _best_of_row(other: NDArray[np.int32], strength: NDArray[np.float32], n: int) -> NDArray[np.intp]:
    """Where the `n` strongest positive entries stand; of equally strong ones the lower item's."""
    positive = np.flatnonzero(strength > 0)
    if len(positive) <= n:
        return positive
    worst_kept = np.partition(strength, len(strength) - n)[len(strength) - n]
    above = np.flatnonzero(strength > worst_kept)
    tied = np.flatnonzero(strength == worst_kept)
    tied = tied[np.argsort(other[tied])]
    return np.concatenate((above, tied[: n - len(above)]))


def _stacked(blocks: list[_Block], n_items: int) -> csr_array:
    if not blocks:
        return csr_array((n_items, n_items), dtype=np.float32)
    kept, columns, strength = (np.concatenate(part) for part in zip(*blocks, strict=True))
    starts = np.concatenate(([0], np.cumsum(kept)))
    relation = csr_array((strength, columns, starts), shape=(n_items, n_items))
    relation.sort_indices()
    return relation
