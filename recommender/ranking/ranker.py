"""The learned ranker: gradient-boosted trees that weigh what the models say and what is known besides."""

import os
from dataclasses import dataclass, field

import lightgbm
import numpy as np
from numpy.typing import NDArray

from recommender.errors import SnapshotUnreadable
from recommender.models.forest import MOST_LEAVES, Forest
from recommender.ranges import require_at_least, require_positive
from recommender.ranking.candidates import Candidates
from recommender.ranking.examples import Examples
from recommender.ranking.features import FeatureTables

_TOP: dict[str, object] = {"objective": "lambdarank", "lambdarank_truncation_level": 20}
"""Only pairs with one of the first so many places are learned from: lists are read from the top."""
_BINS = 63
"""Values that the trees tell apart in a feature."""
_WORTH_A_THREAD = 100_000
"""Examples from which on a second thread pays: with fewer, threads mostly wait for each other."""
_LEAST_IN_A_LEAF = 100
"""Examples that a leaf must hold, so that a split is not the whim of a few."""
_EXPLAINED = 2_000
"""Examples whose scores are taken apart to say what a feature is worth."""


@dataclass(frozen=True, slots=True)
class Ranker:
    """Two sets of trees by LightGBM, whose scores are added: one learns the order, one the chance.

    LambdaMART (Burges, "From RankNet to LambdaRank to LambdaMART", 2010) learns what should stand above
    what; a classifier learns how likely each item is bought, and is the better judge of what is new to a
    customer. Both learn from earlier windows of the same shop: what the models would have proposed before
    a window, and what was then bought in it.

    Attributes:
        windows: how many windows, each as long as the time that is predicted; 0 switches the ranker off.
        customers: at most so many of a window's customers are learned from, drawn by the seed.
        fewest_customers: with fewer than so many in all windows together the blend orders the lists.
        trees: number of trees in each set.
        leaves: of each tree, at most 64.
        learning_rate: how much of a tree's advice is taken.
        kept: share of the candidates not bought that are learned from.
        examples: at most about so many candidates of a window are learned from; of more, fewer of those not
            bought are kept.
        seed: of every draw.
    """

    windows: int = 3
    customers: int = 1_500
    fewest_customers: int = 200
    trees: int = 300
    leaves: int = 31
    learning_rate: float = 0.03
    kept: float = 0.3
    examples: int = 150_000
    seed: int = 0

    def __post_init__(self) -> None:
        require_at_least(0, windows=self.windows)
        require_at_least(
            1,
            customers=self.customers,
            trees=self.trees,
            fewest_customers=self.fewest_customers,
            examples=self.examples,
        )
        require_at_least(2, leaves=self.leaves)
        if self.leaves > MOST_LEAVES:
            raise ValueError(f"leaves must be at most {MOST_LEAVES}, got {self.leaves}")
        require_positive(learning_rate=self.learning_rate, kept=self.kept)
        if self.kept > 1:
            raise ValueError(f"kept must be at most 1, got {self.kept}")

    def fit(self, examples: Examples) -> "TreeRanker | None":
        """Learn the order. The same examples give the same trees, whatever the number of threads.

        Returns:
            None where the examples teach no order: too few, or nothing tells what was bought from what was
            not. Trees without a split would put every list in the order of item positions.
        """
        if len(examples.features) < 2 * _LEAST_IN_A_LEAF:
            return None
        order = self._trees(examples, _TOP, examples.group)
        chance = self._trees(examples, {"objective": "binary"}, None)
        drawn = np.random.default_rng(self.seed).permutation(len(examples.features))[:_EXPLAINED]
        worth = _worth((order, chance), examples.features[drawn])
        if not any(feature.gain for feature in worth):
            return None
        return TreeRanker.read(order.model_to_string(), chance.model_to_string(), worth)

    def _trees(
        self, examples: Examples, objective: dict[str, object], group: NDArray[np.int64] | None
    ) -> lightgbm.Booster:
        data = lightgbm.Dataset(
            examples.features,
            examples.bought.astype(np.float32),
            group=group,
            weight=examples.weight,
            feature_name=list(examples.names),
            params={"max_bin": _BINS, "verbose": -1},
        )
        threads = os.cpu_count() if len(examples.features) > _WORTH_A_THREAD else 1
        settings = objective | {
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": _LEAST_IN_A_LEAF,
            "lambda_l2": 5.0,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "feature_fraction": 0.6,
            "max_bin": _BINS,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": threads,
            "verbose": -1,
        }
        return lightgbm.train(settings, data, self.trees)


