"""The gate at work: `publish` and its command line, in front of real stores."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from click.testing import CliRunner, Result

from recommender.errors import ConfigError
from recommender.snapshot.directory import write_snapshot
from recommender.snapshot.encoding import ItemRecord, StoredManifest, encode_items, entry_key
from recommender.snapshot.manifest import Counts
from recommender.snapshot.memory_store import MemoryStore
from recommender.snapshot.redis_store import RedisStore
from recommender.snapshot.store import Entry, SnapshotStore
from recommender.training.commands.publish import publish as publish_command
from recommender.training.commands.publish import rollback, snapshots
from recommender.training.gate import Gate, SnapshotRefused
from recommender.training.gate_settings import GateSettings
from recommender.training.publish import publish, published_manifest
from tests.snapshot.snapshots import small_snapshot
from tests.training.gate_manifests import manifest

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
GATE = Gate(GateSettings(), NOW)


@dataclass(frozen=True)
class Published:
    """A publication of which only the manifest matters."""

    manifest: StoredManifest

    @property
    def snapshot_id(self) -> str:
        return self.manifest.snapshot

    def entries(self) -> Iterator[Entry]:
        yield entry_key("items", "0"), next(encode_items([ItemRecord(str(n)) for n in range(400)]))
        yield entry_key("best-sellers"), b""
        yield entry_key("manifest"), msgspec.json.encode(self.manifest)


MONDAY = Published(manifest("monday"))
TUESDAY = Published(manifest("tuesday", data_until="2026-11-22T04:00:00Z"))
CUT_SHORT = Published(manifest("cut-short", orders=1_000))


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> SnapshotStore:
    return MemoryStore() if request.param == "memory" else request.getfixturevalue("redis_store")


def forced_in(store: SnapshotStore, snapshot: str) -> tuple[str, ...]:
    stored = published_manifest(store, snapshot)
    assert stored is not None
    return stored.forced


def test_what_is_no_worse_goes_live(store: SnapshotStore) -> None:
    first, second = (publish(source, store, gate=GATE) for source in (MONDAY, TUESDAY))
    assert first.ruling and first.ruling.notes == ("no live snapshot to compare with",)
    assert second.ruling and second.ruling.reasons == () and store.active_id() == "tuesday"
    assert forced_in(store, "tuesday") == ()


def test_what_is_worse_is_refused_before_anything_is_written(store: SnapshotStore) -> None:
    publish(MONDAY, store, gate=GATE)
    with pytest.raises(SnapshotRefused, match="monday stays live") as refused:
        publish(CUT_SHORT, store, gate=GATE)
    assert (refused.value.snapshot, refused.value.live) == ("cut-short", "monday")
    assert [(s.snapshot, s.state) for s in store.snapshots()] == [("monday", "active")]
    assert publish(TUESDAY, store, gate=GATE).previous == "monday"


def test_force_publishes_it_and_keeps_the_reasons_where_the_lists_are(store: SnapshotStore) -> None:
    publish(MONDAY, store, gate=GATE)
    report = publish(CUT_SHORT, store, gate=replace(GATE, force=True))
    assert report.ruling is not None
    (reason,) = report.ruling.reasons
    assert "orders learned from: 1,000, in the live one 5,000" in reason.said
    assert forced_in(store, store.active_id()) == (reason.said,)
    stored = next(s for s in store.snapshots() if s.snapshot == "cut-short")
    assert (stored.size, stored.entries) == (report.size, report.entries)


def test_force_leaves_no_trace_on_what_the_gate_has_nothing_against(store: SnapshotStore) -> None:
    publish(MONDAY, store, gate=replace(GATE, force=True))
    assert store.read("monday", [entry_key("manifest")]) == [msgspec.json.encode(MONDAY.manifest)]


def test_a_forced_snapshot_is_whole_when_it_is_published_again_and_stays_forced(store: SnapshotStore) -> None:
    publish(MONDAY, store, gate=GATE)
    publish(CUT_SHORT, store, gate=replace(GATE, force=True))
    again = publish(CUT_SHORT, store, gate=GATE)
    assert again.already_active and again.repaired is None
    assert again.ruling and again.ruling.reasons == () and forced_in(store, "cut-short")


def test_what_was_forced_once_is_not_let_pass_later(store: SnapshotStore) -> None:
    publish(MONDAY, store, gate=GATE)
    publish(CUT_SHORT, store, gate=replace(GATE, force=True))
    assert store.roll_back() == "monday"
    with pytest.raises(SnapshotRefused):
        publish(CUT_SHORT, store, gate=GATE)
    assert store.roll_back() == "cut-short"


def test_a_damaged_live_manifest_keeps_nobody_from_publishing(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    publish(MONDAY, redis_store, gate=GATE)
    for damaged in ("{", '{"format": 1}'):
        redis_client.set("cartlift:1:shop:monday:manifest:{}", damaged)
        assert published_manifest(redis_store, "monday") is None
    report = publish(CUT_SHORT, redis_store, gate=GATE)
    assert report.ruling and report.ruling.notes == ("no live snapshot to compare with",)


def test_the_live_one_is_repaired_however_old_it_has_become(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    publish(MONDAY, redis_store, gate=GATE)
    redis_client.delete("cartlift:1:shop:monday:items:{0}")
    much_later = Gate(GateSettings(max_data_age_days=7.0), datetime(2027, 1, 1, tzinfo=UTC))
    report = publish(MONDAY, redis_store, gate=much_later)
    assert report.repaired == 1
    assert report.ruling and [r.setting for r in report.ruling.reasons] == ["max_data_age_days"]
    assert forced_in(redis_store, "monday") == ()


def test_a_live_manifest_from_before_the_gate_gets_its_vitals_when_it_is_published_again(
    store: SnapshotStore,
) -> None:
    publish(Published(msgspec.structs.replace(MONDAY.manifest, vitals=None)), store)
    assert publish(MONDAY, store, gate=GATE).repaired == 1
    with pytest.raises(SnapshotRefused):
        publish(CUT_SHORT, store, gate=GATE)


def test_without_a_gate_everything_readable_goes_live(store: SnapshotStore) -> None:
    publish(MONDAY, store)
    report = publish(CUT_SHORT, store)
    assert report.ruling is None and forced_in(store, "cut-short") == ()


# --- command line -------------------------------------------------------------------------------------------


def written(folder: Path, *, until: str = "2011-12-09T12:50:00Z", counts: Counts, ndcg: float) -> str:
    fresh = small_snapshot()
    interval = {"mean": ndcg, "low": ndcg - 0.02, "high": ndcg + 0.02}
    tasks = [{"task": "all", "customers": 900, "ndcg": interval}]
    figures = {"cut": 1_320_000_000, "days": 28.0, "k": 10, "tasks": tasks}
    changed = msgspec.structs.replace(fresh.manifest, data_until=until, counts=counts, figures=figures)
    write_snapshot(replace(fresh, manifest=changed), folder)
    return str(folder)


@pytest.fixture
def good(tmp_path: Path) -> str:
    return written(tmp_path / "good", counts=Counts(9, 500, 100, 40), ndcg=0.4)


@pytest.fixture
def bad(tmp_path: Path) -> str:
    return written(tmp_path / "bad", until="2011-12-01T00:00:00Z", counts=Counts(9, 50, 100, 40), ndcg=0.2)


@pytest.fixture
def limited(tmp_path: Path) -> str:
    path = tmp_path / "cartlift.toml"
    path.write_text("[gate]\nmax_data_age_days = 30\n")
    return str(path)


def run(command: Any, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def test_a_refusal_lists_every_reason_and_ends_with_its_own_exit_code(
    redis_client: redis.Redis, redis_url: str, good: str, bad: str
) -> None:
    run(publish_command, good, "--redis", redis_url)
    refused = run(publish_command, bad, "--redis", redis_url, code=1)
    first, *reasons, last = refused.stderr.splitlines()
    assert first.startswith("cartlift: the gate refused snapshot 20111201T000000Z-")
    assert [reason.split("[gate] ")[1].split(" = ")[0] for reason in reasons] == [
        "max_days_behind", "max_size_loss", "max_ndcg_loss",
    ]  # fmt: skip
    assert "--force publishes it" in last
    assert RedisStore(redis_client, "shop").active_id().startswith("20111209")


def test_force_warns_and_the_list_of_snapshots_remembers(
    redis_client: redis.Redis, redis_url: str, good: str, bad: str
) -> None:
    run(publish_command, good, "--redis", redis_url)
    told = run(publish_command, bad, "--redis", redis_url, "--force").stdout
    assert "It is live although the gate is against it:\n  - its newest order is of 2011-12-01" in told
    assert told.count("\n  - ") == 3
    listed = run(snapshots, "--redis", redis_url).stdout
    assert "active forced" in listed and "in the live one 500; at least 350 are asked for" in listed
    live, previous = json.loads(run(snapshots, "--redis", redis_url, "--json").stdout)["snapshots"]
    assert len(live["forced"]) == 3 and live["data_until"] == "2011-12-01T00:00:00Z"
    assert previous["forced"] == []
    run(rollback, "--redis", redis_url)
    assert run(publish_command, bad, "--redis", redis_url, code=1)


def test_a_refusal_is_json_as_well(redis_client: redis.Redis, redis_url: str, good: str, bad: str) -> None:
    report = json.loads(run(publish_command, good, "--redis", redis_url, "--json").stdout)
    assert report["ruling"]["reasons"] == [] and "no live snapshot" in report["ruling"]["notes"][-1]
    refused = json.loads(run(publish_command, bad, "--redis", redis_url, "--json", code=1).stdout)
    assert (refused["live"], refused["snapshot"][:8]) == (report["snapshot"], "20111201")
    assert len(refused["ruling"]["reasons"]) == 3


def test_the_limits_come_from_the_settings_file(
    redis_client: redis.Redis, redis_url: str, good: str, limited: str
) -> None:
    told = run(publish_command, good, "--redis", redis_url).stdout
    assert "days old; [gate] max_data_age_days can refuse old orders" in told
    again = run(publish_command, good, "--redis", redis_url, "--config", limited, code=1).stdout
    assert "was live already, all entries are there" in again
    assert "at most 30 are allowed ([gate] max_data_age_days = 30)" in again
    run(publish_command, good, "--redis", redis_url, "--config", limited, "--force")
    refused = run(publish_command, good, "--redis", redis_url, "--shop", "b", "--config", limited, code=1)
    assert "nothing is live yet" in refused.stderr


def test_a_wrong_setting_is_refused_before_redis_is_asked(good: str, limited: str) -> None:
    Path(limited).write_text("[gate]\nmax_size_los = 0.5\n")
    arguments = [good, "--redis", "redis://127.0.0.1:1", "--config", limited]
    result = CliRunner().invoke(publish_command, arguments)
    assert isinstance(result.exception, ConfigError) and "did you mean 'max_size_loss'?" in str(
        result.exception
    )
