import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.packed_ids import PackedIds
from recommender.data.vocabulary import Vocabulary


def packed(*ids):
    return PackedIds.of(ids)


@given(st.lists(st.text(min_size=1), unique=True))
def test_packed_ids_are_the_tuple_that_was_packed(ids):
    there = packed(*ids)
    assert tuple(there) == tuple(there[n] for n in range(len(ids))) == there[:] == tuple(ids)
    assert there == tuple(ids)
    assert hash(there) == hash(tuple(ids))
    assert there[1:-1] == tuple(ids)[1:-1]


def test_what_is_packed_stays_as_it_is():
    there = packed("tea", "jäm")
    assert PackedIds.of(there) is there
    assert (there.text, there.ends.tolist()) == ("teajäm".encode(), [3, 7])


def test_places_are_counted_from_either_end_and_none_is_beyond():
    assert (packed("tea", "jäm")[-1], packed("tea", "jäm")[0]) == ("jäm", "tea")
    with pytest.raises(IndexError):
        packed("tea")[1]


def test_packed_ids_differ_where_one_does_or_where_they_are_cut_elsewhere():
    assert packed("a", "bc") == packed("a", "bc")
    assert packed("a", "bc") != packed("ab", "c")
    assert packed("a") != ("b",)
    assert packed("a") != ["a"]


def test_a_vocabulary_of_packed_ids_knows_positions_like_any_other():
    some = Vocabulary(packed("10", "2", "33"))
    assert some == Vocabulary(("10", "2", "33"))
    assert some.positions(["33", "never", "10"]).tolist() == [2, -1, 0]
    assert "2" in some
    smaller, moved = some.subset(np.array([True, False, True]))
    assert (smaller.ids, moved.tolist()) == (("10", "33"), [0, -1, 1])
