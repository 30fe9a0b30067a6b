import numpy as np
from scipy.sparse import csr_array

from recommender.data.shared_entries import SharedEntries
from tests.shops import history_of

HISTORY = history_of(
    [("1", "ann", "tea", 1.0, 0.0), ("2", "ann", "jam", 1.0, 3.0), ("3", "bob", "tea", 1.0, 5.0)], 9.0
)


def test_weights_of_one_history_stand_on_the_same_indices_and_stay_what_they_are():
    fading, plain = (HISTORY.interactions(half) for half in (2.0, np.inf))
    before = [fading.toarray(), plain.toarray()]
    entries = SharedEntries()
    for matrix in (fading, plain):
        entries.share(matrix)
    assert plain.indices is fading.indices and plain.indptr is fading.indptr
    for matrix, values in zip((fading, plain), before, strict=True):
        assert np.array_equal(matrix.toarray(), values)


def test_matrices_with_entries_elsewhere_keep_their_own():
    entries, one, other = SharedEntries(), csr_array(np.eye(3)), csr_array(np.eye(3)[::-1])
    entries.share(one)
    entries.share(other)
    assert other.indices is not one.indices and other.toarray().tolist() == np.eye(3)[::-1].tolist()
