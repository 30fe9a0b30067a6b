"""EASE: what an item adds to the rest of a basket or a history, as far as no other item explains it."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from recommender.blocks import bounded_blocks
from recommender.compiled import compiled
from recommender.data.halves import only_entries, row_of_entry
from recommender.errors import ConfigError
from recommender.models.counted_rows import CountedRows, counted_rows

_BLOCK_WORK = 10_000_000
"""Products that a thread adds up at a time: some tens of milliseconds."""


def linear_relations(rows: csr_array, among: csr_array, *, regularization: float, n_items: int) -> csr_array:
    """How much each item says of each other one, in a linear model of every item from all others.

    Embarrassingly shallow autoencoder (Steck, WWW 2019): B minimises ‖X − XB‖² + λ‖B‖² with a diagonal of 0,
    and is −P ÷ diag(P), column by column, with P = (XᵀX + λI)⁻¹. Where two items share orders only because
    both go with a third, their relation is small, which no count of pairs can tell.

    The inverse takes the cube of the number of items, so only those of most weight have relations.

    Args:
        rows: X, shape (n_rows, n_columns).
        among: shape (n_columns, n_columns), with entries for the pairs that are asked for; columns rising.
        regularization: λ, above 0.
        n_items: at most so many columns have relations.

    Returns:
        Shape (n_columns, n_columns) float32, row = item that says it; positive entries only, of pairs asked
        for.
    """
    top, weights = linear_weights(rows, regularization=regularization, n_items=n_items)
    place = np.full(rows.shape[1], -1)
    place[top] = np.arange(len(top))
    says, said_of = place[row_of_entry(among)], place[among.indices]
    known = (says >= 0) & (said_of >= 0)
    found = np.zeros(among.nnz, np.float32)
    found[known] = weights[says[known], said_of[known]]
    relations = csr_array((found, among.indices, among.indptr), shape=among.shape)
    return only_entries(relations, found > 0)


def linear_weights(
    rows: csr_array, *, regularization: float, n_items: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The columns of most weight, rising, and how much each of them says of each other one.

    Arguments as of `linear_relations`.

    Returns:
        Shape (n,), and shape (n, n), row = item that says it; also what is below 0, and 0 on the diagonal.
    """
    top = heaviest(np.asarray(rows.multiply(rows).sum(axis=0)).ravel(), n_items)
    return top, weights_of_products(_products(csr_array(rows[:, top])), regularization)


def _products(rows: csr_array) -> NDArray[np.float32]:
    """The products of the columns with each other, shape (n, n); there is no sparse one of so many pairs."""
    counted = counted_rows(rows)
    products = np.zeros((rows.shape[1],) * 2, np.float32)

    def block(items: slice) -> None:
        _add_products(items.start, items.stop, counted, products)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(block, bounded_blocks(counted.work, _BLOCK_WORK)))
    return products


@compiled
def _add_products(first: int, last: int, rows: CountedRows, products: NDArray[np.float32]) -> None:
    items, values = rows.items, rows.values
    for item in range(first, last):
        of_item = products[item]
        for at in range(rows.column_starts[item], rows.column_starts[item + 1]):
            row, value = rows.rows[at], rows.row_values[at]
            for entry in range(rows.starts[row], rows.starts[row + np.uint32(1)]):
                of_item[items[entry]] += value * values[entry]


def heaviest(mass: NDArray[np.floating], n_items: int) -> NDArray[np.intp]:
    """The `n_items` columns of most weight, rising; none of no weight.

    Args:
        mass: squared length of each column.
        n_items: at most so many.
    """
    top = np.sort(np.argsort(-mass, kind="stable")[:n_items])
    return top[mass[top] > 0]


def weights_of_products(products: NDArray[np.floating], regularization: float) -> NDArray[np.float32]:
    """The weights of `linear_weights` from the products of the columns with each other, shape (n, n)."""
    gram = products.astype(np.float64)
    gram[np.diag_indices_from(gram)] += regularization
    inverse = inverse_of_positive_definite(gram)
    weights = (-inverse / np.diag(inverse)).astype(np.float32)
    np.fill_diagonal(weights, 0)
    return weights


def inverse_of_positive_definite(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse by Cholesky, which takes half the work of one that knows nothing of its matrix.

    Args:
        matrix: shape (n, n), symmetric and positive definite.

    Raises:
        ConfigError: it is not positive definite, as far as its numbers tell.
    """
    # LAPACK complains on the console of a matrix without rows.
    if not len(matrix):
        return matrix
    # How BLAS cuts its work among threads changes the last digit.
    with threadpool_limits(1, "blas"):
        # What is below the diagonal is 0 in the factor, and left alone.
        factor, failed = dpotrf(matrix)
        upper, failed = dpotri(factor, overwrite_c=True) if not failed else (factor, failed)
    if failed:
        raise ConfigError(
            "items that are bought by the same customers cannot be told apart: raise regularization"
        )
    whole = np.asarray(upper + upper.T)
    whole[np.diag_indices_from(whole)] /= 2
    return whole
