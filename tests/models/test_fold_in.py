"""A cart is placed among the tastes that ALS learned, by the equations that ALS solves."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from recommender.errors import ConfigError
from recommender.models.als import Als
from recommender.models.archive import load_model, save_model
from recommender.models.fold_in import fold_in
from tests.shops import EVERYBODY, TASTES, history_of, planted_lines

NOW = 121.0
HISTORY = history_of(planted_lines(), NOW)
SPEC = Als(factors=8)
FITTED = SPEC.fit(HISTORY)
N_ITEMS = len(HISTORY.items)


def cart(*item_ids):
    row = np.zeros((1, N_ITEMS), np.float32)
    row[0, HISTORY.items.positions(item_ids)] = 1
    return csr_array(row)


def test_one_item_by_hand():
    # One factor: y = 2, so YᵀY = 4; (4 + 2·(5 - 1)·2 + 1) x = 2·5, so x = 10/21.
    x = fold_in(
        np.array([[2.0]], np.float32), np.array([5.0], np.float32), np.array([[4.0]], np.float32), pull=1.0
    )
    assert x == pytest.approx([10 / 21])
    assert x.dtype == np.float32


def test_a_known_customers_own_history_gives_what_another_half_step_would():
    """The other side is the library's own exact solver, handed the same items."""
    purchases = HISTORY.interactions(SPEC.half_life_days)
    # It warns of BLAS threads where there are any.
    with threadpool_limits(1, "blas"):
        solver = AlternatingLeastSquares(factors=SPEC.factors, regularization=float(FITTED.pull))
    solver.item_factors = FITTED.item_factors
    confidence = csr_matrix(purchases)
    confidence.data = 1 + np.float32(SPEC.alpha) * np.log1p(confidence.data)
    half_step = solver.recalculate_user(np.arange(purchases.shape[0]), confidence)
    assert FITTED.fold_in(purchases) == pytest.approx(half_step, abs=1e-4)


def test_training_itself_ends_next_to_it():
    """Fifteen passes are near the end of the way: the factors of the last one are nearly the next ones."""
    longer = replace(SPEC, iterations=100).fit(HISTORY)
    own = longer.fold_in(HISTORY.interactions(SPEC.half_life_days))
    assert own == pytest.approx(longer.customer_factors, abs=5e-3)


weights = st.dictionaries(st.integers(0, N_ITEMS - 1), st.floats(0.015625, 8, width=32), max_size=6)


@given(weights)
@settings(max_examples=60)
def test_it_solves_the_normal_equations_over_all_items(bought):
    row = np.zeros(N_ITEMS)
    row[list(bought)] = list(bought.values())
    confidence = 1 + SPEC.alpha * np.log1p(row)
    items = FITTED.item_factors.astype(np.float64)
    normal = items.T @ (confidence[:, None] * items) + float(FITTED.pull) * np.eye(SPEC.factors)
    exact = np.linalg.solve(normal, items.T @ (confidence * (row > 0)))
    (folded,) = FITTED.fold_in(csr_array(row[None, :].astype(np.float32)))
    assert folded == pytest.approx(exact, abs=1e-4)


@pytest.mark.parametrize("taste", TASTES)
def test_a_first_cart_of_one_taste_is_answered_with_that_taste(taste):
    first_cart = TASTES[taste][:2]
    (scores,) = FITTED.scores_of(FITTED.fold_in(cart(*first_cart)))
    best = [HISTORY.items.ids[item] for item in np.argsort(-scores, kind="stable")]
    others = [item for item in best if item not in first_cart]
    assert all(item.startswith(f"{taste}-") for item in others[:3])


def test_many_carts_at_once_are_answered_like_one_at_a_time():
    carts = [cart("tea-pot"), cart(), cart("diy-saw", "bag")]
    together = csr_array(np.concatenate([one.toarray() for one in carts]))
    alone = [FITTED.fold_in(one)[0] for one in carts]
    assert np.array_equal(FITTED.fold_in(together), np.stack(alone))


def test_an_empty_cart_says_nothing():
    assert not FITTED.fold_in(cart()).any()


def test_an_item_that_everybody_buys_says_little_of_a_taste():
    bag, tea = (FITTED.scores_of(FITTED.fold_in(cart(item)))[0] for item in (EVERYBODY, "tea-pot"))
    of_tea = HISTORY.items.positions(TASTES["tea"][:2])
    assert bag[of_tea].mean() < tea[of_tea].mean()


def test_buying_more_of_it_draws_the_customer_nearer():
    pot = HISTORY.items.position("tea-pot")
    once, often = cart("tea-pot"), cart("tea-pot")
    often.data[:] = 5
    scores = [FITTED.scores_of(FITTED.fold_in(bought))[0, pot] for bought in (once, often)]
    assert 0 < scores[0] < scores[1] <= 1.01


def test_a_loaded_model_folds_in_as_the_fitted_one(tmp_path):
    save_model(FITTED, tmp_path)
    loaded = load_model(type(FITTED), tmp_path)
    assert np.array_equal(loaded.fold_in(cart("tea-pot")), FITTED.fold_in(cart("tea-pot")))


def test_equations_without_a_single_solution_are_named():
    # One item cannot tell two factors apart, and nothing pulls them towards 0.
    row = np.array([[1.0, 1.0]], np.float32)
    with pytest.raises(ConfigError, match=r"\[models.als\]"):
        fold_in(row, np.array([2.0], np.float32), row.T @ row, pull=0.0)
