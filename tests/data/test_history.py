from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.history import PurchaseHistory, recency_decay
from recommender.data.vocabulary import Vocabulary
from tests.shops import history_of, log_of


def test_decay_halves_per_half_life():
    assert recency_decay(np.array([0.0, 10, 20]), 10).tolist() == [1, 0.5, 0.25]


@given(st.floats(0, 1000), st.floats(1, 500))
def test_decay_never_grows_with_age(age, half_life):
    younger, older = recency_decay(np.array([age, age + 1]), half_life)
    assert older <= younger <= 1


def test_a_history_that_is_not_sorted_by_time_is_refused():
    history = history_of([("1", "ann", "tea", 1.0, 0.0), ("2", "ann", "tea", 3.0, 10.0)], 10.0)
    with pytest.raises(ValueError, match="oldest purchase first"):
        replace(history, age_days=history.age_days[::-1])


def test_interactions_add_up_faded_orders_and_leave_guests_out():
    lines = [("1", "ann", "tea", 1.0, 0.0), ("2", "ann", "tea", 3.0, 10.0), ("3", None, "tea", 1.0, 10.0)]
    assert history_of(lines, 10.0).interactions(10).toarray().tolist() == [[1.5]]


def test_baskets_hold_guests_too():
    lines = [("1", "ann", "tea", 1.0, 0.0), ("2", None, "tea", 1.0, 0.0), ("2", None, "milk", 2.0, 0.0)]
    assert history_of(lines, 0.0).baskets().toarray().tolist() == [[0, 1], [1, 1]]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["ann", "bob", "cid", None]), st.integers(0, 3)))
)
def test_the_buyers_of_an_item_are_its_different_customers(bought):
    lines = [(f"{order}", customer, f"{item}", 1.0, 1.0) for order, customer, item in bought]
    history = history_of([*lines, ("other", None, "4", 1.0, 1.0)], 1.0)
    expected = np.bincount(history.interactions(np.inf).indices, minlength=len(history.items))
    assert history.buyers_of_items().tolist() == expected.tolist()


def test_an_item_that_two_customers_share_an_order_for_counts_for_both_and_once_in_the_basket():
    history = history_of([("1", "ann", "tea", 1.0, 0.0), ("1", "bob", "tea", 1.0, 0.0)], 0.0)
    assert history.interactions(10).toarray().tolist() == [[1], [1]]
    assert history.baskets().toarray().tolist() == [[1]]


def test_the_future_is_refused():
    with pytest.raises(ValueError, match="after the moment"):
        PurchaseHistory.at(log_of([("1", "ann", "tea", 1.0, 5.0)]), 4 * 86400)


def test_a_log_can_be_cut_in_time():
    log = log_of([("1", "ann", "tea", 1.0, 1.0), ("2", "ann", "milk", 1.0, 2.0)])
    assert len(log.until(86400)) == 1
    assert len(log.after(86400)) == 1
    assert (log.first_time, log.last_time) == (86400, 2 * 86400)


def test_nothing_is_copied_where_nothing_is_left_out():
    log = log_of([("1", "ann", "a", 1.0, 1.0), ("1", "bob", "b", 2.0, 1.0), ("2", "ann", "a", 1.0, 2.0)])
    assert log.purchases() is log
    assert log.keep_items(np.ones(2, bool)) is log
    assert np.shares_memory(log.until(86400).item, log.item)
    assert log.until(86400).order.tolist() == log.order[:2].tolist()
    assert log.after(86400).order.tolist() == log.order[2:].tolist()


@given(st.lists(st.tuples(*(st.integers(0, 2),) * 4), max_size=20))
def test_the_first_line_of_order_customer_and_item_stands_for_the_others(drawn):
    if not drawn:
        return
    lines = [(str(o), "ab"[c] if c < 2 else None, "xyz"[i], 1.0, day) for o, c, i, day in drawn]
    log = log_of(sorted(lines, key=lambda line: line[4]))
    history = PurchaseHistory.at(log, 9 * 86400)
    first = {}
    for n, key in enumerate(zip(log.order.tolist(), log.customer.tolist(), log.item.tolist(), strict=True)):
        first.setdefault(key, n)
    kept = list(first.values())
    assert history.item.tolist() == log.item[kept].tolist()
    assert history.customer.tolist() == log.customer[kept].tolist()
    assert history.age_days.tolist() == [9 - day for day in (log.ordered_at[kept] // 86400).tolist()]
    assert history.order.tolist() == np.unique(log.order[kept], return_inverse=True)[1].tolist()
    assert history.n_orders == len(set(log.order.tolist()))


def test_keeping_items_renumbers_them():
    log = log_of([("1", "ann", "a", 1.0, 1.0), ("1", "ann", "b", 1.0, 1.0), ("1", "ann", "c", 1.0, 1.0)])
    kept = log.keep_items(np.array([True, False, True]))
    assert kept.items.ids == ("a", "c")
    assert kept.item.tolist() == [0, 1]


def test_a_log_can_be_told_of_items_that_nobody_bought():
    log = log_of([("1", "ann", "tea", 1.0, 1.0), ("2", "bob", "jam", 1.0, 2.0)])
    wider = log.with_items(["hats", "tea"])
    assert wider.items.ids == ("hats", "jam", "tea")
    assert [wider.items.ids[item] for item in wider.item] == ["tea", "jam"]
    assert len(log.until(0).with_items(["hats"])) == 0


def test_a_vocabulary_knows_positions_and_refuses_doubles():
    vocabulary = Vocabulary(("a", "b"))
    assert vocabulary.positions(["b", "x", "a"]).tolist() == [1, -1, 0]
    assert "a" in vocabulary
    with pytest.raises(ValueError, match="twice"):
        Vocabulary(("a", "a"))


def test_an_unsorted_log_is_refused():
    log = log_of([("1", "ann", "a", 1.0, 1.0), ("2", "ann", "b", 1.0, 2.0)])
    with pytest.raises(ValueError, match="sorted by time"):
        log.lines(np.array([1, 0]))


def test_what_was_known_days_ago_and_what_came_since_are_the_whole_history():
    lines = [
        ("1", "ann", "tea", 1.0, 1.0), ("1", "ann", "milk", 1.0, 1.0),
        ("2", "bob", "tea", 1.0, 6.0), ("3", None, "milk", 1.0, 8.0), ("4", "bob", "milk", 1.0, 10.0),
    ]  # fmt: skip
    history = history_of(lines, 10.0)
    before, since = history.before(4.0), history.since(4.0)
    assert before.age_days.tolist() == [5.0, 5.0, 0.0]  # seen on day 6
    assert since.age_days.tolist() == [2.0, 0.0]
    assert (before.n_orders, since.n_orders) == (2, 2)
    assert before.baskets().toarray().tolist() == [[1, 1], [0, 1]]
    assert since.baskets().toarray().tolist() == [[1, 0], [1, 0]]
    assert since.customer.tolist() == [-1, history.customers.position("bob")]
    assert before.items is since.items is history.items


def test_the_last_purchase_counts_alone_however_many_came_before():
    lines = [("1", "ann", "tea", 1.0, 80.0), ("2", "ann", "tea", 9.0, 90.0), ("3", None, "tea", 1.0, 99.0)]
    assert history_of(lines, 100.0).last_purchases(10).toarray().tolist() == [[0.5]]
