"""When a customer needs a thing again: the chance of buying it soon, and a likely day."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import lightgbm
import numpy as np
from numpy.typing import NDArray

from recommender.campaigns.purchase_days import PurchaseDays
from recommender.campaigns.rhythms import Rhythms
from recommender.ranges import require_at_least, require_positive, require_share
from recommender.ranking.due_list import HORIZONS

LONGEST = HORIZONS[-1]
"""Days ahead that a likely day may lie at most."""

COVERED = 0.8
"""Share of the purchases that a stated interval of days is to hold."""

_QUANTILES = ((1 - COVERED) / 2, 0.5, (1 + COVERED) / 2)
_BINS = 63
_LEAST_IN_A_LEAF = 200
_FEWEST_EXAMPLES = 2_000
"""With fewer there is nothing to learn a rhythm from, nor to see whether its chances are true."""
_WORTH_A_THREAD = 50_000
_HELD_OUT = 4
"""Windows that say how wide an interval must be: one alone would pass on what was odd about its month."""


@dataclass(frozen=True, slots=True)
class Replenishment:
    """Trees by LightGBM that learn from earlier windows of the same shop what was bought again, and when.

    For each of `HORIZONS` one set of trees tells the chance that a customer buys an item within so many days
    that they bought on `fewest_days` days or more. Three further sets tell, of what was bought within
    `LONGEST` days, the day before which a tenth, a half and nine tenths of it were bought (quantile
    regression, Koenker & Bassett 1978). The outer two are moved until the interval between them held
    `COVERED` of the purchases of the newest whole windows, which they did not learn from (split conformal
    prediction for quantiles: Romano, Patterson & Candès, "Conformalized quantile regression", NeurIPS 2019).

    Attributes:
        windows: earlier moments that are learned from, at most; 0 switches it off.
        step_days: days between two of them.
        fewest_days: an item bought on fewer days by a customer has no rhythm with them.
        trees: number of trees in each set.
        leaves: of each tree.
        learning_rate: how much of a tree's advice is taken.
        customers: at most so many customers are learned from, drawn by the seed.
        examples: pairs of a customer and an item that are learned from at most, drawn from all windows.
        length: items of a customer that are kept, the likeliest within 14 days.
        least_chance: an item less likely bought within 30 days is not kept.
        seed: of every draw.
    """

    windows: int = 12
    step_days: int = 14
    fewest_days: int = 3
    trees: int = 120
    leaves: int = 31
    learning_rate: float = 0.08
    customers: int = 50_000
    examples: int = 300_000
    length: int = 20
    least_chance: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        require_at_least(2, fewest_days=self.fewest_days, leaves=self.leaves)
        require_at_least(0, windows=self.windows)
        require_at_least(
            1, step_days=self.step_days, trees=self.trees, customers=self.customers, length=self.length
        )
        require_share(least_chance=self.least_chance)
        require_at_least(_FEWEST_EXAMPLES, examples=self.examples)
        require_positive(learning_rate=self.learning_rate)

    def learned_from(self, n_customers: int) -> NDArray[np.bool_]:
        """Whose purchases are learned from, shape (n_customers,)."""
        drawn = np.zeros(n_customers, bool)
        drawn[np.random.default_rng(self.seed).permutation(n_customers)[: self.customers]] = True
        return drawn

    def fit(self, days: PurchaseDays, category: NDArray[np.int32]) -> "ReplenishmentModel | None":
        """Learn from what was bought after earlier moments.

        Args:
            days: all purchases of the customers that are learned from.
            category: see `Rhythms.of`.

        Returns:
            None where too few items were bought again and again to learn from.
        """
        windows = list(self._windows(days, category))
        if sum(len(window.rhythms) for window in windows) < _FEWEST_EXAMPLES:
            return None
        chance = {}
        for horizon in HORIZONS:
            features, next_ = _together([window for window in windows if window.days >= horizon], self)
            bought = (next_ > 0) & (next_ <= horizon)
            if bought.sum() < _LEAST_IN_A_LEAF:
                return None
            chance[horizon] = self._trees(features, bought, {"objective": "binary"})
        return ReplenishmentModel(chance, self._days(windows), self.fewest_days)

    def _windows(self, days: PurchaseDays, category: NDArray[np.int32]) -> Iterator["_Window"]:
        """Earlier moments with what was bought after them, the newest first."""
        oldest = int(days.ago.max(initial=0))
        for number in range(1, self.windows + 1):
            ago = number * self.step_days
            if ago >= oldest:
                return
            seen = min(ago, LONGEST)
            rhythms = Rhythms.of(days.before(ago), category, fewest_days=self.fewest_days)
            # What came in the days that are learned from, and nothing of what followed.
            later = days.before(ago - seen).bought_within(seen)
            yield _Window(rhythms, rhythms.next_bought(later, seen), seen)

    def _days(self, windows: list["_Window"]) -> "_LikelyDays | None":
        whole = [window for window in windows if window.days == LONGEST]
        if len(whole) < 2:
            return None
        held_out = min(_HELD_OUT, len(whole) // 2)
        features, next_ = _together(whole[held_out:], self)
        bought = next_ > 0
        if bought.sum() < _FEWEST_EXAMPLES:
            return None
        quantiles = tuple(
            self._trees(features[bought], next_[bought], {"objective": "quantile", "alpha": alpha})
            for alpha in _QUANTILES
        )
        features, held = _together(whole[:held_out], self)
        low, _, high = _LikelyDays(quantiles, 0.0).raw(features[held > 0])
        held = held[held > 0]
        if not len(held):
            return None
        # How far outside each purchase was; that many days more on both sides would have held it. Days are
        # whole, so that half a day is won by rounding.
        outside = np.maximum(low - held, held - high) - 0.5
        return _LikelyDays(quantiles, float(np.quantile(outside, COVERED)))

    def _trees(
        self, features: NDArray[np.float32], target: NDArray[np.generic], objective: Mapping[str, object]
    ) -> lightgbm.Booster:
        data = lightgbm.Dataset(features, target.astype(np.float32), params={"max_bin": _BINS, "verbose": -1})
        settings = {
            **objective,
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": _LEAST_IN_A_LEAF,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "feature_fraction": 0.6,
            "max_bin": _BINS,
            "seed": self.seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": os.cpu_count() if len(features) > _WORTH_A_THREAD else 1,
            "verbose": -1,
        }
        return lightgbm.train(settings, data, self.trees)


@dataclass(frozen=True, slots=True)
class _Window:
    """A moment in the past: the rhythms of then, and after how many of the `days` that followed came what."""

    rhythms: Rhythms
    next_bought: NDArray[np.int32]
    days: int


def _together(windows: list[_Window], spec: Replenishment) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Examples of all windows, of too many a part."""
    if not windows:
        return np.zeros((0, 1), np.float32), np.zeros(0, np.int32)
    share = min(1.0, spec.examples / max(sum(len(window.rhythms) for window in windows), 1))
    draw = np.random.default_rng(spec.seed)
    kept = [draw.random(len(window.rhythms)) < share for window in windows]
    return (
        np.concatenate([w.rhythms.features[chosen] for w, chosen in zip(windows, kept, strict=True)]),
        np.concatenate([w.next_bought[chosen] for w, chosen in zip(windows, kept, strict=True)]),
    )


