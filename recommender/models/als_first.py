"""What the first pass of alternating least squares starts from."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from recommender.models.als_kernels import add_up
from recommender.models.als_solver import Factors, Side

_SMALL = np.float32(0.01)
"""Deviation of factors that say nothing yet: another than 0, where every equation would be solved already."""


def sketched(excess: csr_array, pull: float, n_factors: int, seed: int) -> Factors:
    """Items by the directions in which most purchases lie, roughly; the first pass places the customers.

    A randomised range finder with one power iteration (Halko, Martinsson & Tropp, "Finding structure with
    randomness", SIAM Review 2011) over confidences divided by the roots of their sums by customer and by
    item, so that a few large rows do not take all directions. It takes about as long as a pass and saves two.

    Args:
        excess: shape (n_customers, n_items), what each purchase's confidence has beyond 1.
        pull: of every factor towards 0, added to the sums.
        n_factors: numbers that describe a customer or an item.
        seed: of the random directions.
    """
    customers = Side.of(scaled := _scaled(excess, pull))
    items = Side.of(scaled.T.tocsr())
    # Any random numbers around 0 will do; these are the quickest.
    some = np.random.default_rng(seed).random((excess.shape[0], n_factors), np.float32) - np.float32(0.5)
    with threadpool_limits(1, "blas"):
        directions = _orthonormal(_product(items, some))
        directions = _orthonormal(_product(items, _product(customers, directions)))
    # In a shop of fewer items than factors there are fewer directions.
    first = next_to_nothing(excess.shape[1], n_factors, seed)
    first[:, : directions.shape[1]] = directions
    return Factors(np.zeros_like(some), first)


def next_to_nothing(rows: int, n_factors: int, seed: int) -> NDArray[np.float32]:
    """Factors of what says nothing yet, shape (rows, n_factors)."""
    return np.random.default_rng(seed).standard_normal((rows, n_factors), np.float32) * _SMALL


def _scaled(excess: csr_array, pull: float) -> csr_array:
    confidence = 1 + excess.data.astype(np.float64)
    scaled = csr_array((confidence, excess.indices, excess.indptr), shape=excess.shape)
    # A sum is at least 1 where there is a purchase.
    by_customer, by_item = (1 / np.sqrt(np.maximum(scaled.sum(axis=axis) + pull, 1)) for axis in (1, 0))
    by_purchase = np.repeat(by_customer, np.diff(excess.indptr)) * by_item[excess.indices]
    scaled.data = (confidence * by_purchase).astype(np.float32)
    return scaled


def _product(side: Side, others: NDArray[np.float32]) -> NDArray[np.float32]:
    sums = np.zeros((len(side.starts) - 1, others.shape[1]), np.float32)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(
            lambda rows: add_up(rows, side.starts, side.partners, side.excess, others, sums), side.parts()
        ):
            pass
    return sums


def _orthonormal(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.linalg.qr(columns)[0], np.float32)
