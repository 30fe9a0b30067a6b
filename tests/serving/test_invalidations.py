"""Kept answers are sent without asking Redis, which tells what changed; where it cannot, it is asked."""

import gc
import logging
from collections.abc import Iterator

import pytest
import redis

from recommender.serving.invalidations import Invalidations, moment
from recommender.snapshot.redis_connection import connect
from recommender.snapshot.redis_layout import RedisKeys
from tests.serving.live_shop import AskedWorker, LiveShop, listening_beside
from tests.serving.served_shop import ids
from tests.serving.small_shop import publish

KEYS = RedisKeys("shop")
OURS = [KEYS.item_version, KEYS.notes("ann")]


@pytest.fixture
def shop(redis_client: redis.Redis, tmp_path) -> LiveShop:
    return LiveShop(redis_client, tmp_path)


@pytest.fixture
def key(shop: LiveShop) -> str:
    return shop.key("read", "events", "admin")


@pytest.fixture
def told(redis_client: redis.Redis) -> Iterator[Invalidations]:
    with listening_beside(redis_client) as client:
        invalidations = Invalidations(client, KEYS)
        invalidations.poll()
        yield invalidations


def list_of(worker: AskedWorker, key: str, customer: str = "ann") -> list[str]:
    return ids(worker.get(f"/v1/customers/{customer}/recommendations", X_API_Key=key).get_json())


def reads(client: redis.Redis) -> int:
    return client.info("commandstats").get("cmdstat_mget", {"calls": 0})["calls"]


def hide_tea(worker: AskedWorker, key: str) -> None:
    assert worker.send("PATCH", "/v1/items/tea", {"stock": 0}, X_API_Key=key).status_code == 200


def drop_connections(client: redis.Redis) -> None:
    client.client_kill_filter(_type="normal", skipme=True)


def test_a_kept_answer_is_sent_without_asking_redis(shop: LiveShop, key: str) -> None:
    first, _ = shop.workers
    answer, before = list_of(first, key), reads(shop.redis)
    assert [list_of(first, key) for _ in range(3)] == [answer] * 3
    assert reads(shop.redis) == before


def test_what_one_customer_did_leaves_the_answers_of_others(shop: LiveShop, key: str) -> None:
    first, second = shop.workers
    anns, bobs = list_of(first, key), list_of(first, key, "bob")
    bought = {"event_id": "1", "type": "purchase", "customer_id": "ann", "item_id": anns[0]}
    second.send("POST", "/v1/events", {"events": [bought | {"at": "2026-11-20T09:30:00Z"}]}, X_API_Key=key)
    before = reads(shop.redis)
    assert list_of(first, key, "bob") == bobs
    assert reads(shop.redis) == before
    assert list_of(first, key) == anns[1:]
    assert reads(shop.redis) == before + 1


def test_what_one_worker_read_another_need_not_ask_for(shop: LiveShop, key: str) -> None:
    shop.redis.set(KEYS.item_version, b"1")
    first, second = shop.workers
    anns = list_of(first, key)
    list_of(second, key, "bob")  # knows the items now
    before = reads(shop.redis)
    assert list_of(second, key) == anns
    assert reads(shop.redis) == before
    bought = {"event_id": "1", "type": "purchase", "customer_id": "ann", "item_id": anns[0]}
    second.send("POST", "/v1/events", {"events": [bought | {"at": "2026-11-20T09:30:00Z"}]}, X_API_Key=key)
    list_of(second, key, "bob")  # hears of it
    before = reads(shop.redis)
    assert list_of(first, key) == list_of(second, key) == anns[1:]
    assert reads(shop.redis) == before + 1  # what was bought is read once, and known to both


@pytest.mark.parametrize(
    "path",
    [
        "/v1/customers/stranger/recommendations",
        "/v1/items/unknown/similar",
        "/v1/customers/stranger/recommendations?place=nowhere",
    ],
)
def test_what_there_is_nothing_stored_of_is_asked_for_once(shop: LiveShop, key: str, path: str) -> None:
    first, before = shop.workers[0], reads(shop.redis)
    first.get(path, X_API_Key=key)
    assert reads(shop.redis) - before <= 2  # a rung seldom needed takes one of its own
    before = reads(shop.redis)
    for _ in range(3):
        assert first.get(path, X_API_Key=key).status_code == 200
    assert reads(shop.redis) == before


def test_what_was_damaged_and_set_right_is_read_again(shop: LiveShop, key: str) -> None:
    path, name = "/v1/items/tea/similar", KEYS.entry("monday", "similar:{tea}")
    right = shop.redis.get(name)
    shop.redis.set(name, b"damaged")
    for worker in shop.workers:
        assert worker.get(path, X_API_Key=key).get_json()["degraded"]
    shop.redis.set(name, right)
    for worker in shop.workers:
        found = worker.get(path, X_API_Key=key).get_json()
        assert (found["source"], found["degraded"]) == ("similar", False)


