"""Trees laid out for speed give LightGBM's own scores, to the last bit."""

import lightgbm
import numpy as np
import pytest

from recommender.models.forest import MOST_LEAVES, Forest


def learned(features, target, *, leaves, trees=20, **settings):
    data = lightgbm.Dataset(features, target, params={"verbose": -1, "min_data_in_bin": 1})
    settings = {
        "objective": "regression",
        "num_leaves": leaves,
        "min_data_in_leaf": 5,
        "verbose": -1,
    } | settings
    return lightgbm.train(settings, data, trees)


def shop(seed, n=1_500, *, missing=0.1):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 6)).astype(np.float32)
    features[:, 1] = np.round(features[:, 1])
    features[:, 2:4][rng.random((n, 2)) < missing] = np.nan
    target = (
        np.nan_to_num(features[:, 2]) * features[:, 0] + np.abs(features[:, 1]) + np.isnan(features[:, 3])
    )
    return features, target + rng.normal(size=n) / 10


@pytest.mark.parametrize("leaves", [2, 7, 31, 32, 33, MOST_LEAVES])
@pytest.mark.parametrize("objective", ["regression", "binary"])
def test_scores_are_those_of_lightgbm(leaves, objective):
    features, target = shop(seed=leaves)
    if objective == "binary":
        target = target > np.median(target)
    trees = learned(features, target, leaves=leaves, objective=objective)
    unseen, _ = shop(seed=1_000)
    # Also features missing that never were when the trees were taught, and values on the very thresholds.
    unseen[::7, 0] = np.nan
    unseen[1::7, :] = 0
    for rows in (unseen, features, unseen[:1], unseen[:65]):
        np.testing.assert_array_equal(Forest.of(trees).scores(rows), trees.predict(rows, raw_score=True))


def test_a_feature_on_a_threshold_goes_where_lightgbm_sends_it():
    values = np.linspace(0, 1, 400, dtype=np.float32)[:, None]
    trees = learned(values, np.sin(40 * values[:, 0].astype(np.float64)), leaves=31)
    forest = Forest.of(trees)
    edges = np.unique(np.concatenate([forest.threshold, np.nextafter(forest.threshold, np.float32(2))]))[
        :, None
    ]
    np.testing.assert_array_equal(forest.scores(edges), trees.predict(edges, raw_score=True))


def test_trees_that_learned_nothing_say_the_same_of_everything():
    trees = learned(np.ones((50, 1), np.float32), np.arange(50.0), leaves=7, trees=2)
    features = np.ones((3, 1), np.float32)
    np.testing.assert_array_equal(Forest.of(trees).scores(features), trees.predict(features, raw_score=True))


def test_no_candidates_have_no_scores():
    features, target = shop(seed=0)
    assert Forest.of(learned(features, target, leaves=7)).scores(features[:0]).shape == (0,)


def test_more_leaves_than_a_word_has_bits_are_refused():
    features, target = shop(seed=0)
    with pytest.raises(ValueError, match="at most 64"):
        Forest.of(learned(features, target, leaves=MOST_LEAVES + 1))
