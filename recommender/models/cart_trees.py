"""Cart trees: how much a relation of two items counts in a cart, learned from what carts came to hold."""

import os
from dataclasses import dataclass

import lightgbm
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.halves import half_of_each, only_entries, row_of_entry
from recommender.errors import SnapshotUnreadable
from recommender.models.forest import MOST_LEAVES, Forest
from recommender.models.neighbours import Neighbours
from recommender.models.pair_features import RelatedPairs
from recommender.ranges import require_at_least, require_positive

_FEWEST_ITEMS = 3
"""Items that an order needs to be learned from: fewer show too little, or leave too little to find."""

_MOST_PLACES = 3_000_000
"""Places of the lists of all carts' items: what a step of the learning works on."""

_BINS = 63
"""Values that the trees tell apart in a feature."""
_WORTH_A_THREAD = 100_000
"""Pairs from which on a second thread pays: with fewer, threads mostly wait for each other."""
_LEAST_IN_A_LEAF = 200
"""Pairs that a leaf must hold, so that a split is not the whim of a few."""

_BLOCK = 250_000
"""Pairs whose features are held at a time: some tens of megabytes."""


@dataclass(frozen=True, slots=True)
class CartTrees:
    """Trees by LightGBM that say by what factor each relation is to be multiplied.

    A cart is answered with the sums of the relations of its items (`list_for_cart`), so the trees learn on
    such sums and not on pairs. Half of an order is put into a cart; of a candidate c,

        score(c) = sum over the cart's items i of relation(i → c) · exp(trees(i, c))

    and each item of the other half is taken for a choice in which a candidate's chance is its share of all
    scores (Luce, "Individual Choice Behavior", 1959). The trees are grown by the gradient of the
    likelihood of these choices (Friedman, "Greedy function approximation", 2001), a cart of n found items
    counting √n. What stays is one number a pair, so a cart is answered as quickly as without them, and a
    pair that was not related stays so.

    Attributes:
        trees: number of trees; 0 leaves the relations as they are.
        leaves: of each tree, at most 64.
        learning_rate: how much of a tree's advice is taken.
        carts: orders at most that are learned from, drawn by the seed.
        fewest_carts: with fewer the relations stay as they are.
        seed: of every draw.
    """

    trees: int = 40
    leaves: int = 15
    learning_rate: float = 0.1
    carts: int = 2_000
    fewest_carts: int = 300
    seed: int = 0

    def __post_init__(self) -> None:
        require_at_least(0, trees=self.trees, seed=self.seed)
        require_at_least(1, carts=self.carts, fewest_carts=self.fewest_carts)
        require_at_least(2, leaves=self.leaves)
        if self.leaves > MOST_LEAVES:
            raise ValueError(f"leaves must be at most {MOST_LEAVES}, got {self.leaves}")
        require_positive(learning_rate=self.learning_rate)

    def can_learn(self, baskets: csr_array) -> bool:
        """Whether there are orders enough to learn from, as far as their sizes tell."""
        return self.trees > 0 and int(_large_enough(baskets).sum()) >= self.fewest_carts

    def fit(self, pairs: RelatedPairs, baskets: csr_array) -> "CartTreesModel | None":
        """Learn from orders what relations that are older than all of them are worth.

        The same input gives the same trees, whatever the number of threads. See `can_learn`.

        Args:
            pairs: what was related before the orders.
            baskets: shape (n_orders, n_items), 1 where the order holds the item.

        Returns:
            None where something is found for too few of the orders, or nothing tells the pairs apart.
        """
        choices = _Choices.of(pairs.relation, baskets, self.carts, np.random.default_rng(self.seed))
        features = pairs.features(choices.pairs)
        told = np.nan_to_num(features)
        # LightGBM refuses features of one value.
        if choices.n_carts < self.fewest_carts or bool((told == told[:1]).all()):
            return None
        settings = {
            "objective": choices.gradients,
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": _LEAST_IN_A_LEAF,
            "min_sum_hessian_in_leaf": 1.0,
            "lambda_l2": 1.0,
            "max_delta_step": 1.0,
            "feature_fraction": 0.7,
            "max_bin": _BINS,
            "seed": self.seed,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": os.cpu_count() if len(choices.pairs) > _WORTH_A_THREAD else 1,
            "verbose": -1,
        }
        binned = {"max_bin": _BINS, "feature_pre_filter": False, "verbose": -1}
        data = lightgbm.Dataset(features, np.zeros(len(features)), params=binned)
        return CartTreesModel(lightgbm.train(settings, data, self.trees))


