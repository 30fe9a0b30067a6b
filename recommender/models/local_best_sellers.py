"""Local best sellers: what sells most in the place where a guest is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.history import DAY, recency_decay
from recommender.data.orders import OrderLog
from recommender.data.places import NOWHERE, Places
from recommender.ranges import require_at_least, require_positive


@dataclass(frozen=True, slots=True)
class LocalBestSellers:
    """Items in most of a place's orders, recent orders counting more.

    Every place starts with some orders of the whole shop's, so that one with few orders of its own lists
    the shop's best sellers, and one with many its own (a Dirichlet prior).

    Attributes:
        half_life_days: an order this old counts half.
        pseudo_orders: orders of the whole shop's that every place starts with.
        fewest_orders: a place with fewer orders has no list; neither is its taste known, nor should its
            list tell what its few customers bought.
    """

    half_life_days: float = 14.0
    pseudo_orders: float = 20.0
    fewest_orders: int = 20

    def __post_init__(self) -> None:
        require_positive(half_life_days=self.half_life_days)
        require_at_least(0, pseudo_orders=self.pseudo_orders)
        require_at_least(1, fewest_orders=self.fewest_orders)

    def fit(self, orders: OrderLog, places: Places, now: int) -> "LocalBestSellersModel":
        """Count each place's orders of each item, faded by age.

        Args:
            orders: purchases, returns already taken off; guests' count.
            places: of the orders.
            now: seconds since 1970 UTC, not before the newest line.
        """
        order, item, weight = _faded_purchases(orders, now, self.half_life_days)
        whole = np.bincount(item, weights=weight, minlength=len(orders.items))
        n_orders = _faded_orders(order, weight)
        share = whole / n_orders if n_orders else whole
        placed = places.of_order[np.unique(order)]
        listed = np.bincount(placed[placed != NOWHERE], minlength=len(places.names)) >= self.fewest_orders
        row_of = np.append(np.where(listed, np.cumsum(listed) - 1, -1), -1)  # NOWHERE looks at the last
        row = row_of[places.of_order[order]]
        shape, known = (int(listed.sum()), len(orders.items)), row >= 0
        return LocalBestSellersModel(
            names=tuple(places.names[place] for place in np.flatnonzero(listed)),
            local=csr_array((weight[known], (row[known], item[known])), shape=shape),
            prior=(self.pseudo_orders * share).astype(np.float32),
        )


@dataclass(frozen=True, slots=True)
class LocalBestSellersModel:
    """Fitted popularity by place: an item's is what stands in `local` and what stands in `prior` together.

    Attributes:
        names: of the places with a list.
        local: shape (n_places, n_items) float32, the place's orders that held the item, faded by age.
        prior: shape (n_items,) float32, the orders that every place starts with.
    """

    names: tuple[str, ...]
    local: csr_array
    prior: NDArray[np.float32]


def _faded_purchases(
    orders: OrderLog, now: int, half_life_days: float
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Order, item and weight of every purchase; two lines of an item in one order are one purchase."""
    bought = orders.purchases()
    _, first = np.unique(bought.order.astype(np.int64) * len(bought.items) + bought.item, return_index=True)
    age_days = (now - bought.ordered_at[first]) / DAY
    return bought.order[first], bought.item[first], recency_decay(age_days, half_life_days)


def _faded_orders(order: NDArray[np.int32], weight: NDArray[np.float32]) -> float:
    _, first = np.unique(order, return_index=True)
    return float(weight[first].sum())
