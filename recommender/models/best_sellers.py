"""Best sellers: what the shop sells most, lately."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.data.history import PurchaseHistory, recency_decay
from recommender.models.opinions import Common
from recommender.ranges import require_positive


@dataclass(frozen=True, slots=True)
class BestSellers:
    """Items in most orders, recent orders counting more; the same for every customer.

    Attributes:
        half_life_days: an order this old counts half.
    """

    half_life_days: float = 14.0

    def __post_init__(self) -> None:
        require_positive(half_life_days=self.half_life_days)

    def fit(self, history: PurchaseHistory) -> "BestSellersModel":
        """Count each item's orders, faded by age."""
        fading_orders = recency_decay(history.age_days, self.half_life_days)
        sold = np.bincount(history.item, weights=fading_orders, minlength=len(history.items))
        return BestSellersModel(sold.astype(np.float32))


@dataclass(frozen=True, slots=True)
class BestSellersModel:
    """Fitted popularity.

    Attributes:
        sold: shape (n_items,) float32, orders that held the item, faded by age.
    """

    sold: NDArray[np.float32]

    @property
    def opinion(self) -> Common:
        """See `FittedModel.opinion`."""
        return Common(self.sold)
