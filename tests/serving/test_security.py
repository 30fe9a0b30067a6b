"""What docs/security.md promises of answers and of keys."""

import re
from pathlib import Path

import pytest

from recommender.serving.assembly import assembled
from recommender.serving.keys import KeyFile
from recommender.serving.settings import WorkerSettings
from recommender.snapshot.redis_store import RedisStore
from tests.serving.live_shop import AskedWorker, LiveShop, listening_beside
from tests.serving.small_shop import publish

ROOT = Path(__file__).parents[2]
MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def shop(redis_client, tmp_path: Path) -> LiveShop:
    return LiveShop(redis_client, tmp_path)


def other_shop(shop: LiveShop, state: Path) -> AskedWorker:
    """A service of another shop beside the same Redis, whose customer ann has another list."""
    publish(RedisStore(shop.redis, "other"), "of-the-other")
    settings, listening = WorkerSettings("", "other", state), listening_beside(shop.redis)
    return AskedWorker(assembled(settings, shop.redis, shop.redis, listening, shop.clock))


@pytest.mark.parametrize(
    ("status", "method", "path", "headers", "body"),
    [
        (200, "GET", "/v1/best-sellers", {}, None),
        (200, "GET", "/docs", {}, None),
        (200, "GET", "/cartlift.js", {}, None),
        (302, "GET", "/", {}, None),
        (400, "GET", "/v1/best-sellers?n=0", {}, None),
        (401, "POST", "/v1/events", {}, b"{}"),
        (403, "POST", "/v1/events", {"X-API-Key": "reader"}, b"{}"),
        (404, "GET", "/nowhere", {}, None),
        (405, "DELETE", "/v1/best-sellers", {}, None),
        (413, "POST", "/v1/recommendations", {"Content-Type": "application/json"}, b" " * (1 << 21)),
        (415, "POST", "/v1/recommendations", {"Content-Type": "text/html"}, b"{}"),
        (500, "GET", "/openapi.json", {}, None),
    ],
)
def test_every_answer_carries_the_headers_and_no_trace(
    shop: LiveShop, monkeypatch, status, method, path, headers, body
):
    reader = shop.key("read")
    worker = shop.worker()
    if status == 500:
        monkeypatch.setattr(worker.worker.app, "dispatch_request", lambda *_: 1 / 0)
    given = {"X-API-Key": reader} if status != 401 else {}
    given |= {name: reader if value == "reader" else value for name, value in headers.items()}
    answer = worker.client.open(path, method=method, headers=given, data=body)
    assert answer.status_code == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Request-ID"]
    text = answer.get_data(as_text=True)
    assert not any(said in text for said in ("Traceback", "ZeroDivisionError", ".py", reader))
    if status >= 400:
        assert answer.content_type == "application/problem+json"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [f"/v1/items/{MARKUP}/similar?strict=true", f"/v1/customers/{'x' * 300}{MARKUP}/recommendations",
     f"/{MARKUP}", f"/v1/best-sellers?{MARKUP}=1", f"/v1/best-sellers?n={MARKUP}"],
)  # fmt: skip
def test_what_was_sent_comes_back_as_json_that_no_browser_takes_for_a_page(shop: LiveShop, path):
    answer = shop.workers[0].get(path)
    assert answer.status_code in (400, 404)
    assert answer.content_type == "application/problem+json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.get_json()["detail"]


@pytest.mark.parametrize("host", [f'">{MARKUP}', "evil.example/<b>", "a b", "x'onload='y"])
def test_the_docs_page_takes_no_markup_from_the_host_header(shop: LiveShop, host):
    page = shop.workers[0].get("/docs", Host=host).get_data(as_text=True)
    assert "<script" not in page
    assert "<b>" not in page.replace("<b></b>", "")
    assert "'onload=" not in page


def test_a_key_of_one_shop_opens_nothing_of_another_in_the_same_state_folder(shop: LiveShop):
    mine, theirs = shop.key("read", "events", "admin"), shop.key("read", "events", "admin", shop="other")
    other = other_shop(shop, shop.state)
    assert shop.workers[0].get("/v1/best-sellers", X_API_Key=mine).get_json()["snapshot"] == "monday"
    assert other.get("/v1/best-sellers", X_API_Key=theirs).get_json()["snapshot"] == "of-the-other"
    for worker, key in ((shop.workers[0], theirs), (other, mine)):
        assert worker.get("/v1/customers/ann/recommendations", X_API_Key=key).status_code == 401
        assert worker.send("POST", "/v1/events", {"events": []}, X_API_Key=key).status_code == 401
        assert worker.send("PUT", "/v1/items/tea", {"stock": 0}, X_API_Key=key).status_code == 401


def test_what_one_shop_writes_is_not_seen_by_another(shop: LiveShop):
    mine, theirs = shop.key("read", "events", "admin"), shop.key("read", "events", "admin", shop="other")
    other = other_shop(shop, shop.state)
    before = other.get("/v1/customers/ann/recommendations", X_API_Key=theirs).get_json()["items"]
    event = {"event_id": "1", "type": "purchase", "customer_id": "ann", "item_id": "tea",
             "at": "2026-11-21T09:30:00Z"}  # fmt: skip
    assert shop.workers[0].send("PUT", "/v1/items/honey", {"stock": 0}, X_API_Key=mine).status_code == 200
    assert shop.workers[0].send("POST", "/v1/events", {"events": [event]}, X_API_Key=mine).status_code == 200
    changed = shop.workers[0].get("/v1/customers/ann/recommendations", X_API_Key=mine).get_json()["items"]
    assert {"tea", "honey"}.isdisjoint(item["item_id"] for item in changed)
    assert other.get("/v1/customers/ann/recommendations", X_API_Key=theirs).get_json()["items"] == before


def test_a_key_of_another_state_folder_opens_nothing(shop: LiveShop, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    theirs = KeyFile(elsewhere).create(
        name="other", shop="other", scopes=("read",), created_at="2026-11-21T04:00:00Z"
    )
    mine = shop.key("read")
    other = other_shop(shop, elsewhere)
    assert other.get("/v1/best-sellers", X_API_Key=theirs).status_code == 200
    assert other.get("/v1/best-sellers", X_API_Key=mine).status_code == 401
    assert shop.workers[0].get("/v1/best-sellers", X_API_Key=theirs).status_code == 401


def test_the_key_file_holds_no_key_and_is_its_owners_alone(shop: LiveShop):
    key = shop.key("read")
    path = shop.state / "keys.json"
    assert key.rpartition("_")[2] not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_the_container_does_not_run_as_root():
    last = (ROOT / "Dockerfile").read_text().rpartition("FROM ")[2]
    user = re.search(r"^USER (\w+)$", last, re.M)
    assert user and user[1] not in ("root", "0")
    assert last.index("USER ") < last.index("ENTRYPOINT")
