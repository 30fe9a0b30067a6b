"""The shop's items as they were known at a cut."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recommender.data.catalog import Catalog
from recommender.data.orders import OrderLog
from recommender.evaluation.split import require_known_by


def past_catalog(catalog: Catalog, past: OrderLog, cut: int) -> Catalog:
    """What the shop could have said about its items at a cut.

    Items that were neither sold nor released by then are left out, for nobody knew of them. What the shop
    has taken off sale by today was on sale then. A price is the last one paid by then; today's is kept for
    released items that nobody had bought. Titles, categories and attributes are today's: no earlier ones
    are known.

    Args:
        catalog: as the shop has it today.
        past: orders until the cut.
        cut: seconds since 1970 UTC.

    Raises:
        ValueError: an order is newer than the cut.
    """
    require_known_by(cut, past.last_time)
    sold = sold_by(past, catalog)
    known = sold | released_by(cut, catalog)
    items, _ = catalog.items.subset(known)
    return replace(
        catalog.align(items),
        price=np.where(sold, _last_price(past, catalog), catalog.price)[known],
        available=np.ones(len(items), bool),
    )


def sold_by(past: OrderLog, catalog: Catalog) -> NDArray[np.bool_]:
    """Items of the catalog that these orders hold, shape (n_items,)."""
    sold = np.zeros(len(catalog.items), bool)
    sold[_positions(past, catalog)] = True
    return sold


def released_by(cut: int, catalog: Catalog) -> NDArray[np.bool_]:
    """Items that the shop says were released by a cut, shape (n_items,); not those it gives no date for."""
    return (catalog.released_at > 0) & (catalog.released_at <= cut)


def _last_price(past: OrderLog, catalog: Catalog) -> NDArray[np.float32]:
    paid = (past.quantity > 0) & (past.unit_price > 0)
    price = np.full(len(catalog.items), np.nan, np.float32)
    # Lines are sorted by time, and of several values for one place numpy keeps the last.
    price[_positions(past, catalog)[paid]] = past.unit_price[paid]
    return price


def _positions(orders: OrderLog, catalog: Catalog) -> NDArray[np.int32]:
    return catalog.items.positions(orders.items.ids)[orders.item]
