import numpy as np
import pytest

from recommender.ranking.lists import ListTable
from tests.ranking.tables import table_of


def rows(table):
    return [row.items.tolist() for row in table]


def test_rows_come_back_as_they_were_put_in():
    assert rows(table_of([[3, 1], [], [2]])) == [[3, 1], [], [2]]


def test_the_first_places_of_every_row():
    assert rows(table_of([[3, 1, 4], [], [2]]).first(2)) == [[3, 1], [], [2]]


def test_where_no_row_is_longer_nothing_is_copied():
    table = table_of([[3, 1], [], [2]])
    assert table.first(2) is table


def test_consecutive_rows_are_a_table_of_their_own():
    table = table_of([[3, 1], [], [2], [5, 4]])
    assert rows(table.rows(slice(1, 3))) == [[], [2]]
    assert rows(table.rows(slice(3, 9))) == [[5, 4]]
    assert rows(table.rows(slice(2, 2))) == []


def test_dropping_places_keeps_the_rows():
    table = table_of([[3, 1], [4], [2, 3]])
    assert rows(table.keep(table.items != 3)) == [[1], [4], [2]]
    assert rows(table.keep(table.items == 1)) == [[1], [], []]


def test_tables_stack_row_after_row():
    assert rows(ListTable.stack([table_of([[1], []]), table_of([[2, 3]])], most=5)) == [[1], [], [2, 3]]
    assert rows(ListTable.stack((table_of([[n]]) for n in range(3)), most=3)) == [[0], [1], [2]]
    assert rows(ListTable.stack([], most=0)) == []


def test_rows_can_be_taken_in_any_order():
    table = table_of([[3, 1], [4], [], [2, 3]])
    assert rows(table.take(np.array([3, 2, 0, 3]))) == [[2, 3], [], [3, 1], [2, 3]]
    assert rows(table.take(np.array([], int))) == []
    assert rows(table_of([]).take(np.array([], int))) == []
    assert table.places_of(np.array([3, 0])).tolist() == [3, 4, 0, 1]


def test_rows_that_do_not_cover_the_places_are_refused():
    table = table_of([[1, 2]])
    with pytest.raises(ValueError, match="cover its places"):
        ListTable(np.array([0, 1]), table.items, table.scores, table.sources, table.bought)


def test_one_list_can_be_cut_and_filtered():
    ranked = table_of([[5, 6, 7]]).row(0)
    assert ranked.first(2).items.tolist() == [5, 6]
    assert ranked.keep(ranked.items != 6).items.tolist() == [5, 7]
