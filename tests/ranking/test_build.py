"""From what models think to finished lists."""

from dataclasses import dataclass, fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

from recommender.models.neighbours import Neighbours
from recommender.models.opinions import Factored, Opinion, Related
from recommender.ranking.blend import Blend
from recommender.ranking.build import best_sellers, of_mode, recommend, related
from recommender.ranking.lists import SOURCES
from tests.ranking.tables import table_of


@dataclass(frozen=True)
class Fixed:
    """A model whose opinion is written down."""

    opinion: Opinion


def summed(scores):
    """As if every customer had bought something that only they buy."""
    return Related(csr_array(scores))


def factored(scores):
    """As if every customer were a factor."""
    return Factored(np.eye(len(scores), dtype=np.float32), np.ascontiguousarray(scores.T))


def lists(models, *, bought=None, eligible=None, length=3, **weights):
    opinion = next(iter(models.values()))
    n_customers, n_items = opinion.shape
    blend = Blend(**(dict.fromkeys(Blend.__dataclass_fields__, 0.0) | weights))
    one, other = (
        recommend(
            {name: Fixed(form(np.asarray(scores, np.float32))) for name, scores in models.items()},
            blend,
            np.arange(n_customers, dtype=np.int32),
            bought=csr_array(np.zeros(opinion.shape) if bought is None else bought),
            eligible=np.ones(n_items, bool) if eligible is None else np.array(eligible),
            length=length,
        )
        for form in (summed, factored)
    )
    # How an opinion is worked out must not matter.
    for field in fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))
    return one


def test_scores_are_scaled_to_the_best_and_added_by_weight():
    als, sold = np.array([[4.0, 2, 0]]), np.array([[0.0, 100, 50]])
    ranked = lists({"als": als, "best_sellers": sold}, als=1.0, best_sellers=0.6).row(0)
    assert ranked.items.tolist() == [1, 0, 2]
    assert ranked.scores == pytest.approx([2 / 4 + 0.6, 1.0, 0.6 * 50 / 100])


def test_the_source_is_the_model_that_adds_most():
    als, sold = np.array([[4.0, 2, 0]]), np.array([[0.0, 100, 50]])
    ranked = lists({"als": als, "best_sellers": sold}, als=1.0, best_sellers=0.6).row(0)
    assert [SOURCES[s] for s in ranked.sources] == ["best_sellers", "als", "best_sellers"]


def test_equal_scores_go_to_the_lower_item():
    assert lists({"als": np.array([[1.0, 1, 1]])}, als=1.0, length=2).row(0).items.tolist() == [0, 1]


def test_a_row_holds_enough_of_both_kinds_for_every_mode():
    opinion = np.array([[9.0, 8, 7, 6, 5, 4]])
    table = lists({"als": opinion}, bought=np.array([[1, 1, 1, 0, 0, 0]]), als=1.0, length=2)
    assert of_mode(table, "mixed", 2).row(0).items.tolist() == [0, 1]
    assert of_mode(table, "repeat", 2).row(0).items.tolist() == [0, 1]
    assert of_mode(table, "discover", 2).row(0).items.tolist() == [3, 4]
    assert len(table.row(0)) == 4


def test_what_no_model_proposes_is_not_listed():
    assert lists({"als": np.array([[1.0, 0, -3]])}, als=1.0).row(0).items.tolist() == [0]


def test_a_customer_nobody_has_an_idea_for_gets_an_empty_row():
    table = lists({"als": np.array([[0.0, 0], [1, 0]])}, als=1.0)
    assert [len(row) for row in table] == [0, 1]


def test_ineligible_items_are_left_out_and_do_not_set_the_scale():
    ranked = lists({"als": np.array([[100.0, 2, 1]])}, eligible=[False, True, True], als=1.0).row(0)
    assert ranked.items.tolist() == [1, 2]
    assert ranked.scores.tolist() == [1.0, 0.5]


def test_nothing_eligible_means_empty_lists():
    assert [len(r) for r in lists({"als": np.array([[1.0, 2]])}, eligible=[False, False], als=1.0)] == [0]


@given(arrays(np.float32, (3, 6), elements=st.integers(0, 50).map(float)), st.sampled_from([0.001, 1000.0]))
def test_a_models_own_scale_does_not_matter(opinion, factor):
    sold = np.tile(np.array([6.0, 5, 4, 3, 2, 1]), (3, 1))
    plain = lists({"als": opinion, "best_sellers": sold}, als=1.0, best_sellers=0.5)
    scaled = lists({"als": opinion * factor, "best_sellers": sold}, als=1.0, best_sellers=0.5)
    assert plain.scores == pytest.approx(scaled.scores, abs=1e-5)


