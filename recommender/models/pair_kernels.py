"""The inner loops of counting what items share, and of what relates them.

All stand in one file: what is kept of a compiled function is made anew when its own file changes, but not
when that of a function which it calls does.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.compiled import bits_of, compiled, no_literal, number_of, prefetch
from recommender.models.counted_rows import CountedRows
from recommender.models.measures import JACCARD, RATIO, Floor, Measure

CHUNK = 64
"""Neighbouring items that are looked at together: only where one shares enough with the anchor is each."""

_SHIFT = np.uint32(6)
"""log₂ of `CHUNK`."""

_FEW = 16
"""Products a chunk of the shop up to which an anchor's items are looked up one by one."""

_AHEAD = 4
"""Rows between the one that is added and the one that is asked for."""

_LINES, _ENTRIES_A_LINE = 4, 16
"""What is asked for of a row, in the lines that memory is read in: enough for most rows."""

_NONE = no_literal(0)
"""Where a count begins that a function is told."""

_ONE = np.uint32(1)
_HALF = np.uint64(32)
_LAST = np.uint64(0xFFFFFFFF)

_ROUNDING = 1 - 1e-6
"""Keeps single precision from dropping a pair that is as strong as the weakest kept."""


class Sums(NamedTuple):
    """What the rows of one anchor add up to, and is cleared after it: all 0, and nobody.

    Attributes:
        together: shape (n_items,) and up to a whole chunk, what each item shares with the anchor.
        dirty: shape (n_chunks,), 1 where a chunk holds something.
        buyers: as `together`, different people; empty if nobody asks.
        newest: who came last, -1 for nobody.
    """

    together: NDArray[np.float32]
    dirty: NDArray[np.uint8]
    buyers: NDArray[np.int32]
    newest: NDArray[np.int32]


class Lowest(NamedTuple):
    """The lowest numbers of every chunk of items, shape (n_chunks,) each; see `Measure`."""

    mass: NDArray[np.float64]
    of_other: NDArray[np.float64]


class _Hits(NamedTuple):
    """Items that may be related to the anchor strongly enough.

    Attributes:
        items: as many as there are, and anything.
        shared: what each shares with the anchor.
    """

    items: NDArray[np.uint32]
    shared: NDArray[np.float32]


