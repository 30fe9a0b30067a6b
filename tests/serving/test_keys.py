"""Who may call what."""

import json
import re
import stat

import pytest
from click.testing import CliRunner

from recommender.errors import ConfigError
from recommender.serving.keys import KEYS_FILE, KeyFile, KeyRing, web_origin
from recommender.serving.keys_command import keys as keys_command
from recommender.serving.token_bucket import TokenBuckets
from tests.serving.live_shop import LiveShop
from tests.serving.small_shop import Clock

MADE = {"created_at": "2026-11-21T04:00:00Z"}
LIST = "/v1/best-sellers"


@pytest.fixture
def shop(redis_client, tmp_path) -> LiveShop:
    return LiveShop(redis_client, tmp_path)


def test_without_any_key_everybody_reads_and_nobody_writes(shop: LiveShop):
    worker = shop.workers[0]
    assert worker.get(LIST).status_code == 200
    refused = worker.send("PUT", "/v1/items/tea", {})
    assert (refused.status_code, refused.get_json()["type"]) == (401, "/docs#unauthorized")
    assert "cartlift keys create" in refused.get_json()["detail"]


def test_with_the_first_key_every_call_needs_one(shop: LiveShop):
    worker, key = shop.workers[0], shop.key("read")
    assert worker.get(LIST).status_code == 401
    assert worker.get(LIST, X_API_Key=key).status_code == 200
    assert worker.get("/health/ready").status_code == 200
    assert worker.get("/docs").status_code == 200


def test_a_key_opens_what_its_scopes_say(shop: LiveShop):
    worker, reader, admin = shop.workers[0], shop.key("read"), shop.key("admin")
    refused = worker.send("PATCH", "/v1/items/tea", {"stock": 1}, X_API_Key=reader)
    assert (refused.status_code, refused.get_json()["type"]) == (403, "/docs#forbidden")
    assert "'admin'" in refused.get_json()["detail"]
    assert worker.send("PATCH", "/v1/items/tea", {"stock": 1}, X_API_Key=admin).status_code == 200
    assert worker.get(LIST, X_API_Key=admin).status_code == 403


@pytest.mark.parametrize(
    "change", [lambda key: key[:-1] + "x", lambda key: key + "0", lambda key: "", lambda key: "é"]
)
def test_what_is_no_key_opens_nothing(shop: LiveShop, change):
    key = shop.key("read")
    assert shop.workers[0].get(LIST, X_API_Key=change(key)).status_code == 401


def test_a_key_of_another_shop_opens_nothing(shop: LiveShop):
    other = shop.key("read", "admin", shop="other")
    # This shop has no key of its own, so it is as open as before, and writing is as closed.
    assert shop.workers[0].get(LIST).status_code == 200
    assert shop.workers[0].send("PUT", "/v1/items/tea", {}, X_API_Key=other).status_code == 401
    shop.key("read")
    assert shop.workers[0].get(LIST, X_API_Key=other).status_code == 401


def test_two_keys_are_valid_at_once_until_one_is_revoked(shop: LiveShop):
    old, new = shop.key("read"), shop.key("read")
    for key in (old, new):
        assert shop.workers[0].get(LIST, X_API_Key=key).status_code == 200
    KeyFile(shop.state).revoke(old.split("_")[1])
    shop.clock.now += 1
    statuses = [shop.workers[1].get(LIST, X_API_Key=key).status_code for key in (old, new)]
    assert statuses == [401, 200]


def test_the_secret_is_nowhere_on_disk_and_the_file_is_its_owners_alone(tmp_path):
    made = KeyFile(tmp_path).create(name="a", shop="shop", scopes=["read"], **MADE)
    stored = (tmp_path / KEYS_FILE).read_text()
    assert made.split("_")[2] not in stored
    assert stat.S_IMODE((tmp_path / KEYS_FILE).stat().st_mode) == 0o600
    (kept,) = json.loads(stored)
    assert len(kept["digest"]) == 64


