from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.fingerprints import Fingerprints
from tests.shops import log_of

LINES = [
    ("1", "ann", "tea", 1.0, 1.0),
    ("1", "ann", "pot", 1.0, 1.0),
    ("2", "bob", "tea", 2.0, 2.0),
    ("3", "cyd", "saw", 1.0, 3.0),
    ("4", None, "saw", 1.0, 4.0),
]


def by_id(lines):
    log = log_of(lines)
    found = Fingerprints.of(log)
    return (
        dict(zip(log.customers.ids, found.customers.tolist(), strict=True)),
        dict(zip(log.items.ids, found.items.tolist(), strict=True)),
    )


def differ(one, other):
    customers, items = (
        {id_ for id_ in now if then.get(id_) != now[id_]} for then, now in zip(one, other, strict=True)
    )
    return customers, items


BEFORE = by_id(LINES)


def test_an_order_changes_its_customer_and_its_items():
    after = by_id([*LINES, ("5", "bob", "saw", 1.0, 5.0)])
    assert differ(BEFORE, after) == ({"bob"}, {"saw"})


def test_a_guests_order_changes_its_items_alone():
    assert differ(BEFORE, by_id([*LINES, ("5", None, "pot", 1.0, 5.0)])) == (set(), {"pot"})


def test_what_joins_an_order_changes_all_that_stands_in_it():
    """Tea and pot are in one order: what is bought together with either has changed."""
    assert differ(BEFORE, by_id([*LINES, ("1", "ann", "saw", 1.0, 1.0)])) == ({"ann"}, {"tea", "pot", "saw"})


def test_a_changed_quantity_or_time_shows():
    for line in (("3", "cyd", "saw", 2.0, 3.0), ("3", "cyd", "saw", 1.0, 3.5)):
        assert differ(BEFORE, by_id([*LINES[:3], line, LINES[4]])) == ({"cyd"}, {"saw"})


def test_a_customer_is_no_guest_and_nobody_else():
    assert differ(BEFORE, by_id([*LINES[:4], ("4", "", "saw", 1.0, 4.0)]))[0] == {""}
    assert differ(BEFORE, by_id([*LINES[:3], ("3", "dan", "saw", 1.0, 3.0), LINES[4]])) == ({"dan"}, {"saw"})


def test_one_line_twice_is_not_none():
    assert differ(BEFORE, by_id([*LINES, LINES[3], LINES[3]])) == ({"cyd"}, {"saw"})


def test_who_stands_in_no_order_has_none():
    log = log_of(LINES)
    found = Fingerprints.of(log.lines(log.customer != 1))
    assert found.customers[1] == 0 and (found.customers[[0, 2]] != 0).all()


def test_neither_order_ids_nor_prices_have_a_say():
    log = log_of(LINES)
    dearer = replace(log, unit_price=log.unit_price * 2)
    assert np.array_equal(Fingerprints.of(dearer).customers, Fingerprints.of(log).customers)
    renamed = [(f"order {line[0]}", *line[1:]) for line in LINES]
    assert by_id(renamed) == BEFORE


@given(st.permutations(LINES), st.sampled_from(["", "zz", "aa"]))
def test_positions_and_the_order_of_lines_have_no_say(lines, another):
    moved = by_id([*lines, ("9", another, f"{another}-item", 1.0, 9.0)])
    assert differ(BEFORE, moved) == ({another}, {f"{another}-item"})


def test_they_are_the_same_on_every_machine():
    """Written down: a snapshot is read elsewhere, and its id must not depend on who wrote it."""
    customers, items = by_id([("1", "ann", "tea", 1.0, 1.0)])
    assert customers["ann"] == items["tea"] == 6645029187189691881
