"""The exact search, held against scoring everything."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.top_n.factor_search import FactorSearch

NOTHING = -np.inf


def sum_in_order(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.cumsum(values, axis=2)[:, :, -1] if values.shape[2] else np.zeros(values.shape[:2])


def brute_force(
    customers: NDArray[np.float32],
    items: NDArray[np.float32],
    n: int,
    *,
    eligible: NDArray[np.bool_],
    masked: NDArray[np.bool_],
    above: float,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Everything scored in double precision, in the same order, and sorted; ties to the lower position."""
    products = customers[:, None, :].astype(np.float64) * items[None, :, :]
    whole = products.shape[2] // 8 * 8
    a, b, c, d, e, f, g, h = (sum_in_order(products[:, :, lane:whole:8]) for lane in range(8))
    scores = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for factor in range(whole, products.shape[2]):
        scores = scores + products[:, :, factor]
    scores[masked | ~eligible] = NOTHING
    scores[scores <= above] = NOTHING
    order = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    best = np.take_along_axis(scores, order, axis=1)
    found = np.full((len(customers), n), -1, np.int32)
    found[:, : order.shape[1]] = np.where(best > NOTHING, order, -1)
    padded = np.full((len(customers), n), NOTHING)
    padded[:, : order.shape[1]] = best
    return found, padded


def check(customers, items, n, *, eligible=None, masked=None, above=NOTHING):
    eligible = np.ones(len(items), bool) if eligible is None else eligible
    masked = np.zeros((len(customers), len(items)), bool) if masked is None else masked
    found = FactorSearch.over(items, eligible).best(
        customers, n, masked=csr_array(masked.astype(np.float32)), above=above
    )
    expected, scores = brute_force(customers, items, n, eligible=eligible, masked=masked, above=above)
    np.testing.assert_array_equal(found.items, expected)
    np.testing.assert_array_equal(found.scores, scores)


KINDS = ("random", "long tail", "flat", "duplicates", "whole numbers", "zeros")


def factors_of(kind: str, rng: np.random.Generator, n: int, width: int) -> NDArray[np.float32]:
    match kind:
        case "random":
            made = rng.normal(size=(n, width))
        case "long tail":
            made = rng.normal(size=(n, width)) / np.arange(1, n + 1)[:, None]
        case "flat":  # all of one length: nothing can be passed over
            made = rng.normal(size=(n, width))
            made /= np.linalg.norm(made, axis=1, keepdims=True)
        case "duplicates":  # more equal scores than the search keeps to spare
            made = rng.normal(size=(3, width))[rng.integers(3, size=n)]
        case "whole numbers":
            made = rng.integers(-2, 3, size=(n, width))
        case _:
            made = np.zeros((n, width))
    return made.astype(np.float32)


@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32 - 1),
    n_customers=st.integers(1, 70),
    n_items=st.integers(1, 1100),
    width=st.integers(1, 20),
    n=st.integers(1, 40),
    share_masked=st.sampled_from([0.0, 0.1, 0.9, 1.0]),
    share_eligible=st.sampled_from([0.0, 0.5, 1.0]),
    above=st.sampled_from([NOTHING, 0.0, 0.3]),
)
def test_it_finds_what_scoring_everything_finds(
    kind, seed, n_customers, n_items, width, n, share_masked, share_eligible, above
):
    rng = np.random.default_rng(seed)
    check(
        factors_of("random" if kind != "whole numbers" else kind, rng, n_customers, width),
        factors_of(kind, rng, n_items, width),
        n,
        eligible=rng.random(n_items) < share_eligible,
        masked=rng.random((n_customers, n_items)) < share_masked,
        above=above,
    )


def test_scores_that_single_precision_cannot_tell_apart_are_told_apart():
    # Twenty items whose scores differ by less than single precision shows: 1 + number · 2⁻⁴⁰.
    number = np.arange(20)
    rng = np.random.default_rng(0)
    rng.shuffle(number)
    items = np.stack((np.ones(20), number * 2.0**-20), axis=1).astype(np.float32)
    search = FactorSearch.over(items, np.ones(20, bool))
    found = search.best(np.array([[1, 2.0**-20]], np.float32), 3, masked=csr_array((1, 20), dtype=np.float32))
    assert number[found.items[0]].tolist() == [19, 18, 17]


def test_of_many_equal_items_the_first_are_found():
    check(np.ones((2, 3), np.float32), np.ones((600, 3), np.float32), 5)


def test_infinitely_many_wanted_are_as_many_as_there_are():
    rng = np.random.default_rng(1)
    check(factors_of("random", rng, 3, 4), factors_of("random", rng, 6, 4), 10)


def test_companions_change_nothing():
    rng = np.random.default_rng(2)
    customers, items = factors_of("random", rng, 500, 8), factors_of("long tail", rng, 700, 8)
    search = FactorSearch.over(items, np.ones(700, bool))
    masked = csr_array((500, 700), dtype=np.float32)
    together = search.best(customers, 10, masked=masked)
    alone = search.best(customers[432:433], 10, masked=masked[:1])
    np.testing.assert_array_equal(together.items[432], alone.items[0])
    np.testing.assert_array_equal(together.scores[432], alone.scores[0])


@pytest.mark.parametrize(("with_taste", "described"), [(300, 700), (300, 20), (300, 0), (150, 700), (0, 700)])
def test_who_or_what_is_nothing_costs_nothing(with_taste, described):
    """Customers without a taste, and items of which a model knows nothing, score 0: no proposal."""
    rng = np.random.default_rng(3)
    customers, items = factors_of("random", rng, 300, 8), factors_of("random", rng, 700, 8)
    customers[with_taste:], items[described:] = 0, 0
    search = FactorSearch.over(items, np.ones(700, bool))
    found = search.best(customers, 10, masked=csr_array((300, 700), dtype=np.float32), above=0.0)
    assert found.scored_in_full == 0
    check(customers, items, 10, above=0.0)


def test_factors_too_small_to_be_squared_are_still_told_apart():
    rng = np.random.default_rng(4)
    check(factors_of("random", rng, 3, 4), factors_of("random", rng, 1_500, 4) * np.float32(1e-26), 5)


def test_nobody_is_found_nothing():
    search = FactorSearch.over(np.ones((4, 2), np.float32), np.ones(4, bool))
    found = search.best(np.zeros((0, 2), np.float32), 3, masked=csr_array((0, 4), dtype=np.float32))
    assert found.items.shape == found.scores.shape == (0, 3)


COMPILED = """
from numba.core import event
from recommender.ranking.warm_up import warm_up
from recommender.top_n.kernels import best_of_rows, products, search, settle
with event.install_recorder("numba:compile") as heard:
    warm_up()
print(len(heard.buffer) > 0, all(each.signatures for each in (best_of_rows, products, search, settle)))
"""


def test_a_second_process_compiles_nothing(tmp_path: Path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", COMPILED]
    first, second = (
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()
        for _ in range(2)
    )
    assert first == ["True", "True"]
    assert second == ["False", "True"]
