from dataclasses import replace

import msgspec
import pytest

from recommender.snapshot.encoding import StoredManifest, decode_manifest
from recommender.snapshot.publication import Publication, vitals_of
from recommender.snapshot.reader_check import is_same_snapshot
from recommender.snapshot.vitals import Coverage, Judged, MeanWithInterval, TaskFigures, judged_in
from tests.snapshot.snapshots import small_snapshot

ALL = {"task": "all", "customers": 40, "ndcg": {"mean": 0.3, "low": 0.2, "high": 0.4}}
FIGURES = {
    "cut": 1,
    "days": 28.0,
    "k": 10,
    "tasks": [ALL | {"hit": 0.5, "gain": {"mean": 0.1}}],
    "health": {},
}
JUDGED = Judged(10, 28.0, (TaskFigures("all", 40, MeanWithInterval(0.3, 0.2, 0.4)),))


def published(**changes):
    """The last entry of a small snapshot whose manifest has these fields."""
    snapshot = small_snapshot()
    changed = replace(snapshot, manifest=msgspec.structs.replace(snapshot.manifest, **changes))
    *_, (_, raw) = Publication(changed).entries()
    return raw


def test_vitals_count_what_the_lists_cover():
    vitals = vitals_of(small_snapshot())
    assert (vitals.orders, vitals.customers, vitals.items, vitals.best_sellers) == (5, 2, 4, 3)
    assert vitals.coverage == {
        "customers": Coverage(2, 2),
        "items": Coverage(3, 4),  # nobody's list holds nails
        "similar": Coverage(2, 4),
        "bought_together": Coverage(4, 4),
    }
    assert vitals.judged is None


def test_shares_are_of_what_there_is():
    assert (Coverage(3, 4).share, Coverage(0, 0).share) == (0.75, 0.0)


def test_a_published_manifest_says_how_its_lists_were_judged():
    assert decode_manifest(published(figures=FIGURES)).vitals.judged == JUDGED


@pytest.mark.parametrize("figures", [None, {}, {"days": 28.0, "k": 10}, {"days": 28.0, "k": 10, "tasks": 3}])
def test_figures_that_say_nothing_are_no_verdict(figures):
    assert judged_in(figures) is None


@pytest.mark.parametrize(
    "useless",
    [
        {},
        {"task": "cold", "customers": 3},
        {"task": "cold", "customers": 3, "ndcg": 0.5},
        {"task": "cold", "customers": 3, "ndcg": {"mean": None, "low": None, "high": None}},
        {"task": "cold", "customers": 3, "ndcg": dict.fromkeys(("mean", "low", "high"), float("nan"))},
    ],
)
def test_a_task_without_a_number_is_left_out_and_the_manifest_can_be_read(useless):
    figures = FIGURES | {"tasks": [useless, ALL]}
    assert decode_manifest(published(figures=figures)).vitals.judged == JUDGED


def test_a_manifest_without_them_is_read():
    raw = b"""{"format": 1, "snapshot": "monday", "generated_at": "2026-11-21T05:00:00Z",
        "data_until": "2026-11-21T04:00:00Z", "sources": ["als"], "n_customers": 2, "n_items": 4,
        "item_chunks": 1, "categories": [], "pages": {}}"""
    manifest = decode_manifest(raw)
    assert (manifest.vitals, manifest.forced) == (None, ())


def test_what_was_not_forced_does_not_mention_it():
    assert "forced" not in msgspec.json.decode(published())


def test_being_forced_and_the_time_make_no_other_snapshot():
    plain = msgspec.json.decode(published(figures=FIGURES), type=StoredManifest)
    for change, same in (
        ({"forced": ("too small",)}, True),
        ({"generated_at": "2026-11-22T05:00:00Z"}, True),
        ({"vitals": None}, False),
        ({"n_items": 5}, False),
    ):
        changed = msgspec.structs.replace(plain, **change)
        assert is_same_snapshot(msgspec.json.encode(plain), msgspec.json.encode(changed)) is same
    assert not is_same_snapshot(msgspec.json.encode(plain), b"{")
