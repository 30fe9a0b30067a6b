"""What ALS proposes in a session, on factors that can be read off."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

from recommender.models.als import Als
from recommender.ranking.lists import SOURCES
from recommender.ranking.session_factors import CONFIDENCE, FEWEST_BUYERS, LENGTH, SessionFactors, _largest
from tests.shops import TASTES, history_of, planted_lines

SWEET, SALTY = (1.0, 0.0), (0.0, 1.0)
HONEY, JAM, NUTS, CRISPS, NOBODYS = range(5)
ROWS = np.array([SWEET, SWEET, SALTY, SALTY, (0.0, 0.0)], np.float32)
EVERYWHERE = np.array([3, 2, 2, 1, 0])


def factors(rows=ROWS, listed=EVERYWHERE, buyers=None, **more) -> SessionFactors:
    buyers = np.full(len(rows), FEWEST_BUYERS) if buyers is None else buyers
    return SessionFactors.of(rows, rows.T @ rows, 0.5, listed=listed, buyers=buyers, **more)


def proposed(found: SessionFactors, *viewed: int) -> list[int]:
    return found.list_for(np.array(viewed, np.int32)).items.tolist()


def test_a_session_is_shown_what_is_of_its_taste():
    assert proposed(factors(), HONEY) == [HONEY, JAM]
    assert proposed(factors(), CRISPS) == [NUTS, CRISPS]
    assert sorted(proposed(factors(), HONEY, CRISPS)) == [HONEY, JAM, NUTS, CRISPS]


def test_of_what_nobody_knows_nothing_follows():
    assert proposed(factors()) == []
    assert proposed(factors(), -1, 99, NOBODYS) == []
    nothing = np.zeros((3, 2), np.float32)
    assert proposed(factors(nothing, np.ones(3, int)), 0) == []
    assert proposed(factors(), -1, HONEY) == proposed(factors(), HONEY)


def test_to_look_twice_is_to_look_once():
    once, twice = (factors().list_for(np.array(v, np.int32)) for v in ([HONEY], [HONEY, HONEY]))
    assert once.scores.tolist() == twice.scores.tolist()


def test_what_stands_on_no_list_says_something_and_is_not_proposed():
    hidden = factors(listed=np.array([0, 2, 2, 1, 0]))
    assert proposed(hidden, HONEY) == [JAM]


def test_what_few_bought_is_neither_looked_at_nor_proposed():
    few = factors(buyers=np.array([FEWEST_BUYERS, FEWEST_BUYERS - 1, 9, 9, 9]))
    assert proposed(few, HONEY) == [HONEY]
    # Whoever looks at it would be shown what its few buyers bought besides.
    assert proposed(few, JAM) == []


def test_what_everybody_buys_is_not_first_by_that_alone():
    # Of the same direction and four times the length: a product four times as large, a score twice.
    rows = np.array([(1, 0), (4, 0), (1, 0.1)], np.float32)
    scores = factors(rows, np.ones(3, int)).list_for(np.array([0], np.int32))
    assert scores.items.tolist()[0] == 1
    assert scores.scores[0] == pytest.approx(2 * scores.scores[scores.items == 0][0], rel=1e-3)


def test_the_places_name_als_and_nothing_bought():
    found = factors().list_for(np.array([HONEY], np.int32))
    assert [SOURCES[source] for source in found.sources] == ["als", "als"]
    assert not found.bought.any()
    assert found.scores.dtype == np.float32


def test_of_too_many_items_those_on_the_most_lists_are_kept():
    few = factors(most_items=3)
    assert few.items.tolist() == [HONEY, JAM, NUTS]
    assert proposed(few, HONEY) == [HONEY, JAM]


def test_of_too_many_factors_the_directions_that_tell_most_are_kept():
    rng = np.random.default_rng(0)
    # Two strong tastes in eight directions, and a little noise in all of them.
    turned, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    tastes = np.repeat([SWEET, SALTY], 20, axis=0) * [[3, 2]]
    rows = (tastes @ turned[:2] + 0.01 * rng.normal(size=(40, 8))).astype(np.float32)
    few, all_ = (factors(rows, np.ones(40, int), most_factors=n) for n in (2, 8))
    assert few.factors.shape == (40, 2) and few.gram.shape == (2, 2)
    assert np.allclose(few.gram, few.factors.T @ few.factors, rtol=1e-2, atol=0.1)
    for viewed in (0, 25):
        first, second = (one.list_for(np.array([viewed], np.int32)) for one in (few, all_))
        taste = range(20) if viewed < 20 else range(20, 40)
        assert set(first.items[:20].tolist()) == set(second.items[:20].tolist()) == set(taste)
        assert first.scores[:20].mean() == pytest.approx(second.scores[:20].mean(), rel=0.05)
    again = factors(rows, np.ones(40, int), most_factors=2)
    assert np.array_equal(few.factors, again.factors)


def test_it_is_the_fold_in_of_the_model():
    history = history_of(planted_lines(), 121.0)
    als = Als(factors=8).fit(history)
    n_items = len(history.items)
    some = np.full(n_items, 9)
    found = SessionFactors.of(als.item_factors, als.gram, float(als.pull), listed=some, buyers=some)
    for taste in TASTES.values():
        viewed = history.items.positions(taste[:2])
        # A weight whose confidence is that of a view.
        weight = np.expm1(CONFIDENCE / float(als.alpha))
        row = csr_array((np.full(2, weight, np.float32), np.sort(viewed), [0, 2]), shape=(1, n_items))
        (scores,) = als.scores_of(als.fold_in(row)) / np.linalg.norm(als.item_factors, axis=1) ** 0.5
        best = found.list_for(viewed)
        assert best.scores == pytest.approx(scores[best.items], rel=2e-2, abs=2e-3)
        assert set(best.items[: len(taste)].tolist()) == set(history.items.positions(taste).tolist())


@given(
    arrays(np.float32, st.integers(0, 3_000), elements=st.integers(-4, 40).map(float)),
    st.integers(1, LENGTH),
)
def test_the_largest_are_found_as_by_sorting(scores, n):
    assert _largest(scores, n).tolist() == (-scores).argsort(kind="stable")[:n].tolist()
