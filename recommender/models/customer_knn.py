"""Customer-kNN: what customers of like taste have bought lately."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.data.history import PurchaseHistory
from recommender.models.als import Als
from recommender.models.opinions import Factored
from recommender.ranges import require_at_least, require_positive


@dataclass(frozen=True, slots=True)
class CustomerKNN:
    """Recent purchases of every other customer, weighted by how alike the two tastes are.

    Neighbourhood-based as UP-CF (Faggioli, Polato & Aiolli, "Recency aware collaborative filtering for next
    basket recommendation", UMAP 2020), with two changes that make it linear in the number of purchases: taste
    is the direction of a customer's ALS factors, and every customer is a neighbour, those of opposite taste
    counting against an item. So the sum over customers can be taken once for each item.

    Attributes:
        factors: numbers that describe a customer's taste.
        taste_half_life_days: how fast a purchase stops speaking for a customer's taste.
        half_life_days: how fast a neighbour's purchase gets stale.
        shrinkage: pseudo-purchases that keep an item with few recent buyers from coming first.
        seed: of the first factors.
    """

    factors: int = 64
    taste_half_life_days: float = 120.0
    half_life_days: float = 15.0
    shrinkage: float = 5.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_at_least(1, factors=self.factors)
        require_positive(taste_half_life_days=self.taste_half_life_days, half_life_days=self.half_life_days)
        require_positive(shrinkage=self.shrinkage)

    def fit(self, history: PurchaseHistory) -> "CustomerKNNModel":
        """Add up who has bought what lately.

        Raises:
            ConfigError: there are no factors with these settings.
        """
        found = Als(factors=self.factors, half_life_days=self.taste_half_life_days, seed=self.seed).fit(
            history
        )
        length = np.linalg.norm(found.customer_factors, axis=1, keepdims=True)
        taste = found.customer_factors / np.maximum(length, np.finfo(np.float32).tiny)
        recent = history.interactions(self.half_life_days)
        sold = np.asarray(recent.sum(axis=0)).reshape(-1, 1)
        buyers = (recent.T @ taste) / np.sqrt(sold + self.shrinkage)
        return CustomerKNNModel(taste, buyers.astype(np.float32))


@dataclass(frozen=True, slots=True)
class CustomerKNNModel:
    """Fitted tastes.

    Attributes:
        taste: shape (n_customers, factors) float32 of length 1; zeros for who bought nothing.
        buyers: shape (n_items, factors) float32, the tastes of an item's recent buyers added up, divided by
            the root of how many there were.
    """

    taste: NDArray[np.float32]
    buyers: NDArray[np.float32]

    @property
    def opinion(self) -> Factored:
        """See `FittedModel.opinion`; higher where many recent buyers are alike."""
        return Factored(self.taste, self.buyers)