def test_a_limit_is_a_bucket_that_fills_again():
    clock = Clock()
    buckets = TokenBuckets(clock)
    assert [buckets.wait("key", 2) for _ in range(5)] == [0, 0, 0, 0, 1]
    clock.now += 0.5
    assert [buckets.wait("key", 2) for _ in range(2)] == [0, 1]
    assert buckets.wait("another", 2) == 0
    assert [buckets.wait("unlimited", 0) for _ in range(100)] == [0] * 100
    assert [buckets.wait("slow", 0.1) for _ in range(2)] == [0, 10]


def test_who_asks_too_often_is_told_when_to_ask_again(shop: LiveShop):
    key = shop.key("read", per_second=1)
    answers = [shop.workers[0].get(LIST, X_API_Key=key) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].headers["Retry-After"] == "1"
    shop.clock.now += 1
    assert shop.workers[0].get(LIST, X_API_Key=key).status_code == 200


def test_pages_of_the_keys_origin_may_read_answers_and_refusals(shop: LiveShop):
    worker, page = shop.workers[0], "https://shop.example"
    key = shop.key("read", "events", origins=[page])
    asked = worker.client.options(
        "/v1/events", headers={"Origin": page, "Access-Control-Request-Method": "POST"}
    )
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == page
    assert "X-API-Key" in asked.headers["Access-Control-Allow-Headers"]
    answer = worker.get(LIST, X_API_Key=key, Origin=page)
    assert answer.headers["Access-Control-Allow-Origin"] == page
    assert "Origin" in answer.headers["Vary"]
    assert worker.get(LIST, Origin=page).headers["Access-Control-Allow-Origin"] == page  # of the refusal


def test_pages_of_another_origin_may_not(shop: LiveShop):
    worker, evil = shop.workers[0], "https://evil.example"
    key = shop.key("read", origins=["https://shop.example"])
    assert worker.get(LIST, X_API_Key=key, Origin=evil).status_code == 401
    asked = worker.client.options(LIST, headers={"Origin": evil, "Access-Control-Request-Method": "GET"})
    assert "Access-Control-Allow-Origin" not in asked.headers


def test_a_key_for_pages_can_neither_change_items_nor_export(tmp_path):
    with pytest.raises(ConfigError, match="is known to everybody"):
        KeyFile(tmp_path).create(
            name="a", shop="shop", scopes=["read", "admin"], origins=["https://shop.example"], **MADE
        )


@pytest.mark.parametrize(
    "text", ["shop.example", "ftp://shop.example", "https://shop.example/a", "https://", "*"]
)
def test_what_is_no_origin_is_refused(text):
    with pytest.raises(ConfigError, match="is no web origin"):
        web_origin(text)


def test_a_damaged_file_is_refused_at_the_start_and_changes_nothing_later(tmp_path):
    clock = Clock()
    key = KeyFile(tmp_path).create(name="a", shop="shop", scopes=["read"], **MADE)
    ring = KeyRing(tmp_path / KEYS_FILE, "shop", clock)
    (tmp_path / KEYS_FILE).write_text("[{")
    clock.now += 1
    assert ring.key_of(key) is not None
    with pytest.raises(ConfigError, match="restore the file"):
        KeyRing(tmp_path / KEYS_FILE, "shop", clock)


def test_the_command_makes_lists_and_revokes(tmp_path):
    def run(*words: str):
        return CliRunner().invoke(keys_command, [*words, "--state", str(tmp_path)])

    made = run("create", "storefront", "--scope", "read", "--per-second", "50")
    key = re.search(r"cartlift_(\w{8})_\w{48}", made.output)
    assert made.exit_code == 0 and key
    listed = run("list").output
    assert key[1] in listed and "storefront" in listed and "50" in listed and key[0] not in listed
    assert "storefront" in run("revoke", key[1]).output
    assert "nobody may write" in run("list").output
    assert isinstance(run("revoke", key[1]).exception, ConfigError)
    assert run("create", "x").exit_code == 2  # without a scope


def test_a_request_that_two_layers_look_at_takes_one_of_the_limit(shop: LiveShop):
    key = shop.key("read", per_second=1)  # two at once, then one a second
    worker = shop.workers[0]
    path = "/v1/customers/ann/recommendations?n=0"
    assert [worker.get(path, X_API_Key=key).status_code for _ in range(3)] == [400, 400, 429]
