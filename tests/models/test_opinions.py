"""Opinions that are added up from what customers bought."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.models.opinions import Related


def test_what_is_related_to_a_customers_purchases_is_added_up():
    relation = csr_array(np.array([[0, 0.5, 0], [0.25, 0, 1], [0, 1, 0]], np.float32))
    purchases = csr_array(np.array([[2, 0, 1], [0, 0, 0], [0, 4, 0]], np.float32))
    opinion = Related(purchases, relation)
    assert opinion.scores(np.array([2, 0])).tolist() == [[1, 0, 4], [0, 2, 0]]
    assert opinion.of(np.array([1])).nnz == 0


@pytest.mark.parametrize("seed", range(3))
def test_the_sums_are_scipys(seed):
    rng = np.random.default_rng(seed)
    relation, purchases = (
        csr_array((rng.random(shape) * (rng.random(shape) < 0.2)).astype(np.float32))
        for shape in ((40, 40), (30, 40))
    )
    customers = rng.permutation(30)[:20].astype(np.int32)
    mine = Related(purchases, relation).of(customers).toarray()
    assert np.array_equal(mine, (purchases[customers] @ relation).toarray())
