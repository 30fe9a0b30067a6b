"""Each model on a few orders, with the arithmetic beside it."""

import numpy as np
import pytest

from recommender.errors import ConfigError
from recommender.models.als import Als
from recommender.models.best_sellers import BestSellers
from recommender.models.buy_again import BuyAgain
from recommender.models.co_purchase import CoPurchase
from recommender.models.item_knn import ItemKNN
from recommender.models.linear import Linear
from tests.shops import history_of

# Tea in orders 1, 2 and 5, milk in 1 and 2, nails and hammer in 3 and 4, hammer also in 5.
BASKETS = [
    ("1", "ann", "tea", 1.0, 0.0), ("1", "ann", "milk", 1.0, 0.0),
    ("2", "bob", "tea", 1.0, 0.0), ("2", "bob", "milk", 1.0, 0.0),
    ("3", "cid", "nails", 1.0, 0.0), ("3", "cid", "hammer", 1.0, 0.0),
    ("4", "dan", "nails", 1.0, 0.0), ("4", "dan", "hammer", 1.0, 0.0),
    ("5", None, "tea", 1.0, 0.0), ("5", None, "hammer", 1.0, 0.0),
]  # fmt: skip


def relation(spec):
    history = history_of(BASKETS, 0.0)
    matrix = spec.fit(history).relation.toarray()
    return lambda anchor, other: matrix[history.items.position(anchor), history.items.position(other)]


def test_cosine_is_orders_in_common_over_the_shrunken_geometric_mean():
    of = relation(CoPurchase(measure="cosine", shrinkage=1.0))
    assert of("tea", "milk") == pytest.approx(2 / np.sqrt((3 + 1) * (2 + 1)))
    assert of("tea", "hammer") == 0  # one order in common is chance


def test_lift_compares_with_chance():
    of = relation(CoPurchase(measure="lift", shrinkage=0.0))
    assert of("tea", "milk") == pytest.approx(5 * 2 / (3 * 2))
    assert of("milk", "tea") == of("tea", "milk")


def test_jaccard_is_common_orders_over_all_orders_of_either():
    assert relation(CoPurchase(measure="jaccard", shrinkage=0.0))("nails", "hammer") == pytest.approx(
        2 / (2 + 3 - 2)
    )


def test_the_likelihood_ratio_is_that_of_the_two_by_two_table():
    # nails and hammer: 2 orders with both, 0 with nails only, 1 with hammer only, 2 with neither.
    observed = np.array([[2.0, 0.0], [1.0, 2.0]])
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / 5
    by_hand = 2 * sum(o * np.log(o / e) for o, e in zip(observed.ravel(), expected.ravel(), strict=True) if o)
    assert relation(CoPurchase(measure="llr"))("nails", "hammer") == pytest.approx(by_hand)


def test_the_likelihood_ratio_of_a_pair_that_avoids_each_other_is_no_relation():
    assert relation(CoPurchase(measure="llr", min_together=1))("tea", "hammer") == 0  # 1·5 < 3·3


def test_a_guests_order_counts_for_what_is_bought_together():
    assert relation(CoPurchase(min_together=1, shrinkage=0.0))("tea", "hammer") == pytest.approx(1 / 3)


def test_a_purchase_counts_half_after_one_half_life():
    lines = [("1", "ann", "tea", 1.0, 0.0), ("2", "ann", "tea", 1.0, 10.0), ("3", "ann", "milk", 1.0, 20.0)]
    history = history_of(lines, 20.0)
    milk, tea = BuyAgain(half_life_days=10).fit(history).opinion.scores(np.array([0], np.int32))[0]
    assert milk == 1.0
    assert tea == pytest.approx(1 / 4 + 1 / 2)


def test_best_sellers_count_orders_not_pieces():
    lines = [("1", "ann", "tea", 1.0, 0.0), ("2", "bob", "tea", 1.0, 0.0), ("3", "cid", "nails", 500.0, 0.0)]
    nails, tea = BestSellers(half_life_days=14).fit(history_of(lines, 14.0)).sold
    assert (nails, tea) == (0.5, 1.0)


def test_two_lines_of_an_item_in_one_order_count_once():
    lines = [("1", "ann", "tea", 1.0, 0.0), ("1", "ann", "tea", 2.0, 0.0)]
    assert BestSellers().fit(history_of(lines, 0.0)).sold.tolist() == [1.0]


def test_similarity_is_the_cosine_of_who_bought_the_items():
    lines = [
        ("1", "ann", "tea", 1.0, 0.0), ("2", "ann", "milk", 1.0, 0.0),
        ("3", "bob", "tea", 1.0, 0.0), ("4", "cid", "milk", 1.0, 0.0),
    ]  # fmt: skip
    matrix = ItemKNN(half_life_days=1e9, shrinkage=0.0).fit(history_of(lines, 0.0)).relation.toarray()
    # Ann bought both, so the dot product is 1; each item has two buyers, so the norms are √2.
    assert matrix[0, 1] == pytest.approx(1 / 2)


