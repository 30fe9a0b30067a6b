"""What one cut asks of any lists: who is judged, what they had bought by then, and what they bought next."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.history import DAY, PurchaseHistory
from recommender.data.orders import GUEST, OrderLog
from recommender.data.vocabulary import Vocabulary
from recommender.evaluation.split import TemporalSplit

MOST_CUSTOMERS = 100_000
"""Customers that are judged at most: more would make intervals no narrower than anybody reads them."""


@dataclass(frozen=True, slots=True)
class Window:
    """Customers with an order on both sides of a cut, and their purchases on either.

    Of very many, some are drawn: those of whom figures are means.

    Matrices have shape (n, n_items): a row for each judged customer, and columns in the vocabulary of the
    lists that are judged.

    Attributes:
        cut: seconds since 1970 UTC; nothing later may be learned from.
        days: length of the time after it.
        customers: shape (n,) int32 positions in the log's customers, rising.
        truth: 1 where the customer ordered an item known at the cut.
        next_basket: the same of the first order after the cut only.
        new_items: 1 where the customer ordered an item that was not known at the cut.
        spent: money paid for each item after the cut; nothing where the log knows no price.
        bought: number of the customer's orders of each item before the cut.
        last_bought: time of the last of them, seconds since 1970 UTC.
        orders_before: shape (n,) int64, orders before the cut.
        days_since_order: shape (n,) float64, from the last of them to the cut.
        known: shape (n_items,), items known at the cut.
        buyers: shape (n_items,) int64, customers who bought each item before the cut.
        n_customers: customers who bought anything before the cut.
    """

    cut: int
    days: float
    customers: NDArray[np.int32]
    truth: csr_array
    next_basket: csr_array
    new_items: csr_array
    spent: csr_array
    bought: csr_array
    last_bought: csr_array
    orders_before: NDArray[np.int64]
    days_since_order: NDArray[np.float64]
    known: NDArray[np.bool_]
    buyers: NDArray[np.int64]
    n_customers: int

    def __len__(self) -> int:
        return len(self.customers)

    @classmethod
    def of(
        cls, split: TemporalSplit, items: Vocabulary, *, most: int = MOST_CUSTOMERS, seed: int = 0
    ) -> "Window":
        """The window of a split.

        Args:
            split: what was known at the cut, and what came after.
            items: vocabulary of the lists that will be judged. It holds every item known at the cut; later
                purchases of items that it does not hold are left out.
            most: customers at most.
            seed: of their draw.

        Raises:
            ValueError: it lacks an item known at the cut.
        """
        column = items.positions(split.train.items.ids)
        if (column < 0).any():
            raise ValueError("lists cannot be judged in a vocabulary that lacks items known at the cut")
        customers = _seen_on_both_sides(split)
        if len(customers) > most:
            customers = np.sort(np.random.default_rng(seed).permutation(customers)[:most])
        axes = _Axes(customers, len(split.train.customers), items)
        before, after = axes.lines(split.train), axes.lines(split.later)
        known = np.zeros(len(items), bool)
        known[column] = True
        purchases = PurchaseHistory.at(split.train, split.cut).interactions(np.inf)
        return cls(
            cut=split.cut,
            days=split.days,
            customers=customers,
            truth=axes.recolumned(split.truth()[customers], column),
            next_basket=_ones(axes, after.keep(_in_first_order(after, len(customers)) & known[after.item])),
            new_items=_ones(axes, after.keep(~known[after.item])),
            spent=axes.matrix(after, after.money),
            bought=axes.recolumned(purchases[customers], column),
            last_bought=_last_times(axes, before),
            orders_before=_count_orders(before, len(customers)),
            days_since_order=(split.cut - _last_time(before, len(customers))) / DAY,
            known=known,
            buyers=_buyers(purchases, column, len(items)),
            n_customers=int(np.count_nonzero(np.diff(purchases.indptr))),
        )


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines of judged customers, oldest first, all of shape (n_lines,)."""

    row: NDArray[np.int64]
    item: NDArray[np.int32]
    order: NDArray[np.int32]
    ordered_at: NDArray[np.int64]
    money: NDArray[np.float64]

    def keep(self, mask: NDArray[np.bool_]) -> "_Lines":
        """Those where `mask` (shape (n,)) is True."""
        return _Lines(
            self.row[mask], self.item[mask], self.order[mask], self.ordered_at[mask], self.money[mask]
        )


