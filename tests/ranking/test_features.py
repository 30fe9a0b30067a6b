from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.catalog import Catalog
from recommender.data.history import DAY, PurchaseHistory
from recommender.data.returns import net_of_returns
from recommender.ranking import features
from recommender.ranking.candidates import Candidates
from recommender.ranking.features import FeatureTables
from tests.shops import log_of

LINES = [
    ("o1", "ann", "tea", 1.0, 10),
    ("o2", "ann", "tea", 3.0, 20),
    ("o2", "ann", "cup", 1.0, 20),
    ("o3", "ann", "tea", 1.0, 40),
    ("o4", "bob", "cup", 1.0, 35),
    ("o5", None, "cup", 2.0, 45),
]
DAY_OF_LOOKING = 50


def tables_of(lines, day=DAY_OF_LOOKING):
    orders = net_of_returns(log_of(lines)).orders
    return orders, FeatureTables.of(
        orders, PurchaseHistory.at(orders, day * DAY), Catalog.unknown(orders.items)
    )


def features_of(customer, item, lines=LINES):
    """The features of one pair by name."""
    orders, tables = tables_of(lines)
    at = np.array([orders.customers.position(customer)], np.int32)
    pair = Candidates(
        n_customers=1,
        row=np.zeros(1, np.int32),
        item=np.array([orders.items.position(item)], np.int32),
        scores=np.array([[0.25]], np.float32),
        bought=np.zeros(1, bool),
        models=("als",),
    )
    return dict(zip(tables.names(("als",)), tables.features(at, pair)[0].tolist(), strict=True))


def test_what_a_customer_bought_three_times_is_described_by_its_rhythm():
    tea = features_of("ann", "tea")
    assert (tea["times"], tea["days_since_last"], tea["days_since_first"]) == (3, 10, 40)
    assert (tea["gap"], tea["last_gap"]) == (15, 20)
    assert tea["overdue"] == pytest.approx(10 / 15)
    # Gaps of 10 and 20 days deviate by 5 from their mean of 15.
    assert tea["gap_spread"] == pytest.approx(5 / 15)
    assert tea["faded_20"] == pytest.approx(2**-0.5 + 2**-1.5 + 2**-2)
    # Bought in the newest order, the one before it and the one before that.
    assert tea["faded_by_orders"] == pytest.approx(1 + 2 ** (-1 / 3) + 2 ** (-2 / 3))
    assert (tea["orders_ago"], tea["in_last_orders"], tea["share_of_orders"]) == (0, 3, 1)
    assert tea["quantity"] == pytest.approx((2 * np.log(2) + np.log(4)) / 3)
    assert tea["last_quantity"] == pytest.approx(np.log(2))


def test_a_single_purchase_has_no_gap():
    cup = features_of("ann", "cup")
    assert (cup["times"], cup["orders_ago"]) == (1, 1)
    assert all(np.isnan(cup[name]) for name in ("gap", "gap_spread", "last_gap", "overdue"))


def test_two_purchases_have_a_gap_but_no_spread():
    lines = [("a", "ann", "tea", 1.0, 1), ("b", "ann", "tea", 1.0, 5)]
    tea = features_of("ann", "tea", lines)
    assert tea["gap"] == 4
    assert np.isnan(tea["gap_spread"])


def test_what_a_customer_never_bought_has_nothing_to_say_of_the_pair():
    tea = features_of("bob", "tea")
    assert all(np.isnan(tea[name]) for name in ("times", "faded_60", "days_since_last", "share_of_orders"))
    assert tea["score_als"] == 0.25


def test_an_item_is_described_by_all_orders_guests_included():
    cup = features_of("bob", "cup")
    assert (cup["item_orders"], cup["item_buyers"], cup["item_days_since_sold"]) == (3, 2, 5)
    assert cup["item_age"] == 30
    assert cup["item_last_28_days"] == 2
    # First times are those of known customers: ann's 30 days ago and bob's 15.
    assert cup["item_first_times_28"] == pytest.approx(2 ** (-30 / 28) + 2 ** (-15 / 28))
    # Nobody came back for a cup: (0 + 1) / (2 + 10).
    assert cup["item_bought_again"] == pytest.approx(1 / 12)


def test_a_customer_is_described_by_their_orders():
    ann = features_of("ann", "tea")
    assert (ann["orders"], ann["days_since_order"], ann["days_since_first_order"]) == (3, 10, 40)
    assert ann["days_between_orders"] == 15
    assert ann["basket_size"] == pytest.approx(4 / 3)
    assert (ann["distinct_items"], ann["share_of_new"]) == (2, 0.5)


def test_orders_with_an_unknown_price_do_not_spoil_the_features():
    orders, _ = tables_of(LINES)
    orders.unit_price[:2] = np.nan
    tables = FeatureTables.of(
        orders, PurchaseHistory.at(orders, DAY_OF_LOOKING * DAY), Catalog.unknown(orders.items)
    )
    assert np.isfinite(tables.items["item_price"]).all()
    assert np.isfinite(tables.customers["usual_price"]).all()


def test_an_order_after_the_moment_is_refused():
    with pytest.raises(ValueError, match="after the moment"):
        tables_of(LINES, day=44)