def test_als_reaches_the_normal_equations():
    """At convergence each customer's factors solve (YᵀCY + λI) x = YᵀC·1, λ in units of √4 + √4."""
    history = history_of(BASKETS, 0.0)
    spec = Als(factors=2, iterations=200, regularization=0.1 / 4, alpha=3.0, half_life_days=1e9)
    fitted = spec.fit(history)
    confidence = np.where(history.interactions(1e9).toarray() > 0, 1 + 3.0 * np.log(2), 0)
    items = fitted.item_factors.astype(np.float64)
    for customer, row in enumerate(confidence):
        weight = np.where(row > 0, row, 1.0)
        normal = items.T @ (weight[:, None] * items) + 0.1 * np.eye(2)
        exact = np.linalg.solve(normal, items.T @ row)
        assert fitted.customer_factors[customer] == pytest.approx(exact, abs=2e-3)


def test_settings_that_als_cannot_solve_are_named_not_traced():
    with pytest.raises(ConfigError, match=r"\[models.als\]"):
        Als(factors=2, alpha=1e38, regularization=0.0).fit(history_of(BASKETS, 0.0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BestSellers(half_life_days=0), "half_life_days"),
        (lambda: BuyAgain(half_life_days=-1), "half_life_days"),
        (lambda: CoPurchase(measure="luck"), "cosine, lift, llr, jaccard"),
        (lambda: CoPurchase(min_together=0), "min_together"),
        (lambda: CoPurchase(shrinkage=-1), "shrinkage"),
        (lambda: ItemKNN(shrinkage=-1), "shrinkage"),
        (lambda: ItemKNN(half_life_days=0), "half_life_days"),
        (lambda: CoPurchase(n_neighbours=0), "n_neighbours"),
        (lambda: CoPurchase(shrinkage=float("nan")), "shrinkage"),
        (lambda: CoPurchase(half_life_days=0), "half_life_days"),
        (lambda: ItemKNN(n_neighbours=-3), "n_neighbours"),
        (lambda: Als(factors=0), "factors"),
        (lambda: Als(alpha=0), "alpha"),
        (lambda: Als(regularization=float("inf")), "regularization"),
    ],
)
def test_a_setting_out_of_range_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_linear_speaks_for_what_no_other_purchase_explains():
    # Honey goes with tea, and sugar with honey alone: beside honey, tea says nothing more of sugar.
    lines = [
        line
        for n in range(40)
        for line in (
            (f"a{n}", f"t{n}", "tea", 1.0, 99.0), (f"a{n}", f"t{n}", "honey", 1.0, 99.0),
            (f"b{n}", f"h{n}", "honey", 1.0, 99.0), (f"b{n}", f"h{n}", "sugar", 1.0, 99.0),
            (f"c{n}", f"t{n}", "honey", 1.0, 98.0), (f"c{n}", f"t{n}", "sugar", 1.0, 98.0),
        )
    ]  # fmt: skip
    history = history_of(lines, 100.0)
    relation = Linear(regularization=0.1).fit(history).relation.toarray()
    honey, sugar, tea = (history.items.position(name) for name in ("honey", "sugar", "tea"))
    assert relation[honey, sugar] > 0.8
    assert abs(relation[tea, sugar]) < 0.1 * relation[honey, sugar]
    assert not relation.diagonal().any()


def test_linear_keeps_the_largest_weights_of_either_sign():
    rng = np.random.default_rng(0)
    lines = [(f"o{n}", f"c{n}", f"i{item}", 1.0, 99.0) for n in range(60) for item in rng.permutation(12)[:4]]
    history = history_of(lines, 100.0)
    whole = Linear(n_neighbours=100).fit(history).relation.toarray()
    few = Linear(n_neighbours=3).fit(history).relation.toarray()
    assert (whole < 0).any()
    for every, kept in zip(whole, few, strict=True):
        largest = np.sort(np.abs(every))[-3:]
        assert np.sort(np.abs(kept[kept != 0])) == pytest.approx(largest)


def test_linear_knows_only_the_items_of_most_purchases():
    lines = [(f"o{n}", f"c{n}", item, 1.0, 99.0) for n in range(9) for item in ("a", "b", "c")[: 1 + n // 3]]
    relation = Linear(n_items=2).fit(history_of(lines, 100.0)).relation.toarray()
    assert relation[0, 1] > 0 and not relation[2].any() and not relation[:, 2].any()
