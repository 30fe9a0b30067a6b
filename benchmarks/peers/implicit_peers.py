"""Models of the library `implicit` (Frederickson), as its documentation shows them."""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from implicit.utils import ParameterWarning
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from benchmarks.peers.protocol import where_positive
from benchmarks.peers.purchases import FOREVER, Scale, weighed_purchases
from recommender.data.history import PurchaseHistory


@dataclass(frozen=True, slots=True)
class ImplicitAls:
    """`AlternatingLeastSquares`: matrix factorisation of Hu, Koren & Volinsky, ICDM 2008.

    Attributes:
        factors: as in the library, like the next three.
        regularization: not scaled by the size of the shop, so a large range must be searched.
        alpha: multiplies every purchase's weight.
        iterations: passes over customers and items.
        half_life_days: see `weighed_purchases`.
        scale: see `weighed_purchases`.
    """

    factors: int = 100
    regularization: float = 0.01
    alpha: float = 1.0
    iterations: int = 15
    half_life_days: float = FOREVER
    scale: Scale = "count"

    def fit(self, history: PurchaseHistory) -> "Factors":
        """Find the factors, from a fixed random start."""
        # implicit runs its own threads over rows; BLAS threads beside them only get in their way.
        with threadpool_limits(1, "blas"):
            solver = AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.regularization,
                alpha=self.alpha,
                iterations=self.iterations,
                random_state=0,
            )
            solver.fit(
                csr_matrix(weighed_purchases(history, self.half_life_days, self.scale)), show_progress=False
            )
        return Factors(np.asarray(solver.user_factors), np.asarray(solver.item_factors))


@dataclass(frozen=True, slots=True)
class Factors:
    """Fitted factors of a matrix factorisation.

    Attributes:
        customer_factors: shape (n_customers, factors).
        item_factors: shape (n_items, factors).
    """

    customer_factors: NDArray[np.float32]
    item_factors: NDArray[np.float32]

    def scores(self, customers: NDArray[np.int32]) -> NDArray[np.floating]:
        """See `FittedPeer.scores`."""
        return self.customer_factors[customers] @ self.item_factors.T


@dataclass(frozen=True, slots=True)
class ImplicitItems:
    """Item-to-item neighbours over customers: `CosineRecommender` or `TFIDFRecommender`.

    Attributes:
        measure: which of the two.
        neighbours: `K` of the library; the item itself is one of them.
        half_life_days: see `weighed_purchases`.
        scale: see `weighed_purchases`.
    """

    measure: Literal["cosine", "tfidf"] = "cosine"
    neighbours: int = 20
    half_life_days: float = FOREVER
    scale: Scale = "count"

    def fit(self, history: PurchaseHistory) -> "ItemSimilarity":
        """Compare items by who bought them."""
        kind = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender}[self.measure]
        return _fitted(kind(K=self.neighbours), history, self.half_life_days, self.scale)


@dataclass(frozen=True, slots=True)
class ImplicitBm25:
    """Item-to-item neighbours over customers, weighed as words in documents are: `BM25Recommender`.

    Attributes:
        neighbours: `K` of the library; the item itself is one of them.
        saturation: `K1`, how soon further purchases stop to count.
        length_norm: `B`, how much an item's popularity is held against it.
        half_life_days: see `weighed_purchases`.
        scale: see `weighed_purchases`.
    """

    neighbours: int = 20
    saturation: float = 1.2
    length_norm: float = 0.75
    half_life_days: float = FOREVER
    scale: Scale = "count"

    def fit(self, history: PurchaseHistory) -> "ItemSimilarity":
        """Compare items by who bought them."""
        solver = BM25Recommender(K=self.neighbours, K1=self.saturation, B=self.length_norm)
        return _fitted(solver, history, self.half_life_days, self.scale)


@dataclass(frozen=True, slots=True)
class ItemSimilarity:
    """Fitted similarities, and the purchases that they are applied to.

    Attributes:
        purchases: shape (n_customers, n_items).
        similarity: shape (n_items, n_items), row = item bought, column = item to show.
    """

    purchases: csr_array
    similarity: csr_array

    def scores(self, customers: NDArray[np.int32]) -> NDArray[np.floating]:
        """See `FittedPeer.scores`; similarities to what the customer bought, added up."""
        return where_positive((self.purchases[customers] @ self.similarity).toarray())


def _fitted(
    solver: BM25Recommender | CosineRecommender | TFIDFRecommender,
    history: PurchaseHistory,
    half_life_days: float,
    scale: Scale,
) -> ItemSimilarity:
    purchases = weighed_purchases(history, half_life_days, scale)
    with warnings.catch_warnings():
        # It makes a matrix of the wrong kind itself, and then warns that it got one.
        warnings.simplefilter("ignore", ParameterWarning)
        solver.fit(csr_matrix(purchases), show_progress=False)
    return ItemSimilarity(purchases, csr_array(solver.similarity))
