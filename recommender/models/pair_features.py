"""What is known of two related items beside their relation: what trees learn from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog, Texts
from recommender.data.halves import row_of_entry
from recommender.data.history import PurchaseHistory, recency_decay
from recommender.models.counted_rows import counted_rows
from recommender.models.shared_orders import Baskets, shared_products

_USUALLY, _LATELY = 180.0, 14.0
"""Half-lives in days of what an item sells as a rule, and lately."""

_Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class RelatedPairs:
    """Pairs of an anchor and another item that are related, and what is known of them.

    Attributes:
        relation: shape (n_items, n_items), one entry a pair, row by row, columns rising.
        features: (positions of n entries) → what is known of these pairs, shape (n, n_features) float32; NaN
            where unknown. Asked for part by part, because those of all pairs would fill the memory.
    """

    relation: csr_array
    features: Callable[[NDArray[np.integer]], NDArray[np.float32]]

    @classmethod
    def of(
        cls, relation: csr_array, history: PurchaseHistory, baskets: Baskets, catalog: Catalog
    ) -> "RelatedPairs":
        """Look at each pair.

        The features are, in this order: the relation; orders with both; these as a share of the anchor's
        orders, of the other's, and of what chance would give; faded sales of the anchor, of the other; the
        other's share of the last weeks' sales; the trend of the other, of the anchor; orders a buyer of the
        other; whether category and brand are the same, and the share of further attributes that are; the
        logarithm of how many times the anchor's price the other has.

        Args:
            relation: positive where two items are related that share an order.
            history: purchases that the relation was learned from.
            baskets: those of the history.
            catalog: in the order of the history's items.
        """
        relation = csr_array(relation, copy=True)
        relation.sort_indices()
        anchors = row_of_entry(relation).astype(np.int32)
        orders = _Orders.of(baskets, anchors, relation.indices)
        sales, likeness = _Sales.of(history), _Likeness.of(catalog)

        def features(entries: NDArray[np.integer]) -> NDArray[np.float32]:
            anchor, other = anchors[entries], relation.indices[entries]
            columns = (
                relation.data[entries],
                *orders.of_pairs(entries, anchor, other),
                *sales.of_pairs(anchor, other),
                *likeness.of_pairs(anchor, other),
            )
            # Feature by feature in memory, as they pass through the trees.
            return np.stack([column.astype(np.float32) for column in columns]).T

        return cls(relation, features)


@dataclass(frozen=True, slots=True)
class _Orders:
    """What stands together in orders.

    Attributes:
        n_orders: number of orders.
        sold: shape (n_items,) float32, orders that hold the item.
        shared: shape (n_pairs,), orders that hold both items of a pair.
    """

    n_orders: int
    sold: NDArray[np.float32]
    shared: NDArray[np.float64]

    @classmethod
    def of(cls, baskets: Baskets, anchor: NDArray[np.int32], other: NDArray[np.int32]) -> "_Orders":
        """Counted for pairs of an anchor and another item, shape (n_pairs,) each."""
        rows = counted_rows(baskets.rows)
        sold = np.diff(rows.column_starts).astype(np.float32)
        return cls(len(baskets.buyer), sold, shared_products(rows, anchor, other))

    def of_pairs(
        self, entries: NDArray[np.integer], anchor: NDArray[np.int32], other: NDArray[np.int32]
    ) -> Sequence[_Floats]:
        """What orders say of the two together."""
        shared, a, b = self.shared[entries], self.sold[anchor], self.sold[other]
        return shared, shared / a, shared / b, shared * self.n_orders / (a * b)


@dataclass(frozen=True, slots=True)
class _Sales:
    """How each item sells; all of shape (n_items,).

    Attributes:
        usual: faded sales.
        share: of the last weeks' sales of the whole shop.
        trend: the last weeks' sales ÷ usual ones.
        a_buyer: orders a buyer.
    """

    usual: _Floats
    share: _Floats
    trend: _Floats
    a_buyer: _Floats

    @classmethod
    def of(cls, history: PurchaseHistory) -> "_Sales":
        """From purchases, seen at their moment."""
        usual, lately = _faded(history, _USUALLY), _faded(history, _LATELY)
        sold = np.bincount(history.item, minlength=len(history.items))
        return cls(
            usual=usual,
            share=lately / max(lately.sum(), 1e-9),
            # Two sales more than there are, so that a rare item has no trend to speak of.
            trend=(lately * (_USUALLY / _LATELY) + 2) / (usual + 2),
            a_buyer=sold / np.maximum(history.buyers_of_items(), 1),
        )

    def of_pairs(self, anchor: NDArray[np.int32], other: NDArray[np.int32]) -> Sequence[_Floats]:
        """How either item sells."""
        usual, trend = self.usual, self.trend
        return (
            usual[anchor], usual[other], self.share[other], trend[other], trend[anchor], self.a_buyer[other]
        )  # fmt: skip


def _faded(history: PurchaseHistory, half_life_days: float) -> NDArray[np.float64]:
    """Sales of each item, older ones counting less, shape (n_items,)."""
    weight = recency_decay(history.age_days, half_life_days)
    return np.bincount(history.item, weight, minlength=len(history.items)).astype(np.float64, copy=False)


@dataclass(frozen=True, slots=True)
class _Likeness:
    """What the shop says of items: their texts as numbers, and the logarithm of the price, NaN if unknown."""

    category: "_Codes"
    brand: "_Codes"
    further: Sequence["_Codes"]
    log_price: _Floats

    @classmethod
    def of(cls, catalog: Catalog) -> "_Likeness":
        """From the catalog, its further attributes in the order of their names."""
        price = np.where(catalog.price > 0, catalog.price, np.nan).astype(np.float64)
        further = [_Codes.of(texts) for _, texts in sorted(catalog.attributes.items())]
        return cls(_Codes.of(catalog.category), _Codes.of(catalog.brand), further, np.log(price))

    def of_pairs(self, anchor: NDArray[np.int32], other: NDArray[np.int32]) -> Sequence[_Floats]:
        """How alike the shop says that they are."""
        further = [codes.same(anchor, other) for codes in self.further]
        return (
            self.category.same(anchor, other),
            self.brand.same(anchor, other),
            np.mean(further, axis=0) if further else np.zeros(len(anchor)),
            self.log_price[other] - self.log_price[anchor],
        )


@dataclass(frozen=True, slots=True)
class _Codes:
    """A column of texts: a number a text, and whether there is any; both of shape (n_items,)."""

    code: NDArray[np.intp]
    told: NDArray[np.bool_]

    @classmethod
    def of(cls, texts: Texts) -> "_Codes":
        """Numbered in the order of the alphabet; None and the empty text tell nothing."""
        _, code = np.unique([text or "" for text in texts], return_inverse=True)
        return cls(code, np.array([bool(text) for text in texts], bool))

    def same(self, anchor: NDArray[np.int32], other: NDArray[np.int32]) -> _Floats:
        """1 where the shop says the same of both, else 0; what it does not say is not the same."""
        return np.asarray((self.code[anchor] == self.code[other]) & self.told[anchor], np.float64)
