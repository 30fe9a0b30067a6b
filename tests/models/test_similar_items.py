"""What item pages show, from orders few enough to count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.models.item_knn import ItemKNN
from recommender.models.similar_items import SimilarItems
from tests.shops import history_of


def lines_of(bought):
    """A line a customer and item, each in an order of its own."""
    return [(f"{who}-{item}", who, item, 1.0, 0.0) for who, items in bought.items() for item in items]


def fitted(history, spec, alike=()):
    """Pages where these items, and no others, are of one category."""
    category = np.where(np.isin(history.items.ids, alike), 0, -1).astype(np.int32)
    return spec.fit(history, category).relation


def relation(bought, spec, alike=()):
    history = history_of(lines_of(bought), 0.0)
    return history.items, fitted(history, spec, alike).toarray()


def first(items, matrix, anchor):
    return items.ids[matrix[items.position(anchor)].argmax()]


FOUR = {"ann": ["tea", "milk"], "bob": ["tea", "milk"], "cid": ["tea", "nails"], "dan": ["nails"]}


def test_it_is_the_correlation_of_who_bought_what_one_more_having_bought_nothing():
    items, matrix = relation(FOUR, SimilarItems(shrinkage=1e-9))
    tea, milk, _ = np.array([[1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 1, 0]])
    by_hand = np.corrcoef(tea, milk)[0, 1]
    assert matrix[items.position("tea"), items.position("milk")] == pytest.approx(by_hand)


def test_pseudo_customers_stand_below_the_fraction():
    items, matrix = relation(FOUR, SimilarItems(shrinkage=7.0))
    # Tea has 3 buyers, milk 2, both 2, of 5.
    below = np.sqrt(3 * (1 - 3 / 5)) * np.sqrt(2 * (1 - 2 / 5)) + 7
    assert matrix[items.position("milk"), items.position("tea")] == pytest.approx((2 - 3 * 2 / 5) / below)


def test_what_fewer_customers_bought_both_of_is_no_relation():
    items, matrix = relation(FOUR, SimilarItems())
    assert not matrix[items.position("nails")].any()  # only cid has nails and tea
    _, of_three = relation(FOUR, SimilarItems(fewest_customers=3))
    assert not of_three.any()


def test_buying_it_again_makes_one_customer_no_more_than_one():
    again = [*lines_of(FOUR), *((f"again-{n}", "cid", "nails", 1.0, 0.0) for n in range(9))]
    once, often = (fitted(history_of(lines, 0.0), SimilarItems()) for lines in (lines_of(FOUR), again))
    assert np.array_equal(once.toarray(), often.toarray())


def test_guests_orders_say_nothing():
    guests = [(f"g{n}", None, item, 1.0, 0.0) for n in range(9) for item in ("tea", "nails")]
    history = history_of([*lines_of(FOUR), *guests], 0.0)
    nails = fitted(history, SimilarItems()).toarray()[history.items.position("nails")]
    assert not nails.any()


# Everybody buys the bag. Six buy nails, and three of these a hammer.
BAGS = {f"c{n:02}": ["bag", *(["nails"] * (n < 6)), *(["hammer"] * (n < 3))] for n in range(40)}


def test_what_everybody_buys_does_not_stand_before_what_goes_with_the_item():
    history = history_of(lines_of(BAGS), 0.0)
    cosines = ItemKNN().fit(history).relation.toarray()
    assert first(history.items, cosines, "nails") == "bag"  # which is why pages do not show them
    assert first(*relation(BAGS, SimilarItems()), "nails") == "hammer"


# With tea go milk and, of two customers more, nails.
TEA = {f"c{n:02}": ["tea"] * (n < 8) + ["milk"] * (n < 5) + ["nails"] * (n < 7) for n in range(20)}
TEA |= {"other": ["bag"]}


def test_of_one_category_counts_for_more():
    plain, bonus = SimilarItems(same_category=1.0), SimilarItems(same_category=2.0)
    drinks = ("tea", "milk")
    assert first(*relation(TEA, plain, drinks), "tea") == "nails"
    assert first(*relation(TEA, bonus, drinks), "tea") == "milk"
    # What has no category is not of one.
    _, before = relation(TEA, plain)
    _, after = relation(TEA, bonus)
    assert np.array_equal(before, after)


def test_in_a_shop_where_everybody_buys_everything_something_is_similar():
    items, matrix = relation({"ann": ["tea", "milk"], "bob": ["tea", "milk"]}, SimilarItems())
    assert matrix[items.position("tea"), items.position("milk")] > 0


baskets = st.dictionaries(
    st.sampled_from("abcdefgh"), st.lists(st.sampled_from("uvwxyz"), min_size=1), min_size=1
)


@given(baskets)
def test_pages_are_mutual_never_about_the_item_itself_and_above_nothing(bought):
    history = history_of(lines_of(bought), 0.0)
    found = fitted(history, SimilarItems(n_neighbours=6), alike="uv")
    assert (found.data > 0).all()
    matrix = found.toarray()
    assert np.array_equal(matrix, matrix.T)
    assert not matrix.diagonal().any()


@pytest.mark.parametrize(
    "settings", [{"shrinkage": 0.0}, {"same_category": 0.5}, {"fewest_customers": 1}, {"n_neighbours": 0}]
)
def test_a_setting_out_of_range_is_named(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        SimilarItems(**settings)
