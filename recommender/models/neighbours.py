"""The strongest few relations of every item, counted in one pass that never holds all pairs."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.blocks import bounded_blocks
from recommender.models.counted_rows import NOBODY, CountedRows, counted_rows
from recommender.models.measures import Floor, Measure
from recommender.models.pair_kernels import CHUNK, Lowest, Sums, relations, strongest

_BLOCK_WORK = 4_000_000
"""Products that a thread adds up at a time: some milliseconds."""

_NEXT_TO_NOTHING = np.float32(1e-37)
"""What shares less than this shares nothing."""

_Block = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]
"""Of a block of anchors: relations kept of each, their columns, their strength."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """For every item the items that go with it.

    Attributes:
        relation: shape (n_items, n_items) float32, row = anchor item, column = item to show beside it;
            positive entries only, at most as many a row as were asked for, none on the diagonal.
    """

    relation: csr_array


@dataclass(frozen=True, slots=True)
class SeveralBuyers:
    """A floor of different people behind a relation.

    Attributes:
        buyer: shape (n_rows,), number of whoever made each row, from 0.
        fewest: pairs that fewer of them ever had in one row are no relation.
    """

    buyer: NDArray[np.integer]
    fewest: int


def strongest_relations(
    rows: csr_array,
    measure: Measure,
    *,
    n: int,
    min_together: float = 0.0,
    several: SeveralBuyers | None = None,
    threads: int | None = None,
) -> Neighbours:
    """The `n` strongest relations of each item, without holding all pairs.

    Args:
        rows: shape (n_rows, n_items), entries of at least 0; items that share a row (basket, customer) may
            be related. The strength of sharing is the product of the two entries, summed over rows.
        measure: makes a relation of the sum shared and of the two items (`recommender.models.measures`).
        n: relations to keep for an anchor; ties go to the lower item position.
        min_together: pairs that share less than this are no relation.
        several: pairs of too few people are none either; by default one row is enough.
        threads: blocks worked on at a time; as many as the machine has cores by default.

    Returns:
        The kept relations; the same whatever the number of threads.
    """
    n_items = rows.shape[1]
    # Items of most rows first: what is added to most stands close together, and few others are like it.
    position = np.argsort(-np.bincount(rows.indices, minlength=n_items), kind="stable")
    ranked = csr_array((rows.data, _rank(position)[rows.indices], rows.indptr), shape=rows.shape)
    counted = counted_rows(ranked, NOBODY if several is None else several.buyer)
    measure, kept = _in_order(measure, position), min(n, n_items)
    lowest, unsigned = _lowest(measure), position.astype(np.uint32)
    floor = Floor(np.maximum(np.float32(min_together), _NEXT_TO_NOTHING), several.fewest if several else 0)

    def block(anchors: slice) -> _Block:
        size = anchors.stop - anchors.start
        found = np.zeros(size, np.int64), np.empty(size * kept, np.int32), np.empty(size * kept, np.float32)
        end = strongest(
            anchors.start, anchors.stop, counted, _no_sums(counted), measure, lowest, floor, unsigned, *found
        )
        return found[0], found[1][:end].copy(), found[2][:end].copy()

    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        blocks = list(pool.map(block, bounded_blocks(counted.work, _BLOCK_WORK)))
    return Neighbours(_stacked(blocks, position))


def relations_of_pairs(
    measure: Measure, anchor: NDArray[np.int32], other: NDArray[np.int32], shared: NDArray[np.float32]
) -> NDArray[np.float32]:
    """How strongly pairs are related whose sums are known already; all of shape (n,), 0 for not at all."""
    found = np.empty(len(anchor), np.float32)
    relations(measure, anchor, other, shared, found)
    return np.maximum(found, 0)


def _rank(position: NDArray[np.intp]) -> NDArray[np.int32]:
    """Where each position stands in an order."""
    rank = np.empty(len(position), np.int32)
    rank[position] = np.arange(len(position), dtype=np.int32)
    return rank


def _in_order(measure: Measure, position: NDArray[np.intp]) -> Measure:
    return measure._replace(
        mass=measure.mass[position],
        of_anchor=measure.of_anchor[position],
        of_other=measure.of_other[position],
        group=measure.group[position],
    )


def _lowest(measure: Measure) -> Lowest:
    chunks = np.arange(0, len(measure.mass), CHUNK)
    return Lowest(*(np.minimum.reduceat(numbers, chunks) for numbers in (measure.mass, measure.of_other)))


def _no_sums(rows: CountedRows) -> Sums:
    """Of nothing yet; made here, for numpy's ways to make arrays take long to compile."""
    n_chunks = -(-len(rows.work) // CHUNK)
    n_known = n_chunks * CHUNK if len(rows.buyer) else 0
    return Sums(
        together=np.zeros(n_chunks * CHUNK, np.float32),
        dirty=np.zeros(n_chunks, np.uint8),
        buyers=np.zeros(n_known, np.int32),
        newest=np.full(n_known, -1, np.int32),
    )


def _stacked(blocks: list[_Block], position: NDArray[np.intp]) -> csr_array:
    """The relations in the order of the vocabulary again."""
    shape = (len(position), len(position))
    if not blocks:
        return csr_array(shape, dtype=np.float32)
    kept, columns, strength = (np.concatenate(part) for part in zip(*blocks, strict=True))
    # Of the type of the columns: half the memory, and of one type scipy leaves both as they are.
    starts = np.zeros(len(kept) + 1, np.int32)
    np.cumsum(kept, out=starts[1:])
    ranked = csr_array((strength, columns, starts), shape=shape)
    relation = csr_array(ranked[_rank(position)])
    relation.has_sorted_indices = True
    return relation
