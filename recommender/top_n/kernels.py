"""The inner loops of the exact searches, over products and over sparse rows.

All stand in one file: what is kept of a compiled function is made anew when its own file changes, but not
when that of a function which it calls does.
"""

import numpy as np
from numpy.typing import NDArray

from recommender.compiled import compiled, compiled_loosely, no_literal

PANEL = 256
"""Customers whose scores are taken in one product of matrices: each block of items is read once for them."""

_CHUNK = 32
"""Scores looked at together: only where one of them exceeds the bar is each compared."""

_NOBODY = np.int32(-1)

_NONE = no_literal(0)
"""Where a count begins that a function is told."""


@compiled_loosely
def search(
    customers: NDArray[np.float32],
    length: NDArray[np.float64],
    blocks: NDArray[np.float32],
    longest: NDArray[np.float64],
    n_items: int,
    starts: NDArray[np.int64],
    masked: NDArray[np.int32],
    fewest: int,
    bar: NDArray[np.float32],
    items: NDArray[np.int32],
) -> None:
    """Find every customer's best items by scores of single precision, in no order.

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
        fewest: items to find where there are so many, at most `most`.
        bar: shape (n,), what an item's score has to exceed. Written: no item that was not found exceeds it.
        items: shape (n, most), places of the items in that order. Written; -1 where there is none.
    """
    n, factors = customers.shape
    width, most = blocks.shape[2], items.shape[1]
    panel = np.empty((PANEL, width), np.float32)
    gathered = np.empty((PANEL, factors), np.float32)
    active, at, filled = np.empty(PANEL, np.int64), np.empty(PANEL, np.int64), np.empty(PANEL, np.int64)
    room = most + max(most, 4 * _CHUNK)
    held, held_items = np.empty((PANEL, room), np.float32), np.empty((PANEL, room), np.int32)
    gathered_rows = 0
    for start in range(0, n, PANEL):
        n_active = min(PANEL, n - start)
        for row in range(n_active):
            active[row], at[row], filled[row] = row, starts[start + row], 0
        for block in range((n_items + width - 1) // width):
            hopeful = 0
            for turn in range(n_active):
                row = active[turn]
                if length[start + row] * longest[block] > bar[start + row]:
                    active[hopeful] = row
                    hopeful += 1
            n_active = hopeful
            if n_active == 0:
                break
            if block == 0 or hopeful < gathered_rows:
                for turn in range(n_active):
                    for factor in range(factors):
                        gathered[turn, factor] = customers[start + active[turn], factor]
                gathered_rows = n_active
            np.dot(gathered[:n_active], blocks[block], panel[:n_active])
            first = block * width
            real = min(width, n_items - first)
            for turn in range(n_active):
                row = active[turn]
                at[row] = _mask(panel[turn], first, real, masked, at[row], starts[start + row + 1])
                filled[row], bar[start + row] = _scan(
                    panel[turn], real, first, bar[start + row], fewest, most, held[row], held_items[row],
                    filled[row],
                )  # fmt: skip
        for row in range(min(PANEL, n - start)):
            if filled[row] > most:
                filled[row], bar[start + row] = _raise_bar(
                    held[row], held_items[row], filled[row], fewest, most
                )
            for turn in range(most):
                items[start + row, turn] = held_items[row, turn] if turn < filled[row] else _NOBODY


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
    row: NDArray[np.float32],
    real: int,
    first: int,
    bar: np.float32,
    fewest: int,
    most: int,
    held: NDArray[np.float32],
    held_items: NDArray[np.int32],
    filled: int,
) -> tuple[int, np.float32]:
    """Hold what exceeds the bar, and raise it where there is no more room."""
    for start in range(0, real, _CHUNK):
        stop = min(start + _CHUNK, real)
        best = np.float32(-np.inf)
        for column in range(start, stop):
            best = max(best, row[column])
        if best > bar:
            if filled + _CHUNK > len(held):
                filled, bar = _raise_bar(held, held_items, filled, fewest, most)
            # Written whether it counts or not: a branch for each score would be guessed wrong too often.
            for column in range(start, stop):
                held[filled], held_items[filled] = row[column], first + column
                filled += row[column] > bar
    return filled, bar


@compiled_loosely
def _raise_bar(
    held: NDArray[np.float32], held_items: NDArray[np.int32], filled: int, fewest: int, most: int
) -> tuple[int, np.float32]:
    """Keep only the best of what is held, from `fewest` to `most` of them, and say what they exceed.

    The bar is found by halving: to count what exceeds it is one pass over whole vectors, where sorting
    would be guesses.
    """
    low = high = held[0]
    for at in range(1, filled):
        low, high = min(low, held[at]), max(high, held[at])
    bar, above = low, _above(held, filled, low)
    while above > most:
        # More than `most` exceed the low end, fewer than `fewest` the high one.
        middle = low + (high - low) / np.float32(2)
        if not low < middle < high:
            bar, above = high, _above(held, filled, high)
            break
        count = _above(held, filled, middle)
        if count > most:
            low = middle
        elif count < fewest:
            high = middle
        else:
            bar, above = middle, count
    # Where a crowd of equal scores stands at the bar, the lower of their items fill the list up.
    last = _last_of_crowd(held, held_items, filled, bar, most - above) if above < fewest else -1
    kept = 0
    for at in range(filled):
        taken = (held[at] > bar) | ((held[at] == bar) & (held_items[at] <= last))
        held[kept], held_items[kept] = held[at], held_items[at]
        kept += taken
    return kept, bar


