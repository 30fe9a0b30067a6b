"""Which categories customers buy from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.groups import Groups
from recommender.data.history import PurchaseHistory, recency_decay
from recommender.data.orders import GUEST

HALF_LIVES = (30.0, 180.0)

CATEGORY_FEATURES = (
    *(f"category_{kind}_{half:g}" for half in HALF_LIVES for kind in ("faded", "share")),
    "days_since_category",
)


@dataclass(frozen=True, slots=True)
class CustomerCategories:
    """Purchases of each customer by category.

    Attributes:
        category: shape (n_items,) int32, -1 for an item without.
        faded: by half-life, shape (n_customers, n_categories) float32: purchases summed with `recency_decay`.
        freshness: shape (n_customers, n_categories) float32, 1 ÷ (1 + days since the last purchase).
    """

    category: NDArray[np.int32]
    faded: Mapping[float, csr_array]
    freshness: csr_array

    @classmethod
    def of(cls, history: PurchaseHistory, category: NDArray[np.int32]) -> "CustomerCategories":
        """From purchases, and the category of each item, shape (n_items,), -1 for none."""
        counted = (history.customer != GUEST) & (category[history.item] >= 0)
        customer, age = history.customer[counted], history.age_days[counted]
        place = (customer, category[history.item[counted]])
        shape = (len(history.customers), int(category.max(initial=-1)) + 1)
        of_cells = Groups.of(place[0].astype(np.int64) * shape[1] + place[1])
        # Lines come oldest first, and stay in that order within a cell.
        last = of_cells.lines[of_cells.starts + of_cells.sizes - 1]
        return cls(
            category,
            {half: csr_array((recency_decay(age, half), place), shape=shape) for half in HALF_LIVES},
            csr_array((1 / (1 + age[last]), (place[0][last], place[1][last])), shape=shape),
        )

    def features(
        self, customers: NDArray[np.int32], row: NDArray[np.int32], item: NDArray[np.int32]
    ) -> tuple[NDArray[np.float32], ...]:
        """What each customer's purchases say of the category of an item; one column a `CATEGORY_FEATURES`.

        Args:
            customers: shape (n_rows,) positions, a few hundred.
            row: shape (n,), whom of the customers it is about.
            item: shape (n,) positions.

        Returns:
            Columns of shape (n,); NaN for an item without a category.
        """
        category, none = self.category[item], self.category[item] < 0
        if none.all():
            return tuple(np.full(len(item), np.nan, np.float32) for _ in CATEGORY_FEATURES)
        columns = []
        for faded in self.faded.values():
            own = faded[customers].toarray()
            total = np.maximum(own.sum(axis=1), np.float32(1e-6))
            columns += [own[row, category], own[row, category] / total[row]]
        freshness = self.freshness[customers].toarray()[row, category]
        columns.append(np.where(freshness > 0, 1 / np.maximum(freshness, 1e-9) - 1, np.nan))
        return tuple(np.where(none, np.nan, column).astype(np.float32) for column in columns)
