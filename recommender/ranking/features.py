"""What is known of a customer, of an item and of the two together, for the ranker to weigh."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog
from recommender.data.history import PurchaseHistory
from recommender.data.item_text import item_words
from recommender.data.orders import OrderLog
from recommender.ranking.candidates import Candidates
from recommender.ranking.customer_categories import CATEGORY_FEATURES, CustomerCategories
from recommender.ranking.customer_words import CustomerWords
from recommender.ranking.feature_columns import (
    Columns,
    customer_columns,
    item_columns,
    pair_columns,
    pair_key,
)

WORD_HALF_LIVES = (30.0, 180.0)
_LEAST_PRICE_SPREAD = 0.2
"""Standard deviation of log prices below which a customer's habit is taken to be this wide."""


@dataclass(frozen=True, slots=True)
class FeatureTables:
    """Everything that a feature needs, computed once for a moment and looked up for each candidate.

    Attributes:
        n_items: columns of a customer's row of pairs.
        pair_keys: shape (n_pairs,) int64, `pair_key` of all that was bought, rising.
        pairs: columns of shape (n_pairs,): how a customer buys an item; NaN where it cannot be said.
        items: columns of shape (n_items,): how an item sells.
        customers: columns of shape (n_customers,): how a customer buys.
        words: what customers' purchases are called, by how far back is looked.
        categories: which categories customers buy from.
    """

    n_items: int
    pair_keys: NDArray[np.int64]
    pairs: Columns
    items: Columns
    customers: Columns
    words: Mapping[str, CustomerWords]
    categories: CustomerCategories

    @classmethod
    def of(cls, orders: OrderLog, history: PurchaseHistory, catalog: Catalog) -> "FeatureTables":
        """The tables of a moment.

        Args:
            orders: purchases, returns taken off; at least one.
            history: the same purchases, seen at that moment.
            catalog: what is said of the items.
        """
        return cls.with_items(
            orders, history, catalog, items=item_columns(orders, history), said=item_words(catalog)
        )

    @classmethod
    def with_items(
        cls,
        orders: OrderLog,
        history: PurchaseHistory,
        catalog: Catalog,
        *,
        items: Columns,
        said: csr_array,
    ) -> "FeatureTables":
        """The tables of some of the customers, where what is known of items comes from all of them.

        Args:
            orders: these customers' purchases, returns taken off.
            history: the same purchases, seen at that moment.
            catalog: what is said of the items.
            items: how the items sell, as `item_columns` has it.
            said: words of the items, as `item_words` has them.
        """
        words = {
            f"words_{half:g}": CustomerWords.of(history.interactions(half), said) for half in WORD_HALF_LIVES
        }
        keys, pairs = pair_columns(orders, history)
        customers = customer_columns(orders, history)
        categories = CustomerCategories.of(history, catalog.categories()[1])
        return cls(len(history.items), keys, pairs, items, customers, words, categories)

    def names(self, models: tuple[str, ...]) -> tuple[str, ...]:
        """Names of the columns of `features`, for candidates of these models."""
        scores = (f"score_{name}" for name in models)
        return (
            *self.pairs,
            *self.items,
            *self.customers,
            *self.words,
            *CATEGORY_FEATURES,
            *_TOGETHER,
            *scores,
        )

    def features(self, customers: NDArray[np.int32], candidates: Candidates) -> NDArray[np.float32]:
        """What is known of each candidate.

        Args:
            customers: shape (n,), the customer of each row of the candidates.
            candidates: pairs of customer and item.

        Returns:
            Shape (n_pairs, n_features), column by column in memory; NaN where a value makes no sense, such as
            the days since a purchase that never was.
        """
        customer, item = customers[candidates.row], candidates.item
        pairs = self._of_pairs(pair_key(customer, item, self.n_items))
        items = {name: column[item] for name, column in self.items.items()}
        habits = {name: column[customer] for name, column in self.customers.items()}
        together = _together(pairs, items, habits)
        words = (in_words.likeness(customer, item) for in_words in self.words.values())
        categories = self.categories.features(customer, item)
        columns = [*pairs.values(), *items.values(), *habits.values()]
        columns += [*words, *categories, *together, *candidates.scores.T]
        return np.stack(columns, dtype=np.float32).T

    def _of_pairs(self, wanted: NDArray[np.int64]) -> Columns:
        if not len(self.pair_keys):
            return {name: np.full(len(wanted), np.nan, np.float32) for name in self.pairs}
        at = np.minimum(np.searchsorted(self.pair_keys, wanted), len(self.pair_keys) - 1)
        never = self.pair_keys[at] != wanted
        return {name: np.where(never, np.float32(np.nan), column[at]) for name, column in self.pairs.items()}


_TOGETHER = ("share_of_orders", "share_of_recent_orders", "price_against_habit", "quantity_against_habit")
"""Features of a pair that compare columns of two tables."""


def _together(pairs: Columns, items: Columns, habits: Columns) -> tuple[NDArray[np.floating], ...]:
    spread = np.maximum(habits["price_spread"], np.float32(_LEAST_PRICE_SPREAD))
    return (
        pairs["times"] / np.maximum(habits["orders"], 1),
        pairs["faded_60"] / np.maximum(habits["orders_faded_30"], np.float32(1e-3)),
        (items["item_price"] - habits["usual_price"]) / spread,
        items["item_quantity"] - habits["usual_quantity"],
    )
