"""Candidate generation: each model proposes, and says what it thinks of the others' proposals."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.models.protocol import FittedModel
from recommender.ranking.top_n import top_n


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of customer and item worth ranking, ordered by customer, then item.

    Attributes:
        n_customers: rows that the pairs belong to; some may have no candidate.
        row: shape (n_pairs,) int32, 0 … n_customers - 1.
        item: shape (n_pairs,) int32 item positions.
        scores: shape (n_pairs, n_models) float32, every model's score divided by its best for this
            customer, so at most 1 and comparable between models; 0 where the model has no opinion.
        bought: shape (n_pairs,) bool, True where the customer had bought the item before.
        models: names of the columns of `scores`.
    """

    n_customers: int
    row: NDArray[np.int32]
    item: NDArray[np.int32]
    scores: NDArray[np.float32]
    bought: NDArray[np.bool_]
    models: tuple[str, ...]


def generate_candidates(
    models: Mapping[str, FittedModel],
    customers: NDArray[np.int32],
    *,
    bought: csr_array,
    eligible: NDArray[np.bool_],
    per_model: int,
) -> Candidates:
    """The eligible items that some model proposes for each customer.

    Every model proposes its `per_model` best items that the customer has bought before and as many
    that are new, so that lists of repeats and of discoveries can both be filled.

    Args:
        models: fitted models by name.
        customers: shape (n,) positions; keep it to a few hundred, scores are dense while it runs.
        bought: shape (n_customers, n_items), positive where bought before; rows by position.
        eligible: shape (n_items,).
        per_model: proposals of each kind.

    Returns:
        Candidates with row r for `customers[r]`.
    """
    had = bought[customers].toarray() > 0
    opinions = [np.maximum(model.scores(customers), 0) for model in models.values()]
    proposed = np.zeros(had.shape, bool)
    for scores in opinions:
        for kind in (had, ~had):
            _propose(proposed, np.where(kind & eligible, scores, 0), per_model)
    row, item = np.nonzero(proposed)
    # The best is taken over what may be shown, so that a retired item cannot shrink the others.
    columns = [scores[row, item] / _best(scores, eligible)[row] for scores in opinions]
    return Candidates(
        n_customers=len(customers),
        row=row.astype(np.int32),
        item=item.astype(np.int32),
        scores=np.stack(columns, axis=1).astype(np.float32),
        bought=had[row, item],
        models=tuple(models),
    )


def _propose(proposed: NDArray[np.bool_], scores: NDArray[np.float32], n: int) -> None:
    best = top_n(scores, n)
    positive = np.take_along_axis(scores, best, axis=1) > 0
    rows = np.broadcast_to(np.arange(len(scores))[:, None], best.shape)
    proposed[rows[positive], best[positive]] = True


def _best(scores: NDArray[np.float32], eligible: NDArray[np.bool_]) -> NDArray[np.float32]:
    if not eligible.any():
        return np.ones(len(scores), np.float32)
    best = scores[:, eligible].max(axis=1)
    return np.where(best > 0, best, 1).astype(np.float32)
