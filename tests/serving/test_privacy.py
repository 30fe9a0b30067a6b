"""Opting out, being told what is kept, being erased: in every worker, every store, and for good."""

import itertools
import shutil
from pathlib import Path

import msgspec
import pytest
import redis

from recommender.snapshot.encoding import entry_key
from recommender.snapshot.pages import entry_of
from recommender.snapshot.redis_layout import RedisKeys
from tests.serving.live_shop import AskedWorker, LiveShop
from tests.serving.small_shop import ODD_ID, PAGES, entries, manifest, publish

WHO = "Erika Müller/4711"
PATH = "/v1/customers/Erika%20M%C3%BCller%2F4711"
ROWS = {entry_key(kind, WHO): entries("x")[entry_key(kind, "ann")] for kind in PAGES}


@pytest.fixture
def shop(redis_client, tmp_path) -> LiveShop:
    shop = LiveShop(redis_client, tmp_path / "state")
    publish(shop.store, "tuesday", ROWS)
    publish(shop.store, "wednesday", ROWS)
    for worker in shop.workers:
        worker.follower.poll()
    return shop


@pytest.fixture
def key(shop: LiveShop) -> str:
    return shop.key("read", "events", "export", "admin")


def source(worker: AskedWorker, key: str, path: str = PATH, query: str = "") -> str:
    answer = worker.get(f"{path}/recommendations?{query}", X_API_Key=key)
    assert answer.status_code == 200
    return answer.get_json()["source"]


def agree(worker: AskedWorker, key: str, answer: bool) -> dict:
    said = worker.send("PUT", f"{PATH}/consent", {"personalisation": answer}, X_API_Key=key)
    assert said.status_code == 200
    return said.get_json()


def erase(worker: AskedWorker, key: str) -> dict[str, int]:
    answer = worker.client.delete(PATH, headers={"X-API-Key": key})
    assert answer.status_code == 200, answer.get_json()
    return {each["store"]: each["count"] for each in answer.get_json()["removed"]}


def buy(worker: AskedWorker, key: str, event_id: str = "e1", item: str = "honey", **who: str) -> dict:
    event = {
        "event_id": event_id,
        "type": "purchase",
        "item_id": item,
        "at": "2026-11-21T09:30:00Z",
        **(who or {"customer_id": WHO}),
    }
    return worker.send("POST", "/v1/events", {"events": [event]}, X_API_Key=key).get_json()["events"][0]


def bytes_in_redis(client: redis.Redis) -> bytes:
    found = []
    for name in client.scan_iter(count=1_000):
        found.append(name)
        match client.type(name):
            case b"string":
                found.append(client.get(name))
            case b"hash":
                found += itertools.chain(*client.hgetall(name).items())
            case b"stream":
                found += [repr(client.xrange(name)).encode()]
            case other:
                raise AssertionError(other)
    return b"\0".join(found)


def bytes_in(folder: Path) -> bytes:
    return b"\0".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_who_opts_out_is_a_stranger_from_the_next_request_on_in_every_worker(shop: LiveShop, key: str):
    for asked, answered in itertools.product(shop.workers, repeat=2):
        assert source(answered, key) == source(answered, key) == "personal"
        said = agree(asked, key, False)
        assert (said["personalisation"], said["standing"], said["shared"]) == (False, "opted_out", True)
        assert source(answered, key) == source(answered, key) == "best_sellers"
        assert source(answered, key, "/v1/customers/ann") == "personal"
        assert agree(asked, key, True)["standing"] is None
        for worker in shop.workers:
            worker.worker.private.poll()


def test_a_cart_counts_still_and_what_was_looked_at_does_not(shop: LiveShop, key: str):
    worker = shop.workers[0]
    agree(worker, key, False)
    asked = {"customer_id": WHO, "recent": ["tea"]}
    assert (
        worker.send("POST", "/v1/recommendations", asked, X_API_Key=key).get_json()["source"]
        == "best_sellers"
    )
    hers = worker.send(
        "POST", "/v1/cart/recommendations", {"customer_id": WHO, "cart": ["tea"]}, X_API_Key=key
    )
    guest = worker.send("POST", "/v1/cart/recommendations", {"cart": ["tea"]}, X_API_Key=key)
    assert hers.get_json()["items"] == guest.get_json()["items"]
    strict = worker.get(f"{PATH}/recommendations?strict=true", X_API_Key=key).get_json()
    assert strict["items"] == []


def test_opting_out_outlives_redis_and_restarts(shop: LiveShop, key: str):
    agree(shop.workers[0], key, False)
    shop.redis.flushall()
    publish(shop.store, "wednesday", ROWS)
    assert source(shop.worker(), key) == "best_sellers"


def test_opting_out_works_while_redis_takes_no_writes(shop: LiveShop, key: str):
    first, second = shop.workers
    assert source(second, key) == "personal"
    shop.redis.config_set("min-replicas-to-write", 1)
    try:
        assert agree(first, key, False)["shared"] is False
        assert source(first, key) == "best_sellers"
        second.worker.private.poll()
        assert source(second, key) == "best_sellers"
    finally:
        shop.redis.config_set("min-replicas-to-write", 0)


def test_events_of_who_opted_out_are_rejected(shop: LiveShop, key: str):
    first, second = shop.workers
    agree(first, key, False)
    second.worker.private.poll()
    for worker in shop.workers:
        outcome = buy(worker, key)
        assert outcome["status"] == "rejected" and "opted out" in outcome["why"]
        assert WHO not in outcome["why"]
    assert buy(first, key, customer_id="ann")["status"] == "accepted"