@dataclass(frozen=True, slots=True)
class Due:
    """What is said of pairs of customer and item; all attributes have shape (n,) but for the chances.

    Attributes:
        chance: shape (n, len(HORIZONS)) float32, of a purchase within so many days; never falling along them.
        day: int16, the likely day of the next purchase, counted from the moment, from 1; 0 where none can
            be told. It is as likely bought before as after it, if within `LONGEST` days.
        first: int16, the first day of an interval that holds `COVERED` of such purchases.
        last: int16, its last day.
    """

    chance: NDArray[np.float32]
    day: NDArray[np.int16]
    first: NDArray[np.int16]
    last: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class _LikelyDays:
    quantiles: tuple[lightgbm.Booster, ...]
    margin: float

    def raw(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Quantiles of the days until the next purchase, none below the one before, shape (3, n)."""
        found = np.stack([np.asarray(trees.predict(features)) for trees in self.quantiles])
        return np.sort(found, axis=0)

    def of(self, features: NDArray[np.float32]) -> tuple[NDArray[np.int16], ...]:
        low, day, high = self.raw(features)
        first = np.clip(np.round(low - self.margin), 1, LONGEST)
        last = np.clip(np.round(high + self.margin), first, LONGEST)
        likely = np.clip(np.round(day), first, last)
        return likely.astype(np.int16), first.astype(np.int16), last.astype(np.int16)


@dataclass(frozen=True, slots=True)
class ReplenishmentModel:
    """Fitted trees.

    Attributes:
        chance: the trees of each of `HORIZONS`.
        days: those that tell the likely day; None where too little was bought again to tell.
        fewest_days: see `Replenishment`.
    """

    chance: Mapping[int, lightgbm.Booster]
    days: _LikelyDays | None
    fewest_days: int

    def due(self, rhythms: Rhythms) -> Due:
        """What is to be expected of these pairs in the days after the moment that they are of."""
        features = rhythms.features
        if not len(features):
            none = np.zeros(0, np.int16)
            return Due(np.zeros((0, len(HORIZONS)), np.float32), none, none, none)
        columns = [np.asarray(trees.predict(features)) for trees in self.chance.values()]
        # Each set of trees was learned by itself; what is bought in a week is bought in a month.
        chance = np.maximum.accumulate(np.stack(columns, axis=1), axis=1).astype(np.float32)
        if self.days is None:
            none = np.zeros(len(features), np.int16)
            return Due(chance, none, none, none)
        day, first, last = self.days.of(features)
        day = np.clip(day, *_half_way(chance))
        return Due(chance, day, np.minimum(first, day), np.maximum(last, day))


def _half_way(chance: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Between which days half of a purchase's chance within `LONGEST` days is reached, each of shape (n,).

    Chances and days are told by trees that know nothing of each other: what is likely bought this week is not
    to be due in three.
    """
    half = chance[:, -1:] / 2
    reached = (chance >= half).argmax(axis=1)
    ends = np.array(HORIZONS, np.int16)
    begins = np.array([1, *(days + 1 for days in HORIZONS[:-1])], np.int16)
    return begins[reached], ends[reached]
