"""What a relation is worth in a cart, learned from carts with a visible answer."""

from dataclasses import replace

import lightgbm
import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog
from recommender.errors import SnapshotUnreadable
from recommender.models.bought_together import BoughtTogether
from recommender.models.cart_trees import CartTrees, CartTreesModel, _Choices
from recommender.models.pair_features import RelatedPairs
from recommender.models.shared_orders import Baskets
from tests.shops import history_of, planted_lines

HALF = 40
"""Items of either half of the planted shop."""


def planted() -> tuple[RelatedPairs, csr_array]:
    """Relations that tell nothing, a feature that tells all, and the orders that show it.

    An item of the first half is related to all of the second half as strongly, but stands in orders only
    with every fourth of them; the only feature is 1 for these.
    """
    rng = np.random.default_rng(0)
    relation = np.zeros((2 * HALF, 2 * HALF), np.float32)
    relation[:HALF, HALF:] = 1
    pairs = csr_array(relation)
    together = (pairs.indices - np.repeat(np.arange(2 * HALF), np.diff(pairs.indptr))) % 4 == 0
    baskets = np.zeros((900, 2 * HALF), np.float32)
    for row in baskets:
        chosen = rng.choice(HALF, 3, replace=False)
        row[chosen] = row[HALF + (chosen + 4 * rng.integers(10, size=3)) % HALF] = 1
    return RelatedPairs(pairs, together[:, None].astype(np.float32).__getitem__), csr_array(baskets)


def all_features(pairs: RelatedPairs) -> np.ndarray:
    return pairs.features(np.arange(pairs.relation.nnz))


def weighed(pairs: RelatedPairs, baskets: csr_array, **settings: object) -> csr_array:
    model = CartTrees(**settings).fit(pairs, baskets)
    assert model is not None
    return model.weighed(pairs).relation


def test_what_carts_came_to_hold_raises_the_relations_that_foretold_it():
    pairs, baskets = planted()
    found = weighed(pairs, baskets)
    together = all_features(pairs)[:, 0] > 0
    assert found.data[together].min() > 3 * found.data[~together].max()


def test_no_pair_is_related_that_was_not():
    pairs, baskets = planted()
    found = weighed(pairs, baskets)
    assert found.indices.tolist() == pairs.relation.indices.tolist()
    assert (found.data > 0).all()
    assert np.isfinite(found.data).all()


def test_where_nothing_tells_the_pairs_apart_nothing_is_learned():
    pairs, baskets = planted()
    for told in (0, np.nan):
        nothing = RelatedPairs(pairs.relation, np.full_like(all_features(pairs), told).__getitem__)
        assert CartTrees().fit(nothing, baskets) is None


def test_the_same_input_gives_the_same_relations_and_a_seed_draws_the_carts():
    pairs, baskets = planted()
    one, again = (weighed(pairs, baskets, carts=400) for _ in range(2))
    assert one.data.tobytes() == again.data.tobytes()
    assert weighed(pairs, baskets, carts=400, seed=1).data.tobytes() != one.data.tobytes()


def test_nothing_is_learned_from_few_orders_or_without_trees():
    pairs, baskets = planted()
    small = csr_array(np.eye(*baskets.shape, dtype=np.float32))
    assert CartTrees().can_learn(baskets)
    assert not CartTrees().can_learn(small)  # orders of one item
    assert not CartTrees(trees=0).can_learn(baskets)
    assert not CartTrees(fewest_carts=901).can_learn(baskets)
    nobody = RelatedPairs(csr_array(pairs.relation.shape, dtype=np.float32), pairs.features)
    assert CartTrees().fit(nobody, baskets) is None
    assert CartTrees().fit(pairs, small) is None


def test_the_gradient_is_that_of_the_likelihood():
    pairs, baskets = planted()
    choices = _Choices.of(pairs.relation, baskets, 50, np.random.default_rng(0))
    trees = np.random.default_rng(1).normal(size=len(choices.pairs))

    def loss(trees):
        score = choices.says @ (choices.relation * np.exp(trees))
        share = score / np.bincount(choices.cart, score)[choices.cart]
        return -np.sum(choices.weight[choices.cart] * choices.chosen * np.log(share))

    slope, bend = choices.gradients(trees, None)
    for pair in range(0, len(trees), 37):
        step = np.zeros(len(trees))
        step[pair] = 1e-5
        assert slope[pair] == pytest.approx((loss(trees + step) - loss(trees - step)) / 2e-5, abs=1e-6)
    assert (bend > 0).all()


