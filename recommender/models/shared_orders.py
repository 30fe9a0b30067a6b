"""How many different people stand behind a pair of items."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from recommender.blocks import bounded_blocks
from recommender.data.history import PurchaseHistory
from recommender.data.orders import GUEST

_ENTRIES = 10_000_000
"""Lines of the anchors' orders that are held at a time: a few hundred megabytes."""


def buyers_of_orders(history: PurchaseHistory) -> NDArray[np.int64]:
    """Number of whoever made each order, shape (n_orders,); who made several has one number.

    An order that names nobody counts as somebody of its own: nobody can be told from it, most guests are
    different people, and a shop of guests alone would otherwise have no pair with two buyers.
    """
    buyer = len(history.customers) + np.arange(history.n_orders)
    known = history.customer != GUEST
    buyer[history.order[known]] = history.customer[known]
    return buyer


def buyers_in_common(
    columns: csr_array, baskets: csr_array, buyer: NDArray[np.int64], anchors: slice | NDArray[np.intp]
) -> csr_array:
    """How many different buyers had an anchor and another item in one order.

    Args:
        columns: shape (n_items, n_orders), `baskets` the other way round.
        baskets: shape (n_orders, n_items), 1 where the order holds the item.
        buyer: shape (n_orders,), see `buyers_of_orders`.
        anchors: some items.

    Returns:
        Shape (n_anchors, n_items); an anchor's own column holds all of its buyers.
    """
    chosen = columns[anchors]
    work = chosen @ np.diff(baskets.indptr)
    parts = [
        _in_common(chosen[some], baskets, buyer) for some in bounded_blocks(work.astype(np.int64), _ENTRIES)
    ]
    return csr_array(vstack(parts, format="csr")) if parts else csr_array(chosen.shape, dtype=np.float32)


def _in_common(orders_of: csr_array, baskets: csr_array, buyer: NDArray[np.int64]) -> csr_array:
    """The same for anchors given by their orders, shape (n_anchors, n_orders)."""
    anchor = np.repeat(np.arange(orders_of.shape[0]), np.diff(orders_of.indptr))
    pair = anchor * (int(buyer.max(initial=0)) + 1) + buyer[orders_of.indices]
    # One row for each anchor's buyer, holding whatever that buyer ever had beside the anchor.
    pairs, row = np.unique(pair, return_inverse=True)
    ones = np.ones(len(row), np.float32)
    their_orders = csr_array((ones, (row, orders_of.indices)), shape=(len(pairs), len(buyer)))
    had = their_orders @ baskets
    had.data[:] = 1
    starts = np.searchsorted(pairs, np.arange(orders_of.shape[0] + 1) * (int(buyer.max(initial=0)) + 1))
    rows_of_anchor = csr_array(
        (np.ones(len(pairs), np.float32), np.arange(len(pairs)), starts),
        shape=(orders_of.shape[0], len(pairs)),
    )
    return csr_array(rows_of_anchor @ had)
