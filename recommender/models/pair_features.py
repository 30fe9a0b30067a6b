"""What is known of two related items beside their relation: what trees learn from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.blocks import bounded_blocks
from recommender.data.catalog import Catalog, Texts
from recommender.data.halves import row_of_entry
from recommender.data.history import PurchaseHistory, recency_decay

_ENTRIES = 10_000_000
"""Lines of the anchors' orders that are held at a time: a few hundred megabytes."""

_USUALLY, _LATELY = 180.0, 14.0
"""Half-lives in days of what an item sells as a rule, and lately."""

_Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class RelatedPairs:
    """Pairs of an anchor and another item that are related, and what is known of them.

    Attributes:
        relation: shape (n_items, n_items), one entry a pair, row by row, columns rising.
        features: shape (n_pairs, n_features) float32, in the order of the entries; NaN where unknown.
    """

    relation: csr_array
    features: NDArray[np.float32]

    @classmethod
    def of(cls, relation: csr_array, history: PurchaseHistory, catalog: Catalog) -> "RelatedPairs":
        """Look at each pair.

        The features are, in this order: the relation; orders with both; these as a share of the anchor's
        orders, of the other's, and of what chance would give; faded sales of the anchor, of the other; the
        other's share of the last weeks' sales; the trend of the other, of the anchor; orders a buyer of the
        other; whether category and brand are the same, and the share of further attributes that are; the
        logarithm of how many times the anchor's price the other has.

        Args:
            relation: positive where two items are related that share an order.
            history: purchases that the relation was learned from.
            catalog: in the order of the history's items.
        """
        relation = csr_array(relation, copy=True)
        relation.sort_indices()
        anchor, other = row_of_entry(relation), relation.indices
        columns = (
            relation.data[:, None],
            _shared(relation, history, anchor, other),
            _sales(history, anchor, other),
            _likeness(catalog, anchor, other),
        )
        return cls(relation, np.concatenate(columns, axis=1).astype(np.float32))


def _shared(
    relation: csr_array, history: PurchaseHistory, anchor: NDArray[np.int64], other: NDArray[np.int32]
) -> _Floats:
    """What orders say of the two together, shape (n_pairs, 4)."""
    baskets = history.baskets()
    sold, orders = np.asarray(baskets.sum(axis=0)).ravel(), _orders_in_common(relation, baskets)
    a, b = sold[anchor], sold[other]
    return np.stack((orders, orders / a, orders / b, orders * history.n_orders / (a * b)), axis=1)


def _orders_in_common(relation: csr_array, baskets: csr_array) -> _Floats:
    """Orders that hold both items of each pair, shape (n_pairs,)."""
    anchors = np.flatnonzero(np.diff(relation.indptr))
    pairs, columns = relation[anchors], baskets.T.tocsr()[anchors]
    work = (columns @ np.diff(baskets.indptr)).astype(np.int64)
    parts = [_entries_at(pairs[some], columns[some] @ baskets) for some in bounded_blocks(work, _ENTRIES)]
    return np.concatenate([np.zeros(0), *parts])


def _entries_at(pairs: csr_array, found: csr_array) -> _Floats:
    """Entries of one matrix where another has some; every such entry must be there."""
    found.sort_indices()
    n_items = found.shape[1]
    at = np.searchsorted(
        row_of_entry(found) * n_items + found.indices, row_of_entry(pairs) * n_items + pairs.indices
    )
    return np.asarray(found.data[at], np.float64)


def _sales(history: PurchaseHistory, anchor: NDArray[np.int64], other: NDArray[np.int32]) -> _Floats:
    """How either item sells, shape (n_pairs, 6)."""
    usual, lately, plain = (
        np.bincount(history.item, recency_decay(history.age_days, days), minlength=len(history.items))
        for days in (_USUALLY, _LATELY, np.inf)
    )
    # Two sales more than there are, so that a rare item has no trend to speak of.
    trend = (lately * (_USUALLY / _LATELY) + 2) / (usual + 2)
    bought = history.interactions(np.inf)
    buyers = np.bincount(bought.indices, minlength=len(history.items))
    a_buyer = plain / np.maximum(buyers, 1)
    share = lately / max(lately.sum(), 1e-9)
    return np.stack(
        (usual[anchor], usual[other], share[other], trend[other], trend[anchor], a_buyer[other]), axis=1
    )


def _likeness(catalog: Catalog, anchor: NDArray[np.int64], other: NDArray[np.int32]) -> _Floats:
    """How alike the shop says that they are, shape (n_pairs, 4)."""
    further = [_same(texts, anchor, other) for _, texts in sorted(catalog.attributes.items())]
    price = np.where(catalog.price > 0, catalog.price, np.nan).astype(np.float64)
    return np.stack(
        (
            _same(catalog.category, anchor, other),
            _same(catalog.brand, anchor, other),
            np.mean(further, axis=0) if further else np.zeros(len(anchor)),
            np.log(price[other]) - np.log(price[anchor]),
        ),
        axis=1,
    )


def _same(texts: Texts, anchor: NDArray[np.int64], other: NDArray[np.int32]) -> _Floats:
    """1 where the shop says the same of both, else 0; what it does not say is not the same."""
    _, code = np.unique([text or "" for text in texts], return_inverse=True)
    told = np.array([bool(text) for text in texts], bool)
    return np.asarray((code[anchor] == code[other]) & told[anchor], np.float64)
