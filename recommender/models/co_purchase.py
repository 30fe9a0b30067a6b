"""Co-purchase: what stands together in orders."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.history import PurchaseHistory
from recommender.models.measures import Measure, cosine, jaccard, lift, log_likelihood_ratio
from recommender.models.neighbours import Neighbours, strongest_relations
from recommender.models.opinions import Related
from recommender.ranges import require_at_least, require_positive

MeasureName = Literal["cosine", "lift", "llr", "jaccard"]


@dataclass(frozen=True, slots=True)
class CoPurchase:
    """Items bought in one order more than their popularity explains.

    Measures, with o orders in common, a and b orders of the two items, N orders in all and s pseudo-orders:

    - `cosine`: o / √((a + s)(b + s)); shrinking by s keeps a pair seen once below a pair seen often.
    - `lift`: N·o / ((a + s)(b + s)).
    - `llr`: log-likelihood ratio of the 2 × 2 table (Dunning, "Accurate methods for the statistics of
      surprise and coincidence", Computational Linguistics 1993); 0 where the pair is rarer than chance.
    - `jaccard`: o / (a + b − o + s).

    Attributes:
        measure: which of these.
        shrinkage: s.
        min_together: pairs in fewer orders than this are no relation.
        n_neighbours: relations kept for an item.
        half_life_days: how fast a purchase stops speaking for a customer's next one.
    """

    measure: MeasureName = "cosine"
    shrinkage: float = 20.0
    min_together: int = 2
    n_neighbours: int = 100
    half_life_days: float = 30.0

    def __post_init__(self) -> None:
        if self.measure not in _MEASURES:
            raise ValueError(f"measure must be one of {', '.join(_MEASURES)}, got {self.measure!r}")
        require_positive(half_life_days=self.half_life_days)
        require_at_least(0, shrinkage=self.shrinkage)
        require_at_least(1, min_together=self.min_together, n_neighbours=self.n_neighbours)

    def fit(self, history: PurchaseHistory) -> "CoPurchaseModel":
        """Count orders in common, guests' orders included."""
        baskets = history.baskets()
        orders_of = np.bincount(baskets.indices, minlength=len(history.items))
        neighbours = strongest_relations(
            baskets,
            self.relates(orders_of, history.n_orders),
            n=self.n_neighbours,
            min_together=self.min_together,
        )
        return CoPurchaseModel(neighbours.relation, history.interactions(self.half_life_days))

    def relates(self, orders_of: NDArray[np.number], n_orders: int) -> Measure:
        """The measure, for items that stand in so many orders each."""
        return _MEASURES[self.measure](orders_of, self.shrinkage, n_orders)


@dataclass(frozen=True, slots=True)
class CoPurchaseModel:
    """Fitted relations between items, and what each customer bought lately.

    Attributes:
        relation: shape (n_items, n_items) float32, row = anchor, column = item to show beside it.
        bought: shape (n_customers, n_items) float32, purchases faded by age.
    """

    relation: csr_array
    bought: csr_array

    @property
    def neighbours(self) -> Neighbours:
        """The strongest relations of every item."""
        return Neighbours(self.relation)

    @property
    def purchases(self) -> csr_array:
        """See `RelatesItems.purchases`."""
        return self.bought

    @property
    def opinion(self) -> Related:
        """See `FittedModel.opinion`; relations to recent purchases, added up."""
        return Related(self.bought, self.relation)


_MEASURES: dict[str, Callable[[NDArray[np.number], float, int], Measure]] = {
    "cosine": lambda orders_of, s, n_orders: cosine(orders_of, s),
    "lift": lift,
    "llr": lambda orders_of, s, n_orders: log_likelihood_ratio(orders_of, n_orders),
    "jaccard": lambda orders_of, s, n_orders: jaccard(orders_of, s),
}
"""Name → makes the measure of the items' orders, the shrinkage and the number of orders."""
