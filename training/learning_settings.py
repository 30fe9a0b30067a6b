"""Settings of what is learned and listed."""

from dataclasses import dataclass, field

from recommender.models.als import Als
from recommender.models.best_sellers import BestSellers
from recommender.models.buy_again import BuyAgain
from recommender.models.co_purchase import CoPurchase
from recommender.models.content import Content
from recommender.models.customer_knn import CustomerKNN
from recommender.models.item_knn import ItemKNN
from recommender.models.linear import Linear
from recommender.models.local_best_sellers import LocalBestSellers


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """[models.*]: hyperparameters, one section a model of the registry."""

    best_sellers: BestSellers = field(default_factory=BestSellers)
    als: Als = field(default_factory=Als)
    item_knn: ItemKNN = field(default_factory=ItemKNN)
    co_purchase: CoPurchase = field(default_factory=CoPurchase)
    buy_again: BuyAgain = field(default_factory=BuyAgain)
    customer_knn: CustomerKNN = field(default_factory=CustomerKNN)
    als_long_term: Als = field(default_factory=lambda: Als(factors=64, half_life_days=365, seed=1))
    co_purchase_recent: CoPurchase = field(default_factory=lambda: CoPurchase(half_life_days=7))
    linear: Linear = field(default_factory=Linear)
    content: Content = field(default_factory=Content)
    local_best_sellers: LocalBestSellers = field(default_factory=LocalBestSellers)


@dataclass(frozen=True, slots=True)
class ListSettings:
    """[lists]: which items stand in lists, and how many.

    Attributes:
        length: places of every list; of a customer's, as many repeats and as many discoveries.
        candidates_per_model: items new to a customer that each model may propose.
        min_item_lines: order lines that an item needs to be recommended; lowered in a shop where that
            would leave out more than half of all lines.
        retired_after_days: items that nobody bought for so long are not recommended.
    """

    length: int = 50
    candidates_per_model: int = 100
    min_item_lines: int = 5
    retired_after_days: float = 180.0

    def __post_init__(self) -> None:
        if not 1 <= self.length <= 1000:
            raise ValueError(f"length must be from 1 to 1000, got {self.length}")
        if self.candidates_per_model < 1 or self.min_item_lines < 1 or not self.retired_after_days > 0:
            raise ValueError("candidates_per_model, min_item_lines and retired_after_days must be above 0")


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """[evaluation]: how the lists are judged before they are published.

    Attributes:
        days: length of the time at the end of the history that is predicted and not learned from.
        windows: how many times that is done, each one `days` before the next; the figures are of all.
    """

    days: float = 28.0
    windows: int = 1

    def __post_init__(self) -> None:
        if not self.days > 0:
            raise ValueError(f"days must be above 0, got {self.days}")
        if self.windows < 1:
            raise ValueError(f"windows must be at least 1, got {self.windows}")
