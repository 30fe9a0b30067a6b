"""`cartlift privacy`, beside workers that run."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from recommender.errors import ConfigError, StoreUnavailable
from recommender.serving.privacy_command import privacy
from tests.serving.live_shop import LiveShop
from tests.serving.test_privacy import WHO, buy, bytes_in, bytes_in_redis, key, shop, source

__all__ = ["key", "shop"]


@pytest.fixture
def call(shop: LiveShop, redis_url: str):
    """Calls it beside the shop; gives what it said."""

    def called(*words: str) -> Result:
        where = ("--redis", redis_url, "--state", str(shop.state))
        return CliRunner().invoke(privacy, [*words, *where])

    return called


def said(done: Result) -> dict[str, Any]:
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def test_what_is_said_there_holds_for_workers_that_run(shop: LiveShop, key: str, call):
    assert said(call("status", WHO))["personalisation"] is True
    assert said(call("opt-out", WHO))["standing"] == "opted_out"
    assert {source(worker, key) for worker in shop.workers} == {"best_sellers"}
    assert said(call("status", WHO))["personalisation"] is False
    said(call("opt-in", WHO))
    assert {source(worker, key) for worker in shop.workers} == {"personal"}


def test_everything_is_exported_in_one_piece(shop: LiveShop, key: str, call, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("recommender.serving.privacy_service.MOST_EVENTS_TOLD", 2)
    for number in range(5):
        buy(shop.workers[0], key, f"e{number}", "honey")
    told = said(call("export", WHO))
    assert [event["event_id"] for event in told["events"]] == [f"e{number}" for number in range(5)]
    assert len(told["lists"]) == 6 and told["next_cursor"] is None


def test_erasing_gives_a_receipt_and_leaves_nothing(shop: LiveShop, key: str, call):
    buy(shop.workers[0], key)
    receipt = said(call("erase", WHO))
    assert {each["store"]: each["count"] for each in receipt["removed"]} == {
        "redis:tuesday": 3, "redis:wednesday": 3, "redis:monday": 0, "events": 1, "redis:notes": 1,
        "exposures": 0,
    }  # fmt: skip
    assert receipt["receipt_id"] and receipt["remaining"]
    assert WHO.encode() not in bytes_in(shop.state) + bytes_in_redis(shop.redis)
    assert {source(worker, key) for worker in shop.workers} == {"best_sellers"}


def test_a_store_that_refuses_makes_no_receipt(shop: LiveShop, call):
    shop.redis.config_set("min-replicas-to-write", 1)
    try:
        done = call("erase", WHO)
    finally:
        shop.redis.config_set("min-replicas-to-write", 0)
    assert isinstance(done.exception, StoreUnavailable) and "not everything is removed" in str(done.exception)
    assert not done.stdout


def test_what_cannot_be_an_id_is_refused(call):
    for wrong in ("", "x" * 257):
        done = call("erase", wrong)
        assert isinstance(done.exception, ConfigError) and "cannot be a customer's id" in str(done.exception)
