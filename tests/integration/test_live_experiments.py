"""Experiments and attribution on a live service of two workers, from the answer to the report."""

from collections import Counter
from pathlib import Path

import redis

from recommender.events.exposures import read_exposures
from recommender.events.journal import journal_path
from recommender.snapshot.redis_connection import connect
from recommender.snapshot.redis_store import RedisStore
from tests.commands import cartlift
from tests.eventually import eventually
from tests.running_service import PATIENCE, Service, started
from tests.serving.live_shop import LiveShop
from tests.serving.small_shop import publish

SETTINGS = """
[placements.home]
[experiments.half]
placement = "home"
[experiments.half.variants.control]
share = 0.5
[experiments.half.variants.plain]
share = 0.3
holdout = "best_sellers"
[experiments.half.variants.none]
share = 0.2
holdout = "nothing"
"""

SHARES = {"control": 0.5, "plain": 0.3, "none": 0.2}
CUSTOMERS = 300


def answers_of(service: Service, number: int) -> dict:
    return service.get(f"/v1/customers/c{number}/recommendations?placement=home")


def test_shares_hold_customers_keep_their_variant_and_all_is_written_when_it_stops(
    redis_url: str, tmp_path: Path
):
    state, config = tmp_path / "state", tmp_path / "serve.toml"
    config.write_text(SETTINGS)
    with connect(redis_url) as client:
        client.flushall()
        publish(RedisStore(client, "shop"))
    options = ("--redis", redis_url, "--state", str(state), "--config", str(config))
    with started(tmp_path / "log", *options) as service:
        assert eventually(service.is_ready)
        # Each request comes on a connection of its own: ten of them reach both workers.
        again = {number: {answers_of(service, number)["variant"] for _ in range(10)} for number in range(20)}
        first = {number: answers_of(service, number) for number in range(CUSTOMERS)}
        service.process.terminate()
        assert service.process.wait(PATIENCE) == 0
    assert all(again[number] == {first[number]["variant"]} for number in again)
    counted = Counter(answer["variant"] for answer in first.values())
    for variant, share in SHARES.items():
        assert abs(counted[variant] / CUSTOMERS - share) < 4 * (share * (1 - share) / CUSTOMERS) ** 0.5
    assert {answer["source"] for answer in first.values() if answer["variant"] == "plain"} == {"best_sellers"}
    assert all(not answer["items"] for answer in first.values() if answer["variant"] == "none")
    written = {
        exposure.id: exposure.variant for exposure in read_exposures(journal_path(state, "shop"), "half")
    }
    assert written == {f"c{number}": answer["variant"] for number, answer in first.items()}
    told = cartlift("experiment", "report", "--state", state, "--json").json
    assert {one["name"]: one["exposed"] for one in told["variants"]} == dict(counted)
    assert told["warnings"] == [] and not told["sample_ratio"]["mismatch"]


def test_what_was_clicked_and_bought_is_laid_at_the_answer_that_was_shown(
    redis_client: redis.Redis, tmp_path: Path
):
    shop = LiveShop(redis_client, tmp_path)
    key = shop.key("read", "events")
    path = "/v1/customers/ann/recommendations?placement=home"
    shown = shop.workers[0].get(path, X_API_Key=key).get_json()["recommendation_id"]
    click = {"type": "click", "item_id": "honey", "customer_id": "ann", "recommendation_id": shown}
    bought = {"type": "purchase", "item_id": "honey", "customer_id": "ann", "quantity": 2, "price": 5.0}
    sent = [
        {**said, "event_id": said["type"], "at": f"2026-11-21T09:0{number}:00Z"}
        for number, said in enumerate((click, bought))
    ]
    taken = shop.workers[1].send("POST", "/v1/events", {"events": sent}, X_API_Key=key).get_json()
    assert [one["status"] for one in taken["events"]] == ["accepted", "accepted"]
    by = ("--by", "placement", "--by", "source")
    rows = cartlift("events", "attribution", "--state", tmp_path, "--json", *by).json
    assert rows == [
        {
            "attributed": True,
            "placement": "home",
            "source": "personal",
            "answers": 1,
            "clicks": 1,
            "purchases": 1,
            "by_click": 1,
            "revenue": 10.0,
            "unpriced": 0,
        }
    ]
