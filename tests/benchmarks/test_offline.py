"""The benchmarks of the whole way from files to Redis, in a small form: that all pipelines get there."""

import pytest

from benchmarks.growth import exponent
from benchmarks.growth import measure as grown
from benchmarks.growth import table_of as growth_table
from benchmarks.large_shops import ShopSize
from benchmarks.offline import measure, table_of

SMALL = ShopSize(customers=900, items=120, lines=20_000)


@pytest.mark.slow
def test_every_pipeline_goes_from_files_to_redis():
    measured = measure(SMALL, times=1)
    stages = {"read", "als", "top n", "co-purchase", "publish"}
    assert set(measured.ratios) == {"whole", *stages}
    assert (
        stages <= set(measured.runs["ours"][0].stages)
        and "Learn the ranker" in measured.runs["two-stage"][0].stages
    )
    by_libraries = {"read, polars", "als, irspack", "als, rusket", "top n, rusket"}
    assert set(measured.libraries) == {*by_libraries, "co-purchase, sparse_dot_topn"}
    assert all(run.whole > 0 and run.peak > 0 for runs in measured.runs.values() for run in runs)
    assert "whole, two stages" in list(table_of({"small": measured}).columns[1].cells)


@pytest.mark.slow
def test_growth_has_an_exponent_a_stage():
    growth = grown(SMALL, shares=(0.5, 1.0), times=1)
    assert growth.lines == [10_000, 20_000]
    assert list(growth_table(growth).columns[0].cells) == ["read", "als", "top n", "co-purchase", "publish"]


def test_an_exponent_is_a_slope_of_logarithms():
    assert exponent([100, 200, 400], [1.0, 2.0, 4.0]) == 1.0
    assert exponent([100, 200, 400], [1.0, 4.0, 16.0]) == 2.0
    assert exponent([100, 200], [3.0, 3.0]) == 0.0
