"""A Redis Cluster behind the store: what lies where, and that every command line verb and reader finds it."""

import json
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner

from recommender.errors import ConfigError, StoreUnavailable
from recommender.serving.breaker import CircuitBreaker
from recommender.serving.live_snapshot import load_snapshot
from recommender.serving.row_reader import RowReader
from recommender.snapshot.directory import write_snapshot
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.redis_connection import SERVING
from recommender.snapshot.redis_store import RedisStore, connect
from recommender.training.commands.publish import publish as publish_command
from recommender.training.commands.publish import rollback, snapshots
from tests.serving.small_shop import CUSTOMERS, Clock
from tests.serving.small_shop import publish as publish_small_shop
from tests.snapshot.days import entries, publish
from tests.snapshot.snapshots import small_snapshot


@pytest.fixture
def nodes(cluster_urls: list[str]) -> list[redis.Redis]:
    """A client of each node, all of them empty."""
    found = [connect(url) for url in cluster_urls]
    for node in found:
        node.flushall()
    return found


def test_entries_spread_over_the_nodes_and_the_bookkeeping_stays_on_one(nodes: list[redis.Redis]) -> None:
    store = RedisStore(nodes[0], "shop", entries_per_chunk=50)
    publish(store, "monday", "tuesday", n=300)
    keys = [{key.decode() for key in node.keys("*")} for node in nodes]
    assert all(80 < sum("customer:" in key for key in of_node) < 320 for of_node in keys)
    (home,) = (of_node for of_node in keys if "cartlift:1:{shop}:pointer" in of_node)
    assert sum("{shop}" in key for of_node in keys for key in of_node) == sum("{shop}" in key for key in home)
    store.verify("tuesday", dict(entries("tuesday", 300)))


def test_any_node_will_do(cluster_urls: list[str], nodes: list[redis.Redis]) -> None:
    publish(RedisStore(nodes[1], "shop"), "monday", n=40)
    for url in cluster_urls:
        with connect(url, SERVING) as client:
            store = RedisStore(client, "shop")
            assert store.active_id() == "monday"
            assert store.read("monday", ["customer:{3}", "customer:{nobody}", "customer:{4}"]) == [
                b"monday 3", None, b"monday 4",
            ]  # fmt: skip


def test_nothing_is_left_of_what_was_pruned(nodes: list[redis.Redis]) -> None:
    store = RedisStore(nodes[2], "shop", entries_per_chunk=10)
    publish(store, "monday", "tuesday", "wednesday", n=100)
    assert store.prune(grace=0) == ["monday"]
    assert sum(node.dbsize() for node in nodes) == 2 + 2 * (100 + 10)


def test_room_is_what_the_fullest_node_leaves(nodes: list[redis.Redis]) -> None:
    store = RedisStore(nodes[0], "shop")
    assert store.capacity(1_000, 50_000).free is None
    try:
        used = nodes[1].info("memory")["used_memory"]
        nodes[1].config_set("maxmemory", used + 1_000_000)
        nodes[2].config_set("maxmemory", used + 900_000_000)
        assert 2_000_000 < (store.capacity(1_000, 50_000).free or 0) <= 3_200_000
    finally:
        for node in nodes:
            node.config_set("maxmemory", 0)


def test_every_verb_works_with_the_url_of_a_node(
    cluster_urls: list[str], nodes: list[redis.Redis], tmp_path: Path
) -> None:
    def run(command: Any, *arguments: str) -> Any:
        result = CliRunner().invoke(
            command, [*arguments, "--redis", cluster_urls[2], "--json"], catch_exceptions=False
        )
        assert result.exit_code == 0
        return json.loads(result.stdout)

    for seed in (0, 1):
        write_snapshot(small_snapshot(seed=seed), tmp_path / str(seed))
    first, second = (run(publish_command, str(tmp_path / str(seed))) for seed in (0, 1))
    assert second["previous"] == first["snapshot"]
    assert run(publish_command, str(tmp_path / "1"))["already_active"]
    assert run(rollback) == {"snapshot": first["snapshot"], "previous": second["snapshot"]}
    assert [s["state"] for s in run(snapshots)["snapshots"]] == ["active", "previous"]


def test_a_service_reads_a_customers_rows_from_several_nodes(nodes: list[redis.Redis]) -> None:
    store = RedisStore(nodes[0], "shop")
    publish_small_shop(store)
    live = load_snapshot(store, "monday")
    reader = RowReader(store, CircuitBreaker(Clock()))
    keys = [entry_key(kind, customer) for kind in ("customer", "reasons") for customer in CUSTOMERS]
    items = [entry_key("similar", "tea"), entry_key("bought-together", "milk")]
    reading = reader.read("monday", [*keys, *items], live.manifest.pages)
    assert reading.rows.keys() == {*keys, *items} and not reading.stale


def test_a_cluster_cannot_be_reached_through_a_socket(cluster_urls: list[str], redis_url: str) -> None:
    class PretendsToBeClustered(redis.Redis):
        def execute_command(self, *arguments: Any, **options: Any) -> Any:
            return [b"mode", b"cluster"] if arguments == ("HELLO",) else super().execute_command(*arguments)

    with (
        PretendsToBeClustered.from_url(redis_url) as client,
        pytest.raises(ConfigError, match="cannot be found from a socket"),
    ):
        RedisStore(client, "shop").active_id()


def test_a_cluster_whose_slots_are_not_all_served_refuses_in_our_words(
    nodes: list[redis.Redis],
) -> None:
    store = RedisStore(nodes[0], "shop")
    publish(store, "monday")
    try:
        nodes[0].execute_command("CLUSTER DELSLOTS", 0)
        with pytest.raises(StoreUnavailable, match="every node of the cluster runs"):
            RedisStore(nodes[0], "shop").read("monday", ["customer:{1}"])
    finally:
        nodes[0].execute_command("CLUSTER ADDSLOTS", 0)
