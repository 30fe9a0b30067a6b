"""Candidate generation: each model proposes, and says what it thinks of the others' proposals."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.models.protocol import FittedModel
from recommender.ranking.top_n import among_top_n


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

    def take(self, at: NDArray[np.intp]) -> "Candidates":
        """Only the pairs at these rising positions."""
        return replace(
            self, row=self.row[at], item=self.item[at], scores=self.scores[at], bought=self.bought[at]
        )


def generate_candidates(
    models: Mapping[str, FittedModel],
    customers: NDArray[np.int32],
    *,
    bought: csr_array,
    eligible: NDArray[np.bool_],
    per_model: int,
) -> Candidates:
    """The eligible items worth ranking for each customer.

    What the customer bought before is always a candidate: there is little of it, and it is what
    customers mostly buy. Of what is new to the customer, every model proposes its `per_model` best.

    Args:
        models: fitted models by name.
        customers: shape (n,) positions; keep it to a few hundred, scores are dense while it runs.
        bought: shape (n_customers, n_items), positive where bought before; rows by position.
        eligible: shape (n_items,).
        per_model: new items that each model proposes.

    Returns:
        Candidates with row r for `customers[r]`.
    """
    had = bought[customers].toarray() > 0
    is_new = ~had & eligible
    opinions = [np.maximum(model.scores(customers), 0) for model in models.values()]
    candidate = had & eligible
    for scores in opinions:
        candidate |= _proposals(scores * is_new, per_model)
    row, item = np.nonzero(candidate)
    # The best is taken over what may be shown, so that a retired item cannot shrink the others.
    columns = [scores[row, item] / _best(scores * eligible)[row] for scores in opinions]
    return Candidates(
        n_customers=len(customers),
        row=row.astype(np.int32),
        item=item.astype(np.int32),
        scores=np.stack(columns, axis=1).astype(np.float32),
        bought=had[row, item],
        models=tuple(models),
    )


def _proposals(scores: NDArray[np.float32], n: int) -> NDArray[np.bool_]:
    proposed = scores > 0
    # A model with few opinions, like what to buy again, needs no search for its best.
    rich = np.flatnonzero(proposed.sum(axis=1) > n)
    if len(rich):
        proposed[rich] = among_top_n(scores[rich], n)
    return proposed


def _best(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    best = scores.max(axis=1, initial=0)
    return np.where(best > 0, best, 1).astype(np.float32)
