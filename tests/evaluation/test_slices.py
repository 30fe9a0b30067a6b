from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog
from recommender.data.vocabulary import Vocabulary
from recommender.evaluation.slices import (
    MOST_CATEGORIES,
    Groups,
    categories_of,
    groups_of,
    main_category,
    slices,
)
from tests.evaluation.shop import window_of

WINDOW = window_of()


def groups(**changes):
    category = np.array([0, 1, -1, 0], np.int32)  # jam, milk, new, tea
    found = groups_of([replace(WINDOW, **changes)], ("food", "milk"), category)
    return {g.dimension: [g.names[n] if n >= 0 else None for n in g.group] for g in found}


def test_customers_are_parted_by_their_orders_before_the_cut():
    named = groups(orders_before=np.array([1, 3, 10]))["activity"]
    assert named == ["1 order", "2–3 orders", "10 orders and more"]
    assert groups(orders_before=np.array([2, 4, 9]))["activity"] == ["2–3 orders", "4–9 orders", "4–9 orders"]


def test_customers_are_parted_by_the_days_since_their_last_order():
    named = groups(days_since_order=np.array([0.0, 30.0, 30.5]))["recency"]
    assert named == ["up to 30 days ago", "up to 30 days ago", "31–90 days ago"]
    assert groups(days_since_order=np.array([91, 180.0, 181]))["recency"][1:] == [
        "91–180 days ago",
        "over 180 days ago",
    ]


def test_customers_are_parted_by_what_they_then_bought_most():
    # Ann buys tea and jam, bob milk, cid nothing known.
    assert groups()["category"] == ["food", "milk", None]


def test_without_categories_nobody_is_parted_by_them():
    found = groups_of([WINDOW], (), np.full(4, -1, np.int32))
    assert [g.dimension for g in found] == ["activity", "recency"]


def test_of_equally_frequent_categories_the_first_counts():
    truth = csr_array(np.array([[1.0, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 1]]))
    category = np.array([1, 0, 0, -1], np.int32)
    # One each: category 0; two of 0; one of 1 and one of none: 1.
    assert main_category(truth, category, 2).tolist() == [0, 0, 1]


def test_categories_are_numbered_by_name_and_blank_ones_are_none():
    items = Vocabulary(("a", "b", "c", "d"))
    catalog = replace(Catalog.unknown(items), category=("tea", None, "jam", ""))
    names, number = categories_of(catalog)
    assert (names, number.tolist()) == (("jam", "tea"), [1, -1, 0, -1])


def sliced(dimension, sizes, values=None):
    """Slices of groups of these sizes, everybody judged once."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    found = Groups(dimension, tuple(f"g{n:02}" for n in range(len(sizes))), group)
    ndcg = np.linspace(0, 1, len(group)) if values is None else values
    return slices(found, "all", ndcg, np.zeros(len(group)), np.arange(len(group)))


def test_a_slice_has_its_own_mean_and_gain():
    (one, two) = sliced("activity", [30, 30], np.repeat([0.2, 0.6], 30))
    assert (one.name, one.customers, one.few) == ("g00", 30, False)
    assert one.ndcg.mean == pytest.approx(0.2)
    assert two.gain.mean == pytest.approx(0.6)
    assert two.baseline_ndcg == 0.0


def test_small_slices_are_marked():
    assert [one.few for one in sliced("activity", [29, 30])] == [True, False]


def test_small_categories_are_put_together():
    found = sliced("category", [40, 10, 25, 35])
    assert [(one.name, one.customers) for one in found] == [("g00", 40), ("g03", 35), ("other", 35)]


def test_only_the_largest_categories_stand_alone():
    found = sliced("category", [30] * MOST_CATEGORIES + [31, 30])
    assert len(found) == MOST_CATEGORIES + 1
    assert "g20" in {one.name for one in found}
    assert found[-1].customers == 60


def test_customers_and_not_lists_make_a_slice_large():
    groups_ = Groups("activity", ("all",), np.zeros(40, int))
    (one,) = slices(groups_, "all", np.ones(40), np.zeros(40), np.repeat(np.arange(20), 2))
    assert (one.customers, one.few) == (20, True)


def test_who_cannot_be_judged_is_in_no_slice():
    ndcg = np.array([0.5, np.nan, 0.7])
    found = Groups("activity", ("a", "b"), np.array([0, 1, 0]))
    (one,) = slices(found, "all", ndcg, ndcg, np.arange(3))
    assert (one.name, one.customers) == ("a", 2)
