"""Sets of one item more, all parts of which are known."""

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.campaigns.bundle_table import NO_ITEM
from recommender.campaigns.larger_sets import best_of_items, has_all_parts, joined


def sets_of(sets) -> np.ndarray:
    sets = list(sets)
    padded = np.full((len(sets), 4), NO_ITEM, np.int32)
    for row, items in enumerate(sets):
        padded[row, : len(items)] = sorted(items)
    return padded


def told(sets: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(item for item in row if item != NO_ITEM) for row in sets.tolist()}


def test_three_pairs_make_a_set_of_three_and_two_do_not():
    assert told(joined(sets_of([(1, 2), (1, 3), (2, 3), (3, 4), (2, 5)]), 2)) == {(1, 2, 3)}


def test_four_sets_of_three_make_one_of_four():
    three = list(combinations((2, 5, 7, 9), 3))
    assert told(joined(sets_of(three), 3)) == {(2, 5, 7, 9)}
    assert told(joined(sets_of(three[1:]), 3)) == set()


def test_of_nothing_comes_nothing():
    assert joined(sets_of([]), 2).shape == (0, 4)
    assert joined(sets_of([(1, 2)]), 2).shape == (0, 4)


@given(st.sets(st.frozensets(st.integers(0, 9), min_size=2, max_size=2), max_size=40), st.randoms())
@settings(max_examples=80, deadline=None)
def test_it_finds_what_trying_everything_finds(pairs, random):
    pairs = list(pairs)
    random.shuffle(pairs)
    wanted = {
        items for items in combinations(range(10), 3)
        if all(frozenset(pair) in pairs for pair in combinations(items, 2))
    }  # fmt: skip
    found = joined(sets_of(pairs), 2)
    assert told(found) == wanted
    assert len(found) == len(wanted)
    assert has_all_parts(found, sets_of(pairs), 3).all()


def test_a_set_counts_as_one_of_the_best_for_any_of_its_items():
    ranked = sets_of([(1, 2), (1, 3), (1, 4), (3, 4), (1, 5)])
    assert best_of_items(ranked, 1).tolist() == [True, True, True, False, True]
    assert best_of_items(ranked, 2).tolist() == [True, True, True, True, True]
    assert best_of_items(sets_of([(1, 2), (1, 2, 3), (2, 3)]), 1).tolist() == [True, True, False]
