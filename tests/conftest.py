"""A real Redis for the whole test session, on a private socket, and stores in it."""

import os
from collections.abc import Iterator

import hypothesis
import pytest
import redis

from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.redis_store import RedisStore, connect

# A machine that others use too takes its time, and that says nothing of the code.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a Redis that runs until the last test."""
    with running_redis(tmp_path_factory.mktemp("redis"), os.environ.get("PATH", "")) as url:
        yield url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """Client of an empty Redis."""
    with connect(redis_url) as client:
        client.config_set("maxmemory", 0)
        client.flushall()
        yield client


@pytest.fixture
def redis_store(redis_client: redis.Redis) -> RedisStore:
    """Store of the only shop in an empty Redis; ten entries make a chunk."""
    return RedisStore(redis_client, "shop", entries_per_chunk=10)
