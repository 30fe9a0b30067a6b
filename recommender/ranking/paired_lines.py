"""Lines of known customers, put together by customer and item."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.data.groups import run_starts, sorted_by
from recommender.data.history import PurchaseHistory
from recommender.data.orders import GUEST, OrderLog


@dataclass(frozen=True, slots=True)
class PairedLines:
    """Lines of known customers, sorted by customer, then item, the oldest first.

    Attributes:
        starts: shape (n_customers + 1,) int64, where each customer's lines begin.
        item: shape (n,) int32 positions.
        columns: what else is known of a line, by name, shape (n,) each.
    """

    starts: NDArray[np.int64]
    item: NDArray[np.int32]
    columns: Mapping[str, NDArray[Any]]

    @classmethod
    def of(
        cls, customer: NDArray[np.int32], item: NDArray[np.int32], n_customers: int, **columns: NDArray[Any]
    ) -> "PairedLines":
        """Lines that come oldest first, without those of guests; arguments of shape (n_lines,) each."""
        ends = np.cumsum(np.bincount(customer - GUEST, minlength=n_customers + 1))
        # Guests' position is the lowest.
        lines = sorted_by(customer, item)[ends[0] :]
        return cls(ends - ends[0], item[lines], {name: column[lines] for name, column in columns.items()})

    def of_customers(self, customers: NDArray[np.integer]) -> "PairedLines":
        """Only the lines of these customers, as customers 0, 1, 2 and so on."""
        lengths = np.diff(self.starts)[customers]
        starts = np.concatenate(([0], np.cumsum(lengths)))
        at = np.arange(starts[-1]) + np.repeat(self.starts[customers] - starts[:-1], lengths)
        return PairedLines(starts, self.item[at], {name: column[at] for name, column in self.columns.items()})

    def pair_starts(self) -> NDArray[np.intp]:
        """Where the lines of each pair of customer and item begin, shape (n_pairs,)."""
        begins = np.zeros(len(self.item), bool)
        begins[run_starts(self.item)] = True
        begins[self.starts[:-1][np.diff(self.starts) > 0]] = True
        return np.flatnonzero(begins)

    def pair_keys(self, pair_starts: NDArray[np.intp], n_items: int) -> NDArray[np.int64]:
        """`pair_key` of the pairs that begin at these lines, rising."""
        customer = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        return pair_key(customer[pair_starts], self.item[pair_starts], n_items)


def pair_key(customer: NDArray[np.integer], item: NDArray[np.integer], n_items: int) -> NDArray[np.int64]:
    """A customer and an item as one number that sorts by customer, then item."""
    return customer.astype(np.int64) * n_items + item


def purchases_by_pair(history: PurchaseHistory) -> PairedLines:
    """A history's purchases; `age` in days, and `orders_ago`: orders that the customer placed afterwards."""
    return PairedLines.of(
        history.customer,
        history.item,
        len(history.customers),
        age=history.age_days,
        orders_ago=_orders_ago(history),
    )


def units_by_pair(orders: OrderLog) -> PairedLines:
    """Purchases line by line, two lines of one item in one order included; `units` as logarithms."""
    return PairedLines.of(
        orders.customer, orders.item, len(orders.customers), units=np.log1p(orders.quantity)
    )


def _orders_ago(history: PurchaseHistory) -> NDArray[np.int16]:
    """For each purchase how many orders its customer has placed after it, shape (n,); guests count as one.

    More than an int16 holds are as many as it holds.
    """
    n = history.n_orders
    customer, age = np.full(n, GUEST, np.int32), np.zeros(n, np.float32)
    customer[history.order], age[history.order] = history.customer, history.age_days
    # Bits of numbers that are not below 0 sort as the numbers do. Of two orders of one moment the one of the
    # higher id came later: looked at backwards, it comes first and stays there.
    newest_first = n - 1 - sorted_by(customer[::-1], age.view(np.int32)[::-1])
    begins = run_starts(customer[newest_first])
    place, most = np.empty(n, np.int16), np.iinfo(np.int16).max
    place[newest_first] = np.minimum(np.arange(n) - np.repeat(begins, np.diff(begins, append=n)), most)
    return place[history.order]
