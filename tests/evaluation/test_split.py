import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.history import DAY
from recommender.evaluation.split import TemporalSplit, known_items, require_known_by, rolling_cuts
from tests.shops import log_of

LINES = [
    ("1", "ann", "tea", 2.0, 1.0),
    ("2", "bob", "tea", 1.0, 2.0),
    ("3", "ann", "milk", 1.0, 3.0),
    ("4", "ann", "tea", 1.0, 11.0),
    ("5", "ann", "milk", 1.0, 12.0),
    ("6", "cid", "tea", 1.0, 12.0),
    ("7", None, "tea", 1.0, 12.0),
    ("8", "bob", "jam", 1.0, 13.0),
    ("9", "bob", "tea", 1.0, 25.0),
]


def split_of(lines, *, day=10.0, days=10.0, **settings):
    return TemporalSplit.at(log_of(lines), int(day * DAY), days=days, **{"min_item_lines": 1} | settings)


def truth_of(split):
    customers, items = split.truth().nonzero()
    return {
        (split.train.customers.ids[c], split.train.items.ids[i])
        for c, i in zip(customers, items, strict=True)
    }


def test_the_truth_is_what_known_customers_ordered_of_known_items_in_time():
    # Cid is new, the guest is nobody, jam was not known by day 10, and bob's tea came too late.
    assert truth_of(split_of(LINES)) == {("ann", "tea"), ("ann", "milk")}


def test_newcomers_are_known_however_few_lines_they_have():
    # Tea has two lines before the cut, milk one; nobody has ever ordered hats, and jam only afterwards.
    split = split_of(LINES, min_item_lines=2, newcomers=["hats", "jam"])
    assert split.train.items.ids == ("hats", "jam", "tea")
    assert truth_of(split) == {("ann", "tea"), ("bob", "jam")}
    assert split_of(LINES, min_item_lines=2).train.items.ids == ("tea",)


def test_an_item_ordered_twice_counts_once():
    split = split_of([*LINES, ("10", "ann", "tea", 1.0, 14.0)])
    assert split.truth().data.tolist() == [1.0, 1.0]


def test_the_second_of_the_cut_itself_is_learned_from():
    split = split_of([("1", "ann", "tea", 1.0, 10.0), ("2", "ann", "tea", 1.0, 10.00002)])
    assert (len(split.train), len(split.holdout)) == (1, 1)


def test_returns_known_by_the_cut_are_taken_off_and_later_ones_are_not():
    early = ("C1", "ann", "tea", -2.0, 5.0)
    late = ("C1", "ann", "tea", -2.0, 15.0)
    assert len(split_of([*LINES, early]).train) == 2
    assert len(split_of([*LINES, late]).train) == 3


def test_a_return_takes_nothing_from_the_truth():
    assert truth_of(split_of([*LINES, ("C4", "ann", "tea", -1.0, 12.0)])) == {("ann", "tea"), ("ann", "milk")}


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from([1.0, -1.0]), st.integers(0, 30)
        ),
        min_size=1,
    ),
    st.integers(0, 30),
)
def test_nothing_after_the_cut_changes_what_is_learned_from(rows, day):
    """The training side of a whole history equals that of a history that ends at the cut."""
    lines = [(str(n), c, i, q, float(d)) for n, (c, i, q, d) in enumerate(rows)]
    whole = split_of(lines, day=day)
    past = [line for line in lines if line[4] <= day]
    if not past:
        assert len(whole.train) == 0
        return
    alone = split_of(past, day=day)

    def readable(split):
        log = split.train
        return sorted(
            (log.customers.ids[c], log.items.ids[i], float(q), int(t))
            for c, i, q, t in zip(log.customer, log.item, log.quantity, log.ordered_at, strict=True)
        )

    assert readable(whole) == readable(alone)
    assert whole.train.items == alone.train.items


def test_what_was_learned_from_later_orders_is_refused():
    log = log_of([("1", "ann", "tea", 1.0, 10.0), ("2", "ann", "tea", 1.0, 10.5)])
    require_known_by(11 * DAY, log.last_time)
    with pytest.raises(ValueError, match="from after the cut"):
        require_known_by(10 * DAY, log.last_time)
    split = split_of(LINES)
    with pytest.raises(ValueError, match="learned from holds orders from after the cut"):
        TemporalSplit(split.cut, split.days, split.later, split.holdout, split.later)
    with pytest.raises(ValueError, match="judged side"):
        TemporalSplit(split.cut, split.days, split.train, split.holdout, split.train)


def test_windows_follow_each_other_and_leave_enough_to_learn_from():
    log = log_of([("1", "ann", "tea", 1.0, 0.0), ("2", "ann", "tea", 1.0, 50.0)])
    assert rolling_cuts(log, days=10, windows=2) == (40 * DAY, 30 * DAY)
    # The fourth cut, on day 10, would leave less than 20 days.
    assert rolling_cuts(log, days=10, windows=9) == (40 * DAY, 30 * DAY, 20 * DAY)
    assert rolling_cuts(log, days=17, windows=1) == ()


def test_rare_items_are_not_known():
    log = log_of([(str(n), "ann", "tea", 1.0, 1.0) for n in range(5)] + [("9", "ann", "jam", 1.0, 1.0)])
    assert known_items(log, 5).tolist() == [False, True]


def test_in_a_small_shop_the_bar_is_lowered_until_half_of_the_lines_remain():
    log = log_of([(str(n), "ann", item, 1.0, 1.0) for item in ("a", "b", "c") for n in range(3)])
    assert known_items(log, 5).tolist() == [True, True, True]
    assert np.all(known_items(log_of([("1", "ann", "tea", 1.0, 1.0)]), 5))
