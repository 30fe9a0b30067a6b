"""What the customer bought before, alone and filled up with best sellers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.peers.protocol import where_positive
from benchmarks.peers.purchases import FOREVER
from recommender.data.history import PurchaseHistory
from recommender.models.best_sellers import BestSellers


@dataclass(frozen=True, slots=True)
class OwnPurchases:
    """The customer's own purchases, most frequent first.

    Called personal top frequency in the next-basket literature, where it beats most neural models (Li,
    Jullien, Ariannezhad & de Rijke, "A next basket recommendation reality check", TOIS 2023).

    Attributes:
        half_life_days: a purchase this old counts half; by default all count alike.
    """

    half_life_days: float = FOREVER

    def fit(self, history: PurchaseHistory) -> "FittedOwnPurchases":
        """Count each customer's orders of each item."""
        return FittedOwnPurchases(history.interactions(self.half_life_days))


@dataclass(frozen=True, slots=True)
class FittedOwnPurchases:
    """Purchases of every customer.

    Attributes:
        bought: shape (n_customers, n_items), orders of the item, faded by age.
    """

    bought: csr_array

    def scores(self, customers: NDArray[np.int32]) -> NDArray[np.floating]:
        """See `FittedPeer.scores`; no opinion on what the customer never bought."""
        return where_positive(self.bought[customers].toarray())


@dataclass(frozen=True, slots=True)
class OwnThenBestSellers:
    """The customer's own purchases, then the shop's best sellers: a list that never runs dry.

    Attributes:
        half_life_days: a purchase of the customer this old counts half.
        shop_half_life_days: an order of anybody this old counts half in the best sellers.
    """

    half_life_days: float = FOREVER
    shop_half_life_days: float = FOREVER

    def fit(self, history: PurchaseHistory) -> "FittedOwnThenBestSellers":
        """Count both."""
        sold = BestSellers(self.shop_half_life_days).fit(history).sold
        return FittedOwnThenBestSellers(history.interactions(self.half_life_days), sold / sold.max())


@dataclass(frozen=True, slots=True)
class FittedOwnThenBestSellers:
    """Purchases of every customer, and of all together.

    Attributes:
        bought: shape (n_customers, n_items), orders of the item, faded by age.
        sold: shape (n_items,), everybody's orders of the item, faded, from 0 to 1.
    """

    bought: csr_array
    sold: NDArray[np.float32]

    def scores(self, customers: NDArray[np.int32]) -> NDArray[np.floating]:
        """See `FittedPeer.scores`; above 0 what the customer bought, below it what others did."""
        own = self.bought[customers].toarray()
        return np.where(own > 0, own, self.sold - 1)
