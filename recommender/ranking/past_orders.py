"""A customer's last orders as a list, and what they say of a cart: what this customer puts together."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

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
    age = np.full(history.n_orders, np.inf, np.float32)
    np.minimum.at(age, history.order, history.age_days)
    # lexsort sorts by its last key first: customer, then the newest order, then the lower item.
    order_of = history.order[lines]
    lines = lines[np.lexsort((history.item[lines], order_of, age[order_of], history.customer[lines]))]
    customer = history.customer[lines]
    starts = np.searchsorted(customer, np.arange(len(history.customers) + 1))
    whole = ListTable(
        starts=starts.astype(np.int64),
        items=history.item[lines],
        scores=np.zeros(len(lines), np.float32),
        sources=np.full(len(lines), SOURCES.index("buy_again"), np.uint8),
        bought=np.ones(len(lines), bool),
    )
    kept = np.arange(len(lines)) - starts[customer] < MOST_PLACES
    return replace(
        whole.keep(kept), scores=_orders_from_the_oldest(customer[kept], history.order[lines][kept])
    )


def _orders_from_the_oldest(customer: NDArray[np.int32], order: NDArray[np.int32]) -> NDArray[np.float32]:
    """Number of each line's order among its customer's, counted from 1 for the last one, shape (n,)."""
    if not len(order):
        return np.zeros(0, np.float32)
    begins = np.ones(len(order), bool)
    begins[1:] = (np.diff(order) != 0) | (np.diff(customer) != 0)
    number = np.cumsum(begins)
    last = np.append(np.flatnonzero(np.diff(customer)), len(customer) - 1)
    of_last = number[last]
    return np.asarray(of_last[np.searchsorted(customer[last], customer)] - number + 1, np.float32)
