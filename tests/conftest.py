"""A real Redis and a real Spark for the whole test session, and stores in the Redis."""

import os
from collections.abc import Iterator

import hypothesis
import pytest
import redis
from pyspark.sql import SparkSession

from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.redis_store import RedisStore, connect
from recommender.training.spark.session import OLDEST_JAVA, java_version, spark_session
from tests.redis_cluster import running_cluster

# A machine that others use too takes its time, and that says nothing of the code.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a Redis that runs until the last test."""
    with running_redis(tmp_path_factory.mktemp("redis"), os.environ.get("PATH", "")) as url:
        yield url


@pytest.fixture(scope="session")
def cluster_urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """URLs of the nodes of a Redis Cluster that runs until the last test."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as urls:
        yield urls


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


@pytest.fixture
def cluster_store(cluster_urls: list[str]) -> Iterator[RedisStore]:
    """Store of the only shop in an empty cluster; ten entries make a chunk."""
    for url in cluster_urls:
        with connect(url) as node:
            node.flushall()
    with connect(cluster_urls[0]) as client:
        yield RedisStore(client, "shop", entries_per_chunk=10)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A session on two cores, which everything that asks for one uses."""
    if (java_version() or 0) < OLDEST_JAVA:
        pytest.skip(f"Spark needs Java {OLDEST_JAVA} or newer (apt-get install openjdk-17-jre-headless)")
    # Java is not up for long enough to get back what its second compiler takes.
    os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
    with spark_session("local[2]") as session:
        yield session
