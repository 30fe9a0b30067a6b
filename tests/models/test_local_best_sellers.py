"""Best sellers of a place, with the arithmetic beside them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.history import DAY
from recommender.data.places import NOWHERE, Places
from recommender.models.local_best_sellers import LocalBestSellers
from recommender.ranking.build import local_best_sellers
from recommender.ranking.lists import SOURCES
from tests.shops import log_of

# Orders 1 to 3 from France hold tea, 4 and 5 from Japan rice; order 6 is from nobody knows where.
LINES = [
    ("1", "ann", "tea", 1.0, 0.0), ("2", "bob", "tea", 1.0, 0.0), ("3", None, "tea", 1.0, 0.0),
    ("4", None, "rice", 1.0, 0.0), ("5", "cid", "rice", 1.0, 0.0), ("5", "cid", "tea", 1.0, 0.0),
    ("6", "dan", "rice", 1.0, 0.0),
]  # fmt: skip
ORDERS = log_of(LINES)
PLACES = Places(np.array([0, 0, 0, 1, 1, NOWHERE], np.int32), ("France", "Japan"))
RICE, TEA = ORDERS.items.position("rice"), ORDERS.items.position("tea")


def fit(lines=LINES, places=PLACES, day=0.0, fewest_orders=1, **settings):
    spec = LocalBestSellers(fewest_orders=fewest_orders, **settings)
    return spec.fit(log_of(lines), places, int(day * DAY))


def sold(*arguments, **settings):
    """How well each item sells in each place, shape (n_places, n_items)."""
    model = fit(*arguments, **settings)
    return model.local.toarray() + model.prior


def listed(model, eligible=(True, True), length=2):
    return [row.items.tolist() for row in local_best_sellers(model, np.array(eligible), length)]


def test_each_place_counts_its_own_orders_guests_included():
    of_france, of_japan = sold(pseudo_orders=0)
    assert (of_france[TEA], of_france[RICE]) == (3, 0)
    # Tea had only one buyer in Japan, so it is as if nobody had bought it there.
    assert (of_japan[TEA], of_japan[RICE]) == (0, 2)


def test_every_place_starts_with_orders_of_the_whole_shop():
    # Of the shop's six orders four hold tea and three rice; six pseudo-orders are as much again.
    of_france, _ = sold(pseudo_orders=6)
    assert of_france[TEA] == pytest.approx(3 + 4)
    assert of_france[RICE] == pytest.approx(0 + 3)


def test_with_enough_pseudo_orders_every_place_lists_the_shops_best_sellers():
    assert (sold(pseudo_orders=1000).argmax(axis=1) == TEA).all()


def test_an_order_counts_half_after_one_half_life():
    assert sold(pseudo_orders=0, half_life_days=14, day=14.0)[0, TEA] == pytest.approx(1.5)


def test_two_lines_of_an_item_in_one_order_count_once():
    twice = [*LINES, ("1", "ann", "tea", 2.0, 0.0)]
    assert sold(twice, pseudo_orders=0)[0, TEA] == 3


def test_a_shop_without_orders_or_places_has_no_local_best_sellers():
    nothing = Places(np.zeros(0, np.int32), ())
    empty = ORDERS.until(-1)
    assert LocalBestSellers().fit(empty, nothing, 0).names == ()
    assert LocalBestSellers().fit(empty, PLACES, 0).names == ()
    assert len(local_best_sellers(LocalBestSellers().fit(empty, PLACES, 0), np.ones(2, bool), 5)) == 0


def test_a_place_with_few_orders_has_no_list():
    # An order from nowhere counts for no place.
    assert fit(fewest_orders=2).names == ("France", "Japan")
    assert fit(fewest_orders=3).names == ("France",)
    assert sold(fewest_orders=3, pseudo_orders=0).tolist() == [[0, 3]]


def test_lists_hold_what_sells_in_the_place_and_then_in_the_shop():
    assert listed(fit(pseudo_orders=0)) == [[TEA], [RICE]]
    assert listed(fit(pseudo_orders=1)) == [[TEA, RICE], [RICE, TEA]]
    assert listed(fit(pseudo_orders=1), length=1) == [[TEA], [RICE]]


def test_what_only_the_whole_shop_buys_is_marked_so():
    _, of_japan = local_best_sellers(fit(pseudo_orders=1), np.array([True, True]), 2)
    names = dict(zip(of_japan.items.tolist(), (SOURCES[source] for source in of_japan.sources), strict=True))
    assert names == {RICE: "local_best_sellers", TEA: "best_sellers"}


def test_a_regular_of_many_orders_is_still_one_customer():
    often = [*LINES, *((f"7{n}", "eve", "mat", 1.0, 0.0) for n in range(9))]
    orders = log_of(often)
    in_japan = Places(np.array([0, 0, 0, 1, 1, NOWHERE] + [1] * 9, np.int32), ("France", "Japan"))
    model = LocalBestSellers(fewest_orders=1).fit(orders, in_japan, 0)
    assert model.local.toarray()[1, orders.items.position("mat")] == 0


def test_what_may_not_be_shown_is_in_no_list():
    assert listed(fit(pseudo_orders=1), eligible=(False, True)) == [[TEA], [TEA]]


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 6)), max_size=40), st.floats(0, 50))
def test_lists_are_the_best_of_all_items_though_only_some_are_looked_at(bought, pseudo_orders):
    lines = [(f"o{order}", None, f"i{item}", 1.0, 0.0) for order, item in {*bought}]
    orders = log_of([*lines, *((f"o{order}", None, "i0", 1.0, 0.0) for order in range(9))])
    places = Places((np.arange(9) % 3).astype(np.int32), ("a", "b", "c"))
    model = LocalBestSellers(fewest_orders=1, pseudo_orders=pseudo_orders).fit(orders, places, 0)
    whole = (model.local.toarray() + model.prior).astype(np.float32)
    lists = local_best_sellers(model, np.ones(len(orders.items), bool), 3)
    for sold, ranked in zip(whole, lists, strict=True):
        wanted = [item for item in np.argsort(-sold, kind="stable")[:3] if sold[item] > 0]
        assert ranked.items.tolist() == wanted


@pytest.mark.parametrize("settings", [{"half_life_days": 0}, {"pseudo_orders": -1}, {"fewest_orders": 0}])
def test_a_setting_out_of_range_is_named(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        LocalBestSellers(**settings)
