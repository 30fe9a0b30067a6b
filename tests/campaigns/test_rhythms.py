"""What is known of a customer's rhythm with an item, by hand and against plain counting."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.campaigns.purchase_days import PurchaseDays
from recommender.campaigns.rhythms import NO_CATEGORY, Rhythms
from recommender.data.history import DAY
from tests.shops import log_of

NOW = 100 * DAY
COFFEE, MILK, TEA = range(3)
CATEGORY = np.array([1, 0, 1], np.int32)
"""Coffee and tea are of one."""


def days_of(*lines) -> PurchaseDays:
    return PurchaseDays.at(
        log_of([(f"{n}", who, item, 1.0, day) for n, (who, item, day) in enumerate(lines)]), NOW
    )


SHOP = days_of(
    ("ann", "tea", 40.5), ("ann", "tea", 60.5), ("ann", "tea", 70.5),
    ("ann", "milk", 40.5), ("ann", "milk", 95.5),
    ("ann", "coffee", 90.5),
    ("bob", "tea", 99.5),
)  # fmt: skip


def of_ann(item: int, days: PurchaseDays = SHOP, fewest_days: int = 1) -> dict[str, float]:
    found = Rhythms.of(days, CATEGORY, fewest_days=fewest_days)
    (row,) = np.flatnonzero((found.customer == 0) & (found.item == item))
    return dict(zip(found.names, found.features[row].tolist(), strict=True))


def test_the_rhythm_of_tea_by_hand():
    tea = of_ann(TEA)
    assert (tea["bought_days"], tea["since"], tea["known_for"]) == (3, 29, 59)
    assert (tea["mean_gap"], tea["last_gap"], tea["gap_spread"]) == (15, 10, 5)
    assert tea["since_to_mean"] == pytest.approx(29 / 15)
    assert tea["since_to_longest"] == pytest.approx(29 / 20)
    assert (tea["in_28_days"], tea["in_84_days"]) == (0, 3)


def test_the_visits_of_the_customer():
    tea = of_ann(TEA)
    # Days 40, 60, 70, 90 and 95; two of them after the last tea, four after the first.
    assert (tea["visits"], tea["visits_since_bought"], tea["visit_since"]) == (5, 2, 4)
    assert tea["bought_a_visit"] == pytest.approx(2 / 4)
    assert tea["visits_late"] == pytest.approx(1)


def test_something_else_of_the_category_is_seen():
    tea = of_ann(TEA)
    # Coffee was bought twenty days after the last tea.
    assert (tea["category_days"], tea["category_since"], tea["category_since_bought"]) == (4, 9, 1)
    assert tea["category_share"] == pytest.approx(3 / 4)


def test_without_a_category_nothing_is_said_of_one():
    found = Rhythms.of(SHOP, np.full(3, NO_CATEGORY, np.int32), fewest_days=1)
    columns = [number for number, name in enumerate(found.names) if name.startswith("category")]
    assert np.isnan(found.features[:, columns]).all()
    assert not np.isnan(np.delete(found.features, columns, axis=1)).any()


def test_what_was_bought_in_bulk_lasts_longer():
    lines = [("1", "ann", "tea", 1.0, 40.5), ("2", "ann", "tea", 1.0, 50.5)]
    small = PurchaseDays.at(log_of([*lines, ("3", "ann", "tea", 1.0, 60.5)]), NOW)
    large = PurchaseDays.at(log_of([*lines, ("3", "ann", "tea", 4.0, 60.5)]), NOW)
    category = np.zeros(1, np.int32)
    used = [
        dict(zip(found.names, found.features[0].tolist(), strict=True))["used_up"]
        for found in (Rhythms.of(days, category, fewest_days=1) for days in (small, large))
    ]
    # A packet does for ten days; 39 days after one it is used up 3.9 times, after four not once.
    assert used == pytest.approx([3.9, 39 / 40])


def test_too_few_days_are_no_rhythm():
    found = Rhythms.of(SHOP, CATEGORY, fewest_days=2)
    assert list(zip(found.customer.tolist(), found.item.tolist(), strict=True)) == [(0, MILK), (0, TEA)]
    assert found.since.tolist() == [4, 29]


def test_when_each_was_bought_next():
    then = Rhythms.of(SHOP.before(35), CATEGORY, fewest_days=1)
    later = SHOP.before(35 - 30).bought_within(30)
    told = dict(zip(then.item.tolist(), then.next_bought(later, 30).tolist(), strict=True))
    # 35 days ago is day 65: tea came on day 70, milk on day 95, which is the 31st.
    assert told == {TEA: 6, MILK: 0}


def test_of_nothing_nothing_is_known():
    nobody = PurchaseDays.at(log_of([("1", None, "tea", 1.0, 5.0)]), NOW)
    found = Rhythms.of(nobody, np.zeros(1, np.int32), fewest_days=1)
    assert found.features.shape == (0, len(found.names))
    assert len(found.next_bought(nobody, 7)) == 0


@st.composite
def histories(draw):
    lines = draw(
        st.lists(
            st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 99)),
            min_size=1,
            max_size=40,
        )
    )
    return [(who, item, day + 0.5) for who, item, day in lines]


@given(histories())
@settings(max_examples=60)
def test_counts_are_those_of_plain_counting(lines):
    days = days_of(*lines)
    log = log_of([(f"{n}", who, item, 1.0, day) for n, (who, item, day) in enumerate(lines)])
    category = np.arange(len(log.items), dtype=np.int32) % 2
    found = Rhythms.of(days, category, fewest_days=1)
    distinct = {(who, item, 99 - int(day)) for who, item, day in lines}
    for row, (customer, item) in enumerate(zip(found.customer, found.item, strict=True)):
        who, what = log.customers.ids[customer], log.items.ids[item]
        own = sorted(ago for w, i, ago in distinct if (w, i) == (who, what))
        visits = {ago for w, _, ago in distinct if w == who}
        alike = {
            ago for w, i, ago in distinct if w == who and category[log.items.position(i)] == category[item]
        }
        said = dict(zip(found.names, found.features[row].tolist(), strict=True))
        assert said["bought_days"] == len(own)
        assert said["since"] == own[0] and said["known_for"] == own[-1]
        assert said["visits"] == len(visits)
        assert said["visits_since_bought"] == sum(ago < own[0] for ago in visits)
        assert said["category_days"] == len(alike)
        assert said["category_since"] == min(alike)
        assert said["item_buyers"] == len({w for w, i, _ in distinct if i == what})


@given(histories(), st.integers(1, 60))
@settings(max_examples=40)
def test_nothing_of_what_came_later_is_seen(lines, days_ago):
    whole, known = days_of(*lines), days_of(*[line for line in lines if line[2] < 100 - days_ago])
    category = np.zeros(whole.n_items, np.int32)
    then = Rhythms.of(whole.before(days_ago), category, fewest_days=1)
    # The same, told by a shop that ends there; ids that came later have no position in it.
    if len(known):
        alone = Rhythms.of(
            replace(known, ago=known.ago - days_ago), np.zeros(known.n_items, np.int32), fewest_days=1
        )
        assert np.array_equal(then.features, alone.features)
