"""How well lists name what customers then bought."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.ranking.lists import ListTable


def ndcg_at(k: int, hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]) -> NDArray[np.float64]:
    """How near each list comes to the ideal order, counting the first k places.

    Binary gain with a log2 discount (Järvelin & Kekäläinen, "Cumulated gain-based evaluation of IR
    techniques", TOIS 2002). The ideal list holds min(k, n_relevant) hits.

    Args:
        k: places that count, at least 1.
        hits: shape (n_lists, n_places); True where the place holds a bought item, best place first.
        n_relevant: shape (n_lists,); items the customer really bought afterwards.

    Returns:
        Shape (n_lists,), in [0, 1]; NaN where nothing was bought, so that a mean can leave it out.

    Raises:
        ValueError: k is below 1.
    """
    _check(k)
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    gained = hits[:, :k] @ discount[: hits.shape[1]]
    ideal = np.concatenate(([np.nan], np.cumsum(discount)))[np.minimum(n_relevant, k)]
    return np.asarray(gained / ideal)


def recall_at(k: int, hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]) -> NDArray[np.float64]:
    """Share of the findable purchases among the first k places: hits ÷ min(k, n_relevant).

    Arguments, shapes, errors and NaN as in `ndcg_at`.
    """
    _check(k)
    findable = np.where(n_relevant > 0, np.minimum(n_relevant, k), np.nan)
    return np.asarray(hits[:, :k].sum(axis=1) / findable)


def hit_at(k: int, hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]) -> NDArray[np.float64]:
    """1 where any of the first k places was bought, else 0.

    Arguments, shapes, errors and NaN as in `ndcg_at`.
    """
    _check(k)
    return np.where(n_relevant > 0, hits[:, :k].any(axis=1), np.nan)


def hits_of(table: ListTable, truth: csr_array, k: int) -> NDArray[np.bool_]:
    """Which of the first k places of each list were bought.

    Args:
        table: row r is the list judged against row r of `truth`.
        truth: shape (n_lists, n_items), positive where bought.
        k: places.

    Returns:
        Shape (n_lists, k); False where a list is shorter.
    """
    best = table.first(k)
    row = best.row_of_place()
    place = np.arange(len(best.items)) - best.starts[row]
    hits = np.zeros((len(table), k), bool)
    if len(best.items):
        hits[row, place] = np.asarray(truth[row, best.items]).ravel() > 0
    return hits


def _check(k: int) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
