"""What is known of a customer, of an item and of the two together, for the ranker to weigh."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.blocks import bounded_blocks
from recommender.data.catalog import Catalog
from recommender.data.history import PurchaseHistory
from recommender.data.item_text import item_words
from recommender.data.orders import OrderLog
from recommender.ranking.candidates import Candidates
from recommender.ranking.customer_categories import CATEGORY_FEATURES, CustomerCategories
from recommender.ranking.customer_words import CustomerWords
from recommender.ranking.feature_columns import (
    PAIR_FEATURES,
    Columns,
    customer_columns,
    item_columns,
    pair_columns,
    times_and_gaps,
)
from recommender.ranking.paired_lines import PairedLines, pair_key, purchases_by_pair, units_by_pair

WORD_HALF_LIVES = (30.0, 180.0)
_LEAST_PRICE_SPREAD = 0.2
"""Standard deviation of log prices below which a customer's habit is taken to be this wide."""


_BLOCK_LINES = 500_000
"""Purchases whose rhythm is looked at together."""


@dataclass(frozen=True, slots=True)
class FeatureTables:
    """Everything that a feature needs, computed once for a moment and looked up for each candidate.

    How a customer buys an item is only worked out for the customers asked for: most are asked for once, and
    their purchases take a fifth of the memory of what can be said of them.

    Attributes:
        n_items: columns of a customer's row of pairs.
        purchases: see `purchases_by_pair`.
        units: see `units_by_pair`.
        items: columns of shape (n_items,): how an item sells.
        customers: columns of shape (n_customers,): how a customer buys.
        words: what customers' purchases are called, by how far back is looked.
        categories: which categories customers buy from.
    """

    n_items: int
    purchases: PairedLines
    units: PairedLines
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
        purchases = purchases_by_pair(history)
        items = item_columns(orders, history, purchases)
        return cls._with(orders, history, catalog, purchases, items, item_words(catalog))

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
        return cls._with(orders, history, catalog, purchases_by_pair(history), items, said)

    @classmethod
    def _with(
        cls,
        orders: OrderLog,
        history: PurchaseHistory,
        catalog: Catalog,
        purchases: PairedLines,
        items: Columns,
        said: csr_array,
    ) -> "FeatureTables":
        return cls(
            n_items=len(history.items),
            purchases=purchases,
            units=units_by_pair(orders),
            items=items,
            customers=customer_columns(orders, history, purchases),
            words={f"words_{half:g}": CustomerWords.of(history, half, said) for half in WORD_HALF_LIVES},
            categories=CustomerCategories.of(history, catalog.categories()[1]),
        )

    def names(self, models: tuple[str, ...]) -> tuple[str, ...]:
        """Names of the columns of `features`, for candidates of these models."""
        return (
            *PAIR_FEATURES,
            *self.items,
            *self.customers,
            *self.words,
            *CATEGORY_FEATURES,
            *_TOGETHER,
            *(f"score_{name}" for name in models),
        )

    def features(self, customers: NDArray[np.int32], candidates: Candidates) -> NDArray[np.float32]:
        """What is known of each candidate.

        Args:
            customers: shape (n,), the customer of each row of the candidates; a few hundred at a time.
            candidates: pairs of customer and item.

        Returns:
            Shape (n_pairs, n_features), column by column in memory; NaN where a value makes no sense, such as
            the days since a purchase that never was.
        """
        row, item, names = candidates.row, candidates.item, self.names(candidates.models)
        table = np.empty((len(names), len(row)), np.float32)
        into = dict(zip(names, table, strict=True))
        habits = {name: column[customers] for name, column in self.customers.items()}
        # Positions are in range; where numpy has to see to that by itself it makes a copy first.
        for name, column in self.items.items():
            np.take(column, item, out=into[name], mode="clip")
        for name, column in habits.items():
            np.take(column, row, out=into[name], mode="clip")
        for name, in_words in self.words.items():
            into[name][:] = in_words.likeness(customers, row, item)
        for name, column in zip(
            CATEGORY_FEATURES, self.categories.features(customers, row, item), strict=True
        ):
            into[name][:] = column
        table[len(names) - len(candidates.models) :] = candidates.scores.T
        self._fill_in_purchases(into, customers, candidates)
        _compare(into, np.maximum(habits["price_spread"], np.float32(_LEAST_PRICE_SPREAD))[row])
        return table.T

    def rhythms(
        self, customers: NDArray[np.int32], row: NDArray[np.integer], item: NDArray[np.int32]
    ) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """How often items were bought, and the mean of the days between, NaN for what was bought once.

        Args:
            customers: shape (n_rows,).
            row: shape (n,), never falling, which of the customers bought the item.
            item: shape (n,), bought by that customer.
        """
        times, gap = np.empty(len(row), np.intp), np.empty(len(row), np.float32)
        for some in bounded_blocks(np.diff(self.purchases.starts)[customers], _BLOCK_LINES):
            bought = self.purchases.of_customers(customers[some])
            start = bought.pair_starts()
            here = slice(*np.searchsorted(row, (some.start, some.stop)))
            wanted = pair_key(row[here] - some.start, item[here], self.n_items)
            at = np.searchsorted(bought.pair_keys(start, self.n_items), wanted)
            of_pairs = times_and_gaps(bought.columns["age"], start)
            times[here], gap[here] = of_pairs[0][at], of_pairs[1][at]
        return times, gap

    def _fill_in_purchases(self, into: Columns, customers: NDArray[np.int32], candidates: Candidates) -> None:
        """Write the columns that are NaN for what the customer never bought."""
        for name in (*PAIR_FEATURES, *_OF_PURCHASES):
            into[name].fill(np.nan)
        bought = self.purchases.of_customers(customers)
        if not len(bought.item) or not len(candidates.item):
            return
        wanted = pair_key(candidates.row, candidates.item, self.n_items)
        keys = bought.pair_keys(bought.pair_starts(), self.n_items)
        # There are few purchases and many candidates: so the former are looked for among the latter.
        at = np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)
        found = wanted[at] == keys
        at = at[found]
        for name, column in pair_columns(bought, self.units.of_customers(customers)).items():
            into[name][at] = column[found]
        into["share_of_orders"][at] = into["times"][at] / np.maximum(into["orders"][at], 1)
        into["share_of_recent_orders"][at] = into["faded_60"][at] / np.maximum(
            into["orders_faded_30"][at], np.float32(1e-3)
        )


_OF_PURCHASES = ("share_of_orders", "share_of_recent_orders")
_TOGETHER = (*_OF_PURCHASES, "price_against_habit", "quantity_against_habit")
"""Features of a pair that compare columns of two tables."""


def _compare(into: Columns, price_spread: NDArray[np.float32]) -> None:
    """Write what compares an item with a customer's habits."""
    np.subtract(into["item_price"], into["usual_price"], out=into["price_against_habit"])
    into["price_against_habit"] /= price_spread
    np.subtract(into["item_quantity"], into["usual_quantity"], out=into["quantity_against_habit"])
