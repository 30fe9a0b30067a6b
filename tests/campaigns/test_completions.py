"""Who had a part of a set and bought the rest later."""

import numpy as np
import pytest

from recommender.campaigns.completions import Completions, Owners, completions
from recommender.data.history import DAY
from tests.shops import log_of

NOW = 100
STEADY = 1e9
"""A half-life after which every day counts the same."""


def found(sets: list[tuple[str, ...]], *lines, half_life: float = STEADY) -> Completions:
    log = log_of(lines)
    padded = np.full((len(sets), 4), -1, np.int32)
    for row, ids in enumerate(sets):
        padded[row, : len(ids)] = np.sort(log.items.positions(ids))
    return completions(Owners.at(log, NOW * DAY), padded, half_life)


def test_the_rest_bought_later_is_a_completion_and_days_without_it_are_exposure():
    one = found(
        [("tea", "honey")],
        ("1", "ann", "tea", 1, 60.5), ("2", "ann", "honey", 1, 80.5),  # completed after 20 days
        ("3", "bob", "honey", 1, 90.5),  # waits since 9 days
        ("4", "cat", "milk", 1, 10.5),  # has no part
    )  # fmt: skip
    assert one.completed == pytest.approx([1])
    assert one.exposed == pytest.approx([20 + 9])


def test_bought_on_one_day_is_no_completion():
    one = found([("tea", "honey")], ("1", "ann", "tea", 1, 60.1), ("1", "ann", "honey", 1, 60.1))
    assert (one.completed.tolist(), one.exposed.tolist()) == ([0], [0])


def test_three_items_are_complete_with_the_last():
    one = found(
        [("tea", "honey", "milk"), ("tea", "honey")],
        ("1", "ann", "tea", 1, 10.5), ("2", "ann", "honey", 1, 20.5), ("3", "ann", "milk", 1, 50.5),
        ("4", "bob", "tea", 1, 89.5), ("5", "bob", "tea", 1, 95.5),
    )  # fmt: skip
    assert one.completed == pytest.approx([1, 1])
    assert one.exposed == pytest.approx([40 + 10, 10 + 10])


def test_guests_and_what_comes_later_say_nothing():
    one = found([("tea", "honey")], ("1", None, "tea", 1, 10.5), ("2", "ann", "tea", 1, 110.0))
    assert (one.completed.tolist(), one.exposed.tolist()) == ([0], [0])


def test_recent_days_count_more():
    one = found(
        [("tea", "honey")], ("1", "ann", "tea", 1, 89.5), ("2", "ann", "honey", 1, 99.5), half_life=10
    )
    # Completed on the last day, which counts whole; the ten days before it count 2^-.1 … 2^-1.
    assert one.completed == pytest.approx([1.0])
    assert one.exposed == pytest.approx([sum(2 ** (-day / 10) for day in range(10))])


def test_rates_are_drawn_to_that_of_all_where_little_was_seen():
    few = Completions(np.array([10.0, 0.0, 1.0]), np.array([1_000.0, 0.0, 1.0]))
    rate = 11 / 1001
    assert few.per_day(1.0) == pytest.approx([11 / (1_000 + 1 / rate), rate, 2 / (1 + 1 / rate)])
    assert Completions(np.zeros(2), np.array([5.0, 0.0])).per_day(1.0).tolist() == [0, 0]