@dataclass(frozen=True, slots=True)
class _Axes:
    """Rows and columns of a window's matrices."""

    customers: NDArray[np.int32]
    n_customers: int
    items: Vocabulary

    def lines(self, orders: OrderLog) -> _Lines:
        """The log's lines of customers and items that the window has."""
        row_of = np.full(self.n_customers + 1, -1, np.int64)  # the last entry is where GUEST, -1, looks
        row_of[self.customers] = np.arange(len(self.customers))
        row, item = row_of[orders.customer], self.items.positions(orders.items.ids)[orders.item]
        money = np.nan_to_num(orders.quantity.astype(np.float64) * orders.unit_price)
        lines = _Lines(row, item, orders.order, orders.ordered_at, money)
        return lines.keep((row >= 0) & (item >= 0))

    def matrix(self, lines: _Lines, values: NDArray[np.number]) -> csr_array:
        """Values summed by customer and item."""
        shape = (len(self.customers), len(self.items))
        matrix = csr_array((values, (lines.row, lines.item)), shape=shape)
        matrix.sum_duplicates()
        return matrix

    def recolumned(self, matrix: csr_array, column: NDArray[np.int32]) -> csr_array:
        """A matrix whose columns stood elsewhere: column c is now `column[c]`."""
        parts = (matrix.data, column[matrix.indices], matrix.indptr)
        moved = csr_array(parts, shape=(matrix.shape[0], len(self.items)))
        moved.sort_indices()
        return moved


def _seen_on_both_sides(split: TemporalSplit) -> NDArray[np.int32]:
    came_back = split.later.customer[split.later.customer != GUEST]
    return np.unique(came_back[split.had_order()[came_back]]).astype(np.int32)


def _ones(axes: _Axes, lines: _Lines) -> csr_array:
    ordered = axes.matrix(lines, np.ones(len(lines.row), np.float32))
    ordered.data[:] = 1
    return ordered


def _in_first_order(lines: _Lines, n_rows: int) -> NDArray[np.bool_]:
    """Lines of each customer's first order; of two in one second the one of the lower id."""
    first = np.full(n_rows, -1, np.int64)
    oldest_last = np.lexsort((lines.order, lines.ordered_at))[::-1]
    first[lines.row[oldest_last]] = lines.order[oldest_last]
    return np.asarray(first[lines.row] == lines.order)


def _last_times(axes: _Axes, lines: _Lines) -> csr_array:
    """Time of the newest line of each customer and item."""
    pair = lines.row * len(axes.items) + lines.item
    _, newest = np.unique(pair[::-1], return_index=True)
    last = lines.keep(np.isin(np.arange(len(pair)), len(pair) - 1 - newest))
    return axes.matrix(last, last.ordered_at)


def _last_time(lines: _Lines, n_rows: int) -> NDArray[np.int64]:
    last = np.zeros(n_rows, np.int64)
    np.maximum.at(last, lines.row, lines.ordered_at)
    return last


def _count_orders(lines: _Lines, n_rows: int) -> NDArray[np.int64]:
    n_orders = int(lines.order.max(initial=0)) + 1
    pairs = np.unique(lines.row * n_orders + lines.order)
    return np.bincount(pairs // n_orders, minlength=n_rows).astype(np.int64)


def _buyers(purchases: csr_array, column: NDArray[np.int32], n_items: int) -> NDArray[np.int64]:
    buyers = np.zeros(n_items, np.int64)
    buyers[column] = np.bincount(purchases.indices, minlength=len(column))
    return buyers
