"""A customer's last orders as a list, and what they say of a cart: what this customer puts together."""

import numpy as np
from numpy.typing import NDArray

from recommender.data.groups import run_starts, sorted_by
from recommender.data.history import PurchaseHistory
from recommender.data.orders import GUEST
from recommender.ranking.lists import SOURCES, ListTable

MOST_PLACES = 300
"""Purchases of a customer that are kept, the newest."""


def past_orders(history: PurchaseHistory, eligible: NDArray[np.bool_]) -> ListTable:
    """Each customer's last orders, one row a customer.

    Args:
        history: purchases.
        eligible: shape (n_items,), False leaves an item out.

    Returns:
        Places are purchases, the newest order's first; an item stands there once for every order that holds
        it. The score tells the orders apart: all items of one order have the same, 1 for the oldest order
        kept, and 1 more for each newer one.
    """
    lines = np.flatnonzero((history.customer != GUEST) & eligible[history.item])
    rank = _newest_first(history)[history.order[lines]]
    lines = lines[sorted_by(history.customer[lines], rank, history.item[lines])]
    lengths = np.bincount(history.customer[lines], minlength=len(history.customers))
    place = np.arange(len(lines)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    lines = lines[place < MOST_PLACES]
    starts = np.concatenate(([0], np.cumsum(np.minimum(lengths, MOST_PLACES))))
    return ListTable(
        starts=starts,
        items=history.item[lines],
        scores=_orders_from_the_oldest(starts, history.order[lines]),
        sources=np.full(len(lines), SOURCES.index("buy_again"), np.uint8),
        bought=np.ones(len(lines), bool),
    )


def _newest_first(history: PurchaseHistory) -> NDArray[np.int32]:
    """Place of each order among all when the newest come first, then the lower number; shape (n_orders,)."""
    age, rank = np.empty(history.n_orders, np.float32), np.empty(history.n_orders, np.int32)
    # Lines come oldest first, and of several lines of one order the last one written stays.
    age[history.order] = history.age_days
    # Bits of numbers that are not below 0 sort as the numbers do.
    rank[sorted_by(age.view(np.int32))] = np.arange(history.n_orders)
    return rank


def _orders_from_the_oldest(starts: NDArray[np.int64], order: NDArray[np.int32]) -> NDArray[np.float32]:
    """Number of each line's order among its customer's, counted from 1 for the last one, shape (n,)."""
    lengths = np.diff(starts)
    begins = np.zeros(len(order), bool)
    begins[run_starts(order)] = True
    begins[starts[:-1][lengths > 0]] = True
    number = np.cumsum(begins, dtype=np.int32)
    last = np.append(number, 0)[starts[1:] - 1]
    return np.asarray(np.repeat(last, lengths) - number + 1, np.float32)