@dataclass(frozen=True, slots=True)
class FeatureWorth:
    """What a feature has a say in.

    Attributes:
        name: of the feature.
        gain: share of all that the trees' splits gained on the examples.
        shap: share of the mean absolute SHAP value (Lundberg & Lee, "A unified approach to interpreting
            model predictions", NeurIPS 2017): how far it moves a score.
    """

    name: str
    gain: float
    shap: float


@dataclass(frozen=True, slots=True)
class TreeRanker:
    """Fitted trees.

    Attributes:
        order: the trees that learned the order, as LightGBM writes them.
        chance: likewise those that learned the chance; these two texts are what is kept on disk.
        worth: what each feature has a say in, the strongest first.
        names: of the features that the trees were taught with.
        forests: both, ready to be asked.
    """

    order: str
    chance: str
    worth: tuple[FeatureWorth, ...]
    names: tuple[str, ...]
    forests: tuple[Forest, ...] = field(repr=False, compare=False)

    @classmethod
    def read(cls, order: str, chance: str, worth: tuple[FeatureWorth, ...]) -> "TreeRanker":
        """Trees from their text.

        Raises:
            SnapshotUnreadable: it is no text of LightGBM's, or of trees that no ranker here learns.
        """
        try:
            both = [lightgbm.Booster(model_str=text) for text in (order, chance)]
            return cls(order, chance, worth, tuple(both[0].feature_name()), tuple(map(Forest.of, both)))
        except (lightgbm.basic.LightGBMError, ValueError) as error:
            raise SnapshotUnreadable(f"the ranker's trees cannot be read ({error}): train again") from error

    def scores(
        self, tables: FeatureTables, customers: NDArray[np.int32], candidates: Candidates
    ) -> NDArray[np.float32]:
        """How high each candidate should stand, in (0, 1); comparable only within one customer.

        Args:
            tables: of the moment that the candidates are of.
            customers: shape (n,), the customer of each row of the candidates.
            candidates: pairs of customer and item, from the models that the trees were taught with.

        Raises:
            ValueError: the features are not those that the trees were taught with.
        """
        names = tables.names(candidates.models)
        if names != self.names:
            raise ValueError("the ranker was taught with other features")
        features = tables.features(customers, candidates)
        if not len(features):
            return np.zeros(0, np.float32)
        total = sum(forest.scores(features) for forest in self.forests)
        return np.asarray(1 / (1 + np.exp(-total)), np.float32)


def _worth(both: tuple[lightgbm.Booster, ...], features: NDArray[np.float32]) -> tuple[FeatureWorth, ...]:
    gain = np.mean([_shares(trees.feature_importance("gain")) for trees in both], axis=0)
    taken_apart = [trees.predict(features, pred_contrib=True, num_threads=1) for trees in both]
    # Scores add up, and so do their parts. The last column is what every score starts from.
    shap = np.abs(np.sum(taken_apart, axis=0)[:, :-1]).mean(axis=0)
    shares = zip(both[0].feature_name(), gain, _shares(shap), strict=True)
    found = (FeatureWorth(name, float(g), float(s)) for name, g, s in shares)
    return tuple(sorted(found, key=lambda worth: (-worth.shap, worth.name)))


def _shares(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(values / max(values.sum(), np.finfo(np.float64).tiny))
