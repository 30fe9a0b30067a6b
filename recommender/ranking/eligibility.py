"""Which items may be shown at all, whatever their score."""

import numpy as np
from numpy.typing import NDArray

from recommender.data.catalog import Catalog
from recommender.data.history import PurchaseHistory


def eligible_items(
    history: PurchaseHistory,
    catalog: Catalog,
    *,
    retired_after_days: float,
    newcomers: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Items that may stand in a list, shape (n_items,).

    Forbidden is what the catalog calls unavailable, and what nobody has bought for
    `retired_after_days`: it is most likely no longer sold, unless it has only just come in.

    Args:
        history: purchases, seen at a moment.
        catalog: in the order of the history's items.
        retired_after_days: see above.
        newcomers: shape (n_items,), items that need not have been sold; None for none.
    """
    days_since_sold = np.full(len(history.items), np.inf, np.float32)
    # Lines come oldest first, and of several lines of one item the last one written stays.
    days_since_sold[history.item] = history.age_days
    on_sale = days_since_sold <= retired_after_days
    return catalog.available & (on_sale if newcomers is None else on_sale | newcomers)
