"""What belongs in one order, and how many people it takes to say so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from recommender.errors import ConfigError
from recommender.models import shared_orders
from recommender.models.bought_together import BoughtTogether
from recommender.models.linear_relations import linear_relations, weights_of_products
from recommender.models.shared_orders import buyers_of_orders, shared_by_pairs
from tests.shops import TASTES, history_of, planted_lines

DAY = 10.0


def lines_of(*orders):
    """Lines of (order, customer, items, day)."""
    return [(order, customer, item, 1.0, day) for order, customer, items, day in orders for item in items]


TEA_AND_MILK = lines_of(
    ("1", "ann", ("tea", "milk"), DAY),
    ("2", "bob", ("tea", "milk"), DAY),
    ("3", "cid", ("nails", "hammer"), DAY),
    ("4", "cid", ("nails", "hammer"), DAY),
    ("5", "dan", ("saw",), DAY),
)


def relation_of(lines, **settings):
    """(anchor, other) → relation, without the linear model unless it is asked for."""
    settings = {"linear_weight": 0.0, **settings}
    history = history_of(lines, DAY)
    matrix = BoughtTogether(**settings).fit(history).relation.toarray()
    position = history.items.position
    return lambda anchor, other: float(matrix[position(anchor), position(other)])


def test_the_relation_is_what_is_beyond_chance_over_the_orders_of_either():
    of = relation_of(TEA_AND_MILK, half_life_days=14.0)
    # Orders of two weigh 1 / √2. As many were sold lately as usual: the trend is 1.
    w = 1 / np.sqrt(2)
    beyond = 2 * w - (2 * w) ** 2 / (4 * w + 1)
    assert of("tea", "milk") == pytest.approx(beyond / ((2 * w + 4) ** 0.8 * (2 * w + 4) ** 0.3), rel=1e-5)


def test_no_pair_stands_on_one_persons_orders():
    of = relation_of(TEA_AND_MILK)
    assert of("tea", "milk") > 0
    assert of("nails", "hammer") == 0  # cid bought them twice, and nobody else did


def test_every_guests_order_is_a_person_of_its_own():
    guests = [
        (order, None if customer == "cid" else customer, *rest) for order, customer, *rest in TEA_AND_MILK
    ]
    assert relation_of(guests)("nails", "hammer") > 0


def test_a_higher_floor_asks_for_more_customers():
    third = [*TEA_AND_MILK, *lines_of(("6", "eve", ("tea", "milk"), DAY))]
    assert relation_of(TEA_AND_MILK, fewest_customers=3)("tea", "milk") == 0
    assert relation_of(third, fewest_customers=3)("tea", "milk") > 0


def test_what_chance_puts_together_is_no_relation():
    lines = lines_of(*((f"{n}", f"c{n}", ("bag", f"item-{n % 3}"), DAY) for n in range(9)))
    assert relation_of(lines)("item-0", "bag") < 1e-6  # the bag stands in every order


def test_a_long_order_says_less_of_each_of_its_pairs():
    short = lines_of(("1", "ann", ("tea", "milk"), DAY), ("2", "bob", ("tea", "milk"), DAY))
    long = lines_of(*((order, who, (*items, "a", "b", "c", "d"), day) for order, who, items, day in (
        ("1", "ann", ("tea", "milk"), DAY), ("2", "bob", ("tea", "milk"), DAY),
    )))  # fmt: skip
    others = lines_of(*((f"x{n}", f"c{n}", ("saw", "glue"), DAY) for n in range(20)))
    assert relation_of([*long, *others])("tea", "milk") < relation_of([*short, *others])("tea", "milk")


def test_an_old_order_says_less():
    def relation(day):
        lines = lines_of(("1", "ann", ("tea", "milk"), day), ("2", "bob", ("tea", "milk"), day))
        return relation_of([*lines, *lines_of(*((f"x{n}", f"c{n}", ("saw",), DAY) for n in range(20)))])

    assert relation(DAY - 9)("tea", "milk") < relation(DAY)("tea", "milk")


def test_the_item_that_sells_more_lately_comes_first():
    old = [("tea", "milk")] * 4
    lines = lines_of(
        *((f"a{n}", f"c{n}", (*items, "jam"), 1.0) for n, items in enumerate(old)),
        *((f"b{n}", f"d{n}", ("jam",), 300.0) for n in range(6)),
        *((f"m{n}", f"e{n}", ("milk",), 1.0) for n in range(6)),
    )
    history = history_of(lines, 301.0)
    matrix = BoughtTogether(half_life_days=1e6, linear_weight=0.0).fit(history).relation.toarray()
    tea, milk, jam = (history.items.position(item) for item in ("tea", "milk", "jam"))
    assert matrix[tea, jam] > matrix[tea, milk] > 0


BREAKFAST = lines_of(
    *((f"a{n}", f"a{n}", ("bread", "butter"), DAY) for n in range(30)),
    *((f"b{n}", f"b{n}", ("bread", "jam"), DAY) for n in range(30)),
    *((f"c{n}", f"c{n}", ("bread", "butter", "jam"), DAY) for n in range(12)),
    *((f"x{n}", f"x{n}", (f"thing-{n % 20}",), DAY) for n in range(200)),
)
"""Butter and jam share orders because both go with bread; to each other they are nothing."""


def test_the_linear_model_holds_back_what_goes_together_only_through_a_third():
    def share_of_jam(**settings):
        of = relation_of(BREAKFAST, **settings)
        return of("butter", "jam") / of("butter", "bread")

    assert share_of_jam(linear_weight=2.0, regularization=1.0) < 0.7 * share_of_jam()


def test_the_linear_model_relates_nothing_that_one_person_bought():
    for linear_items in (1, 3, 1000):
        of = relation_of(TEA_AND_MILK, linear_weight=5.0, linear_items=linear_items)
        assert of("nails", "hammer") == 0
        assert of("tea", "milk") > 0


def test_the_linear_model_is_the_closed_form():
    """Each column solves the ridge regression of its item on all others."""
    rng = np.random.default_rng(0)
    x = (rng.random((40, 6)) < 0.4).astype(np.float32)
    among = csr_array(np.ones((6, 6), np.float32))
    found = linear_relations(csr_array(x), among, regularization=2.0, n_items=6).toarray()
    for item in range(6):
        others = [other for other in range(6) if other != item]
        rest = x[:, others].astype(np.float64)
        weights = np.linalg.solve(rest.T @ rest + 2.0 * np.eye(5), rest.T @ x[:, item])
        assert found[others, item] == pytest.approx(np.maximum(weights, 0), abs=1e-6)
        assert found[item, item] == 0
    asked = rng.random((6, 6)) < 0.4
    some = linear_relations(csr_array(x), csr_array(asked), regularization=2.0, n_items=6).toarray()
    np.testing.assert_array_equal(some, found * asked)


def test_the_linear_model_knows_the_items_of_most_orders():
    x = np.array([[1, 1, 0, 1], [1, 1, 0, 1], [1, 1, 1, 0]], np.float32)
    among = csr_array(np.ones((4, 4), np.float32))
    found = linear_relations(csr_array(x), among, regularization=0.1, n_items=2).toarray()
    assert found[0, 1] > 0 and found[1, 0] > 0
    assert np.count_nonzero(found) == 2


def test_it_finds_the_planted_tastes():
    history = history_of(planted_lines(), 121.0)
    relation = BoughtTogether().fit(history).relation
    for taste, items in TASTES.items():
        strongest = relation[[history.items.position(items[0])], :].toarray().argmax()
        assert history.items.ids[strongest].startswith(taste)


def test_an_empty_history_relates_nothing():
    history = history_of(TEA_AND_MILK, DAY)
    nothing = type(history)(
        order=history.order[:0], customer=history.customer[:0], item=history.item[:0],
        age_days=history.age_days[:0], n_orders=0, customers=history.customers, items=history.items,
    )  # fmt: skip
    assert BoughtTogether().fit(nothing).relation.nnz == 0


ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cid", None]),
        st.sets(st.sampled_from("abcde"), min_size=1, max_size=5),
    ),
    min_size=1,
    max_size=12,
)


@given(ORDERS)
def test_orders_and_buyers_in_common_are_those_one_would_count(orders):
    lines = [(f"{n}", who, item, 1.0, 1.0) for n, (who, items) in enumerate(orders) for item in sorted(items)]
    history = history_of(lines, 1.0)
    baskets, buyer = history.baskets(), buyers_of_orders(history)
    pairs = [(one, other) for one in history.items.ids for other in history.items.ids]
    anchor, item = (np.array([history.items.position(pair[side]) for pair in pairs]) for side in (0, 1))
    found = shared_by_pairs(baskets, buyer, anchor, item)
    for place, pair in enumerate(pairs):
        both = [who or n for n, (who, items) in enumerate(orders) if set(pair) <= items]
        assert (found.together[place], found.buyers[place]) == (len(both), len(set(both)))


def test_pairs_are_the_same_whatever_the_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    rows = csr_array((rng.random((60, 20)) * (rng.random((60, 20)) < 0.3)).astype(np.float32))
    anchor, item = rng.integers(20, size=(2, 500))
    buyer = rng.integers(9, size=60)
    whole = shared_by_pairs(rows, buyer, anchor, item)
    monkeypatch.setattr(shared_orders, "_BLOCK_WORK", 30)
    parts = shared_by_pairs(rows, buyer, anchor, item)
    assert whole.together.tolist() == parts.together.tolist()
    assert whole.buyers.tolist() == parts.buyers.tolist()
    assert whole.together == pytest.approx((rows.T @ rows).toarray()[anchor, item], rel=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BoughtTogether(half_life_days=0), "half_life_days"),
        (lambda: BoughtTogether(shrinkage=-1), "shrinkage"),
        (lambda: BoughtTogether(fewest_customers=1), "fewest_customers must be at least 2"),
        (lambda: BoughtTogether(n_neighbours=0), "n_neighbours"),
        (lambda: BoughtTogether(linear_weight=-1), "linear_weight"),
        (lambda: BoughtTogether(linear_items=0), "linear_items"),
        (lambda: BoughtTogether(regularization=0), "regularization"),
    ],
)
def test_a_setting_out_of_range_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_items_that_numbers_cannot_tell_apart_are_said_to_be():
    # Two columns alike, and a product of the two that rounding has made larger than either's own.
    products = np.array([[1.0, np.nextafter(np.float32(1), np.float32(2))]] * 2)
    products[1] = products[1][::-1]
    with pytest.raises(ConfigError, match="raise regularization"):
        weights_of_products(products, 1e-9)
