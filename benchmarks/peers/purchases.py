"""The matrix that a peer learns from, made of what customers bought."""

from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from recommender.data.history import PurchaseHistory, recency_decay

Scale = Literal["once", "count", "log"]
"""`once`: the newest purchase of an item counts; `count`: every one; `log`: log(1 + count)."""


FOREVER = 1e9
"""Half-life in days of what does not fade."""


def weighed_purchases(history: PurchaseHistory, half_life_days: float, scale: Scale) -> csr_array:
    """How much each customer's purchases of each item weigh.

    Fading is no part of any peer's paper. They are offered it because it helps most of them, and because
    our own models have it.

    Args:
        history: what was bought.
        half_life_days: a purchase this old counts half; `FOREVER` for no fading.
        scale: how several purchases of one item add up.

    Returns:
        Shape (n_customers, n_items) float32.
    """
    if scale == "once":
        return _newest_purchases(history, half_life_days)
    counted = history.interactions(half_life_days)
    return csr_array(np.log1p(counted)) if scale == "log" else counted


def _newest_purchases(history: PurchaseHistory, half_life_days: float) -> csr_array:
    known = np.flatnonzero(history.customer >= 0)
    pair = history.customer[known].astype(np.int64) * len(history.items) + history.item[known]
    newest_first = known[np.lexsort((history.age_days[known], pair))]
    customer, item = history.customer[newest_first], history.item[newest_first]
    first = np.ones(len(newest_first), bool)
    first[1:] = (np.diff(customer) != 0) | (np.diff(item) != 0)
    weight = recency_decay(history.age_days[newest_first[first]], half_life_days)
    shape = (len(history.customers), len(history.items))
    return csr_array((weight, (customer[first], item[first])), shape=shape)
