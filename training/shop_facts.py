"""What the cost of a training depends on: counts of what is in the data, and what the settings ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from recommender.data.orders import GUEST, OrderLog
from recommender.models.registry import MODELS

from .settings import Settings

What = Literal["peak", "seconds", "snapshot", "redis"]
"""Bytes held at most, seconds, bytes of the snapshot's folder, bytes in Redis."""

_OF_FACTORS = ("als", "als_long_term", "customer_knn")
"""Models that place customers and items by factors."""

_WITHOUT_PURCHASES = ("best_sellers", "als", "als_long_term", "customer_knn")
"""Models that do not keep who bought what."""

_DRIVERS: Mapping[What, tuple[str, ...]] = {
    "peak": ("fixed", "lines", "customers", "items", "places", "dense", "factors", "purchases"),
    "seconds": (
        "fixed", "lines", "items", "places", "dense", "looked at", "solved", "candidates", "split",
    ),
    "snapshot": ("fixed", "lines", "customers", "items", "places", "factors", "purchases"),
    "redis": ("fixed", "lines", "customers", "items", "places"),
}  # fmt: skip
"""What each quantity can grow with."""


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """What is in the data.

    Attributes:
        lines: order lines.
        orders: distinct orders.
        customers: known customers.
        items: items with enough lines to be recommended.
        pairs: distinct pairs of a customer and an item.
    """

    lines: int
    orders: int
    customers: int
    items: int
    pairs: int

    def drivers(self, what: What, settings: Settings) -> dict[str, float]:
        """What rates of a quantity are given for, by name.

        - `places` of all customers' lists: as many discoveries as the lists are long, and every item bought
          before up to that length again
        - `dense` entries of the largest matrix of items by items, that of the linear models: they know so
          many items at most, whatever the shop
        - `factors` of all customers and items
        - `purchases` that models keep
        - `looked at`: lines that models learn from, at every moment that is learned at: now, the days that
          are judged by, and the ranker's windows before them
        - `solved`: likewise, times factors
        - `candidates` for lists, by the models' scores of each
        - `split`: candidates times the ranker's leaves that they may end in

        Other settings have no part in what is expected.
        """
        length, ranker = settings.lists.length, settings.ranker
        asked = [name for name in MODELS if settings.blend.counts(name) or name == "als"]
        factors = sum(getattr(settings.models, name).factors for name in asked if name in _OF_FACTORS)
        keeping = 1 + sum(name not in _WITHOUT_PURCHASES for name in asked)
        moments = 2 + ranker.windows
        repeats = min(self.pairs, self.customers * length)
        proposed = self.customers * min(settings.lists.candidates_per_model, self.items) * len(asked)
        candidates = float(repeats + proposed)
        drivers = {
            "fixed": 1.0,
            "lines": float(self.lines),
            "customers": float(self.customers),
            "items": float(self.items),
            "places": float(repeats + self.customers * min(length, self.items)),
            "dense": float(min(self.items, self._most_related(settings))) ** 2,
            "factors": float(self.customers + self.items) * factors,
            "purchases": float(self.pairs) * keeping,
            "looked at": float(self.lines) * len(asked) * moments,
            "solved": float(self.lines) * factors * moments,
            "candidates": candidates * len(asked),
            "split": candidates * ranker.trees * ranker.leaves if ranker.windows else 0.0,
        }
        return {name: drivers[name] for name in _DRIVERS[what]}

    def _most_related(self, settings: Settings) -> int:
        recommended = settings.models.linear.n_items if settings.blend.counts("linear") else 0
        return max(recommended, settings.bought_together.linear_items)


def facts_of_orders(orders: OrderLog, settings: Settings) -> ShopFacts:
    """The facts of a log that has been read."""
    known = orders.customer != GUEST
    pairs = np.sort(orders.customer[known].astype(np.int64) << 32 | orders.item[known])
    sold = np.bincount(orders.item, minlength=len(orders.items))
    return ShopFacts(
        lines=len(orders),
        orders=len(orders.orders),
        customers=len(orders.customers),
        items=int(np.count_nonzero(sold >= settings.lists.min_item_lines)),
        pairs=int(np.count_nonzero(np.diff(pairs, prepend=-1))),
    )
