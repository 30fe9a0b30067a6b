"""The speed benchmark of the trees, in a small form."""

from benchmarks.trees import measure
from recommender.ranking.ranker import Ranker


def test_both_give_the_same_scores():
    found = measure(Ranker(trees=8, leaves=7), candidates=2_000, times=1)
    assert found.equal
    assert found.trees == 16
    assert found.ratio > 0
