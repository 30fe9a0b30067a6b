import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

from recommender.models import neighbours
from recommender.models.neighbours import strongest_relations

ROWS = arrays(
    np.float32, st.tuples(st.integers(1, 8), st.integers(1, 9)), elements=st.integers(0, 2).map(float)
)


def product(together, a, b):
    return together


def by_brute_force(rows, n, min_together):
    together = rows.T @ rows
    np.fill_diagonal(together, 0)
    together[together < max(min_together, 1e-9)] = 0
    kept = np.zeros_like(together)
    for anchor, row in enumerate(together):
        best = np.argsort(-row, kind="stable")[:n]
        kept[anchor, best] = row[best]
    return kept


@pytest.mark.parametrize("cells", [1, 20, 1_000_000])
@given(rows=ROWS, n=st.integers(1, 5), min_together=st.integers(0, 2))
def test_blocks_and_ties_equal_brute_force(cells, rows, n, min_together):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_BLOCK_CELLS", cells)
        mass = np.ones(rows.shape[1], np.float32)
        found = strongest_relations(csr_array(rows), mass, product, n=n, min_together=min_together)
    assert found.relation.toarray().tolist() == by_brute_force(rows, n, min_together).tolist()


def test_threads_do_not_change_the_relations(monkeypatch):
    monkeypatch.setattr(neighbours, "_BLOCK_CELLS", 50)
    rows = csr_array(np.random.default_rng(0).random((200, 30)).astype(np.float32))
    mass = np.ones(30, np.float32)
    one, four = (strongest_relations(rows, mass, product, n=7, threads=t).relation for t in (1, 4))
    assert (one.indices.tolist(), one.data.tobytes()) == (four.indices.tolist(), four.data.tobytes())