def test_blocks_do_not_change_the_lists(monkeypatch):
    from recommender.ranking import build

    opinion = np.random.default_rng(0).random((7, 5))
    whole = lists({"als": opinion}, als=1.0)
    monkeypatch.setattr(build, "_BLOCK", 2)
    assert lists({"als": opinion}, als=1.0).items.tolist() == whole.items.tolist()


def test_threads_do_not_change_the_lists(monkeypatch):
    from recommender.ranking import build

    monkeypatch.setattr(build, "_BLOCK", 5)
    rng = np.random.default_rng(1)
    customers, items = rng.normal(size=(90, 16)), rng.normal(size=(40, 16))

    model = Fixed(Factored(customers.astype(np.float32), items.astype(np.float32)))

    def table(threads):
        return recommend(
            {"als": model}, Blend(), np.arange(90, dtype=np.int32), bought=csr_array((90, 40)),
            eligible=np.ones(40, bool), length=10, threads=threads,
        )  # fmt: skip

    one, four = table(1), table(4)
    assert one.items.tolist() == four.items.tolist()
    assert one.scores.tobytes() == four.scores.tobytes()


def test_a_model_without_weight_proposes_nothing():
    table = lists({"als": np.array([[1.0, 0, 0]]), "best_sellers": np.array([[0.0, 5, 0]])}, als=1.0)
    assert table.row(0).items.tolist() == [0]


def test_related_items_come_strongest_first_and_only_eligible_ones():
    relation = csr_array(np.array([[0, 0.2, 0.9], [0.5, 0, 0.5], [0, 0, 0]], np.float32))
    table = related(Neighbours(relation), "co_purchase", np.array([True, True, True]), length=2)
    assert [row.items.tolist() for row in table] == [[2, 1], [0, 2], []]
    table = related(Neighbours(relation), "co_purchase", np.array([True, True, False]), length=2)
    assert [row.items.tolist() for row in table] == [[1], [0], []]


@given(
    arrays(np.float32, st.just((5, 5)), elements=st.sampled_from([0, 0.25, 0.5, 1e-30, 7])),
    st.lists(st.booleans(), min_size=5, max_size=5),
    st.integers(1, 6),
)
def test_related_items_are_those_that_sorting_every_row_gives(strengths, eligible, length):
    table = related(Neighbours(csr_array(strengths)), "item_knn", np.array(eligible), length)
    for row, found in zip(strengths, table, strict=True):
        shown = [item for item in range(5) if row[item] and eligible[item]]
        best = sorted(shown, key=lambda item: (-row[item], item))[:length]
        assert found.items.tolist() == best
        assert found.scores.tolist() == row[best].tolist()


def test_best_sellers_of_the_shop_and_of_its_categories():
    sold, category = np.array([3.0, 9, 0, 5, 5], np.float32), np.array([1, 0, 1, 1, -1], np.int32)
    table = best_sellers(sold, category, 3, length=3)
    # The whole shop first; equal sales go to the lower item; what never sold, and category 2, list nothing.
    assert [row.items.tolist() for row in table] == [[1, 3, 4], [1], [3, 0], []]


def test_mixed_is_everything_in_order():
    table = table_of([[4, 2, 3]], bought=[[False, True, False]])
    assert of_mode(table, "mixed", 9).row(0).items.tolist() == [4, 2, 3]
    assert of_mode(table, "repeat", 9).row(0).items.tolist() == [2]
    assert of_mode(table, "discover", 9).row(0).items.tolist() == [4, 3]


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"als": -1.0}, "als must be at least 0"),
        ({"als": np.nan}, "als"),
        ({"als": np.inf}, "als"),
        ({}, "one weight"),
    ],
)
def test_weights_that_are_no_weights_are_refused(weights, said):
    with pytest.raises(ValueError, match=said):
        Blend(**(dict.fromkeys(Blend.__dataclass_fields__, 0.0) | weights))


@pytest.mark.parametrize("mode", ["repeat", "discover"])
def test_a_mode_is_a_part_of_every_row_in_blocks_of_any_size(mode, monkeypatch):
    rng = np.random.default_rng(3)
    items = [rng.permutation(9)[: rng.integers(0, 7)].tolist() for _ in range(23)]
    bought = [[bool(had) for had in rng.random(len(row)) < 0.5] for row in items]
    table = table_of(items, bought)
    wanted = [
        [item for item, had in zip(row, own, strict=True) if had == (mode == "repeat")][:2]
        for row, own in zip(items, bought, strict=True)
    ]
    for rows in (4, 100):
        monkeypatch.setattr("recommender.ranking.build._ROWS", rows)
        assert [row.items.tolist() for row in of_mode(table, mode, 2)] == wanted
