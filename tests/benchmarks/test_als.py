"""The speed benchmark of ALS, in a small form: that it compares like with like."""

import pytest
from scipy.sparse import csr_array

from benchmarks.als import measure, table_of
from benchmarks.datasets import taste_matrix
from recommender.models.als import Als


def test_both_reach_the_same_objective_and_find_as_much():
    found = measure(csr_array(taste_matrix(1_000, 300, 20_000)), Als(factors=8), times=1)
    assert (found.customers, found.items, found.factors) == (1_000, 300, 8)
    assert found.objective_gap < 1e-3
    assert found.recall >= 0.97 * found.library_recall > 0.3
    assert found.passes < 15
    assert found.pass_ratio > 0 and found.whole_ratio > 0
    assert list(table_of({"small": [found]}).columns[0].cells) == ["small"]


def test_a_shop_too_small_to_say_what_is_found_is_refused():
    with pytest.raises(ValueError, match="too few customers"):
        measure(csr_array(taste_matrix(50, 20, 500)), Als(factors=2), times=1)
