"""Half of a real order in the cart, the other half to be found."""

import numpy as np
import pytest

from recommender.data.history import DAY, PurchaseHistory
from recommender.data.orders import GUEST
from recommender.evaluation.cross_sell import CartLists, Carts, OrdersInCommon, SameForAll
from recommender.evaluation.split import TemporalSplit
from recommender.ranking.cart import NOTHING
from recommender.ranking.lists import RecommendationList
from tests.ranking.tables import table_of
from tests.shops import log_of

JAM, MILK, NAILS, TEA, SAW = range(5)

LINES = [
    ("01", "ann", "tea", 1.0, 1.0), ("01", "ann", "milk", 1.0, 1.0),
    ("02", "bob", "tea", 1.0, 2.0), ("02", "bob", "milk", 1.0, 2.0),
    ("03", "bob", "tea", 1.0, 3.0), ("03", "bob", "jam", 1.0, 3.0), ("03", "bob", "nails", 1.0, 3.0),
    # After the cut: orders of ann, of a stranger, of a guest, and one of too few items.
    ("11", "ann", "tea", 2.0, 11.0), ("11", "ann", "milk", 1.0, 11.0), ("11", "ann", "jam", 1.0, 11.0),
    ("12", "zoe", "tea", 1.0, 11.0), ("12", "zoe", "milk", 1.0, 11.0), ("12", "zoe", "jam", 1.0, 11.0),
    ("13", None, "tea", 1.0, 12.0), ("13", None, "milk", 1.0, 12.0), ("13", None, "jam", 1.0, 12.0),
    ("13", None, "nails", 1.0, 12.0),
    ("14", "ann", "tea", 1.0, 13.0), ("14", "ann", "milk", 1.0, 13.0),
]  # fmt: skip
LOG = log_of(LINES)


def split_of(lines=LINES):
    return TemporalSplit.at(log_of(lines), 10 * DAY, days=10, min_item_lines=1)


def carts_of(**wanted):
    return Carts.of(split_of(), LOG.items, **wanted)


def ranked(*items):
    return RecommendationList(
        np.array(items, np.int32),
        np.arange(len(items), 0, -1, dtype=np.float32),
        np.zeros(len(items), np.uint8),
        np.zeros(len(items), bool),
    )


def rows(matrix):
    return [set(row.nonzero()[0].tolist()) for row in matrix.toarray()]


def test_half_of_every_order_of_three_known_items_and_more_is_shown():
    carts = carts_of()
    assert [len(shown) for shown in rows(carts.shown)] == [1, 1, 2]  # three are halved to one
    for shown, hidden, whole in zip(
        rows(carts.shown), rows(carts.hidden), [{TEA, MILK, JAM}] * 2 + [{TEA, MILK, JAM, NAILS}], strict=True
    ):
        assert shown | hidden == whole
        assert not shown & hidden


def test_a_cart_is_known_where_its_customer_ordered_before_the_cut():
    carts, ann = carts_of(), LOG.customers.position("ann")
    assert carts.customer.tolist() == [ann, GUEST, GUEST]
    assert len(set(carts.whose.tolist())) == 3  # zoe and the guest are persons of their own


def test_another_seed_shows_other_halves_and_the_same_seed_the_same():
    halves = {seed: [sorted(row) for row in rows(carts_of(seed=seed).shown)] for seed in range(20)}
    assert len({str(half) for half in halves.values()}) > 1
    assert [sorted(row) for row in rows(carts_of(seed=3).shown)] == halves[3]


def test_of_many_orders_so_many_are_drawn():
    assert [len(carts_of(most=most)) for most in (0, 2, 9)] == [0, 2, 3]


def test_what_the_cart_holds_is_left_out_before_the_list_is_judged():
    marked = carts_of().marked(SameForAll(ranked(NAILS, TEA, MILK, JAM)).answer, known=False, n_places=4)
    # Whatever is shown of tea, milk and jam, nails stand first, and the two others second and third.
    assert marked.hits[0].tolist() == [False, True, True, False]
    assert marked.n_relevant.tolist() == [2, 2, 2]


