import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

from recommender.models import neighbours
from recommender.models.measures import (
    beyond_chance,
    correlation,
    cosine,
    jaccard,
    lift,
    log_likelihood_ratio,
    over_product,
)
from recommender.models.neighbours import SeveralBuyers, relations_of_pairs, strongest_relations
from recommender.models.pair_kernels import CHUNK

ROWS = arrays(
    np.float32, st.tuples(st.integers(0, 8), st.integers(0, 9)), elements=st.integers(0, 2).map(float)
)


def by_brute_force(rows, relate, n, min_together, buyer=None, fewest=0):
    """Relations of every pair from a dense product, and of each row the best by a stable sort."""
    together = rows.T @ rows
    strength = np.zeros_like(together)
    for anchor, other in zip(*np.nonzero(together >= max(min_together, 1e-30)), strict=True):
        strength[anchor, other] = relate(together[anchor, other], anchor, other)
        shared = (rows[:, anchor] > 0) & (rows[:, other] > 0)
        if anchor == other or (buyer is not None and len(np.unique(buyer[shared])) < fewest):
            strength[anchor, other] = 0
    kept = np.zeros_like(strength)
    for anchor, row in enumerate(np.maximum(strength, 0)):
        best = np.argsort(-row, kind="stable")[:n]
        kept[anchor, best] = row[best]
    return kept


def product(n_items):
    return over_product(np.ones(n_items), 0.0)


@pytest.mark.parametrize("work", [1, 20, 1_000_000])
@given(rows=ROWS, n=st.integers(1, 5), min_together=st.integers(0, 2))
def test_blocks_and_ties_equal_brute_force(work, rows, n, min_together):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_BLOCK_WORK", work)
        found = strongest_relations(
            csr_array(rows), product(rows.shape[1]), n=n, min_together=min_together
        ).relation
    assert found.toarray().tolist() == by_brute_force(rows, lambda t, a, b: t, n, min_together).tolist()
    assert (np.diff(found.indptr) <= n).all()
    assert found.data.tolist() == csr_array(found.toarray()).data.tolist()


def measures_of(rows):
    """Every measure beside its formula as one would write it down."""
    mass, n = rows.sum(axis=0).astype(np.float64), len(rows) + 1
    group = (np.arange(len(mass)) % 3 - 1).astype(np.int32)

    def alike(a, b):
        return 1.5 if group[a] == group[b] >= 0 else 1.0

    def surprise(t, a, b):
        table = np.array([[t, mass[a] - t], [mass[b] - t, n - mass[a] - mass[b] + t]])
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
        cells = table > 0
        found = 2 * (table[cells] * np.log(table[cells] / expected[cells])).sum()
        return found if t * n > mass[a] * mass[b] else 0

    def spread(a):
        return np.sqrt(mass[a] * (1 - mass[a] / n))

    return {
        "cosine": (cosine(mass, 2.0), lambda t, a, b: t / np.sqrt((mass[a] + 2) * (mass[b] + 2))),
        "lift": (lift(mass, 1.0, n), lambda t, a, b: n * t / ((mass[a] + 1) * (mass[b] + 1))),
        "jaccard": (jaccard(mass, 0.0), lambda t, a, b: t / (mass[a] + mass[b] - t)),
        "llr": (log_likelihood_ratio(mass, n), surprise),
        "correlation": (
            correlation(mass, n, 3.0, group=group, same_group=1.5),
            lambda t, a, b: alike(a, b) * (t - mass[a] * mass[b] / n) / (spread(a) * spread(b) + 3),
        ),
        "beyond chance": (
            beyond_chance(mass, n, mass + 1, (mass + 2) ** 0.3),
            lambda t, a, b: (t - mass[a] * mass[b] / n) / ((mass[a] + 1) * (mass[b] + 2) ** 0.3),
        ),
    }


@pytest.mark.parametrize("name", measures_of(np.zeros((1, 1))))
def test_every_measure_is_its_formula(name):
    # More items than a chunk holds, some of them popular, so that whole chunks are passed over.
    rng = np.random.default_rng(0)
    chance = np.minimum(0.6, 4 / np.arange(1, 2 * CHUNK))
    rows = (rng.random((100, len(chance))) < chance).astype(np.float32)[:, rng.permutation(len(chance))]
    measure, formula = measures_of(rows)[name]
    found = strongest_relations(csr_array(rows), measure, n=5, min_together=2).relation.toarray()
    everything = by_brute_force(rows, formula, len(chance), 2)
    # Of several that differ in their last digit rounding says which is kept, but not how strong it is.
    strongest_five, kept = np.sort(everything, axis=1)[:, -5:], np.sort(found, axis=1)
    assert kept[:, -5:] == pytest.approx(strongest_five, rel=1e-5, abs=1e-5)
    assert not kept[:, :-5].any()
    at = np.nonzero(found)
    assert found[at] == pytest.approx(everything[at], rel=1e-5, abs=1e-5)
    shared = (rows.T @ rows)[at]
    assert relations_of_pairs(measure, *at, shared) == pytest.approx(found[at])


@given(rows=ROWS, draw=st.randoms(use_true_random=False), fewest=st.integers(2, 3))
def test_pairs_of_too_few_people_are_left_out(rows, draw, fewest):
    buyer = np.array([draw.randrange(4) for _ in rows], np.int64)
    found = strongest_relations(
        csr_array(rows), product(rows.shape[1]), n=3, several=SeveralBuyers(buyer, fewest)
    ).relation
    expected = by_brute_force(rows, lambda t, a, b: t, 3, 0, buyer, fewest)
    assert found.toarray().tolist() == expected.tolist()


def test_threads_do_not_change_the_relations(monkeypatch):
    monkeypatch.setattr(neighbours, "_BLOCK_WORK", 500)
    rows = csr_array(np.random.default_rng(0).random((200, 30)).astype(np.float32))
    one, four = (strongest_relations(rows, product(30), n=7, threads=t).relation for t in (1, 4))
    assert (one.indices.tolist(), one.data.tobytes()) == (four.indices.tolist(), four.data.tobytes())


def test_entries_that_are_next_to_nothing_relate_nothing():
    rows = csr_array(np.array([[1e-30, 1e-30, 1.0], [0.0, 0.0, 1.0]], np.float32))
    assert strongest_relations(rows, product(3), n=2).relation.toarray().tolist() == [
        [0.0, 0.0, pytest.approx(1e-30)],
        [0.0, 0.0, pytest.approx(1e-30)],
        [pytest.approx(1e-30), pytest.approx(1e-30), 0.0],
    ]
