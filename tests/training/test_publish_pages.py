"""A live snapshot is published again by a version that cuts pages otherwise."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import pytest
import redis

from recommender.data.vocabulary import Vocabulary
from recommender.errors import SnapshotError
from recommender.ranking.reasons import Reasons
from recommender.serving.breaker import CircuitBreaker
from recommender.serving.row_reader import RowReader
from recommender.snapshot import pages
from recommender.snapshot.directory import Snapshot
from recommender.snapshot.encoding import StoredManifest, decode_manifest, entry_key
from recommender.snapshot.memory_store import MemoryStore
from recommender.snapshot.publication import Publication
from recommender.snapshot.redis_store import RedisStore
from recommender.snapshot.store import Entry, SnapshotStore
from recommender.training.publish import publish
from tests.ranking.tables import table_of
from tests.serving.small_shop import Clock
from tests.snapshot.snapshots import small_snapshot

CUSTOMERS = tuple(f"customer {number}" for number in range(400))
LISTS = [entry_key("customer", id_) for id_ in CUSTOMERS]


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> SnapshotStore:
    return MemoryStore() if request.param == "memory" else request.getfixturevalue("redis_store")


@pytest.fixture
def snapshot() -> Snapshot:
    """Four hundred customers with a list of one item each."""
    one, n = small_snapshot(), len(CUSTOMERS)
    table = table_of([[number % 4] for number in range(n)])
    reasons = Reasons(np.zeros(n, np.uint8), np.zeros(n, np.int32))
    lists = replace(one.lists, recommended=table, past_orders=table, reasons=reasons)
    manifest = msgspec.structs.replace(one.manifest, snapshot="monday")
    return replace(one, manifest=manifest, customers=Vocabulary(CUSTOMERS), lists=lists)


def manifest_of(store: SnapshotStore) -> StoredManifest:
    (raw,) = store.read("monday", [entry_key("manifest")])
    assert raw is not None
    return decode_manifest(raw)


def entries_in(store: SnapshotStore) -> int:
    return store.snapshots()[0].entries


@pytest.mark.parametrize("page_bytes", [200, 20_000], ids=["smaller", "larger"])
def test_a_service_that_looks_by_the_old_cut_loses_nobody_to_a_repair(
    store: SnapshotStore, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, page_bytes: int
) -> None:
    publish(Publication(snapshot), store)
    live, count = manifest_of(store), entries_in(store)
    monkeypatch.setattr(pages, "PAGE_BYTES", page_bytes)
    assert (
        dict(Publication(snapshot).entries()).keys()
        != dict(Publication(snapshot, live.pages).entries()).keys()
    )
    assert publish(Publication(snapshot), store).repaired is None

    damaged = dict(Publication(snapshot, live.pages).entries()) | {"customer-page:{1}": b"damaged"}
    store.repair("monday", damaged.items())
    report = publish(Publication(snapshot), store)
    assert (report.already_active, report.repaired) == (True, 1)
    assert (manifest_of(store), entries_in(store)) == (live, count)
    reading = RowReader(store, CircuitBreaker(Clock())).read("monday", LISTS, live.pages)
    assert reading.rows.keys() == {*LISTS} and not reading.stale


def test_a_new_snapshot_is_cut_as_this_version_cuts(
    store: SnapshotStore, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(Publication(snapshot), store)
    before = manifest_of(store).pages
    monkeypatch.setattr(pages, "PAGE_BYTES", 200)
    tuesday = replace(snapshot, manifest=msgspec.structs.replace(snapshot.manifest, snapshot="tuesday"))
    publish(Publication(tuesday), store)
    (raw,) = store.read("tuesday", [entry_key("manifest")])
    assert raw is not None and decode_manifest(raw).pages["customer"] > before["customer"]


@dataclass(frozen=True)
class Uncut:
    """A publication that cannot be cut otherwise."""

    source: Publication

    @property
    def snapshot_id(self) -> str:
        return self.source.snapshot_id

    def entries(self) -> Iterator[Entry]:
        return self.source.entries()


def test_what_cannot_be_cut_as_the_live_one_is_refused(
    redis_store: RedisStore, redis_client: redis.Redis, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(Publication(snapshot), redis_store)
    live = manifest_of(redis_store)
    no_reasons = msgspec.structs.replace(live, pages={"customer": 3, "orders": 3})
    redis_client.set("cartlift:1:shop:monday:manifest:{}", msgspec.json.encode(no_reasons))
    before = redis_client.get("cartlift:1:shop:monday:customer-page:{0}")
    for count in ({}, {"customer": 0}, {"customer": -1}):
        with pytest.raises(SnapshotError, match="train again for a new id"):
            Publication(snapshot).cut_into({**live.pages, **count} if count else {})
    monkeypatch.setattr(pages, "PAGE_BYTES", 200)
    for source in (Publication(snapshot), Uncut(Publication(snapshot))):
        with pytest.raises(SnapshotError, match="train again for a new id"):
            publish(source, redis_store)
    assert redis_client.get("cartlift:1:shop:monday:customer-page:{0}") == before
