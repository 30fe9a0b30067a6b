"""What the ranker learns from: candidates of an earlier moment, and whether they were then bought."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.models.protocol import FittedModel
from recommender.ranking.candidates import CandidateSearch
from recommender.ranking.features import FeatureTables

_BLOCK = 256
"""Customers whose candidates are looked at together."""
_MOST_OF_A_CUSTOMER = 10_000
"""LightGBM orders no longer list. Who has more candidates resells, and teaches nothing of customers."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Candidates with their features and outcome, customer by customer.

    Attributes:
        names: of the columns of `features`.
        features: shape (n, n_features) float32.
        bought: shape (n,) bool, True where the customer then bought the item.
        weight: shape (n,) float32; how many candidates each one stands for.
        group: shape (n_customers,) int, how many consecutive candidates each customer has.
    """

    names: tuple[str, ...]
    features: NDArray[np.float32]
    bought: NDArray[np.bool_]
    weight: NDArray[np.float32]
    group: NDArray[np.int64]

    @classmethod
    def stack(cls, several: Sequence["Examples"]) -> "Examples":
        """The examples of several moments, one after the other.

        Raises:
            ValueError: there is none, or their features differ.
        """
        if len({examples.names for examples in several}) != 1:
            raise ValueError("only examples of the same features can be learned from together")
        return cls(
            several[0].names,
            np.concatenate([examples.features for examples in several]),
            np.concatenate([examples.bought for examples in several]),
            np.concatenate([examples.weight for examples in several]),
            np.concatenate([examples.group for examples in several]),
        )

    def thinned(self, most: int, seed: int) -> "Examples":
        """About `most` of the examples: all that were bought, and some of the others, each for several.

        Args:
            most: examples wanted; not fewer than were bought remain.
            seed: decides which.
        """
        others = ~self.bought
        share = max(most - int(self.bought.sum()), 1) / max(int(others.sum()), 1)
        if share >= 1:
            return self
        drawn = self.bought | (np.random.default_rng(seed).random(len(others)) < share)
        customer = np.repeat(np.arange(len(self.group)), self.group)
        group = np.bincount(customer[drawn])
        weight = np.where(others, self.weight / np.float32(share), self.weight)
        return Examples(self.names, self.features[drawn], self.bought[drawn], weight[drawn], group[group > 0])


def collect(
    models: Mapping[str, FittedModel],
    tables: FeatureTables,
    customers: NDArray[np.int32],
    *,
    bought: csr_array,
    eligible: NDArray[np.bool_],
    then_bought: csr_array,
    per_model: int,
    kept: float,
    most: int,
    seed: int,
) -> Examples:
    """The candidates of customers at a moment, and which of them they bought in the time after it.

    Args:
        models: fitted at that moment.
        tables: of that moment.
        customers: shape (n,) positions of customers who bought something afterwards.
        bought: shape (n_customers, n_items), positive where bought by that moment.
        eligible: shape (n_items,).
        then_bought: shape (n_customers, n_items), positive where bought in the time after it.
        per_model: new items that each model proposes.
        kept: share of the candidates not bought that are kept, each with the weight of those left out:
            there are many of them, and each teaches little.
        most: examples; of more, fewer of those not bought are kept.
        seed: decides which.
    """
    rng = np.random.default_rng(seed)
    search = CandidateSearch.over(models, bought=bought, eligible=eligible, per_model=per_model)
    parts: list[Examples] = []
    for start in range(0, len(customers), _BLOCK):
        some = customers[start : start + _BLOCK]
        found = search.candidates(some)
        outcome = then_bought[some].toarray()[found.row, found.item] > 0
        drawn = np.flatnonzero(outcome | (rng.random(len(outcome)) < kept))
        crowded = np.bincount(found.row[drawn], minlength=len(some)) > _MOST_OF_A_CUSTOMER
        drawn = drawn[~crowded[found.row[drawn]]]
        group = np.bincount(found.row[drawn], minlength=len(some))
        parts.append(
            Examples(
                tables.names(found.models),
                tables.features(some, found.take(drawn)),
                outcome[drawn],
                np.where(outcome[drawn], 1, 1 / kept).astype(np.float32),
                group[group > 0],
            )
        )
    return Examples.stack(parts).thinned(most, seed)
