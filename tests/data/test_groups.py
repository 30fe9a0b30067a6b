"""Lines sorted, and those with equal keys put together."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.groups import Groups, of_equal_pairs, run_starts, sorted_by, ties


def test_lines_of_one_key_stand_together_in_their_old_order():
    groups = Groups.of(np.array([7, 3, 7, 3, 5]))
    assert groups.lines.tolist() == [1, 3, 4, 0, 2]
    assert groups.starts.tolist() == [0, 2, 3]
    assert groups.first.tolist() == [1, 4, 0]
    assert groups.sizes.tolist() == [2, 1, 2]
    assert groups.group_of_line().tolist() == [2, 0, 2, 0, 1]


def test_no_line_is_in_no_group():
    groups = Groups.of(np.zeros(0, np.int64))
    assert len(groups) == 0
    assert not groups.first.size and not groups.sizes.size and not groups.group_of_line().size


@pytest.mark.parametrize("values, starts", [([], []), ([4], [0]), ([4, 4, 1, 4], [0, 2, 3])])
def test_a_run_begins_where_the_value_changes(values, starts):
    assert run_starts(np.array(values, np.int64)).tolist() == starts


@given(st.lists(st.integers(-5, 5), max_size=30))
def test_groups_are_those_of_numpys_unique(keys):
    values, first, group, sizes = np.unique(
        np.array(keys, np.int64), return_index=True, return_inverse=True, return_counts=True
    )
    groups = Groups.of(np.array(keys, np.int64))
    assert groups.first.tolist() == first.tolist()
    assert groups.sizes.tolist() == sizes.tolist()
    assert groups.group_of_line().tolist() == group.tolist()
    assert len(groups) == len(values)


def test_the_first_key_goes_before_the_second_and_equal_lines_keep_their_order():
    assert sorted_by(np.array([2, 1, 2, 1]), np.array([0, 9, 0, 3])).tolist() == [3, 1, 0, 2]
    assert not sorted_by(np.zeros(0, np.int32)).size


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.int64, np.uint64])
def test_keys_of_any_range_are_sorted(dtype):
    widest = np.iinfo(dtype)
    key = np.array([widest.max, widest.min, 7, widest.max, 0, 7], dtype)
    assert sorted_by(key).tolist() == np.argsort(key, kind="stable").tolist()


@given(st.lists(st.tuples(*(st.integers(-(2**bits), 2**bits) for bits in (62, 40, 2))), max_size=30))
def test_what_one_number_cannot_hold_is_sorted_all_the_same(lines):
    keys = [np.array(key, np.int64) for key in zip(*lines, strict=True)] or [np.zeros(0, np.int64)] * 3
    for n in (1, 2, 3):
        assert sorted_by(*keys[-n:]).tolist() == np.lexsort(keys[-n:][::-1]).tolist()


def test_ties_are_neighbours_that_are_equal_in_all_keys():
    tied, run = ties(np.array([1, 1, 1, 2, 2, 3]), np.array([5, 5, 6, 6, 6, 6]))
    assert tied.tolist() == [0, 1, 3, 4]
    assert run.tolist() == [1, 1, 2, 2]
    assert not ties(np.zeros(0))[0].size


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=30))
def test_lines_of_equal_pairs_are_those_that_are_not_alone(lines):
    one, other = np.array(lines, np.int32).reshape(-1, 2).T
    times = Counter(lines)
    assert of_equal_pairs(one, other).tolist() == [n for n, line in enumerate(lines) if times[line] > 1]
