"""EASE: a linear model of every item from all others, in closed form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.peers.purchases import FOREVER, Scale, weighed_purchases
from recommender.data.history import PurchaseHistory
from recommender.models.linear_relations import inverse_of_positive_definite

_BLOCK = 512
"""Customers whose scores are held dense at a time while fitting."""


@dataclass(frozen=True, slots=True)
class Ease:
    """Embarrassingly shallow autoencoder (Steck, WWW 2019): B minimises ‖X − XB‖² + λ‖B‖², diagonal 0.

    The paper inverts P = (XᵀX + λI)⁻¹ over items and takes B = I − P ÷ diag(P), column by column. Here
    the inverse is over customers, since XP = KX with K = (XXᵀ + λI)⁻¹, and λ diag(P) = 1 − diag(XᵀKX): the
    same scores exactly, also where tens of thousands of items would not fit.

    Attributes:
        regularization: λ.
        half_life_days: see `weighed_purchases`.
        scale: see `weighed_purchases`; the paper has `once`.
    """

    regularization: float = 500.0
    half_life_days: float = FOREVER
    scale: Scale = "once"

    def fit(self, history: PurchaseHistory) -> "FittedEase":
        """Solve for K and diag(P)."""
        purchases = weighed_purchases(history, self.half_life_days, self.scale).astype(np.float64)
        gram = (purchases @ purchases.T).toarray()
        gram[np.diag_indices_from(gram)] += self.regularization
        kernel = inverse_of_positive_definite(gram)
        explained = np.zeros(purchases.shape[1])
        for start in range(0, len(kernel), _BLOCK):
            rows = slice(start, start + _BLOCK)
            explained += purchases[rows].multiply(kernel[rows] @ purchases).sum(axis=0)
        return FittedEase(purchases, kernel, (1 - explained) / self.regularization)


@dataclass(frozen=True, slots=True)
class FittedEase:
    """The fitted model, as seen from the customers.

    Attributes:
        purchases: X, shape (n_customers, n_items).
        kernel: K, shape (n_customers, n_customers).
        diagonal: of P, shape (n_items,).
    """

    purchases: csr_array
    kernel: NDArray[np.float64]
    diagonal: NDArray[np.float64]

    def scores(self, customers: NDArray[np.int32]) -> NDArray[np.floating]:
        """See `FittedPeer.scores`; rows of XB."""
        return self.purchases[customers].toarray() - (self.kernel[customers] @ self.purchases) / self.diagonal
