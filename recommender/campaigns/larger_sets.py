"""Sets of one item more, all parts of which are known."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from recommender.campaigns.bundle_table import NO_ITEM
from recommender.data.groups import run_starts, sorted_by

_BITS = 21
"""Of a number of an item: three of them make one whole number."""

_Sets = NDArray[np.int32]


def joined(sets: _Sets, size: int) -> _Sets:
    """All sets of one item more of which every part with one item less is among these.

    Two sets that differ in their last item alone make one of the next size; what lacks a part is dropped
    (Agrawal & Srikant, "Fast algorithms for mining association rules", VLDB 1994).

    Args:
        sets: shape (n, most), rising positions, then `NO_ITEM`; no set twice.
        size: items of each of them, 2 or 3, less than `most`.

    Returns:
        Of the same form.
    """
    columns = [sets[:, place] for place in range(size)]
    sets = sets[sorted_by(*columns)] if len(sets) else sets
    one, two = _of_one_beginning(sets, size)
    larger = sets[one].copy()
    larger[:, size] = sets[two, size - 1]
    return larger[has_all_parts(larger, sets, size + 1)]


def has_all_parts(larger: _Sets, sets: _Sets, size: int) -> NDArray[np.bool_]:
    """Whether all parts with one item less of sets of `size` items are among some sets, shape (n,)."""
    items = np.unique(np.concatenate((larger, sets)))
    known, complete = _keys(sets[:, : size - 1], items), np.ones(len(larger), bool)
    for part in combinations(range(size), size - 1):
        complete &= np.isin(_keys(larger[:, part], items), known)
    return complete


def best_of_items(sets: _Sets, n: int) -> NDArray[np.bool_]:
    """Which sets, the best first, are among the first n of at least one of their items, shape (n_sets,)."""
    number, place = np.nonzero(sets != NO_ITEM)
    item = sets[number, place]
    order = np.argsort(item, kind="stable")
    starts = run_starts(item[order])
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    best = np.zeros(len(sets), bool)
    best[number[order[rank < n]]] = True
    return best


def _of_one_beginning(sets: _Sets, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of rows that agree in all but their last item; rows of one beginning stand together."""
    if not len(sets):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    begins = np.ones(len(sets), bool)
    begins[1:] = (sets[1:, : size - 1] != sets[:-1, : size - 1]).any(axis=1)
    starts = np.flatnonzero(begins)
    lengths = np.diff(starts, append=len(sets))
    # Each row goes with the rows of its beginning that follow it.
    following = np.repeat(starts + lengths, lengths) - np.arange(len(sets)) - 1
    one = np.repeat(np.arange(len(sets)), following)
    return one, one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(following) - following, following)


def _keys(sets: _Sets, items: NDArray[np.int32]) -> NDArray[np.int64]:
    """One number for each set of at most three items."""
    keys = np.zeros(len(sets), np.int64)
    for column in sets.T:
        keys = (keys << _BITS) | np.searchsorted(items, column)
    return keys
