from dataclasses import replace

import numpy as np
import pytest

from recommender.data.history import DAY
from recommender.evaluation.evaluation import BEST_SELLERS, OURS, compared
from recommender.evaluation.examples import Bought, Place, examples
from recommender.evaluation.repeats import repeat_split
from recommender.evaluation.trade_off import trade_off
from tests.evaluation.shop import JAM, MILK, NEW, TEA, evaluation_of, window_of
from tests.ranking.tables import table_of

PERFECT = [[TEA, JAM], [MILK], [TEA]]
BEST = [[TEA, JAM], [TEA, JAM], [TEA, JAM]]
EVALUATION = evaluation_of(PERFECT, BEST, worse=[[MILK], [TEA], [TEA]])


def test_rows_are_customers_and_their_values_stand_in_that_order():
    assert [EVALUATION.customers.ids[c] for c in EVALUATION.customer] == ["ann", "bob", "cid"]
    values = EVALUATION.values("recall")
    assert values[:2].tolist() == [1.0, 1.0]
    assert np.isnan(values[2])
    assert EVALUATION.values("recall", k=1, name=BEST_SELLERS)[:2].tolist() == [1.0, 0.0]
    assert EVALUATION.values("hit", "discover", name="worse")[:2].tolist() == [0.0, 0.0]


def test_rows_of_several_windows_are_numbered_through():
    both = replace(
        EVALUATION,
        windows=EVALUATION.windows * 2,
        lists={name: tables * 2 for name, tables in EVALUATION.lists.items()},
        eligible=EVALUATION.eligible * 2,
    )
    assert [both.row(row) for row in (0, 2, 3, 5)] == [(0, 0), (0, 2), (1, 0), (1, 2)]
    assert len(both.values("ndcg")) == 6
    assert both.verdict().tasks[0].lists == 4


def test_the_verdict_holds_every_table():
    verdict = EVALUATION.verdict()
    assert (verdict.cut, verdict.k, verdict.cuts) == (10 * DAY, 2, (10 * DAY,))
    assert verdict.tasks[0].ndcg.mean == 1.0
    assert verdict.health.coverage == 1.0
    assert verdict.baseline_health.coverage == pytest.approx(2 / 3)
    assert {(one.dimension, one.task) for one in verdict.slices} == {
        ("activity", "all"),
        ("recency", "all"),
        ("activity", "discover"),
        ("recency", "discover"),
    }


def test_where_no_list_holds_a_new_item_the_verdict_says_so_instead_of_a_nought():
    verdict = EVALUATION.verdict()
    assert "cold_items" not in {figures.task for figures in verdict.tasks}
    # Ann and cid buy one new item each, beside three known ones.
    assert any(f.startswith("40% of what was bought") for f in verdict.findings)


def test_a_list_that_holds_a_new_item_is_judged_on_it():
    verdict = evaluation_of([[NEW], [MILK], [TEA]], BEST).verdict()
    assert "cold_items" in {figures.task for figures in verdict.tasks}
    assert not any("no list holds one" in finding for finding in verdict.findings)


def test_few_customers_are_told():
    assert "only 3 customers ordered again: the intervals say little" in EVALUATION.verdict().findings


def test_other_methods_are_compared_task_by_task_and_corrected_together():
    rows = compared(EVALUATION)
    assert [(row.task, row.method.name) for row in rows] == [
        (task, "worse")
        for task in ("all", "repeat", "discover", "next_basket", "cold_customers", "cold_items")
    ]
    assert all(row.method.difference.mean <= 0 for row in rows)
    assert all(row.method.p_holm >= row.method.p for row in rows)
    assert EVALUATION.others == ("worse",)


def test_repeats_are_counted_among_purchases_places_and_hits():
    window = window_of()
    had = [[True, False], [False], [True]]
    split = repeat_split([window], [table_of(PERFECT, had)], k=2)
    assert split.truth.mean == pytest.approx(1 / 3)  # ann's tea, of tea, jam and bob's milk
    assert split.places.mean == pytest.approx(2 / 4)
    assert split.hits.mean == pytest.approx(1 / 3)


def test_lists_without_a_hit_have_no_share_of_repeats_among_them():
    window = window_of()
    nothing, misses = table_of([[], [], []]), table_of([[MILK], [TEA], [JAM]])
    assert repeat_split([window], [misses], k=2).hits is None
    assert repeat_split([window], [nothing], k=2).places is None


def test_longer_lists_find_more_and_show_more():
    (one, two) = trade_off(EVALUATION, lengths=(1, 2))
    # Of two purchases ann's first place names one, of one bob's names it.
    assert (one.recall, two.recall) == (0.75, 1.0)
    assert (one.coverage, two.coverage) == (pytest.approx(2 / 3), 1.0)
    assert trade_off(EVALUATION, lengths=(2,), name=BEST_SELLERS)[0].recall == 0.5


def test_an_example_shows_history_list_and_purchases():
    (bob, ann) = examples(evaluation_of([[TEA, JAM], [TEA], [TEA]], BEST), 2)
    assert (ann.customer, ann.orders, ann.ndcg) == ("ann", 2, 1.0)
    assert ann.history == (Bought("tea", 2, 6 * DAY), Bought("milk", 1, DAY))
    assert ann.places == (Place("tea", "als", True, True), Place("jam", "als", False, True))
    assert ann.truth == ("tea", "jam")  # tea cost more
    assert (bob.customer, bob.ndcg, bob.truth) == ("bob", 0.0, ("milk",))


def test_examples_run_from_the_worst_list_to_the_best():
    found = examples(EVALUATION, 5, name="worse")
    assert [one.ndcg for one in found] == sorted(one.ndcg for one in found)
    assert len(found) == 2  # cid bought nothing that counts
    assert examples(EVALUATION, 5) == examples(EVALUATION, 5, name=OURS)
