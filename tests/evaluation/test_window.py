import numpy as np
import pytest

from recommender.data.history import DAY
from recommender.data.vocabulary import Vocabulary
from recommender.evaluation.tasks import TASKS, truth_of
from recommender.evaluation.window import Window
from tests.evaluation.shop import JAM, LINES, MILK, NEW, TEA, split_of, window_of
from tests.shops import log_of

WINDOW = window_of()
ANN, BOB, CID = range(3)


def pairs(matrix):
    return set(zip(*(axis.tolist() for axis in matrix.nonzero()), strict=True))


def test_customers_with_an_order_on_both_sides_are_judged():
    # Dan came after the cut only, the guests are nobody.
    ids = log_of(LINES).customers.ids
    assert [ids[customer] for customer in WINDOW.customers] == ["ann", "bob", "cid"]


def test_the_truth_holds_known_items_and_what_is_new_stands_beside_it():
    assert pairs(WINDOW.truth) == {(ANN, TEA), (ANN, JAM), (BOB, MILK)}
    assert pairs(WINDOW.new_items) == {(ANN, NEW), (CID, NEW)}
    assert WINDOW.known.tolist() == [True, True, False, True]


def test_the_next_basket_is_the_first_order_after_the_cut():
    assert pairs(WINDOW.next_basket) == {(ANN, TEA), (BOB, MILK)}


def test_of_two_orders_in_one_second_the_lower_id_is_the_first():
    lines = [*LINES, ("10b", "ann", "milk", 1.0, 11.0)]
    assert pairs(window_of(lines).next_basket) == {(ANN, MILK), (BOB, MILK)}


def test_an_order_of_several_times_is_one_order():
    lines = [*LINES, ("11", "ann", "milk", 1.0, 14.0)]
    assert (ANN, MILK) in pairs(window_of(lines).next_basket)


def test_money_is_quantity_times_price_and_unknown_prices_are_no_money():
    assert WINDOW.spent.toarray()[ANN].tolist() == [1.0, 0.0, 5.0, 3.0]
    log = log_of(LINES)
    log.unit_price[log.item == TEA] = np.nan
    split = split_of()
    split.later.unit_price[split.later.item == TEA] = np.nan
    assert Window.of(split, log.items).spent.toarray()[ANN].tolist() == [1.0, 0.0, 5.0, 0.0]


def test_what_was_bought_before_is_counted_in_orders_and_dated():
    assert WINDOW.bought.toarray().tolist() == [[0, 1, 0, 2], [1, 0, 0, 0], [0, 0, 0, 1]]
    assert WINDOW.last_bought.toarray()[ANN].tolist() == [0, DAY, 0, 6 * DAY]
    assert WINDOW.orders_before.tolist() == [2, 1, 1]
    assert WINDOW.days_since_order.tolist() == [4.0, 2.0, 1.0]


def test_buyers_are_customers_and_guests_are_none():
    assert WINDOW.buyers.tolist() == [1, 1, 0, 2]
    assert WINDOW.n_customers == 3


def test_a_vocabulary_of_known_items_only_leaves_new_ones_out():
    split = split_of()
    window = Window.of(split, split.train.items)
    assert window.new_items.nnz == 0
    assert window.truth.sum() == 3


def test_a_vocabulary_that_lacks_a_known_item_is_refused():
    with pytest.raises(ValueError, match="lacks items known at the cut"):
        Window.of(split_of(), Vocabulary(("tea",)))


def test_each_task_counts_what_it_says():
    counted = {task: pairs(truth_of(WINDOW, task)) for task in TASKS}
    assert counted == {
        "all": {(ANN, TEA), (ANN, JAM), (BOB, MILK)},
        "repeat": {(ANN, TEA)},
        "discover": {(ANN, JAM), (BOB, MILK)},
        "next_basket": {(ANN, TEA), (BOB, MILK)},
        "cold_customers": {(ANN, TEA), (ANN, JAM), (BOB, MILK)},
        "cold_items": {(ANN, NEW), (CID, NEW)},
    }


def test_customers_with_three_orders_are_no_longer_cold():
    lines = [*LINES, ("00", "ann", "tea", 1.0, 0.5)]
    assert pairs(truth_of(window_of(lines), "cold_customers")) == {(BOB, MILK)}


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match="no task 'colour'"):
        truth_of(WINDOW, "colour")


def test_of_very_many_customers_some_are_drawn_the_same_ones_again():
    split = split_of()
    one, again = (Window.of(split, log_of(LINES).items, most=2) for _ in range(2))
    assert len(one) == 2 and np.array_equal(one.customers, again.customers)
    at = np.searchsorted(WINDOW.customers, one.customers)
    assert np.array_equal(one.truth.toarray(), WINDOW.truth.toarray()[at])
    assert one.orders_before.tolist() == WINDOW.orders_before[at].tolist()
    # What is known of the shop is known of all of it.
    assert one.buyers.tolist() == WINDOW.buyers.tolist() and one.n_customers == WINDOW.n_customers
