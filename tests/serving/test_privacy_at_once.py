"""What one worker was told holds in the others from the next request on, though nobody told them."""

import random

import pytest

from recommender.events.journal import EventJournal
from recommender.events.private_customers import Standing
from recommender.serving.breaker import CircuitBreaker
from recommender.serving.event_service import EventService
from recommender.serving.live_state import LiveState
from recommender.snapshot.redis_layout import RedisKeys
from tests.serving.live_shop import AskedWorker, LiveShop
from tests.serving.test_privacy import WHO, agree, buy, bytes_in, bytes_in_redis, erase, key, shop, source

__all__ = ["key", "shop"]


def test_who_was_erased_is_a_stranger_to_a_worker_that_remembers_their_rows(shop: LiveShop, key: str):
    first, second = shop.workers
    assert source(second, key) == source(second, key) == "personal"
    erase(first, key)
    assert source(second, key) == "best_sellers"


@pytest.mark.parametrize("path", ["/v1/cart/recommendations", "/v1/recommendations"])
def test_redis_emptied_right_after_opting_out_brings_nothing_personal_back(
    shop: LiveShop, key: str, path: str
):
    first, second = shop.workers

    def items(**who: str) -> object:
        body = {"cart": ["tea"], **who}
        return second.send("POST", path, body, X_API_Key=key).get_json()["items"]

    before = items(customer_id=WHO)
    assert source(second, key) == "personal"
    agree(first, key, False)
    shop.redis.flushall()
    assert source(second, key) == "best_sellers"
    assert items(customer_id=WHO) == items() != before


def test_agreeing_again_holds_everywhere_at_once(shop: LiveShop, key: str):
    first, second = shop.workers
    agree(first, key, False)
    assert source(second, key) == "best_sellers"
    agree(first, key, True)
    assert source(second, key) == "personal"


def test_events_are_refused_everywhere_at_once_and_leave_nothing(shop: LiveShop, key: str):
    first, second = shop.workers
    assert buy(second, key, "e0", "tea")["status"] == "accepted"
    erase(first, key)
    assert buy(second, key, "e1")["status"] == "rejected"
    assert WHO.encode() not in bytes_in(shop.state) + bytes_in_redis(shop.redis)


def test_an_event_that_was_being_written_during_the_erasure_is_taken_back(shop: LiveShop, key: str):
    buy(shop.workers[0], key, "e0", "tea", customer_id="ann")
    looks = iter([False, True])
    taking = EventService(
        shop.journal,
        LiveState(shop.redis, "shop"),
        CircuitBreaker(shop.clock),
        shop.clock,
        lambda customer_id: next(looks),
    )
    event = {"event_id": "e1", "type": "view", "item_id": "tea", "at": "1970-01-01T00:00:00Z"}
    (outcome,) = taking.take([event | {"customer_id": WHO}]).events
    assert (outcome.event_id, outcome.status) == ("e1", "rejected")
    assert WHO.encode() not in bytes_in(shop.state)
    assert [kept.event_id for kept in EventJournal(shop.journal).of_customer("ann", 10)] == ["e0"]


@pytest.mark.parametrize("opted_out", [False, True])
def test_a_note_that_was_being_written_meanwhile_is_taken_back(shop: LiveShop, key: str, opted_out: bool):
    if opted_out:
        agree(shop.workers[0], key, False)
    looks = iter([False, False, False, True])
    taking = EventService(
        shop.journal,
        LiveState(shop.redis, "shop"),
        CircuitBreaker(shop.clock),
        shop.clock,
        lambda customer_id: next(looks),
    )
    event = {"event_id": "e1", "type": "dismiss", "item_id": "tea", "at": "1970-01-01T00:00:00Z"}
    taking.take([event | {"customer_id": WHO}])
    name = RedisKeys("shop").notes(WHO)
    if opted_out:
        assert b"opted_out" in shop.redis.get(name) and b"dismiss" not in shop.redis.get(name)
        assert shop.redis.ttl(name) == -1
    else:
        assert not shop.redis.exists(name)


def test_nothing_is_left_in_the_bytes_of_a_journal_of_many_pages(shop: LiveShop, key: str):
    chance, worker = random.Random(7), shop.workers[0]
    ids = [f"{chance.getrandbits(64):x}" for _ in range(2_000)]
    for start in range(0, len(ids), 200):
        events = [
            {
                "event_id": id_,
                "type": chance.choice(("view", "purchase", "cart")),
                "item_id": "tea",
                "at": "2026-11-21T09:30:00Z",
                "customer_id": WHO if chance.random() < 0.2 else f"c{chance.randrange(999)}",
            }
            for id_ in ids[start : start + 200]
        ]
        assert worker.send("POST", "/v1/events", {"events": events}, X_API_Key=key).status_code == 200
    assert erase(worker, key)["events"] > 300
    assert WHO.encode() not in bytes_in(shop.state)


def ask(worker: AskedWorker, key: str, way: str) -> str:
    if way == "GET":
        return source(worker, key)
    body = {"cart": ["nobody knows"], "customer_id": WHO}
    return worker.send("POST", "/v1/cart/recommendations", body, X_API_Key=key).get_json()["source"]


@pytest.mark.parametrize("way", ["GET", "POST"])
def test_a_kept_answer_is_not_sent_after_opting_out_though_redis_takes_no_writes(
    shop: LiveShop, key: str, way: str
):
    first, second = shop.workers
    assert ask(second, key, way) == ask(second, key, way) == "personal"
    shop.redis.config_set("min-replicas-to-write", 1)
    try:
        assert agree(first, key, False)["shared"] is False
        assert ask(second, key, way) == "best_sellers"
    finally:
        shop.redis.config_set("min-replicas-to-write", 0)


@pytest.mark.parametrize("way", ["GET", "POST"])
def test_a_kept_answer_is_not_sent_to_who_was_erased_came_back_and_opts_out(
    shop: LiveShop, key: str, way: str
):
    first, second = shop.workers
    agree(first, key, False)
    agree(first, key, True)
    assert ask(second, key, way) == ask(second, key, way) == "personal"
    standing = Standing("returned", 0.0)
    first.worker.private.set(WHO, standing)
    assert ask(second, key, way) == ask(second, key, way) == "personal"
    agree(first, key, False)
    assert ask(second, key, way) == "best_sellers"
