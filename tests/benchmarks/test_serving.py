"""The benchmark of the service, in a small form."""

import shutil

import pytest

from benchmarks.serving import measure, table_of


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk makes the load (apt-get install wrk)")
def test_both_services_answer_every_request():
    (found,) = measure(customers=300, items=100, connections=(2,), seconds=1, times=1)
    for load in (*found.ours, *found.theirs):
        assert load.failed == 0
        assert load.per_second > 0
        assert 0 < load.p50 <= load.p99
    assert found.per_second_ratio > 0
    assert list(table_of([found]).columns[0].cells) == ["2"]
