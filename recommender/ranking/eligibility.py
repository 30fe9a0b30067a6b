"""Which items may be shown at all, whatever their score."""

import numpy as np
from numpy.typing import NDArray

from recommender.data.catalog import Catalog
from recommender.data.history import PurchaseHistory


def eligible_items(
    history: PurchaseHistory, catalog: Catalog, *, retired_after_days: float
) -> NDArray[np.bool_]:
    """Items that may stand in a list, shape (n_items,).

    Forbidden is what the catalog calls unavailable, and what nobody has bought for
    `retired_after_days`: it is most likely no longer sold.
    """
    days_since_sold = np.full(len(history.items), np.inf, np.float32)
    np.minimum.at(days_since_sold, history.item, history.age_days)
    return catalog.available & (days_since_sold <= retired_after_days)
