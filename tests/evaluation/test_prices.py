"""What re-ranking costs, on the shop of three customers."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.evaluation.prices import price_list
from recommender.evaluation.reranked import (
    AS_SET,
    DIALS,
    PLAIN,
    Reranked,
    Variety,
    reranked,
    settings_to_price,
)
from recommender.ranking.item_traits import ItemTraits
from recommender.ranking.reranking import Reranking
from tests.evaluation.shop import JAM, MILK, NEW, TEA, evaluation_of, lists_of
from tests.ranking.tables import table_of

NO_VARIETY = Variety(0.0, 0.0, 0.0, 0.0)
LISTS = [[TEA, MILK], [TEA, JAM], [JAM]]


def priced(**rows):
    evaluation = evaluation_of(LISTS, LISTS)
    made = {PLAIN: LISTS, **rows}
    tables = {name: lists_of(evaluation.windows[0], of) for name, of in made.items()}
    return price_list(
        replace(evaluation, reranked={name: (Reranked(of, NO_VARIETY),) for name, of in tables.items()})
    )


def test_a_price_is_paid_by_the_customers_whose_lists_changed():
    prices = priced(swapped=[[MILK, TEA], [TEA, JAM], [JAM]], same=LISTS)
    swapped, same = prices.dials
    # Ann ordered tea and jam, bob milk: two are judged. Tea found in the second place instead of the first
    # costs ann (1 - 1 / log2(3)) of the best possible 1 + 1 / log2(3).
    second = 1 / np.log2(3)
    assert swapped.tasks["all"].difference.mean == pytest.approx(-(1 - second) / (1 + second) / 2)
    assert swapped.tasks["all"].customers == 2
    assert swapped.changed == pytest.approx(1 / 3)
    assert (same.changed, same.tasks) == (0, {})
    assert prices.plain["all"].mean == pytest.approx(1 / (1 + second) / 2)


def test_p_is_corrected_over_all_tasks_and_dials():
    (one,) = priced(a=[[MILK, TEA], *LISTS[1:]]).dials
    two, _ = priced(a=[[MILK, TEA], *LISTS[1:]], b=[[MILK, TEA], [JAM, TEA], [JAM]]).dials
    assert two.tasks["repeat"].p == one.tasks["repeat"].p < one.tasks["repeat"].p_holm
    assert two.tasks["repeat"].p_holm > one.tasks["repeat"].p_holm


def test_nothing_re_ranked_has_no_price():
    assert price_list(evaluation_of(LISTS, LISTS)) is None


def test_every_dial_is_alone_and_keeps_the_number_of_places():
    wanted = settings_to_price(Reranking(places=4, diversity=0.7, most_variants=2, variant_column="parent"))
    # For more new items than are set there would be no room in the lists: their price could not be told.
    assert list(wanted) == [PLAIN, AS_SET, *(name for name in DIALS if name != "new_item_share = 0.2")]
    off = Reranking(places=4, most_variants=0, new_item_share=0.0, variant_column="parent")
    assert wanted[PLAIN] == off
    assert wanted["most_per_brand = 2"] == replace(off, most_per_brand=2)
    assert wanted[AS_SET].diversity == 0.7


TRAITS = ItemTraits(
    category=np.array([0, 0, 1, 1], np.int32),
    brand=np.full(4, -1, np.int32),
    variant=np.full(4, -1, np.int32),
    buyers=np.array([0.5, 0.25, 0.125, 1.0]),
    is_new=np.array([False, False, True, False]),
)


def test_variety_is_of_the_first_discoveries():
    table = table_of([[JAM, MILK, NEW, TEA], [TEA, JAM]], [[False] * 4, [True, False]])
    one = reranked(
        table, Reranking(most_variants=0, new_item_share=0), TRAITS, eligible=np.ones(4, bool), k=2
    )
    # Discoveries: jam and milk, of one category that half of the items have; jam alone.
    assert one.variety == Variety(coverage=0.5, unlikeness=0.5, novelty=pytest.approx(4 / 3), new=0)


def test_only_the_first_places_of_every_mode_are_kept():
    table = table_of([[JAM, MILK, NEW, TEA]], [[False, False, False, True]])
    one = reranked(
        table, Reranking(most_variants=0, new_item_share=0), TRAITS, eligible=np.ones(4, bool), k=1
    )
    assert one.lists.items.tolist() == [JAM, TEA]


def test_a_cap_on_categories_is_worth_its_variety():
    table = table_of([[JAM, MILK, NEW, TEA]], [[False] * 4])
    plain, capped = (
        reranked(table, wanted, TRAITS, eligible=np.ones(4, bool), k=2).variety
        for wanted in (Reranking(new_item_share=0), Reranking(new_item_share=0, most_per_category=1))
    )
    assert (plain.unlikeness, capped.unlikeness) == (0.5, 1.0)
    assert (plain.new, capped.new) == (0, 0.5)


def test_lists_without_a_place_have_no_variety():
    one = reranked(table_of([[], []]), Reranking(), TRAITS, eligible=np.ones(4, bool), k=2)
    assert one.variety == NO_VARIETY
