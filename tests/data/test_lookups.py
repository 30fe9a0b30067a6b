import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.lookups import among, distinct, first_lines, of_lines, with_several

IDS = st.lists(st.sampled_from([None, "tea", "jam", "ham", "nut"]))


def categories(values):
    return pl.Series(values, dtype=pl.String).cast(pl.Categorical())


@given(IDS, st.dictionaries(st.sampled_from(["tea", "jam", "pie"]), st.integers(0, 9)))
def test_every_line_gets_what_is_known_of_its_id(given_ids, known):
    values = pl.Series(list(known.values()), dtype=pl.Int32)
    found = of_lines(categories(given_ids), categories(list(known)), values)
    assert found.to_list() == [known.get(id_) for id_ in given_ids]
    assert among(categories(given_ids), categories(list(known))).to_list() == [i in known for i in given_ids]


@given(IDS)
def test_distinct_ids_are_each_there_once(ids):
    assert sorted(distinct(categories(ids))) == sorted(set(ids) - {None})


@given(st.lists(st.integers(-1, 4)))
def test_first_lines_are_where_positions_first_stand(positions):
    expected = sorted(positions.index(at) for at in set(positions) - {-1})
    assert first_lines(np.array(positions, np.int32)).tolist() == expected


@given(st.lists(st.tuples(st.sampled_from([None, "1", "2", "3"]), st.sampled_from([None, "ann", "bob"]))))
def test_ids_with_several_values_are_found_on_each_of_their_lines(lines):
    said = {id_: {value for other, value in lines if other == id_ and value} for id_, _ in lines if id_}
    expected = [bool(id_ and value) and len(said[id_]) > 1 for id_, value in lines]
    ids, values = categories([id_ for id_, _ in lines]), categories([value for _, value in lines])
    assert with_several(ids, values).tolist() == expected
