"""Co-purchase: what stands together in orders."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.history import PurchaseHistory
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
        orders_of = np.asarray(baskets.sum(axis=0), np.float32).ravel()
        relate, shrinkage, n_orders = _MEASURES[self.measure], np.float32(self.shrinkage), history.n_orders
        neighbours = strongest_relations(
            baskets,
            orders_of,
            lambda together, a, b: relate(together, a, b, shrinkage, n_orders),
            n=self.n_neighbours,
            min_together=self.min_together,
        )
        return CoPurchaseModel(neighbours.relation, history.interactions(self.half_life_days))


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


_Floats = NDArray[np.floating]


def _cosine(o: _Floats, a: _Floats, b: _Floats, s: np.float32, n_orders: int) -> _Floats:
    return o / np.sqrt((a + s) * (b + s))


def _lift(o: _Floats, a: _Floats, b: _Floats, s: np.float32, n_orders: int) -> _Floats:
    return np.float32(n_orders) * o / ((a + s) * (b + s))


def _jaccard(o: _Floats, a: _Floats, b: _Floats, s: np.float32, n_orders: int) -> _Floats:
    return o / (a + b - o + s)


def _llr(o: _Floats, a: _Floats, b: _Floats, s: np.float32, n_orders: int) -> _Floats:
    both, only_a, only_b = o.astype(np.float64), (a - o).astype(np.float64), (b - o).astype(np.float64)
    neither = n_orders - both - only_a - only_b
    rows = _x_log_x(both + only_a) + _x_log_x(only_b + neither)
    columns = _x_log_x(both + only_b) + _x_log_x(only_a + neither)
    cells = _x_log_x(both) + _x_log_x(only_a) + _x_log_x(only_b) + _x_log_x(neither)
    surprise = 2 * (cells - rows - columns + _x_log_x(np.asarray(float(n_orders))))
    attracted = both * n_orders > a.astype(np.float64) * b
    return np.where(attracted, np.maximum(surprise, 0), 0).astype(np.float32)


def _x_log_x(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x * np.log(np.where(x > 0, x, 1.0))


_MEASURES = {"cosine": _cosine, "lift": _lift, "llr": _llr, "jaccard": _jaccard}