@dataclass(frozen=True, slots=True)
class CartTreesModel:
    """Fitted trees.

    Attributes:
        booster: says the logarithm of a pair's factor.
    """

    booster: lightgbm.Booster

    @classmethod
    def read(cls, text: str) -> "CartTreesModel":
        """Trees from their text.

        Raises:
            SnapshotUnreadable: it is no text of LightGBM's, or of trees that are not learned here.
        """
        try:
            booster = lightgbm.Booster(model_str=text)
            Forest.of(booster)
            return cls(booster)
        except (lightgbm.basic.LightGBMError, ValueError) as error:
            raise SnapshotUnreadable(f"the cart trees cannot be read ({error}): train again") from error

    @property
    def text(self) -> str:
        """The trees as LightGBM writes them."""
        return str(self.booster.model_to_string())

    def weighed(self, pairs: RelatedPairs) -> Neighbours:
        """The same pairs, each relation multiplied by what the trees say of it."""
        forest, relation = Forest.of(self.booster), pairs.relation
        strength = np.empty_like(relation.data)
        for start in range(0, relation.nnz, _BLOCK):
            some = np.arange(start, min(start + _BLOCK, relation.nnz))
            strength[some] = relation.data[some] * np.exp(forest.scores(pairs.features(some)))
        return Neighbours(csr_array((strength, relation.indices, relation.indptr), shape=relation.shape))


@dataclass(frozen=True, slots=True)
class _Choices:
    """Carts, what each could be filled up with, and what it was filled up with.

    Attributes:
        n_carts: number of carts.
        cart: shape (n_candidates,), cart of each candidate, numbered from 0.
        chosen: shape (n_candidates,) float64, 1 where the other half of the order holds the candidate.
        pairs: shape (n_used,), entries of the relation that say something of any candidate.
        relation: shape (n_used,) float64, of these pairs.
        says: shape (n_candidates, n_used), 1 where the pair speaks for the candidate.
        spoken_for: `says` the other way round.
        weight: shape (n_carts,), what each choice of a cart counts.
    """

    n_carts: int
    cart: NDArray[np.int64]
    chosen: NDArray[np.float64]
    pairs: NDArray[np.int64]
    relation: NDArray[np.float64]
    says: csr_array
    spoken_for: csr_array
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, relation: csr_array, baskets: csr_array, most: int, rng: np.random.Generator) -> "_Choices":
        """Draw carts and look up what stands beside their items; only carts with something to find count."""
        cart, item, pair, hidden = _places(relation, _drawn(baskets, most, rng), rng)
        n_items = relation.shape[1]
        candidates, at = np.unique(cart * n_items + item, return_inverse=True)
        cart, chosen = candidates // n_items, np.isin(candidates, hidden).astype(np.float64)
        found = np.bincount(cart, chosen)
        kept = (found > 0)[cart]
        used = kept[at]
        _, cart = np.unique(cart[kept], return_inverse=True)
        pairs, column = np.unique(pair[used], return_inverse=True)
        shape = (int(kept.sum()), len(pairs))
        row = (np.cumsum(kept) - 1)[at[used]]
        says = csr_array((np.ones(len(row)), (row, column)), shape=shape)
        return cls(
            n_carts=int((found > 0).sum()),
            cart=cart,
            chosen=chosen[kept],
            pairs=pairs,
            relation=relation.data[pairs].astype(np.float64),
            says=says,
            spoken_for=says.T.tocsr(),
            weight=1 / np.sqrt(found[found > 0]),
        )

    def gradients(
        self, trees: NDArray[np.float64], data: lightgbm.Dataset
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """First and second derivative of the loss by what the trees say of each pair, shape (n_used,) each.

        The second one leaves out what two pairs of one candidate have to do with each other, and is large
        enough for all of them to move at once: a pair's part of the score stands for its square.
        """
        told = self.relation * np.exp(trees)
        score = self.says @ told
        share = score / np.bincount(self.cart, score)[self.cart]
        found = np.bincount(self.cart, self.chosen)[self.cart]
        weight = self.weight[self.cart]
        slope = weight * (found * share - self.chosen) / score
        bend = weight * found * share * (1 - share) / score
        return (self.spoken_for @ slope) * told, np.maximum((self.spoken_for @ bend) * told, 1e-9)


def _drawn(baskets: csr_array, most: int, rng: np.random.Generator) -> csr_array:
    """Orders that are large enough, at most so many."""
    return baskets[rng.permutation(np.flatnonzero(_large_enough(baskets)))[:most]]


def _large_enough(baskets: csr_array) -> NDArray[np.bool_]:
    return np.asarray(np.diff(baskets.indptr) >= _FEWEST_ITEMS)


def _places(
    relation: csr_array, baskets: csr_array, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Cart, item and entry of the relation of all places beside the carts' items, and what is hidden.

    What is hidden is cart · number of items + item.
    """
    n_items = relation.shape[1]
    shown = half_of_each(baskets, rng)
    key = row_of_entry(baskets) * n_items + baskets.indices
    carts = only_entries(baskets, shown)
    length = np.diff(relation.indptr)[carts.indices]
    entry = np.flatnonzero(np.cumsum(length) <= _MOST_PLACES)  # a shop of large carts has fewer of them
    length, anchor, cart = length[entry], carts.indices[entry], row_of_entry(carts)[entry]
    before = np.cumsum(length) - length
    pair = np.arange(length.sum()) + np.repeat(relation.indptr[anchor] - before, length)
    cart, item = np.repeat(cart, length), relation.indices[pair].astype(np.int64)
    outside = ~np.isin(cart * n_items + item, key[shown])
    return cart[outside], item[outside], pair[outside], key[~shown]