def test_kept_answers_hold_on_to_no_earlier_state_of_the_items(shop: LiveShop, key: str) -> None:
    first = shop.workers[0]
    list_of(first, key)
    hide_tea(first, key)
    list_of(first, key)
    before = first.worker.app.wsgi_app._service.ground().live
    assert before() is not None
    first.send("PATCH", "/v1/items/milk", {"stock": 0}, X_API_Key=key)
    list_of(first, key)
    gc.collect()
    assert before() is None


def test_a_new_snapshot_takes_the_place_of_what_is_kept(shop: LiveShop, key: str) -> None:
    first, _ = shop.workers

    def snapshot() -> str:
        return first.get("/v1/customers/ann/recommendations", X_API_Key=key).get_json()["snapshot"]

    before = snapshot()
    publish(shop.store, "tuesday")
    first.follower.poll()
    assert snapshot() == "tuesday" != before


def test_whoever_is_not_told_any_more_asks(shop: LiveShop, key: str) -> None:
    first, second = shop.workers
    assert "tea" in list_of(first, key)
    drop_connections(shop.redis)
    hide_tea(second, key)
    assert "tea" not in list_of(first, key)
    before = reads(shop.redis)
    list_of(first, key)
    assert reads(shop.redis) == before + 1  # it asks whether that still holds
    first.worker.invalidations.poll()
    list_of(first, key)
    before = reads(shop.redis)
    list_of(first, key)
    assert reads(shop.redis) == before


def test_it_is_told_when_each_was_written(told: Invalidations, redis_client: redis.Redis) -> None:
    before = told.changes(OURS)
    assert before is not None and told.changes(OURS) == before and max(before) < moment()
    redis_client.append(KEYS.notes("bob"), b"x")
    redis_client.set("cartlift:1:other:live:notes:{ann}", b"x")
    assert told.changes(OURS) == before
    now = moment()
    redis_client.append(KEYS.notes("ann"), b"x")
    items, anns = told.changes(OURS)
    assert items == before[0] and now < anns < moment()
    now = moment()
    redis_client.set(KEYS.item_version, b"2")
    assert told.changes(OURS)[0] > now


@pytest.mark.parametrize("empty", ["flushall", "flushdb"])
def test_an_emptied_redis_changes_everything(
    told: Invalidations, redis_client: redis.Redis, empty: str
) -> None:
    redis_client.set(KEYS.item_version, b"1")
    told.changes(OURS)
    now = moment()
    getattr(redis_client, empty)()
    redis_client.ping()  # told before this is answered
    assert min(told.changes(OURS)) > now


def test_whatever_was_read_before_a_connection_was_lost_counts_no_more(
    told: Invalidations, redis_client: redis.Redis
) -> None:
    drop_connections(redis_client)
    assert told.changes(OURS) is None
    now = moment()
    told.poll()
    assert min(told.changes(OURS)) > now


def test_it_hears_again_however_often_the_connection_was_lost(
    told: Invalidations, redis_client: redis.Redis, caplog
) -> None:
    with caplog.at_level(logging.INFO):
        for _ in range(120):  # more than a pool has connections
            drop_connections(redis_client)
            assert told.changes(OURS) is None
            told.poll()
            assert told.changes(OURS) is not None
    assert caplog.text.count("Redis tells no more what changes") == 120


def test_an_idle_connection_that_was_lost_is_noticed(told: Invalidations, redis_client: redis.Redis) -> None:
    drop_connections(redis_client)
    told.poll()  # finds out
    assert told.changes(OURS) is None
    told.poll()
    assert told.changes(OURS) is not None


def test_a_user_who_may_not_be_told_asks(redis_client, redis_url, caplog) -> None:
    redis_client.acl_setuser(
        "plain", enabled=True, nopass=True, keys=["*"], categories=["+@all"], commands=["-client"]
    )
    with connect(redis_url) as like:
        kwargs = {**like.connection_pool.connection_kwargs, "username": "plain", "password": "x"}
        client = redis.Redis(
            connection_pool=redis.ConnectionPool(like.connection_pool.connection_class, **kwargs)
        )
    with client, caplog.at_level(logging.INFO):
        invalidations = Invalidations(listening_beside(client), KEYS)
        for _ in range(3):
            invalidations.poll()
            assert invalidations.changes(OURS) is None
    assert caplog.text.count("it is asked at every request") == 1
    redis_client.acl_deluser("plain")


def test_nodes_of_a_cluster_are_asked(cluster_urls: list[str], caplog) -> None:
    with connect(cluster_urls[0], protocol=3) as client, caplog.at_level(logging.INFO):
        invalidations = Invalidations(client, KEYS)
        invalidations.poll()
        assert invalidations.changes(OURS) is None
    assert "cluster" in caplog.text


def test_without_redis_nobody_tells() -> None:
    invalidations = Invalidations(connect("unix:///nowhere/redis.sock", protocol=3), KEYS)
    invalidations.poll()
    assert invalidations.changes(OURS) is None
