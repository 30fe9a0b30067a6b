"""The inner loops of the exact search, over products and over sparse rows.

All stand in one file: what is kept of a compiled function is made anew when its own file changes, but not
when that of a function which it calls does.
"""

import numpy as np
from numpy.typing import NDArray

from recommender.compiled import compiled, compiled_freely, compiled_loosely

PANEL = 64
"""Customers whose scores are taken in one product of matrices."""

_CHUNK = 64
"""Scores looked at together: only where one of them is above the list's worst is each compared."""

_NOBODY = np.int32(-1)


@compiled_loosely
def search(
    customers: NDArray[np.float32],
    length: NDArray[np.float64],
    blocks: NDArray[np.float32],
    longest: NDArray[np.float64],
    n_items: int,
    starts: NDArray[np.int64],
    masked: NDArray[np.int32],
    scores: NDArray[np.float32],
    items: NDArray[np.int32],
) -> None:
    """Fill every customer's heap with the best items by scores of single precision.

    Items come in the order of their length, so a customer is done as soon as no later item can be long
    enough: a score is at most the product of the lengths (Cauchy and Schwarz).

    Args:
        customers: shape (n, factors).
        length: shape (n,), no less than the length of any customer's factors.
        blocks: shape (n_blocks, factors, width), items in the order of their length, the last block filled
            up with zeros.
        longest: shape (n_blocks,), no less than the length of any item of the block.
        n_items: items that are looked at, from the first; the rest cannot be found.
        starts: shape (n + 1,), where each customer's part of `masked` begins.
        masked: places of items in that order that a customer is not to get, rising for each customer.
        scores: shape (n, kept), heaps, the worst first; each filled with the score that an item has to
            exceed. Written.
        items: shape (n, kept), places of the items in that order. Written; -1 where there is none.
    """
    n, factors = customers.shape
    width = blocks.shape[2]
    panel = np.empty((PANEL, width), np.float32)
    gathered = np.empty((PANEL, factors), np.float32)
    active, at = np.empty(PANEL, np.int64), np.empty(PANEL, np.int64)
    for start in range(0, n, PANEL):
        n_active = min(PANEL, n - start)
        for row in range(n_active):
            active[row], at[row] = row, starts[start + row]
            items[start + row] = _NOBODY
        for block in range((n_items + width - 1) // width):
            hopeful = 0
            for turn in range(n_active):
                row = active[turn]
                if length[start + row] * longest[block] > scores[start + row, 0]:
                    active[hopeful] = row
                    hopeful += 1
            n_active = hopeful
            if n_active == 0:
                break
            for turn in range(n_active):
                gathered[turn] = customers[start + active[turn]]
            np.dot(gathered[:n_active], blocks[block], panel[:n_active])
            first = block * width
            real = min(width, n_items - first)
            for turn in range(n_active):
                row = active[turn]
                at[row] = _mask(panel[turn], first, real, masked, at[row], starts[start + row + 1])
                _scan(panel[turn], real, first, scores[start + row], items[start + row])


@compiled_loosely
def _mask(
    row: NDArray[np.float32], first: int, real: int, masked: NDArray[np.int32], at: int, end: int
) -> int:
    while at < end and masked[at] < first:
        at += 1
    while at < end and masked[at] < first + real:
        row[masked[at] - first] = -np.inf
        at += 1
    return at


@compiled_loosely
def _scan(
    row: NDArray[np.float32], real: int, first: int, scores: NDArray[np.float32], items: NDArray[np.int32]
) -> None:
    worst, start = scores[0], 0
    while start < real:
        stop = min(start + _CHUNK, real)
        best = np.float32(-np.inf)
        for column in range(start, stop):
            best = max(best, row[column])
        if best > worst:
            for column in range(start, stop):
                if row[column] > worst:
                    _replace_worst_score(scores, items, row[column], first + column)
                    worst = scores[0]
        start = stop


@compiled_loosely
def _replace_worst_score(
    scores: NDArray[np.float32], items: NDArray[np.int32], score: np.float32, item: int
) -> None:
    parent, n = 0, len(scores)
    while 2 * parent + 1 < n:
        child = 2 * parent + 1
        if child + 1 < n and scores[child + 1] < scores[child]:
            child += 1
        if scores[child] >= score:
            break
        scores[parent], items[parent] = scores[child], items[child]
        parent = child
    scores[parent], items[parent] = score, item


@compiled
def settle(
    customers: NDArray[np.float32],
    factors: NDArray[np.float32],
    position: NDArray[np.int32],
    above: float,
    tolerance: NDArray[np.float64],
    starts: NDArray[np.int64],
    masked: NDArray[np.int32],
    found_scores: NDArray[np.float32],
    found: NDArray[np.int32],
    scores: NDArray[np.float64],
    items: NDArray[np.int32],
) -> int:
    """Score what was found in double precision, and write each customer's list, best first.

    Where an item that was not found may belong into the list for all that single precision can tell, all
    items are scored.

    Args:
        customers: as in `search`.
        factors: shape (n_items, factors), the items that are looked at, in the order of their length.
        position: shape (n_items,), position of each in the vocabulary; of equal scores the lower one wins.
        above: items have to exceed this score.
        tolerance: shape (n,), how far a customer's scores of single precision may be off.
        starts: as in `search`.
        masked: likewise.
        found_scores: heaps that `search` filled.
        found: likewise.
        scores: shape (n, wanted). Written; -inf where there are fewer items.
        items: shape (n, wanted), positions in the vocabulary. Written; -1 where there are fewer items.

    Returns:
        Customers for whom all items were scored.
    """
    everything = 0
    for row in range(len(customers)):
        _clear(scores[row], items[row])
        for place in found[row]:
            if place >= 0:
                _offer(customers[row], factors, place, position, above, scores[row], items[row])
        # Whatever was not found scores at most as much as the worst that was, and a little more.
        complete = found[row].min() < 0
        if not complete and scores[row, 0] <= np.float64(found_scores[row, 0]) + tolerance[row]:
            everything += 1
            _clear(scores[row], items[row])
            at, end = starts[row], starts[row + 1]
            for place in range(len(factors)):
                if at < end and masked[at] == place:
                    at += 1
                else:
                    _offer(customers[row], factors, place, position, above, scores[row], items[row])
        sort_best_first(scores[row], items[row])
    return everything


@compiled
def _clear(scores: NDArray[np.float64], items: NDArray[np.int32]) -> None:
    scores[:] = -np.inf
    items[:] = _NOBODY


@compiled
def _offer(
    customer: NDArray[np.float32],
    factors: NDArray[np.float32],
    place: int,
    position: NDArray[np.int32],
    above: float,
    scores: NDArray[np.float64],
    items: NDArray[np.int32],
) -> None:
    score = _product(customer, factors[place])
    if score > above:
        offer_score(scores, items, score, position[place])


@compiled
def _product(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """The product in double precision, as eight sums beside each other that are then added in order.

    One sum would wait for every addition; these the processor takes together, and always in this order.
    """
    a = b = c = d = e = f = g = h = 0.0
    whole = len(left) - len(left) % 8
    for at in range(0, whole, 8):
        a += np.float64(left[at]) * np.float64(right[at])
        b += np.float64(left[at + 1]) * np.float64(right[at + 1])
        c += np.float64(left[at + 2]) * np.float64(right[at + 2])
        d += np.float64(left[at + 3]) * np.float64(right[at + 3])
        e += np.float64(left[at + 4]) * np.float64(right[at + 4])
        f += np.float64(left[at + 5]) * np.float64(right[at + 5])
        g += np.float64(left[at + 6]) * np.float64(right[at + 6])
        h += np.float64(left[at + 7]) * np.float64(right[at + 7])
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for at in range(whole, len(left)):
        total += np.float64(left[at]) * np.float64(right[at])
    return total


@compiled
def offer_score(scores: NDArray[np.float64], items: NDArray[np.int32], score: float, item: np.int32) -> None:
    """Put an item into a heap, the worst first, in the place of the worst, if it is better."""
    if _worse(scores[0], items[0], score, item):
        _sink(scores, items, len(scores), score, item)


@compiled
def sort_best_first(scores: NDArray[np.float64], items: NDArray[np.int32]) -> None:
    """A heap becomes a list."""
    for last in range(len(scores) - 1, 0, -1):
        score, item = scores[last], items[last]
        scores[last], items[last] = scores[0], items[0]
        _sink(scores, items, last, score, item)


@compiled
def _sink(
    scores: NDArray[np.float64], items: NDArray[np.int32], n: int, score: float, item: np.int32
) -> None:
    parent = 0
    while 2 * parent + 1 < n:
        child = 2 * parent + 1
        if child + 1 < n and _worse(scores[child + 1], items[child + 1], scores[child], items[child]):
            child += 1
        if not _worse(scores[child], items[child], score, item):
            break
        scores[parent], items[parent] = scores[child], items[child]
        parent = child
    scores[parent], items[parent] = score, item


@compiled
def _worse(score: float, item: np.int32, than: float, than_item: np.int32) -> bool:
    """Whether an item stands behind another; an empty place stands behind everything."""
    if score != than:
        return score < than
    return bool(item > than_item if item >= 0 and than_item >= 0 else item < than_item)


@compiled
def best_of_rows(
    starts: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    masked_starts: NDArray[np.int32],
    masked: NDArray[np.int32],
    scores: NDArray[np.float64],
    items: NDArray[np.int32],
) -> None:
    """The best entries above 0 of every row of a sparse matrix; of equal ones the lower column.

    Args:
        starts: shape (n + 1,), where each row begins.
        columns: shape (n_entries,), each column once a row.
        values: shape (n_entries,).
        allowed: shape (n_columns,), False forbids a column.
        masked_starts: like `starts`, of `masked`.
        masked: further columns that a row is not to get.
        scores: shape (n, wanted). Written; -inf where there are fewer.
        items: shape (n, wanted), columns. Written; -1 where there are fewer.
    """
    may = allowed.copy()
    for row in range(len(starts) - 1):
        for at in range(masked_starts[row], masked_starts[row + 1]):
            may[masked[at]] = False
        scores[row] = -np.inf
        items[row] = -1
        for at in range(starts[row], starts[row + 1]):
            if values[at] > 0 and may[columns[at]]:
                offer_score(scores[row], items[row], np.float64(values[at]), columns[at])
        sort_best_first(scores[row], items[row])
        for at in range(masked_starts[row], masked_starts[row + 1]):
            may[masked[at]] = allowed[masked[at]]


@compiled
def values_at(
    starts: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: NDArray[np.float32],
    row: NDArray[np.int32],
    item: NDArray[np.int32],
    n_columns: int,
    found: NDArray[np.float32],
) -> None:
    """What a sparse matrix holds at pairs of row and column; the rows never fall."""
    dense, current = np.zeros(n_columns, np.float32), -1
    for pair in range(len(row)):
        if row[pair] != current:
            if current >= 0:
                for at in range(starts[current], starts[current + 1]):
                    dense[columns[at]] = 0
            current = row[pair]
            for at in range(starts[current], starts[current + 1]):
                dense[columns[at]] += values[at]
        found[pair] = dense[item[pair]]


@compiled_freely
def products_at(
    left: NDArray[np.float32],
    right: NDArray[np.float32],
    row: NDArray[np.int32],
    item: NDArray[np.int32],
    found: NDArray[np.float32],
) -> None:
    """The products of rows of two matrices, pair by pair."""
    n_factors = left.shape[1]
    for pair in range(len(row)):
        total = np.float32(0)
        for factor in range(n_factors):
            total += left[row[pair], factor] * right[item[pair], factor]
        found[pair] = total