@compiled_loosely
def _last_of_crowd(
    held: NDArray[np.float32], held_items: NDArray[np.int32], filled: int, bar: np.float32, wanted: int
) -> int:
    """The item up to which so many have just this score; the highest of them where there are fewer."""
    low, high = -1, 0
    for at in range(filled):
        high = max(high, int(held_items[at]))
    while high - low > 1:
        middle, count = (low + high) // 2, 0
        for at in range(filled):
            count += (held[at] == bar) & (held_items[at] <= middle)
        if count >= wanted:
            high = middle
        else:
            low = middle
    return high


@compiled_loosely
def _above(scores: NDArray[np.float32], n: int, bar: np.float32) -> int:
    count = np.int32(0)
    for at in range(n):
        count += np.int32(scores[at] > bar)
    return int(count)


@compiled
def settle(
    customers: NDArray[np.float32],
    factors: NDArray[np.float32],
    position: NDArray[np.int32],
    above: float,
    tolerance: NDArray[np.float64],
    least: NDArray[np.float32],
    bar: NDArray[np.float32],
    found: NDArray[np.int32],
    scores: NDArray[np.float64],
    items: NDArray[np.int32],
    open_rows: NDArray[np.bool_],
) -> None:
    """Score what was found in double precision, and write each customer's list, best first.

    Args:
        customers: as in `search`.
        factors: shape (n_items, factors), the items that are looked at, in the order of their length.
        position: shape (n_items,), position of each in the vocabulary; of equal scores the lower one wins.
        above: items have to exceed this score.
        tolerance: shape (n,), how far a customer's scores of single precision may be off.
        least: shape (n,), the bar that `search` began with.
        bar: the bar that it left.
        found: what it wrote.
        scores: shape (n, wanted). Written; -inf where there are fewer items.
        items: shape (n, wanted), positions in the vocabulary. Written; -1 where there are fewer items.
        open_rows: shape (n,). Written; True where an item that was not found may belong into the list for
            all that single precision can tell.
    """
    kept, wanted = found.shape[1], scores.shape[1]
    exact, exact_items = np.empty(kept), np.empty(kept, np.int32)
    for row in range(len(customers)):
        n = _NONE
        for turn in range(kept):
            place = found[row, turn]
            if place >= 0:
                score = _product(customers[row], factors[place])
                exact[n], exact_items[n] = score, position[place]
                n += score > above
        scores[row] = -np.inf
        items[row] = _NOBODY
        _rank(exact, exact_items, n, scores[row], items[row])
        # Whatever was not found scores at most as much as the bar, and a little more.
        reachable = scores[row, wanted - 1] <= np.float64(bar[row]) + tolerance[row]
        open_rows[row] = reachable and bar[row] > least[row]


@compiled
def _rank(
    scores: NDArray[np.floating],
    items: NDArray[np.int32],
    n: int,
    best: NDArray[np.float64],
    best_items: NDArray[np.int32],
) -> None:
    """Put the first `n` in order, as far as there is room; of equal scores the lower item comes first.

    How many go before an item is its place. Counting them takes no guess of the processor's, and for some
    dozens it is faster than sorting.
    """
    for one in range(n):
        score, item, before = scores[one], items[one], np.int32(0)
        for other in range(n):
            before += np.int32((scores[other] > score) | ((scores[other] == score) & (items[other] < item)))
        if before < len(best):
            best[before], best_items[before] = score, item


@compiled
def products(
    customer: NDArray[np.float32], factors: NDArray[np.float32], scores: NDArray[np.float64]
) -> None:
    """A customer's score of every item, as `settle` has it. `scores` is written."""
    for place in range(len(factors)):
        scores[place] = _product(customer, factors[place])


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
    may, wanted = allowed.copy(), scores.shape[1]
    held, held_items = np.empty(2 * wanted + _CHUNK, np.float32), np.empty(2 * wanted + _CHUNK, np.int32)
    for row in range(len(starts) - 1):
        for at in range(masked_starts[row], masked_starts[row + 1]):
            may[masked[at]] = False
        filled, bar = _NONE, np.float32(0)
        for at in range(starts[row], starts[row + 1]):
            if filled == len(held):
                filled, bar = _raise_bar(held, held_items, filled, wanted, wanted + _CHUNK)
            held[filled], held_items[filled] = values[at], columns[at]
            # What is level with the bar may be the lower item.
            filled += (values[at] >= bar) & (values[at] > 0) & may[columns[at]]
        if filled > wanted + _CHUNK:
            filled, bar = _raise_bar(held, held_items, filled, wanted, wanted + _CHUNK)
        scores[row] = -np.inf
        items[row] = _NOBODY
        _rank(held, held_items, filled, scores[row], items[row])
        for at in range(masked_starts[row], masked_starts[row + 1]):
            may[masked[at]] = allowed[masked[at]]