def test_a_cart_of_one_anchor_chooses_among_its_places():
    relation = csr_array(np.array([[0, 0, 2, 6], [0, 0, 0, 0], [0] * 4, [0] * 4], np.float32))
    baskets = csr_array(np.array([[1, 1, 1, 0]], np.float32))
    by_cart = [_Choices.of(relation, baskets, 1, np.random.default_rng(seed)) for seed in range(20)]
    # Only where item 0 is in the cart is there a place, and item 2 is what the order held beside it.
    (choices, *_) = [choices for choices in by_cart if choices.n_carts]
    assert choices.relation.tolist() == [2, 6]
    assert choices.chosen.tolist() == [1, 0]
    slope, _ = choices.gradients(np.zeros(2), None)
    assert slope == pytest.approx([2 / 8 - 1, 6 / 8])
    assert 0 in [choices.n_carts for choices in by_cart]


@pytest.mark.parametrize(
    "wrong",
    [{"trees": -1}, {"leaves": 1}, {"leaves": 65}, {"learning_rate": 0}, {"carts": 0}, {"fewest_carts": 0}],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CartTrees(**wrong)


LINES = [
    ("1", "ann", "milk", 1.0, 1.0), ("1", "ann", "tea", 1.0, 1.0),
    ("2", "bob", "milk", 1.0, 2.0), ("2", "bob", "tea", 1.0, 2.0),
    ("3", "bob", "tea", 1.0, 3.0),
    ("4", None, "jam", 1.0, 9.0),
]  # fmt: skip
JAM, MILK, TEA = range(3)


def test_features_of_a_pair_by_hand():
    history = history_of(LINES, 10.0)
    catalog = replace(
        Catalog.unknown(history.items),
        category=("food", "drinks", "drinks"),
        price=np.array([np.nan, 2.0, 4.0], np.float32),
        attributes={"colour": ("red", "white", None), "origin": ("here", "here", "here")},
    )
    relation = np.zeros((3, 3), np.float32)
    relation[MILK, TEA], relation[TEA, MILK] = 0.5, 0.25
    milk, tea = all_features(
        RelatedPairs.of(csr_array(relation), history, Baskets.of(history), catalog)
    ).tolist()
    assert milk[:5] == pytest.approx([0.5, 2, 2 / 2, 2 / 3, 2 * 4 / (2 * 3)])
    assert tea[:5] == pytest.approx([0.25, 2, 2 / 3, 2 / 2, 2 * 4 / (2 * 3)])
    lately = {
        item: sum(2 ** (-age / 14) for age in ages)
        for item, ages in ((JAM, [1]), (MILK, [9, 8]), (TEA, [9, 8, 7]))
    }
    usually = {
        item: sum(2 ** (-age / 180) for age in ages) for item, ages in ((MILK, [9, 8]), (TEA, [9, 8, 7]))
    }
    trend = {item: (lately[item] * 180 / 14 + 2) / (usually[item] + 2) for item in usually}
    assert milk[5:10] == pytest.approx(
        [usually[MILK], usually[TEA], lately[TEA] / sum(lately.values()), trend[TEA], trend[MILK]], rel=1e-5
    )
    assert (milk[10], tea[10]) == (3 / 2, 2 / 2)  # of tea bob has bought two orders
    assert milk[11:14] == tea[11:14] == [1, 0, 0.5]
    assert (milk[14], tea[14]) == pytest.approx((np.log(2), -np.log(2)), rel=1e-6)


def test_pairs_of_a_whole_shop_share_orders():
    history = history_of(planted_lines(), 120.0)
    baskets = history.baskets()
    together = csr_array(baskets.T @ baskets).toarray()
    np.fill_diagonal(together, 0)
    pairs = RelatedPairs.of(csr_array(together), history, Baskets.of(history), Catalog.unknown(history.items))
    features = all_features(pairs)
    assert features[:, 1].tolist() == pairs.relation.data.tolist()
    assert np.isnan(features[:, -1]).all()  # no price is known
    some = np.arange(0, len(features), 7)
    np.testing.assert_array_equal(pairs.features(some), features[some])


def test_trees_come_back_from_their_text_and_damage_is_told():
    history = history_of(planted_lines(customers=60), 120)
    before, carts = history.before(40), history.since(40).baskets()
    known = RelatedPairs.of(
        BoughtTogether().fit(before).relation, before, Baskets.of(before), Catalog.unknown(history.items)
    )
    trees = CartTrees(fewest_carts=5).fit(known, carts)
    again = CartTreesModel.read(trees.text)
    assert again.text == trees.text
    assert np.array_equal(again.weighed(known).relation.data, trees.weighed(known).relation.data)
    with pytest.raises(SnapshotUnreadable, match="train again"):
        CartTreesModel.read("tree")


def test_trees_of_more_leaves_than_are_learned_here_are_refused():
    features = np.random.default_rng(0).random((2_000, 2))
    settings = {"num_leaves": 65, "min_data_in_leaf": 1, "verbose": -1}
    data = lightgbm.Dataset(features, features[:, 0] * features[:, 1])
    text = lightgbm.train(settings, data, 1).model_to_string()
    with pytest.raises(SnapshotUnreadable, match="65 leaves"):
        CartTreesModel.read(text)
