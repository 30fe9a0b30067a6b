from dataclasses import replace

import numpy as np
import pytest

from recommender.data.catalog import Catalog
from recommender.data.history import DAY, PurchaseHistory
from recommender.errors import SnapshotUnreadable
from recommender.models.best_sellers import BestSellers
from recommender.models.buy_again import BuyAgain
from recommender.ranking.candidates import CandidateSearch
from recommender.ranking.examples import Examples, collect
from recommender.ranking.features import FeatureTables
from recommender.ranking.ranker import Ranker, TreeRanker
from tests.shops import log_of

SMALL = Ranker(trees=30, leaves=7)


def made_up(n_customers=200, seed=0):
    """Ten candidates each, of which the one with the greatest `wanted` is bought; `noise` says nothing."""
    rng = np.random.default_rng(seed)
    features = rng.random((n_customers * 10, 2)).astype(np.float32)
    best = features[:, 0].reshape(-1, 10).argmax(axis=1)
    bought = (np.arange(10) == best[:, None]).ravel()
    weight, group = np.ones(len(features), np.float32), np.full(n_customers, 10)
    return Examples(("wanted", "noise"), features, bought, weight, group)


def test_the_trees_learn_what_is_bought_and_say_why():
    trees = SMALL.fit(made_up())
    fresh = made_up(seed=1)
    scores = sum(each.scores(fresh.features) for each in trees.forests).reshape(-1, 10)
    found = scores.argmax(axis=1) == fresh.bought.reshape(-1, 10).argmax(axis=1)
    assert found.mean() > 0.8
    first = trees.worth[0]
    assert first.name == "wanted" and first.gain > 0.8 and first.shap > 0.8
    assert sum(worth.shap for worth in trees.worth) == pytest.approx(1)


def test_the_same_examples_give_the_same_trees():
    assert SMALL.fit(made_up()) == SMALL.fit(made_up())


def test_another_seed_gives_other_trees():
    assert SMALL.fit(made_up()) != replace(SMALL, seed=1).fit(made_up())


def test_trees_that_are_no_trees_are_refused():
    with pytest.raises(SnapshotUnreadable, match="train again"):
        TreeRanker.read("hello", "world", ())


def test_examples_of_other_features_cannot_be_learned_from_together():
    one = made_up()
    with pytest.raises(ValueError, match="same features"):
        Examples.stack([one, replace(one, names=("a", "b"))])


@pytest.mark.parametrize("wrong", [{"trees": 0}, {"leaves": 1}, {"kept": 0.0}, {"kept": 1.5}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError):
        Ranker(**wrong)


# ---- What is learned from ----------------------------------------------------------------------

LINES = [
    ("o1", "ann", "tea", 1.0, 10),
    ("o2", "bob", "cup", 1.0, 20),
    ("o3", "bob", "pot", 1.0, 30),
    ("o4", "eve", "pot", 1.0, 40),
]
ANN, BOB, EVE = range(3)
CUP, POT, TEA = range(3)


def moment(lines=LINES):
    orders = log_of(lines)
    history = PurchaseHistory.at(orders, 50 * DAY)
    models = {"best_sellers": BestSellers().fit(history), "buy_again": BuyAgain().fit(history)}
    bought = history.interactions(np.inf)
    return models, FeatureTables.of(orders, history, Catalog.unknown(orders.items)), bought


def examples(then, *, kept=1.0, most=1_000, customers=(ANN, BOB)):
    models, tables, bought = moment()
    outcome = bought.copy()
    outcome.data[:] = 0
    outcome = outcome.tolil()
    for customer, item in then:
        outcome[customer, item] = 1
    return collect(
        models, tables, np.array(customers, np.int32), bought=bought, eligible=np.ones(3, bool),
        then_bought=outcome.tocsr(), per_model=10, kept=kept, most=most, seed=0,
    )  # fmt: skip


def test_every_candidate_is_an_example_and_says_whether_it_was_bought():
    found = examples([(ANN, TEA), (BOB, TEA)])
    # Each of the two sees all three items; the outcome comes in the order cup, pot, tea.
    assert found.group.tolist() == [3, 3]
    assert found.bought.tolist() == [False, False, True, False, False, True]
    assert (found.weight == 1).all()


def test_what_was_bought_is_always_kept_and_the_rest_stands_for_more():
    found = examples([(ANN, POT)], kept=0.5)
    assert found.bought.sum() == 1
    assert len(found.bought) == found.group.sum() < 6
    assert (found.weight == np.where(found.bought, 1, 2)).all()


def test_too_many_examples_are_thinned_and_stand_for_those_left_out():
    whole = replace(made_up(), weight=np.full(2_000, 2, np.float32))  # 200 of them were bought
    few = whole.thinned(500, seed=0)
    assert few.bought.sum() == 200
    assert len(few.bought) == pytest.approx(500, rel=0.15)
    assert few.group.sum() == len(few.features) == len(few.weight)
    assert few.weight.sum() == pytest.approx(whole.weight.sum(), rel=0.1)
    assert whole.thinned(2_000, seed=0) is whole
    assert whole.thinned(1, seed=0).bought.sum() == 200


# ---- What is scored ----------------------------------------------------------------------------


def scored(ranker, customers=(ANN, BOB, EVE)):
    models, tables, bought = moment()
    at = np.array(customers, np.int32)
    search = CandidateSearch.over(models, bought=bought, eligible=np.ones(3, bool), per_model=10)
    candidates = search.candidates(at)
    return candidates, ranker.scores(tables, at, candidates)


@pytest.fixture(scope="module")
def learned():
    # Many times over: a handful teaches nothing.
    return replace(SMALL, trees=5).fit(Examples.stack([examples([(ANN, TEA), (BOB, POT)])] * 100))


def test_scores_lie_between_zero_and_one_and_survive_being_written(learned):
    _, scores = scored(learned)
    assert ((scores > 0) & (scores < 1)).all()
    assert np.array_equal(scored(TreeRanker.read(learned.order, learned.chance, learned.worth))[1], scores)


def test_one_customer_alone_is_scored_as_among_others(learned):
    candidates, scores = scored(learned)
    assert np.array_equal(scored(learned, (BOB,))[1], scores[candidates.row == BOB])


def test_candidates_of_other_models_are_refused(learned):
    models, tables, bought = moment()
    at = np.array([ANN], np.int32)
    one = {"best_sellers": models["best_sellers"]}
    found = CandidateSearch.over(one, bought=bought, eligible=np.ones(3, bool), per_model=10).candidates(at)
    with pytest.raises(ValueError, match="other features"):
        learned.scores(tables, at, found)
