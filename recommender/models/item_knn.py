"""Item-kNN: what the same customers buy, whether in one order or years apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.history import PurchaseHistory
from recommender.models.measures import Measure, over_product
from recommender.models.neighbours import Neighbours, strongest_relations
from recommender.models.opinions import Related
from recommender.ranges import require_at_least, require_positive


@dataclass(frozen=True, slots=True)
class ItemKNN:
    """Nearest items by shrunken cosine over customers' faded purchases.

    After Deshpande & Karypis, "Item-based top-N recommendation algorithms", TOIS 2004; the shrinkage is
    added to the product of the norms as in Bell & Koren, "Scalable collaborative filtering", ICDM 2007.

    Attributes:
        half_life_days: a purchase this old counts half.
        shrinkage: pseudo-customers added below the fraction.
        n_neighbours: relations kept for an item.
    """

    half_life_days: float = 180.0
    shrinkage: float = 10.0
    n_neighbours: int = 100

    def __post_init__(self) -> None:
        require_positive(half_life_days=self.half_life_days)
        require_at_least(0, shrinkage=self.shrinkage)
        require_at_least(1, n_neighbours=self.n_neighbours)

    def fit(self, history: PurchaseHistory) -> "ItemKNNModel":
        """Compare items by who bought them."""
        taste = np.log1p(history.interactions(self.half_life_days))
        norm = np.sqrt(np.bincount(taste.indices, np.square(taste.data), minlength=taste.shape[1]))
        neighbours = strongest_relations(taste, self.relates(norm), n=self.n_neighbours)
        return ItemKNNModel(neighbours.relation, taste)

    def relates(self, norm: NDArray[np.floating]) -> Measure:
        """The measure, for items whose columns are so long."""
        return over_product(norm, self.shrinkage)


@dataclass(frozen=True, slots=True)
class ItemKNNModel:
    """Fitted similarities between items, and what each customer bought.

    Attributes:
        relation: shape (n_items, n_items) float32 cosines, row = anchor, column = similar item.
        taste: shape (n_customers, n_items) float32, log of faded purchases.
    """

    relation: csr_array
    taste: csr_array

    @property
    def neighbours(self) -> Neighbours:
        """The most similar items of every item."""
        return Neighbours(self.relation)

    @property
    def purchases(self) -> csr_array:
        """See `RelatesItems.purchases`."""
        return self.taste

    @property
    def opinion(self) -> Related:
        """See `FittedModel.opinion`; similarities to what the customer bought, added up."""
        return Related(self.taste, self.relation)