def test_everything_that_is_kept_is_told(shop: LiveShop, key: str):
    worker = shop.workers[0]
    buy(worker, key, "before", "nails", session_id="s1")
    buy(worker, key, "e1", "honey", customer_id=WHO, session_id="s1")
    told = worker.get(f"{PATH}/data", X_API_Key=key).get_json()
    assert {(row["snapshot"], row["kind"]) for row in told["lists"]} == set(
        itertools.product(("tuesday", "wednesday"), ("customer", "orders", "reasons"))
    )
    (own,) = [row for row in told["lists"] if (row["snapshot"], row["kind"]) == ("tuesday", "customer")]
    assert [place["item_id"] for place in own["places"]] == ["tea", "honey", "hammer", "saw", "milk"]
    assert [event["event_id"] for event in told["events"]] == ["before", "e1"]
    assert [(note["kind"], note["item_id"]) for note in told["notes"]] == [("purchase", "honey")]
    assert told["consent"]["personalisation"] is True and told["next_cursor"] is None
    more = worker.get(f"{PATH}/data?cursor=before", X_API_Key=key).get_json()
    assert [event["event_id"] for event in more["events"]] == ["e1"] and more["lists"] == []


@pytest.mark.parametrize("scope", ["read", "events"])
def test_other_keys_may_do_none_of_it(shop: LiveShop, scope: str):
    worker, key = shop.workers[0], shop.key(scope)
    asked = ("PUT", f"{PATH}/consent"), ("GET", f"{PATH}/data"), ("DELETE", PATH)
    for method, path in asked:
        assert worker.send(method, path, {"personalisation": False}, X_API_Key=key).status_code == 403


def test_nobody_finds_an_erased_customer_anywhere(shop: LiveShop, key: str):
    first, second = shop.workers
    buy(first, key, "before", "nails", session_id="s1")
    buy(first, key, "e1", "honey", customer_id=WHO, session_id="s1")
    buy(second, key, "e2", "honey", customer_id="ann")
    for worker in shop.workers:
        assert source(worker, key) == source(worker, key) == "personal"
    sought = WHO.encode()
    assert sought in bytes_in_redis(shop.redis) and sought in bytes_in(shop.state)
    before = {kind: neighbours(shop, kind) for kind in PAGES}

    removed = erase(first, key)

    assert removed == {
        "redis:tuesday": 3,
        "redis:wednesday": 3,
        "redis:monday": 0,
        "events": 2,
        "redis:notes": 1,
        "exposures": 0,
    }
    assert sought not in bytes_in_redis(shop.redis)
    assert sought not in bytes_in(shop.state) and b"before" not in bytes_in(shop.state)
    assert b"e2" in bytes_in(shop.state)
    for kind, pages in before.items():
        assert neighbours(shop, kind) == [
            {id_: row for id_, row in page.items() if id_ != WHO} for page in pages
        ]
    second.worker.private.poll()
    for worker in shop.workers:
        parts = worker.worker.app.wsgi_app
        assert sought not in repr([parts._kept._young, parts._kept._old]).encode()
        assert source(worker, key) == "best_sellers"
        assert source(worker, key, "/v1/customers/ann") == "personal"
    assert set(erase(second, key).values()) == {0}


def neighbours(shop: LiveShop, kind: str) -> list[dict[str, bytes]]:
    keys = RedisKeys("shop")
    names = [f"{kind}-page:{{{page}}}" for page in range(PAGES[kind])]
    found = [shop.redis.get(keys.entry(id_, name)) for id_ in ("tuesday", "wednesday") for name in names]
    return [msgspec.msgpack.decode(page) for page in found]


def test_an_old_snapshot_does_not_bring_an_erased_customer_back(shop: LiveShop, key: str):
    erase(shop.workers[0], key)
    publish(shop.store, "thursday", ROWS)
    for worker in (*shop.workers, shop.worker()):
        worker.worker.private.poll()
        worker.follower.poll()
        assert source(worker, key) == "best_sellers"
    assert erase(shop.workers[1], key)["redis:thursday"] == 3
    assert WHO.encode() not in bytes_in_redis(shop.redis)


def test_who_was_erased_may_begin_anew(shop: LiveShop, key: str):
    worker = shop.workers[0]
    erase(worker, key)
    assert buy(worker, key)["status"] == "rejected"
    assert agree(worker, key, True)["standing"] == "returned"
    assert buy(worker, key)["status"] == "accepted"
    assert agree(worker, key, False)["standing"] == "erased"


def test_what_does_not_answer_is_said_and_asking_again_goes_on(shop: LiveShop, key: str):
    worker = shop.workers[0]
    buy(worker, key)
    shop.redis.config_set("min-replicas-to-write", 1)
    answer = worker.client.delete(PATH, headers={"X-API-Key": key})
    shop.redis.config_set("min-replicas-to-write", 0)
    problem = answer.get_json()
    assert (answer.status_code, problem["type"]) == (503, "/docs#erasure-incomplete")
    assert "redis" in problem["detail"] and "1 from events" in problem["detail"]
    assert source(worker, key) == "best_sellers"
    assert erase(worker, key)["redis:wednesday"] == 3


def test_a_register_that_cannot_be_read_makes_nobody_personal(shop: LiveShop, key: str):
    shutil.rmtree(shop.state / "privacy", ignore_errors=True)
    file = shop.state / "privacy" / "shop.sqlite"
    file.parent.mkdir()
    file.write_bytes(b"no database at all, " * 100)
    assert source(shop.worker(), key) == "best_sellers"


def test_the_shop_has_neighbours_in_its_pages():
    pages = {entry_of(entry_key("orders", id_), manifest("x").pages) for id_ in (WHO, "ann", ODD_ID)}
    assert len(pages) == 1
