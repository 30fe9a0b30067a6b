"""How well lists name what customers then bought."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.ranking.lists import ListTable

Metric = Callable[[int, NDArray[np.bool_], NDArray[np.integer]], NDArray[np.float64]]
"""Figure of each list: `metric(k, hits, n_relevant)`, all with the arguments of `ndcg_at`."""


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
    return np.asarray(hits[:, :k].sum(axis=1) / _findable(k, n_relevant))


def precision_at(k: int, hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]) -> NDArray[np.float64]:
    """Share of k places that were bought; a list with fewer places is not let off.

    Arguments, shapes, errors and NaN as in `ndcg_at`.
    """
    _check(k)
    return np.where(n_relevant > 0, hits[:, :k].sum(axis=1) / k, np.nan)


def hit_at(k: int, hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]) -> NDArray[np.float64]:
    """1 where any of the first k places was bought, else 0.

    Arguments, shapes, errors and NaN as in `ndcg_at`.
    """
    _check(k)
    return np.where(n_relevant > 0, hits[:, :k].any(axis=1), np.nan)


def map_at(k: int, hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]) -> NDArray[np.float64]:
    """Average precision of each list: precision at the place of every hit, summed, ÷ min(k, n_relevant).

    Others divide by n_relevant or by k, and so give less. Arguments, shapes, errors and NaN as in `ndcg_at`.
    """
    _check(k)
    found = hits[:, :k]
    precision = np.cumsum(found, axis=1) / np.arange(1, found.shape[1] + 1)
    return np.asarray((precision * found).sum(axis=1) / _findable(k, n_relevant))


def mrr_at(k: int, hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]) -> NDArray[np.float64]:
    """1 ÷ place of the first hit, 0 without one among the first k places.

    Arguments, shapes, errors and NaN as in `ndcg_at`.
    """
    _check(k)
    reciprocal = hits[:, :k] / np.arange(1, min(k, hits.shape[1]) + 1)
    return np.where(n_relevant > 0, reciprocal.max(axis=1, initial=0.0), np.nan)


METRICS: Mapping[str, Metric] = {
    "ndcg": ndcg_at,
    "recall": recall_at,
    "precision": precision_at,
    "hit": hit_at,
    "map": map_at,
    "mrr": mrr_at,
}
"""Metrics by the name that figures give them."""


@dataclass(frozen=True, slots=True)
class Marked:
    """Lists marked place by place against what was bought.

    Attributes:
        hits: shape (n_lists, n_places), True where the place holds a bought item; False where a list is
            shorter.
        n_relevant: shape (n_lists,), items bought; 0 where the list cannot be judged.
        paid: shape (n_lists, n_places), money that the customer paid for the item of each place.
        spent: shape (n_lists,), money that the customer paid for everything that counts.
    """

    hits: NDArray[np.bool_]
    n_relevant: NDArray[np.int64]
    paid: NDArray[np.float64]
    spent: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.n_relevant)

    @classmethod
    def stack(cls, marked: Sequence["Marked"]) -> "Marked":
        """The lists of several windows, one window after the other; all with as many places."""
        return cls(
            np.concatenate([m.hits for m in marked]),
            np.concatenate([m.n_relevant for m in marked]),
            np.concatenate([m.paid for m in marked]),
            np.concatenate([m.spent for m in marked]),
        )

    def values(self, metric: str, k: int) -> NDArray[np.float64]:
        """One of `METRICS` for every list, shape (n_lists,); NaN where nothing was bought."""
        return METRICS[metric](k, self.hits, self.n_relevant)


def mark(table: ListTable, truth: csr_array, spent: csr_array, n_places: int) -> Marked:
    """Mark the first places of lists against what was bought.

    Args:
        table: row r is the list judged against row r of `truth`.
        truth: shape (n_lists, n_items), positive where bought.
        spent: shape (n_lists, n_items), money paid for the item; only that of bought items counts.
        n_places: places that are marked; no metric can look further.
    """
    spent_on_truth = csr_array(spent.multiply(truth > 0))
    return Marked(
        hits=_looked_up(table, truth, n_places) > 0,
        n_relevant=np.diff(truth.indptr).astype(np.int64),
        paid=_looked_up(table, spent_on_truth, n_places),
        spent=np.asarray(spent_on_truth.sum(axis=1), np.float64),
    )


def hits_of(table: ListTable, truth: csr_array, k: int) -> NDArray[np.bool_]:
    """Which of the first k places of each list were bought.

    Args:
        table: row r is the list judged against row r of `truth`.
        truth: shape (n_lists, n_items), positive where bought.
        k: places.

    Returns:
        Shape (n_lists, k); False where a list is shorter.
    """
    return _looked_up(table, truth, k) > 0


def _looked_up(table: ListTable, matrix: csr_array, k: int) -> NDArray[np.float64]:
    """Entries of a matrix at the first k places of each list, shape (n_lists, k); 0 past a list's end."""
    best = table.first(k)
    row = best.row_of_place()
    place = np.arange(len(best.items)) - best.starts[row]
    found = np.zeros((len(table), k))
    if len(best.items):
        found[row, place] = np.asarray(matrix[row, best.items]).ravel()
    return found


def _findable(k: int, n_relevant: NDArray[np.integer]) -> NDArray[np.float64]:
    return np.where(n_relevant > 0, np.minimum(n_relevant, k), np.nan)


def _check(k: int) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
