"""Redis fails in every way that we know of: storefronts get an answer all the same."""

import json

import pytest

from benchmarks.faults import PAGE, markdown_of, measure
from benchmarks.redis_faults import FAULTS
from benchmarks.results import FOLDER


@pytest.fixture(scope="module")
def suffered():
    return {row.fault: row for row in measure(seconds=0.5)}


@pytest.mark.parametrize("fault", [fault.name for fault in FAULTS])
def test_no_read_fails_and_all_is_well_afterwards(suffered, fault):
    found = suffered[fault]
    assert found.failed == 0, found.why
    assert found.answers > 100


def test_the_page_has_the_figures_that_were_kept():
    kept = json.loads((FOLDER / "faults.json").read_text())
    assert markdown_of(kept["figures"]) in PAGE.read_text()
