"""The benchmark of the service, in a small form."""

import shutil

import pytest

from benchmarks.serving import measure, table_of


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk makes the load (apt-get install wrk)")
def test_both_services_answer_every_request():
    found = measure(customers=300, items=100, connections=(2,), seconds=1, times=1)
    assert [row.asked for row in found.rows[:3]] == ["list", "list, nobody twice", "cart"]
    for row in found.rows:
        for load in (*row.ours, *row.theirs):
            assert load.failed == 0
            assert load.per_second > 0
            assert 0 < load.p50 <= load.p99
        assert row.per_second_ratio > 0
    assert list(table_of(found.rows).columns[2].cells) == ["2"] * len(found.rows)
    assert len(found.worker_megabytes) == 2 and min(found.worker_megabytes) > 1
