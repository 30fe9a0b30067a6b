"""A snapshot that was trained before a customer was erased does not bring their rows back."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import redis

from recommender.data.vocabulary import Vocabulary
from recommender.events.private_customers import PrivacyRegister, Standing, StandingKind, privacy_path
from recommender.ranking.reasons import Reasons
from recommender.snapshot.directory import Snapshot
from recommender.snapshot.redis_customers import RedisCustomers
from recommender.snapshot.redis_store import RedisStore
from recommender.training.commands.publish import publish_to_redis
from tests.ranking.tables import table_of
from tests.snapshot.snapshots import small_snapshot

CUSTOMERS = tuple(f"customer {number}" for number in range(40))
ERASED = "customer 7"
LATER = 4_000_000_000.0


@pytest.fixture
def snapshot() -> Snapshot:
    """Forty customers with a list of one item each."""
    one, n = small_snapshot(), len(CUSTOMERS)
    table = table_of([[number % 4] for number in range(n)])
    reasons = Reasons(np.arange(n, dtype=np.uint8) % 3, np.zeros(n, np.int32))
    lists = replace(one.lists, recommended=table, past_orders=table, reasons=reasons)
    manifest = msgspec.structs.replace(one.manifest, snapshot="monday")
    return replace(one, manifest=manifest, customers=Vocabulary(CUSTOMERS), lists=lists)


@pytest.fixture
def rows(redis_client: redis.Redis) -> RedisCustomers:
    return RedisCustomers(redis_client, "shop")


def say(state: Path, kind: StandingKind, since: float = LATER) -> None:
    register = PrivacyRegister(privacy_path(state, "shop"))
    register.set(ERASED, Standing(kind, since))
    register.close()


def of_everybody(rows: RedisCustomers) -> dict[str, list[tuple[str, bytes]]]:
    return {id_: [(found.kind, found.row) for found in rows.rows(id_)] for id_ in CUSTOMERS}


def bytes_of(client: redis.Redis) -> bytes:
    return b"".join(client.get(name) or b"" for name in client.scan_iter(_type="string"))


@pytest.mark.parametrize("kind", ["opted_out", "erased", "returned"])
def test_rows_from_before_are_withheld_and_all_others_published(
    rows: RedisCustomers, redis_client: redis.Redis, redis_url: str, snapshot: Snapshot, tmp_path: Path, kind
):
    publish_to_redis(snapshot, tmp_path / "nobody", "shop", redis_url)
    before = of_everybody(rows)
    assert len(before[ERASED]) == 3 and ERASED.encode() in bytes_of(redis_client)
    redis_client.flushall()

    say(tmp_path, kind)
    publish_to_redis(snapshot, tmp_path, "shop", redis_url)

    assert of_everybody(rows) == before | {ERASED: []}
    assert ERASED.encode() not in bytes_of(redis_client)


def test_publishing_what_is_live_again_repairs_others_and_leaves_the_erased_out(
    rows: RedisCustomers, redis_client: redis.Redis, redis_url: str, snapshot: Snapshot, tmp_path: Path
):
    publish_to_redis(snapshot, tmp_path, "shop", redis_url)
    before = of_everybody(rows)
    say(tmp_path, "erased")
    assert rows.erase(ERASED) == {"monday": 3}
    assert rows.erase("customer 8") == {"monday": 3}  # as if something had damaged it

    assert publish_to_redis(snapshot, tmp_path, "shop", redis_url).already_active

    assert of_everybody(rows) == before | {ERASED: []}
    again = publish_to_redis(snapshot, tmp_path, "shop", redis_url)
    assert (again.already_active, again.repaired) == (True, None)


def test_the_previous_snapshot_can_be_published_again_after_an_erasure(
    rows: RedisCustomers, redis_client: redis.Redis, redis_url: str, snapshot: Snapshot, tmp_path: Path
):
    manifest = msgspec.structs.replace(snapshot.manifest, snapshot="tuesday")
    publish_to_redis(snapshot, tmp_path, "shop", redis_url)
    publish_to_redis(replace(snapshot, manifest=manifest), tmp_path, "shop", redis_url)
    say(tmp_path, "erased")
    assert rows.erase(ERASED) == {"monday": 3, "tuesday": 3}

    publish_to_redis(snapshot, tmp_path, "shop", redis_url)

    assert RedisStore(redis_client, "shop").active_id() == "monday"
    assert of_everybody(rows)[ERASED] == [] and len(of_everybody(rows)["customer 8"]) == 6
    assert ERASED.encode() not in bytes_of(redis_client)


def test_who_came_back_before_the_training_has_their_rows(
    rows: RedisCustomers, redis_url: str, snapshot: Snapshot, tmp_path: Path
):
    say(tmp_path, "returned", since=0.0)
    publish_to_redis(snapshot, tmp_path, "shop", redis_url)
    assert len(of_everybody(rows)[ERASED]) == 3
