"""The speed benchmark of the exact search, in a small form: that it compares like with like."""

import numpy as np
import pytest

from benchmarks.datasets import taste_matrix
from benchmarks.paired import Paired, paired
from benchmarks.top_n import measure, table_of


def test_both_find_the_same_items():
    found = measure(taste_matrix(400, 300, 8_000), factors=8, iterations=2, times=1)
    assert found.customers == 400 and found.items == 300
    # Where single precision cannot tell two items apart, implicit may have them the other way round.
    assert found.same > 0.95
    assert found.gap < 1e-4
    assert found.ratio > 0
    assert list(table_of({"small": found}).columns[0].cells) == ["small"]


def test_a_ratio_is_the_median_of_the_turns():
    assert Paired(ours=(1.0, 2.0, 1.0), theirs=(5.0, 4.0, 3.0)).ratio == 3.0


def test_turns_are_taken_in_changing_order():
    heard = []
    took = paired(lambda: heard.append("ours"), lambda: heard.append("theirs"), times=3)
    assert heard == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert len(took.ours) == len(took.theirs) == 3


def test_the_shop_has_favourite_clusters_repeats_and_a_long_tail():
    bought = taste_matrix(2_000, 500, 60_000)
    assert bought.sum() == pytest.approx(60_000, rel=0.1)
    assert (bought.data > 1).mean() > 0.1
    sold = np.sort(np.asarray(bought.sum(axis=0)).ravel())[::-1]
    assert sold[:50].sum() > 0.25 * sold.sum()
    assert (taste_matrix(2_000, 500, 60_000) != bought).nnz == 0
