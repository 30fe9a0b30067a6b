"""Bought together: which items belong in one order, learned so that no pair of items reveals one person."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.history import PurchaseHistory, recency_decay
from recommender.models.linear_relations import linear_relations
from recommender.models.measures import beyond_chance
from recommender.models.neighbours import Neighbours, SeveralBuyers, strongest_relations
from recommender.models.shared_orders import Baskets
from recommender.ranges import require_at_least, require_positive

_OF_ANCHOR, _OF_OTHER, _OF_TREND = 0.8, 0.3, 0.2
"""Powers of the anchor's orders, the other item's orders, and the other item's trend."""

_LATELY_DAYS = 14.0
"""Half-life of what an item sells lately."""


@dataclass(frozen=True, slots=True)
class BoughtTogether:
    """Items that stand in one order more often than chance puts them there; what carts are answered from.

    An order of n items that is t days old weighs w = n^-½ · 2^(-t / half_life_days): a long order says less
    of each of its pairs, and an old one less of what goes together today. With o the weight of the orders
    that two items share, a and b that of all orders of either, and W that of all orders, chance alone puts
    a·b / W into both, and

        relation(anchor → other) = t^0.2 · (o - a·b / W) / ((a + s)^0.8 · (b + s)^0.3),  0 below chance

    with s = shrinkage and t how well the other item sells in the last weeks against its usual. So it lies
    between P(other | anchor), which best sellers win whatever the anchor, and lift, which rarities win.
    To this is added what a linear model of the same orders says of the pairs so found (`linear_relations`):
    it knows which items share orders only because both go with a third. Each of the two is scaled to a mean
    of 1 for what is related to an item. Weights and powers were chosen on earlier windows
    (docs/cross-sell.md).

    Attributes:
        half_life_days: an order this old counts half.
        shrinkage: weight added to either item, so that a pair seen once stays below a pair seen often.
        fewest_customers: pairs that fewer customers had in one order are no relation, so that none tells of
            one person's orders; an order that names nobody counts as a customer of its own.
        n_neighbours: relations kept for an item.
        linear_weight: how much the linear model counts beside 1 for the relation above; 0 saves its time.
        linear_items: items of most orders that the linear model knows; its time grows with their cube.
        regularization: of the linear model, in orders.
    """

    half_life_days: float = 180.0
    shrinkage: float = 4.0
    fewest_customers: int = 2
    n_neighbours: int = 100
    linear_weight: float = 0.75
    linear_items: int = 4000
    regularization: float = 10.0

    def __post_init__(self) -> None:
        require_positive(half_life_days=self.half_life_days, regularization=self.regularization)
        require_at_least(0, shrinkage=self.shrinkage, linear_weight=self.linear_weight)
        require_at_least(2, fewest_customers=self.fewest_customers)
        require_at_least(1, n_neighbours=self.n_neighbours, linear_items=self.linear_items)

    def fit(self, history: PurchaseHistory) -> Neighbours:
        """Relate what orders hold, guests' orders included."""
        return self.fit_to(history, Baskets.of(history))

    def fit_to(self, history: PurchaseHistory, orders: Baskets) -> Neighbours:
        """The same where the baskets of the history are there already."""
        baskets, weight = orders.rows, self._weights(history)
        orders_of = (weight @ baskets).astype(np.float64)
        damped = orders_of + self.shrinkage
        measure = beyond_chance(
            orders_of,
            float(weight.sum(dtype=np.float64)),
            of_anchor=damped**_OF_ANCHOR,
            of_other=damped**_OF_OTHER / self._trend(history) ** _OF_TREND,
        )
        entries = np.repeat(np.sqrt(weight), np.diff(baskets.indptr))
        weighted = csr_array((entries, baskets.indices, baskets.indptr), shape=baskets.shape)
        neighbours = strongest_relations(
            weighted,
            measure,
            n=self.n_neighbours,
            several=SeveralBuyers(orders.buyer, self.fewest_customers),
        )
        return self._with_linear(neighbours, weighted) if self.linear_weight else neighbours

    def _with_linear(self, neighbours: Neighbours, weighted: csr_array) -> Neighbours:
        # Only of pairs that are related anyway: others may be of one person, and no list would be longer.
        linear = linear_relations(
            weighted,
            neighbours.relation,
            regularization=self.regularization,
            n_items=self.linear_items,
        )
        both = _scaled(neighbours.relation) + np.float32(self.linear_weight) * _scaled(linear)
        relation = csr_array(both, dtype=np.float32)
        relation.sort_indices()
        return Neighbours(relation)

    def _weights(self, history: PurchaseHistory) -> NDArray[np.float32]:
        """Weight of each order, shape (n_orders,)."""
        age, size = np.zeros(history.n_orders, np.float32), np.bincount(history.order)
        age[history.order] = history.age_days
        return np.asarray(recency_decay(age, self.half_life_days) / np.sqrt(size), np.float32)

    def _trend(self, history: PurchaseHistory) -> NDArray[np.float32]:
        """Sales of each item in the last weeks ÷ its usual ones, shape (n_items,): 1 if nothing changed."""
        lately, usual = (
            np.bincount(history.item, recency_decay(history.age_days, days), minlength=len(history.items))
            for days in (_LATELY_DAYS, self.half_life_days)
        )
        steady = _LATELY_DAYS / self.half_life_days
        # Two sales of either kind more than there are, so that a rare item has no trend to speak of.
        return np.asarray((lately / steady + 2) / (usual + 2), np.float32)


def _scaled(relation: csr_array) -> csr_array:
    """The relations of an item that has any add up to 1 on average."""
    related = np.count_nonzero(np.diff(relation.indptr))
    return relation * np.float32(related / relation.sum()) if relation.nnz else relation