def test_only_known_customers_carts_are_judged_where_it_is_told_whose_they_are():
    told = []

    def answer(items, customer):
        told.append(customer)
        return ranked(JAM)

    marked = carts_of().marked(answer, known=True, n_places=2)
    assert np.isnan(marked.values("ndcg", 2)).tolist() == [False, True, True]
    assert told == [LOG.customers.position("ann")]
    carts_of().marked(answer, known=False, n_places=2)
    assert told[1:] == [GUEST] * 3


def test_money_is_that_of_the_hidden_half():
    carts = carts_of()
    marked = carts.marked(SameForAll(NOTHING).answer, known=False, n_places=1)
    prices = {TEA: 2.0, MILK: 1.0, JAM: 1.0}
    assert marked.spent[0] == sum(prices[item] for item in rows(carts.hidden)[0])


def test_no_order_to_judge_is_no_cart():
    carts = Carts.of(split_of([line for line in LINES if line[0] < "11" or line[0] == "14"]), LOG.items)
    assert len(carts) == 0
    assert len(carts.marked(SameForAll(NOTHING).answer, known=False, n_places=3)) == 0


def test_a_shop_of_guests_has_guests_carts():
    lines = [(order, None, *rest) for order, _, *rest in LINES]
    assert set(Carts.of(split_of(lines), LOG.items).customer.tolist()) == {GUEST}


@pytest.fixture
def stored():
    return CartLists(
        together=table_of([[MILK], [JAM, TEA], []]),
        similar=table_of([[], [], [SAW, NAILS, TEA]]),
        row_of_item=np.array([-1, 1, -1, 0, 2], np.int32),
        own=table_of([[NAILS]]),
        orders=table_of([[], []]),
        row_of_customer=np.array([0, -1], np.int32),
        best_sellers=ranked(TEA),
    )


def test_a_cart_is_answered_from_the_lists_of_its_items_and_of_its_customer(stored):
    assert stored.answer(np.array([TEA, JAM]), GUEST).items.tolist() == [MILK]
    assert stored.answer(np.array([TEA, MILK]), GUEST).items.tolist() == [JAM]
    assert stored.answer(np.array([TEA, MILK]), 1).items.tolist() == [JAM]
    assert set(stored.answer(np.array([TEA]), 0).items.tolist()) == {MILK, NAILS}


def test_where_nothing_goes_with_the_cart_its_customer_and_then_best_sellers_answer(stored):
    assert stored.answer(np.array([JAM]), 0).items.tolist() == [NAILS]
    assert stored.answer(np.array([NAILS]), 0).items.tolist() == [
        TEA
    ]  # the list holds but what is in the cart
    assert stored.answer(np.array([NAILS]), GUEST).items.tolist() == [TEA]


def test_a_cart_that_nothing_goes_with_shows_a_guest_what_is_similar(stored):
    assert stored.answer(np.array([SAW]), GUEST).items.tolist() == [NAILS, TEA]
    assert stored.answer(np.array([SAW, NAILS]), GUEST).items.tolist() == [TEA]
    assert stored.answer(np.array([SAW]), 0).items.tolist() == [NAILS]  # the customer's own list
    assert stored.answer(np.array([SAW, TEA]), GUEST).items.tolist() == [MILK]


def test_counting_ranks_by_orders_that_hold_both_added_up_over_the_cart():
    baskets = PurchaseHistory.at(LOG.until(10 * DAY), 10 * DAY).baskets()
    counts = OrdersInCommon(baskets, baskets.T.tocsr(), np.array([True, True, False, True]))
    found = counts.answer(np.array([TEA], np.int32), GUEST)
    assert (found.items.tolist(), found.scores.tolist()) == (
        [MILK, JAM],
        [2.0, 1.0],
    )  # nails may not be shown
