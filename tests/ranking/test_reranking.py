"""What lists look like after re-ranking, on lists short enough to do it by hand."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.ranking import reranking
from recommender.ranking.build import of_mode
from recommender.ranking.reranking import Reranking, Variants, damped, folded, rerank
from tests.ranking.item_traits import traits_of
from tests.ranking.tables import table_of

OFF = Reranking(most_variants=0, new_item_share=0.0)


def rows(table):
    return [row.items.tolist() for row in table]


def reranked(items, traits, *, bought=None, **settings):
    """One list, anew; variants are folded only where a test says so."""
    table = table_of([items], None if bought is None else [bought])
    return rerank(table, replace(OFF, **settings), traits)


# ---- Nothing wanted, nothing changed ------------------------------------------------------------


def test_with_everything_off_the_table_is_the_same():
    table = table_of([[3, 1], [], [2]])
    assert rerank(table, OFF, traits_of(4, category=[0, 0, 0, 0], variant=[0, 0, 0, 0])) is table


def test_by_default_a_shop_that_tells_nothing_of_its_items_keeps_its_lists():
    table = table_of([[3, 1], [], [2]])
    assert rerank(table, Reranking(), traits_of(4)) is table


def test_a_table_without_a_single_place_stays_empty():
    everything = Reranking(diversity=0.5, most_per_category=1, new_item_share=0.5, popularity_damping=0.5)
    for table in (table_of([]), table_of([[], []])):
        assert rows(rerank(table, everything, traits_of(2, variant=[0, 0]))) == rows(table)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"places": 0}, "places must be at least 1"),
        ({"diversity": 1.1}, "diversity must be from 0 to 1"),
        ({"popularity_damping": -0.1}, "popularity_damping must be from 0 to 1"),
        ({"new_item_share": float("nan")}, "new_item_share must be from 0 to 1"),
        ({"most_per_brand": -1}, "most_per_brand must be at least 0"),
        ({"most_variants": -1}, "most_variants must be at least 0"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Reranking(**wrong)


def test_neither_parts_nor_blocks_change_the_lists(monkeypatch):
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 30, 60)
    table = table_of(
        [rng.permutation(40)[:n].tolist() for n in lengths], [(rng.random(n) < 0.4).tolist() for n in lengths]
    )
    traits = traits_of(
        40,
        category=rng.integers(-1, 6, 40),
        variant=rng.integers(-1, 12, 40),
        buyers=rng.uniform(0.01, 1, 40),
        is_new=rng.random(40) < 0.3,
        factors=rng.normal(size=(40, 128)),
    )
    wanted = Reranking(diversity=0.4, most_per_category=2, popularity_damping=0.3, new_item_share=0.2)
    whole = rerank(table, wanted, traits)
    assert rows(whole) != rows(table)
    monkeypatch.setattr(reranking, "_ROWS", 7)
    assert rows(rerank(table, wanted, traits)) == rows(whole)
    monkeypatch.setattr(reranking, "_BLOCK_CELLS", 1)
    assert rows(rerank(table, wanted, traits)) == rows(whole)


# ---- What a moved place carries -----------------------------------------------------------------


def test_source_and_flag_go_with_the_item_and_the_score_stays_with_the_place():
    table = replace(table_of([[0, 1, 2]], [[True, True, False]]), sources=np.array([4, 5, 6], np.uint8))
    capped = rerank(table, replace(OFF, most_per_category=1, places=2), traits_of(3, category=[7, 7, 8])).row(
        0
    )
    assert capped.items.tolist() == [0, 2, 1]
    assert capped.sources.tolist() == [4, 6, 5]
    assert capped.bought.tolist() == [True, False, True]
    assert capped.scores.tolist() == [3, 2, 1]


# ---- Popularity ---------------------------------------------------------------------------------


def test_a_score_is_divided_by_the_share_of_buyers_to_the_power_of_the_dial():
    # Scores 3, 2, 1 and shares 1, .25, .04: at ½ they become 3/1, 2/.5 and 1/.2, at ¼ they are 3, 2.83, 2.24.
    buyers = np.array([1.0, 0.25, 0.04])
    assert rows(damped(table_of([[0, 1, 2]]), buyers, 0.5)) == [[2, 1, 0]]
    assert rows(damped(table_of([[0, 1, 2]]), buyers, 0.25)) == [[0, 1, 2]]


def test_equally_popular_items_keep_their_order_and_equal_scores_too():
    assert rows(damped(table_of([[2, 0, 1]]), np.full(3, 0.1), 1.0)) == [[2, 0, 1]]
    level = replace(table_of([[2, 0, 1]]), scores=np.ones(3, np.float32))
    assert rows(damped(level, np.full(3, 0.1), 1.0)) == [[2, 0, 1]]


def test_what_the_customer_buys_anyway_is_not_damped():
    traits = traits_of(4, buyers=[1.0, 0.01, 1.0, 0.01])
    table = reranked([0, 2, 1, 3], traits, bought=[True, False, True, False], popularity_damping=1.0)
    assert rows(table) == [[0, 3, 1, 2]]


def test_scores_that_division_would_not_raise_are_refused():
    below = replace(table_of([[0, 1]]), scores=np.array([1, -1], np.float32))
    with pytest.raises(ValueError, match="above 0"):
        damped(below, np.array([1.0, 0.5]), 0.5)


# ---- Variants -----------------------------------------------------------------------------------

MUGS = np.array([0, 0, 0, -1, -1], np.int32)
"""Items 0, 1 and 2 are one mug in three colours."""


def test_only_the_best_placed_variant_stays_and_the_others_go_to_the_end():
    assert rows(folded(table_of([[1, 3, 0, 2, 4]]), Variants(MUGS, 1))) == [[1, 3, 4, 0, 2]]


def test_more_variants_can_be_let_stay():
    assert rows(folded(table_of([[1, 3, 0, 2, 4]]), Variants(MUGS, 2))) == [[1, 3, 0, 4, 2]]
    assert rows(folded(table_of([[1, 3, 0, 2, 4]]), Variants(MUGS, 0))) == [[1, 3, 0, 2, 4]]


def test_each_list_has_its_own_best_variant():
    table = table_of([[0, 1, 3], [1, 0, 3], [4, 2]])
    assert rows(folded(table, Variants(MUGS, 1))) == [[0, 3, 1], [1, 3, 0], [4, 2]]


def test_a_variant_bought_before_stays_and_stands_for_the_product_in_the_mixed_list():
    bought = [False, True, False, False]
    table = reranked([0, 1, 3, 4], traits_of(5, variant=MUGS), bought=bought, most_variants=1, places=3)
    assert rows(of_mode(table, "mixed", 3)) == [[1, 3, 4]]
    assert rows(of_mode(table, "repeat", 3)) == [[1]]
    # Among what is new to the customer the other colour is still there to be found.
    assert rows(of_mode(table, "discover", 3)) == [[3, 4, 0]]


def test_who_bought_two_colours_keeps_both():
    bought = [True, True, False, False]
    table = reranked([0, 1, 3, 2], traits_of(5, variant=MUGS), bought=bought, most_variants=1)
    assert rows(table) == [[0, 1, 3, 2]]


# ---- Caps ---------------------------------------------------------------------------------------


def test_what_is_above_the_cap_moves_below_the_first_places():
    traits = traits_of(6, category=[0, 0, 0, 1, 1, -1])
    assert rows(reranked([0, 1, 2, 3, 4, 5], traits, most_per_category=1, places=3)) == [[0, 3, 5, 1, 2, 4]]


def test_items_of_no_category_are_free():
    traits = traits_of(4, category=[-1, -1, -1, 0])
    assert rows(reranked([0, 1, 2, 3], traits, most_per_category=1, places=3)) == [[0, 1, 2, 3]]


def test_a_cap_gives_way_where_there_is_nothing_else():
    traits = traits_of(4, category=[0, 0, 0, 1])
    assert rows(reranked([0, 1, 2, 3], traits, most_per_category=1, places=3)) == [[0, 3, 1, 2]]


def test_category_and_brand_are_capped_together():
    traits = traits_of(5, category=[0, 0, 1, 2, 3], brand=[0, 1, 0, 1, 2])
    table = reranked([0, 1, 2, 3, 4], traits, most_per_category=1, most_per_brand=1, places=3)
    assert rows(table) == [[0, 3, 4, 1, 2]]


def test_a_cap_holds_in_the_mixed_list_and_in_each_kind():
    traits = traits_of(8, category=[0, 0, 0, 1, 0, 0, 1, 2])
    bought = [True, True, True, True, False, False, False, False]
    table = reranked(list(range(8)), traits, bought=bought, most_per_category=1, places=3)
    assert rows(of_mode(table, "repeat", 2)) == [[0, 3]]
    assert rows(of_mode(table, "mixed", 3)) == [[0, 3, 7]]
    assert set(rows(of_mode(table, "discover", 3))[0]) == {4, 6, 7}


# ---- Items new to the shop ----------------------------------------------------------------------


def test_a_share_of_the_places_is_for_new_items():
    traits = traits_of(6, is_new=[0, 0, 0, 0, 1, 1])
    table = reranked([0, 1, 2, 3, 4, 5], traits, new_item_share=0.5, places=4)
    # Of two places one, of four places two.
    assert rows(table) == [[0, 4, 1, 5, 2, 3]]


def test_new_items_that_stand_well_by_themselves_count():
    traits = traits_of(6, is_new=[1, 0, 0, 0, 1, 0])
    table = reranked([0, 1, 2, 3, 4, 5], traits, new_item_share=0.25, places=4)
    assert rows(table) == [[0, 1, 2, 3, 4, 5]]


def test_no_candidate_that_is_new_means_no_change():
    assert rows(reranked([0, 1], traits_of(2), new_item_share=1.0)) == [[0, 1]]
    assert rows(reranked([0, 1], traits_of(2, is_new=[0, 1]), new_item_share=1.0)) == [[1, 0]]


def test_what_the_customer_has_already_is_not_new():
    traits = traits_of(3, is_new=[0, 1, 1])
    table = reranked([0, 1, 2], traits, bought=[False, True, False], new_item_share=1.0)
    assert rows(of_mode(table, "repeat", 3)) == [[1]]
    assert rows(of_mode(table, "discover", 3)) == [[2, 0]]


# ---- Diversity ----------------------------------------------------------------------------------


def test_the_dial_weighs_score_against_likeness():
    # Scores 3, 2, 1 are relevances 1, ½ and 0. Items 0 and 1 share a category that 2 of 3 items have, so
    # they are alike by ⅓: at dial d, 1 is worth (1 − d)/2 − d/3 and 2 is worth 0. They are level at d = .6.
    traits = traits_of(3, category=[0, 0, 1])
    assert rows(reranked([0, 1, 2], traits, diversity=0.59)) == [[0, 1, 2]]
    assert rows(reranked([0, 1, 2], traits, diversity=0.61)) == [[0, 2, 1]]


def test_items_of_like_direction_are_kept_apart():
    traits = traits_of(4, factors=[[1, 0], [5, 0.1], [0, 3], [-1, 0]])
    assert rows(reranked([0, 1, 2, 3], traits, diversity=1.0)) == [[0, 2, 3, 1]]


def test_the_best_item_stays_the_first_whatever_the_dial():
    traits = traits_of(3, category=[0, 1, 1], factors=np.eye(3))
    for dial in (0.1, 0.5, 1.0):
        assert rows(reranked([2, 1, 0], traits, diversity=dial))[0][0] == 2


def test_without_anything_known_of_the_items_diversity_changes_nothing():
    assert rows(reranked([2, 0, 1], traits_of(3), diversity=1.0)) == [[2, 0, 1]]


def test_repeats_and_discoveries_keep_their_places_beside_each_other():
    traits = traits_of(6, category=[0, 0, 1, 0, 0, 1])
    bought = [True, True, False, True, False, False]
    table = reranked([0, 1, 3, 2, 4, 5], traits, bought=bought, diversity=1.0)
    assert table.bought.tolist() == bought
    assert rows(of_mode(table, "repeat", 3)) == [[0, 2, 1]]
    assert rows(of_mode(table, "discover", 3)) == [[3, 5, 4]]


# ---- All together -------------------------------------------------------------------------------


def test_rules_that_cannot_all_be_kept_give_way_in_order():
    # Three places: one variant of a product, one item of a category, all of them new. Only 3 is new.
    traits = traits_of(5, variant=[0, 0, -1, -1, -1], category=[0, 1, 0, 0, 2], is_new=[0, 0, 0, 1, 0])
    wanted = {"most_variants": 1, "most_per_category": 1, "new_item_share": 1.0, "places": 3}
    # 3 takes its place. There is nothing else new, so 4 takes the next: it keeps the cap. Then only 1 would,
    # but it is a further variant of 0; so the cap gives way, and 0 is the best of those left.
    assert rows(reranked([0, 1, 2, 3, 4], traits, **wanted)) == [[3, 4, 0, 2, 1]]


def test_damping_comes_before_the_rules():
    traits = traits_of(3, buyers=[1.0, 1.0, 0.01], category=[0, 1, 0])
    table = reranked([0, 1, 2], traits, popularity_damping=1.0, most_per_category=1, places=2)
    assert rows(table) == [[2, 1, 0]]
