"""Buy again: what the customer buys anyway."""

from dataclasses import dataclass

from scipy.sparse import csr_array

from recommender.data.history import PurchaseHistory
from recommender.models.opinions import Related
from recommender.ranges import require_positive


@dataclass(frozen=True, slots=True)
class BuyAgain:
    """The customer's own purchases, recent ones counting more.

    Personal frequency is the strongest simple predictor of the next basket (Li et al., "A next basket
    recommendation reality check", TOIS 2023).

    Attributes:
        half_life_days: a purchase this old counts half.
    """

    half_life_days: float = 120.0

    def __post_init__(self) -> None:
        require_positive(half_life_days=self.half_life_days)

    def fit(self, history: PurchaseHistory) -> "BuyAgainModel":
        """Count each customer's orders of each item, faded by age."""
        return BuyAgainModel(history.interactions(self.half_life_days))


@dataclass(frozen=True, slots=True)
class BuyAgainModel:
    """Fitted personal frequency.

    Attributes:
        bought: shape (n_customers, n_items) float32, the customer's orders of the item, faded by age.
    """

    bought: csr_array

    @property
    def opinion(self) -> Related:
        """See `FittedModel.opinion`; 0 for what the customer never bought."""
        return Related(self.bought)