def test_a_thing_is_like_what_else_the_customer_bought_by_its_words():
    names = {"tea": "Red Mug", "cup": "red cup", "pot": "garden spade", "hat": "Garden hat"}
    lines = [
        ("a", "ann", "tea", 1.0, 1), ("b", "bob", "pot", 1.0, 2), ("c", "eve", "cup", 1.0, 3),
        ("d", "eve", "hat", 1.0, 4),
    ]  # fmt: skip
    orders = log_of(lines)
    catalog = replace(Catalog.unknown(orders.items), title=tuple(names[i] for i in orders.items.ids))
    tables = FeatureTables.of(orders, PurchaseHistory.at(orders, 5 * DAY), catalog)
    ann, items = np.zeros(1, np.int32), np.arange(4, dtype=np.int32)
    found = tables.words["words_180"].likeness(ann, np.zeros(4, np.int32), items)
    like = dict(zip(orders.items.ids, found, strict=True))
    # Ann bought a red mug. "Red" and "garden" are the only words that two things share.
    assert like["cup"] == pytest.approx(1)
    assert (like["pot"], like["hat"]) == (0, 0)
    assert like["tea"] == pytest.approx(0, abs=1e-6)  # what she has is not like something else she has


def test_a_customer_is_described_by_the_categories_they_buy_from():
    lines = [
        ("a", "ann", "tea", 1.0, 20), ("b", "ann", "cup", 1.0, 50), ("b", "ann", "saw", 1.0, 50),
        ("c", "bob", "pot", 1.0, 50),
    ]  # fmt: skip
    category = {"tea": "drinks", "cup": "drinks", "pot": "drinks", "saw": "tools"}
    orders = log_of(lines)
    catalog = replace(Catalog.unknown(orders.items), category=tuple(category[i] for i in orders.items.ids))
    tables = FeatureTables.of(orders, PurchaseHistory.at(orders, 50 * DAY), catalog)
    ann, bob = orders.customers.positions(["ann", "bob"])
    pot, saw = orders.items.positions(["pot", "saw"])
    found = tables.categories.features(np.array([ann, bob]), np.array([0, 0, 1]), np.array([pot, saw, saw]))
    faded, share, *_, days = (column.tolist() for column in found)
    # Ann's tea of 30 days ago counts half, her cup and her saw of today count whole.
    assert faded == pytest.approx([1.5, 1, 0])
    assert share == pytest.approx([0.6, 0.4, 0])
    assert days[:2] == pytest.approx([0, 0]) and np.isnan(days[2])


def test_without_categories_nothing_is_said_of_them():
    cup = features_of("ann", "cup")
    assert np.isnan(cup["category_share_30"]) and np.isnan(cup["days_since_category"])


def test_of_two_orders_of_one_moment_the_higher_id_is_the_newer():
    lines = [("o1", "ann", "tea", 1.0, 10), ("o2", "ann", "cup", 1.0, 10)]
    assert features_of("ann", "cup", lines)["orders_ago"] == 0
    assert features_of("ann", "tea", lines)["orders_ago"] == 1


def pairs_of(orders, customers):
    """Every item as a candidate of these customers."""
    n_items = len(orders.items)
    row = np.repeat(np.arange(len(customers), dtype=np.int32), n_items)
    item = np.tile(np.arange(n_items, dtype=np.int32), len(customers))
    scores = np.ones((len(row), 1), np.float32)
    return Candidates(len(customers), row, item, scores, np.zeros(len(row), bool), ("als",))


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"), st.integers(0, 9), st.integers(1, 3)),
        min_size=1,
        max_size=30,
    )
)
def test_customers_looked_at_together_are_described_as_they_are_alone(bought):
    lines = [(f"{who}{day}", who, item, float(n), day) for who, item, day, n in bought]
    orders, tables = tables_of(lines)
    everyone = np.arange(len(orders.customers), dtype=np.int32)[::-1]
    together = tables.features(everyone, pairs_of(orders, everyone))
    alone = [tables.features(one, pairs_of(orders, one)) for one in everyone[:, None]]
    np.testing.assert_array_equal(together, np.concatenate(alone))
    times = dict(zip(tables.names(("als",)), together.T, strict=True))["times"]
    found = {
        (orders.customers.ids[everyone[at // len(orders.items)]], orders.items.ids[at % len(orders.items)]): n
        for at, n in enumerate(times.tolist())
        if not np.isnan(n)
    }
    assert found == Counter(pairs_in_orders(bought))


def pairs_in_orders(bought):
    """Customer and item, once for each order that holds the item."""
    return [(who, item) for who, item, _ in {(who, item, day) for who, item, day, _ in bought}]


def test_the_rhythm_of_a_purchase_is_looked_up_for_any_of_its_customers(monkeypatch):
    orders, tables = tables_of(LINES)
    ann, bob = orders.customers.positions(["ann", "bob"])
    cup, tea = orders.items.positions(["cup", "tea"])
    asked = np.array([bob, ann, bob], np.int32), np.array([0, 1, 1, 2]), np.array([cup, tea, cup, cup])
    for most in (100, 1):
        monkeypatch.setattr(features, "_BLOCK_LINES", most)
        times, gap = tables.rhythms(*asked)
        assert times.tolist() == [1, 3, 1, 1]
        assert gap[1] == 15 and np.isnan(gap[[0, 2, 3]]).all()


def test_a_moment_without_a_known_customer_has_features_all_the_same():
    _, tables = tables_of([("o", None, "tea", 1.0, 10)])
    assert not len(tables.rhythms(np.zeros(0, np.int32), np.zeros(0, int), np.zeros(0, np.int32))[0])
    assert tables.items["item_orders"].tolist() == [1]