@compiled
def strongest(
    first: int,
    last: int,
    rows: CountedRows,
    sums: Sums,
    measure: Measure,
    lowest: Lowest,
    floor: Floor,
    position: NDArray[np.uint32],
    kept: NDArray[np.int64],
    columns: NDArray[np.int32],
    strength: NDArray[np.float32],
) -> int:
    """The strongest relations of some anchors, each counted row by row and then forgotten.

    What the anchor shares with every item is added up in one dense row (Gustavson, "Two fast algorithms for
    sparse matrices", ACM TOMS 1978). Which chunks of it were touched is remembered; of these only such are
    looked at in which some item shares as much as it must to come before the weakest relation kept.

    Args:
        first: the first anchor.
        last: the anchor after the last.
        rows: what is counted.
        sums: of these rows, and no other thread's. Written, and cleared.
        measure: makes a relation of the count.
        lowest: of this measure.
        floor: for a pair to be related.
        position: shape (n_items,), the item's position for the outside; of equal relations the lower wins.
        kept: shape (last - first,). Written: relations of each anchor.
        columns: shape ((last - first) * most to keep of one,), positions. Written from the beginning, those
            of one anchor rising.
        strength: likewise. Written.

    Returns:
        Relations written.
    """
    few = _FEW * len(sums.dirty)
    room = max(few, CHUNK) + 1
    hits = _Hits(np.empty(room, np.uint32), np.empty(room, np.float32))
    heap = np.empty(len(columns) // max(last - first, 1), np.uint64)
    written = _NONE
    for anchor in range(first, last):
        if len(rows.buyer):
            _add_with_buyers(anchor, rows, sums)
        elif rows.ones:
            _add_ones(anchor, rows, sums)
        else:
            _add(anchor, rows, sums)
        sums.together[anchor] = 0
        heap[:] = 0
        if rows.work[anchor] <= few:
            _choose_by_items(anchor, rows, sums, measure, floor, position, hits, heap)
        else:
            _choose_by_chunks(anchor, sums, measure, lowest, floor, position, hits, heap)
        end = _write(heap, columns, strength, written)
        kept[anchor - first] = end - written
        written = end
    return written


@compiled
def _add(anchor: int, rows: CountedRows, sums: Sums) -> None:
    starts, items, values, together, dirty = rows.starts, rows.items, rows.values, sums.together, sums.dirty
    for at in range(rows.column_starts[anchor], rows.column_starts[anchor + 1]):
        _fetch_ahead(at, rows)
        row, value = rows.rows[at], rows.row_values[at]
        for entry in range(starts[row], starts[row + _ONE]):
            item = items[entry]
            together[item] += value * values[entry]
            dirty[item >> _SHIFT] = 1


@compiled
def _add_ones(anchor: int, rows: CountedRows, sums: Sums) -> None:
    starts, items, together, dirty = rows.starts, rows.items, sums.together, sums.dirty
    for at in range(rows.column_starts[anchor], rows.column_starts[anchor + 1]):
        _fetch_ahead(at, rows)
        row = rows.rows[at]
        for entry in range(starts[row], starts[row + _ONE]):
            item = items[entry]
            together[item] += np.float32(1)
            dirty[item >> _SHIFT] = 1


@compiled
def _add_with_buyers(anchor: int, rows: CountedRows, sums: Sums) -> None:
    starts, items, values, together, dirty = rows.starts, rows.items, rows.values, sums.together, sums.dirty
    buyers, newest = sums.buyers, sums.newest
    for at in range(rows.column_starts[anchor], rows.column_starts[anchor + 1]):
        _fetch_ahead(at, rows)
        row, value = rows.rows[at], rows.row_values[at]
        buyer = rows.buyer[row]
        for entry in range(starts[row], starts[row + _ONE]):
            item = items[entry]
            together[item] += value * values[entry]
            dirty[item >> _SHIFT] = 1
            buyers[item] += newest[item] != buyer
            newest[item] = buyer


@compiled
def _fetch_ahead(at: int, rows: CountedRows) -> None:
    """Ask for the beginnings of the rows that come next: they lie anywhere."""
    last = np.uint64(len(rows.rows) - 1)
    prefetch(rows.starts, rows.rows[min(at + np.uint64(2 * _AHEAD), last)])
    start = rows.starts[rows.rows[min(at + np.uint64(_AHEAD), last)]]
    for line in range(_LINES):
        entry = start + np.uint64(line * _ENTRIES_A_LINE)
        prefetch(rows.items, entry)
        if not rows.ones:
            prefetch(rows.values, entry)


@compiled
def _choose_by_chunks(
    anchor: int,
    sums: Sums,
    measure: Measure,
    lowest: Lowest,
    floor: Floor,
    position: NDArray[np.uint32],
    hits: _Hits,
    heap: NDArray[np.uint64],
) -> None:
    """Put the strongest relations of an anchor that shares rows with many items into its heap.

    Args:
        anchor: whose sums they are.
        sums: see `Sums`. Cleared.
        measure: makes relations of them.
        lowest: as in `strongest`.
        floor: likewise.
        position: likewise.
        hits: see `_Hits`. Written.
        heap: zeros. Written: a number a relation, the lowest first; above all others is what comes first.
    """
    together, dirty, buyers, newest = sums.together, sums.dirty, sums.buyers, sums.newest
    formula, everything, shrinkage = measure.formula, measure.everything, measure.shrinkage
    a, scale, same_group = measure.mass[anchor], measure.of_anchor[anchor], measure.same_group
    hit, shared = hits.items, hits.shared
    worst = 0.0
    for chunk in range(len(dirty)):
        if not dirty[chunk]:
            continue
        dirty[chunk] = 0
        begin, end = chunk * CHUNK, (chunk + 1) * CHUNK
        needed = _needed(
            formula,
            worst / same_group,
            a,
            lowest.mass[chunk],
            scale * lowest.of_other[chunk],
            everything,
            shrinkage,
        )
        enough = max(np.float32(needed * _ROUNDING), floor.together)
        sums_here, n = together[begin:end], _NONE
        # Counted first, to the end: without a way out, many are compared at a time.
        for place in range(CHUNK):
            n += sums_here[place] >= enough
        if n:
            n = _NONE
            for place in range(CHUNK):
                hit[n], shared[n] = begin + place, sums_here[place]
                n += sums_here[place] >= enough and (
                    len(buyers) == 0 or buyers[begin + place] >= floor.buyers
                )
            worst = _offer(anchor, n, hits, measure, position, heap)
        sums_here[:] = 0
        if len(buyers):
            buyers[begin:end] = 0
            newest[begin:end] = -1


@compiled
def _choose_by_items(
    anchor: int,
    rows: CountedRows,
    sums: Sums,
    measure: Measure,
    floor: Floor,
    position: NDArray[np.uint32],
    hits: _Hits,
    heap: NDArray[np.uint64],
) -> None:
    """The same for an anchor that shares rows with few items: its rows are gone through a second time."""
    together, dirty, buyers, newest = sums.together, sums.dirty, sums.buyers, sums.newest
    hit, shared, n = hits.items, hits.shared, _NONE
    for at in range(rows.column_starts[anchor], rows.column_starts[anchor + 1]):
        row = rows.rows[at]
        for entry in range(rows.starts[row], rows.starts[row + _ONE]):
            item = rows.items[entry]
            # Where it comes again there is nothing left of it.
            hit[n], shared[n] = item, together[item]
            n += together[item] >= floor.together and (len(buyers) == 0 or buyers[item] >= floor.buyers)
            together[item] = 0
            dirty[item >> _SHIFT] = 0
            if len(buyers):
                buyers[item] = 0
                newest[item] = -1
    _offer(anchor, n, hits, measure, position, heap)


@compiled
def _offer(
    anchor: int, n: int, hits: _Hits, measure: Measure, position: NDArray[np.uint32], heap: NDArray[np.uint64]
) -> float:
    """Put the first `n` hits into the heap where they belong there, and return the weakest relation in it."""
    a, of_anchor, group = measure.mass[anchor], measure.of_anchor[anchor], measure.group[anchor]
    for turn in range(n):
        item = hits.items[turn]
        both, b, scale = np.float64(hits.shared[turn]), measure.mass[item], of_anchor * measure.of_other[item]
        relation = _relation(measure.formula, both, a, b, scale, measure.everything, measure.shrinkage)
        if group >= 0 and group == measure.group[item]:
            relation *= measure.same_group
        strength = np.float32(relation)
        # Numbers above 0 have the order of their bits, so one whole number says who comes first.
        key = (np.uint64(bits_of(strength)) << _HALF) | (_LAST - np.uint64(position[item]))
        if strength > 0 and key > heap[0]:
            _replace_worst(heap, key)
    return np.float64(number_of(np.uint32(heap[0] >> _HALF)))


@compiled
def _needed(
    formula: int, relation: float, a: float, b: float, scale: float, everything: float, shrinkage: float
) -> float:
    """How much two items must share to be related so strongly; rises with `b` and `scale`."""
    by_chance = a * b / everything
    if formula == RATIO:
        return relation * (scale + shrinkage) + by_chance
    if formula == JACCARD:
        return relation / (1 + relation) * (a + b + shrinkage)
    return by_chance


@compiled
def _relation(
    formula: int, shared: float, a: float, b: float, scale: float, everything: float, shrinkage: float
) -> float:
    if formula == RATIO:
        # Multiplied out: counts are exact in double precision, so what is no more than chance comes out as 0.
        below = (scale + shrinkage) * everything
        return (shared * everything - a * b) / below if below > 0 else 0.0
    if formula == JACCARD:
        below = a + b - shared + shrinkage
        return shared / below if below > 0 else 0.0
    return _log_likelihood_ratio(shared, a, b, everything) if shared * everything > a * b else 0.0


@compiled
def _log_likelihood_ratio(both: float, a: float, b: float, everything: float) -> float:
    neither = everything - a - b + both
    cells = _x_log_x(both) + _x_log_x(a - both) + _x_log_x(b - both) + _x_log_x(neither)
    margins = _x_log_x(a) + _x_log_x(everything - a) + _x_log_x(b) + _x_log_x(everything - b)
    return 2 * (cells - margins + _x_log_x(everything))


@compiled
def _x_log_x(x: float) -> float:
    return x * np.log(x) if x > 0 else 0.0


@compiled
def relations(
    measure: Measure,
    anchor: NDArray[np.int32],
    other: NDArray[np.int32],
    shared: NDArray[np.float32],
    found: NDArray[np.float32],
) -> None:
    """How strongly pairs of items are related, by what they share. `found` is written."""
    for pair in range(len(anchor)):
        one, two, both = anchor[pair], other[pair], np.float64(shared[pair])
        a, b, scale = measure.mass[one], measure.mass[two], measure.of_anchor[one] * measure.of_other[two]
        relation = _relation(measure.formula, both, a, b, scale, measure.everything, measure.shrinkage)
        alike = measure.group[one] >= 0 and measure.group[one] == measure.group[two]
        found[pair] = relation * measure.same_group if alike else relation


@compiled
def _replace_worst(heap: NDArray[np.uint64], key: np.uint64) -> None:
    """Sink a key from the top, where the lowest stands."""
    parent, n = 0, len(heap)
    while 2 * parent + 1 < n:
        child = 2 * parent + 1
        if child + 1 < n and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[parent] = heap[child]
        parent = child
    heap[parent] = key


@compiled
def _write(
    heap: NDArray[np.uint64], columns: NDArray[np.int32], strength: NDArray[np.float32], written: int
) -> int:
    """Append what a heap holds, the lower position first.

    How many go before an item is its place: counting them is quick, and a sort takes seconds to compile.
    """
    end = written
    for key in heap:
        if key:
            place, reverse = np.int64(written), key & _LAST
            # What is no relation is 0, and goes before none.
            for other in heap:
                place += (other & _LAST) > reverse
            columns[place] = np.int32(_LAST - reverse)
            strength[place] = number_of(np.uint32(key >> _HALF))
            end += 1
    return end
