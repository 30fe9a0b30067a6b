"""Lines with equal keys put together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.groups import Groups, run_starts


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
