from collections.abc import Iterator

import pytest
import redis

from recommender.errors import StoreUnavailable
from recommender.snapshot.redis_lock import LOCK_SECONDS
from recommender.snapshot.redis_store import RedisStore
from recommender.snapshot.store import Entry
from tests.snapshot.days import entries, publish

LOCK = "cartlift:1:{shop}:publisher"


def test_a_publisher_that_is_alive_keeps_another_out(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    looks: list[float] = []

    def renewed_meanwhile(seconds: float) -> None:
        looks.append(seconds)
        redis_client.pexpire(LOCK, 9_000)

    second = RedisStore(redis_client, "shop", sleep=renewed_meanwhile)
    with redis_store.publishing():
        redis_client.pexpire(LOCK, 4_000)
        with pytest.raises(StoreUnavailable, match="another publisher is at work"):
            second.write("tuesday", entries("tuesday"))
    assert len(looks) == 1
    second.write("tuesday", entries("tuesday"))


def test_the_lock_of_a_publisher_that_was_killed_is_waited_out(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    redis_client.set(LOCK, "somebody who was killed", px=400)
    publish(redis_store, "monday")
    assert redis_client.exists(LOCK) == 0


def test_nobody_waits_longer_than_ten_seconds_for_one_that_was_killed(
    redis_client: redis.Redis,
) -> None:
    waited: list[float] = []

    def time_passes(seconds: float) -> None:
        waited.append(seconds)
        redis_client.pexpire(LOCK, redis_client.pttl(LOCK) - round(seconds * 1_000))

    redis_client.set(LOCK, "somebody who was killed", px=int(LOCK_SECONDS * 1_000))
    RedisStore(redis_client, "shop", sleep=time_passes).prune()
    assert 5 < sum(waited) <= 10.5


def test_a_publisher_that_lost_its_turn_writes_nothing_more(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    def slowly() -> Iterator[Entry]:
        yield from entries("monday")[:15]
        redis_client.set(LOCK, "somebody else")
        yield from entries("monday")[15:]

    with pytest.raises(StoreUnavailable, match="publish again, it goes on where it stopped"):
        redis_store.write("monday", slowly())
    assert redis_client.get(LOCK) == b"somebody else"
    assert redis_store.read("monday", ["customer:{9}", "customer:{10}"]) == [b"monday 9", None]


def test_the_lock_is_given_back_after_a_failure(redis_store: RedisStore, redis_client: redis.Redis) -> None:
    with pytest.raises(ZeroDivisionError):
        redis_store.write("monday", ((str(1 // c), b"") for c in (1, 0)))
    assert redis_client.exists(LOCK) == 0
