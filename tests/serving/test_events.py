"""Events: on disk before they are acknowledged, each counted once, and in the customer's next list."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from recommender.errors import ConfigError, StoreUnavailable
from recommender.events.journal import COLUMNS, EventJournal, read_events
from recommender.serving import live_state
from recommender.serving.customer_notes import NO_NOTES, CustomerNotes, Note, encode_note, read_notes
from recommender.serving.live_state import LiveState
from recommender.snapshot.redis_connection import connect
from recommender.snapshot.redis_layout import RedisKeys
from tests.serving.live_shop import AskedWorker, LiveShop
from tests.serving.served_shop import ids
from tests.serving.small_shop import ODD_ID

AT = "2026-11-20T09:30:00Z"
"""After the orders that the small shop was learned from."""


@pytest.fixture
def shop(redis_client, tmp_path) -> LiveShop:
    return LiveShop(redis_client, tmp_path)


@pytest.fixture
def key(shop: LiveShop) -> str:
    return shop.key("read", "events")


def event(event_id: str | None, **said: object) -> dict[str, object]:
    usual = {"type": "purchase", "customer_id": "ann", "item_id": "tea", "at": AT}
    return {"event_id": event_id, **usual, **said}


def send(worker: AskedWorker, key: str, *events: object) -> list[dict]:
    answer = worker.send("POST", "/v1/events", {"events": list(events)}, X_API_Key=key)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()["events"]


def statuses(outcomes: list[dict]) -> list[str]:
    return [outcome["status"] for outcome in outcomes]


def ann(worker: AskedWorker, key: str, query: str = "") -> list[str]:
    return ids(worker.get(f"/v1/customers/ann/recommendations{query}", X_API_Key=key).get_json())


def test_what_was_just_bought_is_gone_from_the_next_list_of_every_worker(shop: LiveShop, key: str):
    first, second = shop.workers
    assert ann(second, key) == ["tea", "honey", "hammer", "milk"]
    assert statuses(send(first, key, event("1"))) == ["accepted"]
    assert ann(second, key) == ["honey", "hammer", "milk"]
    assert ann(second, key, "?mode=repeat") == ["milk"]
    send(second, key, event("2", item_id="honey"))
    assert ann(first, key) == ["hammer", "milk"]


def test_what_is_dismissed_is_gone_and_other_customers_keep_it(shop: LiveShop, key: str):
    first, second = shop.workers
    send(first, key, event("1", type="dismiss", item_id="hammer", customer_id="zoë/1"))
    answer = second.get("/v1/customers/zo%C3%AB%2F1/recommendations", X_API_Key=key).get_json()
    assert ids(answer) == ["nails"]
    assert "hammer" in ann(second, key)


def test_a_cart_and_the_full_form_know_it_too(shop: LiveShop, key: str):
    send(shop.workers[0], key, event("1", item_id="honey"))
    for path in ("/v1/cart/recommendations", "/v1/recommendations"):
        asked = {"cart": ["milk"], "customer_id": "ann"}
        answer = shop.workers[1].send("POST", path, asked, X_API_Key=key).get_json()
        assert "honey" not in ids(answer)
    explained = {"customer_id": "ann", "explain": True}
    answer = shop.workers[1].send("POST", "/v1/recommendations", explained, X_API_Key=key).get_json()
    assert answer["explanation"]["rungs"][0]["hidden"]["bought_since"] == 1


@pytest.mark.parametrize("kind", ["view", "cart", "click", "rating"])
def test_other_events_change_no_list(shop: LiveShop, key: str, kind):
    assert statuses(send(shop.workers[0], key, event("1", type=kind))) == ["accepted"]
    assert ann(shop.workers[0], key) == ["tea", "honey", "hammer", "milk"]


def test_a_purchase_that_the_snapshot_knows_changes_no_list(shop: LiveShop, key: str):
    send(shop.workers[0], key, event("1", at="2026-11-19T23:59:00Z"))
    assert "tea" in ann(shop.workers[0], key)


def test_an_answer_kept_by_a_cache_is_told_from_the_one_after_an_event(shop: LiveShop, key: str):
    path = "/v1/customers/ann/recommendations"
    tag = shop.workers[1].get(path, X_API_Key=key).headers["ETag"]
    send(shop.workers[0], key, event("1"))
    assert shop.workers[1].get(path, X_API_Key=key, If_None_Match=tag).status_code == 200


def test_an_event_counts_once_however_often_it_is_sent(shop: LiveShop, key: str):
    first, second = shop.workers
    assert statuses(send(first, key, event("1"), event("1"), event("2"))) == [
        "accepted", "duplicate", "accepted",
    ]  # fmt: skip
    assert statuses(send(second, key, event("2"), event("3"))) == ["duplicate", "accepted"]
    kept = list(read_events(shop.journal))
    assert [one.event_id for one in kept] == ["1", "2", "3"]


def test_an_event_is_read_back_as_it_was_sent(shop: LiveShop, key: str):
    sent = event(
        "käse/1", item_id=ODD_ID, at="2026-11-20T10:30:00.25+01:00", quantity=2, price=3.5,
        session_id="s", recommendation_id="2f6c",
    )  # fmt: skip
    send(shop.workers[0], key, sent, event("2", type="rating", value=-1, customer_id=None, session_id="s"))
    second, first = read_events(shop.journal)  # in the order in which they happened
    assert first.received_at == pytest.approx(datetime.now(UTC).timestamp(), abs=60)
    assert {name: getattr(first, name) for name in COLUMNS if name != "received_at"} == {
        "event_id": "käse/1",
        "type": "purchase",
        "customer_id": "ann",
        "session_id": "s",
        "item_id": ODD_ID,
        "at": datetime(2026, 11, 20, 9, 30, 0, 250_000, UTC).timestamp(),
        "quantity": 2.0,
        "price": 3.5,
        "value": None,
        "recommendation_id": "2f6c",
    }
    assert (second.value, second.customer_id, second.session_id) == (-1.0, None, "s")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (event("1", type="buy"), "'type' must be one of view, cart"),
        (event("1", at="2026-11-20T09:30:00"), "'at' must be an RFC 3339 time with its zone"),
        (event("1", at=1_790_000_000), "'at' must be an RFC 3339 time"),
        (event("1", at=(datetime.now(UTC) + timedelta(days=2)).isoformat()), "which is yet to come"),
        (event("1", customer_id=None), "'customer_id' or 'session_id' is required"),
        (event("1", quantity=-1), "'quantity' must be a number, 0 or more"),
        (event("1", item_id=""), "'item_id' must be an id"),
        (event("1", item_id="a\0b"), "'item_id' must be an id"),
        (event("x" * 257), "'event_id' must be an id"),
        (event("1", colour="red"), "'colour' is no field of this call"),
        ({"event_id": "1"}, "'type' is required"),
        (event(None), "'event_id' must be an id"),
        ("tea", "must be one JSON object"),
        (None, "must be one JSON object"),
    ],
)
def test_a_wrong_event_is_rejected_and_keeps_no_other_out(shop: LiveShop, key: str, wrong, why):
    rejected, accepted = send(shop.workers[0], key, wrong, event("2"))
    assert rejected["status"] == "rejected"
    assert why in rejected["why"]
    assert accepted["status"] == "accepted"
    assert [one.event_id for one in read_events(shop.journal)] == ["2"]


@pytest.mark.parametrize("body", [{}, {"events": []}, {"events": {}}, {"events": [event("1")] * 501}, []])
def test_a_request_without_1_to_500_events_is_refused(shop: LiveShop, key: str, body):
    answer = shop.workers[0].send("POST", "/v1/events", body, X_API_Key=key)
    assert answer.status_code == 400


def test_a_key_for_pages_cannot_report_purchases(shop: LiveShop):
    page = shop.key("events", origins=["https://shop.example"])
    outcomes = send(shop.workers[0], page, event("1"), event("2", type="click"))
    assert statuses(outcomes) == ["rejected", "accepted"]
    assert "from the shop's server" in outcomes[0]["why"]


def test_while_redis_is_down_events_are_kept_and_take_effect_when_it_is_back(shop: LiveShop, key: str):
    lost = shop.worker(connect("unix:///nowhere/redis.sock"))
    assert statuses(send(lost, key, event("1"))) == ["accepted"]
    assert "tea" in ann(shop.workers[0], key)
    worker = shop.worker()
    later = worker.events._now
    worker.events._now = lambda: later() + 10
    worker.events.catch_up()
    assert "tea" not in ann(shop.workers[0], key)


def test_what_cannot_be_written_is_refused_whole(shop: LiveShop, key: str):
    journal = shop.journal
    journal.mkdir(parents=True)
    answer = shop.workers[0].send("POST", "/v1/events", {"events": [event("1")]}, X_API_Key=key)
    assert (answer.status_code, answer.get_json()["type"]) == (503, "/docs#not-kept")
    journal.rmdir()
    assert statuses(send(shop.workers[0], key, event("1"))) == ["accepted"]


def test_workers_that_write_at_once_lose_nothing_and_count_once(shop: LiveShop, key: str):
    def part(number: int) -> list[str]:
        batch = [event(str(one), type="view") for one in range(number * 50, number * 50 + 100)]
        return statuses(send(shop.worker(), key, *batch))

    with ThreadPoolExecutor(4) as pool:
        told = [status for batch in pool.map(part, range(8)) for status in batch]
    kept = [one.event_id for one in read_events(shop.journal)]
    assert sorted(kept, key=int) == [str(number) for number in range(450)]
    assert told.count("accepted") == 450


def test_a_file_that_is_no_journal_is_refused(tmp_path):
    path = tmp_path / "events.sqlite"
    with pytest.raises(ConfigError, match="there are no events"):
        list(read_events(path))
    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read_events(path))
    with pytest.raises(StoreUnavailable, match="check the folder"):
        EventJournal(path)


def test_an_acknowledged_event_is_on_disk_and_synchronous(tmp_path):
    journal = EventJournal(tmp_path / "events.sqlite")
    (mode,) = journal._database.execute("PRAGMA synchronous").fetchone()
    assert mode == 2  # FULL: a commit returns when it is on disk
    with sqlite3.connect(tmp_path / "events.sqlite") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_notes_are_read_as_they_were_written_and_damage_is_passed_over():
    notes = [Note("purchase", "tea", 10), Note("purchase", "milk", 30), Note("dismiss", ODD_ID, 5)]
    stored = b"".join(map(encode_note, notes))
    assert read_notes(stored, since=20) == CustomerNotes(bought=("milk",), dismissed=(ODD_ID,))
    assert read_notes(b'["purch' + b"\n" + b"\xff\n" + stored, since=0).bought == ("milk", "tea")
    assert read_notes(None, since=0) is NO_NOTES


def test_of_too_many_notes_the_newer_half_stays(redis_client, monkeypatch):
    monkeypatch.setattr(live_state, "MOST_NOTES_BYTES", 400)
    state = LiveState(redis_client, "shop")
    for at in range(100):
        state.note("ann", [encode_note(Note("purchase", f"item {at}", at))])
    stored = redis_client.get(RedisKeys("shop").notes("ann"))
    assert len(stored) <= 400
    kept = read_notes(stored, since=-1).bought
    assert "item 99" in kept
    assert "item 0" not in kept
    assert redis_client.ttl(RedisKeys("shop").notes("ann")) > 0
