"""Candidate generation: each model proposes, and says what it thinks of the others' proposals."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.compiled import compiled
from recommender.models.opinions import Opinion, Related
from recommender.models.protocol import FittedModel
from recommender.top_n.factor_search import FactorSearch
from recommender.top_n.sparse_rows import best_entries, entries_at, products_of_pairs


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


@dataclass(frozen=True, slots=True)
class CandidateSearch:
    """Models that are ready to propose.

    What a customer bought before is always a candidate: there is little of it, and it is what customers
    mostly buy. Of what is new to the customer, every model proposes its best.

    Attributes:
        opinions: of the models, by name.
        searches: of those that are products, over the eligible items.
        bought: shape (n_customers, n_items), positive where bought before and nothing stored elsewhere.
        eligible: shape (n_items,), False forbids an item.
        per_model: new items that each model proposes.
    """

    opinions: Mapping[str, Opinion]
    searches: Mapping[str, FactorSearch]
    bought: csr_array
    eligible: NDArray[np.bool_]
    per_model: int

    @classmethod
    def over(
        cls,
        models: Mapping[str, FittedModel],
        *,
        bought: csr_array,
        eligible: NDArray[np.bool_],
        per_model: int,
    ) -> "CandidateSearch":
        """Prepare the search; arguments as the attributes."""
        opinions = {name: model.opinion for name, model in models.items()}
        searches = {
            name: FactorSearch.over(opinion.items, eligible)
            for name, opinion in opinions.items()
            if not isinstance(opinion, Related)
        }
        return cls(opinions, searches, bought, eligible, per_model)

    def candidates(self, customers: NDArray[np.int32]) -> Candidates:
        """The eligible items worth ranking for each customer, row r for `customers[r]`.

        Args:
            customers: shape (n,) positions; a few hundred at a time, or pairs take much memory.
        """
        had = self.bought[customers]
        stated = {
            name: opinion.of(customers)
            for name, opinion in self.opinions.items()
            if isinstance(opinion, Related)
        }
        proposed = np.concatenate(
            [self._proposed(name, customers, stated, had) for name in self.opinions], axis=1
        )
        starts, item, mine = self._united(proposed, had)
        row = np.repeat(np.arange(len(customers), dtype=np.int32), np.diff(starts))
        scores = np.empty((len(row), len(self.opinions)), np.float32)
        for column, (name, opinion) in enumerate(self.opinions.items()):
            scores[:, column] = (
                entries_at(stated[name], row, item)
                if isinstance(opinion, Related)
                else products_of_pairs(opinion.factors_of(customers), opinion.items, row, item)
            )
        return Candidates(
            n_customers=len(customers),
            row=row,
            item=item,
            scores=_of_the_best(scores, starts),
            bought=mine,
            models=tuple(self.opinions),
        )

    def _proposed(
        self, name: str, customers: NDArray[np.int32], stated: Mapping[str, csr_array], had: csr_array
    ) -> NDArray[np.int32]:
        """Items that a model proposes, shape (n_customers, per_model); -1 where there are fewer."""
        opinion, n = self.opinions[name], self.per_model
        if isinstance(opinion, Related):
            return best_entries(stated[name], n, eligible=self.eligible, masked=had).items
        return self.searches[name].best(opinion.factors_of(customers), n, masked=had, above=0.0).items

    def _united(
        self, proposed: NDArray[np.int32], had: csr_array
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
        """Where each customer's pairs start, their items, and which of these were bought before."""
        starts = np.empty(len(proposed) + 1, np.int64)
        most = proposed.size + had.nnz
        items, bought = np.empty(most, np.int32), np.empty(most, np.bool_)
        unite(proposed, had.indptr, had.indices, had.data, self.eligible, starts, items, bought)
        return starts, items[: starts[-1]], bought[: starts[-1]]


@compiled
def unite(
    proposed: NDArray[np.int32],
    had_starts: NDArray[np.int32],
    had_items: NDArray[np.int32],
    had: NDArray[np.float32],
    eligible: NDArray[np.bool_],
    starts: NDArray[np.int64],
    items: NDArray[np.int32],
    bought: NDArray[np.bool_],
) -> None:
    """What was proposed to each customer, by whichever model, and what the customer had, rising, each once.

    Args:
        proposed: shape (n, n_proposed), -1 is nothing.
        had_starts: shape (n + 1,), where each customer's part of the next two begins.
        had_items: items that the customer had.
        had: how often; 0 does not count.
        eligible: shape (n_items,), False forbids an item.
        starts: shape (n + 1,), where each customer's items begin. Written.
        items: long enough for all. Written as far as the last start.
        bought: likewise, True for what the customer had.
    """
    seen = np.full(len(eligible), -1, np.int64)
    had_by = np.full(len(eligible), -1, np.int64)
    starts[0] = 0
    for row in range(len(proposed)):
        end = starts[row]
        for at in range(had_starts[row], had_starts[row + 1]):
            item = had_items[at]
            if had[at] > 0 and eligible[item] and seen[item] != row:
                seen[item] = had_by[item] = row
                items[end] = item
                end += 1
        for item in proposed[row]:
            if item >= 0 and seen[item] != row:
                seen[item] = row
                items[end] = item
                end += 1
        items[starts[row] : end].sort()
        for at in range(starts[row], end):
            bought[at] = had_by[items[at]] == row
        starts[row + 1] = end


def _of_the_best(scores: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Scores divided by the best of their row, and nothing below 0.

    A model's best eligible item is a candidate, either as bought before or as its first proposal.
    """
    scores, size = np.maximum(scores, 0), np.diff(starts)
    best = np.ones((len(size), scores.shape[1]), np.float32)
    if size.any():
        best[size > 0] = np.maximum.reduceat(scores, starts[:-1][size > 0], axis=0)
    return np.asarray(scores / np.repeat(np.where(best > 0, best, np.float32(1)), size, axis=0), np.float32)
