"""New items on item pages, with factors that can be multiplied by hand."""

import numpy as np
from scipy.sparse import csr_array

from recommender.models.als import AlsModel
from recommender.models.content import ContentModel
from recommender.ranking.lists import SOURCES
from recommender.ranking.newcomer_rows import with_newcomers
from recommender.ranking.reranking import Reranking
from tests.ranking.tables import table_of

# Two tastes: items 0 to 2 are of the one, 3 to 5 of the other; 6 and 7 are new, one of each.
SOLD = [[1, 0.2], [2, 0], [1, 0.5], [0, 3], [0.2, 1], [0, 1]]
TOLD = [[1, 0.1], [0.1, 1]]
NEW = np.arange(8) >= 6
NOTHING = [[], [], [], [], [], [], [], []]


def factors(rows):
    return np.array(rows, np.float32)


def bought(*baskets):
    """What each customer bought, by item; nobody bought anything without one."""
    matrix = np.zeros((len(baskets) or 1, 8), np.float32)
    for customer, basket in enumerate(baskets):
        matrix[customer, basket] = 3
    return csr_array(matrix)


def rows(similar=NOTHING, *, eligible=None, length=5, sold=SOLD, new=NEW, told=TOLD, by=(), **settings):
    als = AlsModel(
        factors([[0, 0]]), factors([*sold, [0, 0], [0, 0]]), factors(np.eye(2)), np.float32(1), np.float32(1)
    )
    content = ContentModel(factors([[0, 0]]), new, factors(told), np.float32(1))
    shown = np.ones(8, bool) if eligible is None else np.array(eligible)
    return with_newcomers(
        table_of(similar),
        als,
        content,
        shown,
        bought=bought(*by),
        length=length,
        settings=Reranking(**settings),
    )


def items(table):
    return [row.items.tolist() for row in table]


def test_a_new_items_row_holds_what_is_closest_to_what_is_told_of_it():
    # Cosines with (1, .1): .9951, .9950 and .934 with its own taste, .293 with item 4, .198 with the new one.
    assert items(rows())[6] == [0, 1, 2, 4, 7]


def test_what_sells_best_is_not_close_to_everything():
    # Its factors are ten times as long, and so is their product with the new item's: 11 against 1.
    best_seller = [[10, 10], *SOLD[1:]]
    assert items(rows(sold=best_seller))[6] == [1, 2, 0, 4, 7]


def test_what_stands_in_a_row_already_stays_first_and_no_item_stands_twice():
    assert items(rows([*NOTHING[:6], [2, 5], []]))[6] == [2, 5, 0, 1, 4]


def test_a_new_item_comes_onto_the_pages_of_what_it_is_close_to():
    assert [6 in row for row in items(rows())][:6] == [True] * 6  # there are fewer items than pages


def test_on_a_full_page_it_has_its_share_and_no_more():
    full = [[1, 2, 3, 4, 5], *NOTHING[1:]]
    assert items(rows(full, new_item_share=0.2))[0] == [1, 2, 3, 4, 6]
    assert items(rows(full, new_item_share=0.0))[0] == [1, 2, 3, 4, 5]


def test_scores_never_rise_and_say_who_put_the_item_there():
    for row in rows([[1, 2], *NOTHING[1:6], [2], []]):
        assert (np.diff(row.scores) <= 0).all()
    first = rows([[1, 2], *NOTHING[1:]]).row(0)
    assert [SOURCES[source] for source in first.sources][:3] == ["als", "als", "content"]


def test_what_may_not_be_shown_is_on_no_page():
    table = rows(eligible=[True, False, True, True, True, True, True, False])
    assert all(not {1, 7} & {*row} for row in items(table))
    assert items(table)[7][0] == 4  # its own page is there all the same


def test_what_one_customer_alone_bought_with_a_new_item_is_not_shown_beside_it():
    # One customer bought the new item 6 with item 0, two others both bought it with item 1.
    table = rows(by=([0, 6], [1, 6], [1, 6]))
    assert items(table)[6] == [1, 2, 4, 7, 3]
    assert 6 not in items(table)[0] and 6 in items(table)[1]


def test_without_a_new_item_nothing_changes():
    before = table_of([[1, 2], *NOTHING[1:]])
    silent = ContentModel(np.zeros((1, 0), np.float32), np.zeros(8, bool), factors([]), np.float32(0))
    als = AlsModel(
        factors([[0, 0]]), factors([*SOLD, [0, 0], [0, 0]]), factors(np.eye(2)), np.float32(1), np.float32(1)
    )
    after = with_newcomers(
        before, als, silent, np.ones(8, bool), bought=bought(), length=5, settings=Reranking()
    )
    assert after is before
