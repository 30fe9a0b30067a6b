"""Snapshots are switched and workers replaced: no answer fails, none is put together from two."""

import json

from benchmarks.results import FOLDER
from benchmarks.switching import PAGE, markdown_of, measure


def test_no_answer_fails_or_is_mixed():
    found = measure(questions=4_000, replace_seconds=0.5)
    assert (found.failed, found.mixed) == (0, 0), found.why
    assert found.seen == ("even", "odd") and found.replacements > 0


def test_the_page_has_the_figures_that_were_kept():
    kept = json.loads((FOLDER / "switching.json").read_text())
    assert markdown_of(kept["figures"]) in PAGE.read_text()
