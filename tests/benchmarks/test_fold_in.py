"""The benchmark of sessions' factors, in a small form."""

from benchmarks.fold_in import measure, table_of


def test_both_are_timed():
    found = measure(16, items=500, sessions=5, times=1)
    assert found.milliseconds > 0 and found.share > 0
    assert list(table_of({"16": found}).columns[0].cells) == ["16"]
