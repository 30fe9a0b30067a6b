"""Whatever strangers send is answered, and what is wrong with it is named."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.serving.calls import CALLS
from tests.serving.live_shop import LiveShop

PATHS = [
    (call.method, call.path.replace("{item_id}", "tea").replace("{customer_id}", "ann")) for call in CALLS
]
BODIES = [(method, path) for method, path in PATHS if method not in ("GET", "DELETE")]

ODD_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()  # NaN and the infinities too, which Python writes though JSON has none
    | st.text(max_size=300)
    | st.sampled_from(
        [2**64, -(2**70), 10**400, 1e308, "tea", "2026-11-21T09:30:00Z", "view", "\0", "🧀" * 70]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture
def shop(redis_client, tmp_path: Path) -> LiveShop:
    return LiveShop(redis_client, tmp_path)


@pytest.fixture
def key(shop: LiveShop) -> str:
    return shop.key("read", "events", "export", "admin")


def send(shop: LiveShop, key: str, method: str, path: str, body: bytes, status: int | None = None) -> dict:
    answer = shop.workers[0].client.open(
        path, method=method, data=body, headers={"X-API-Key": key, "Content-Type": "application/json"}
    )
    assert answer.status_code in ((status,) if status else (200, 400, 404)), answer.get_data(as_text=True)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Traceback" not in answer.get_data(as_text=True)
    return answer.get_json()


@pytest.mark.parametrize(("method", "path"), BODIES)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"n":NaN}', b'{"n":1e999}', b'{"price":-Infinity}',
     b'{"a":1,}', b"{'cart':['tea']}", b'{"cart":["\\ud800"]}', b"[" * 100_000, b'{"cart":' * 50_000,
     b'{"x":' + b"9" * 100_000 + b"}"],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_a_body_that_is_no_json_object_is_refused(shop: LiveShop, key: str, method, path, body):
    assert send(shop, key, method, path, body, status=400)["type"] == "/docs#invalid-request"


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_ten_megabytes_are_too_large(shop: LiveShop, key: str, method, path):
    body = json.dumps({"cart": ["x" * 10_000_000]}).encode()
    assert send(shop, key, method, path, body, status=413)["type"] == "/docs#too-large"


@pytest.mark.parametrize(("method", "path"), BODIES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_fields_are_taken_or_named(shop: LiveShop, key: str, method, path, data):
    (asked,) = {call.asked for call in CALLS if call.method == method and call.path.split("{")[0] in path}
    fields = st.dictionaries(
        st.sampled_from([*asked.__struct_fields__, "unknown", ""]), ODD_VALUES, max_size=5
    )
    sent = data.draw(fields)
    problem = send(shop, key, method, path, json.dumps(sent).encode())
    assert all(error["detail"] for error in problem.get("errors", ()))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["event_id", "type", "customer_id", "session_id", "item_id", "at", "value", "x"]),
            ODD_VALUES,
        )
        | ODD_VALUES,
        min_size=1,
        max_size=4,
    )
)
def test_any_events_are_each_accepted_or_rejected_with_a_reason(shop: LiveShop, key: str, events):
    body = json.dumps({"events": events}).encode()
    answer = send(shop, key, "POST", "/v1/events", body)
    if "events" in answer:
        assert len(answer["events"]) == len(events)
        assert all(one["status"] != "rejected" or one["why"] for one in answer["events"])


@pytest.mark.parametrize(
    ("at", "status"),
    [
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", "rejected"),
        ("2026-11-21", "rejected"),
    ],
)
def test_times_at_the_ends_of_the_calendar_are_judged(shop: LiveShop, key: str, at, status):
    event = {"event_id": "1", "type": "view", "customer_id": "ann", "item_id": "tea", "at": at}
    (outcome,) = send(shop, key, "POST", "/v1/events", json.dumps({"events": [event]}).encode(), 200)[
        "events"
    ]
    assert status is None or outcome["status"] == status


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=300),
    st.text(max_size=40),
    st.sampled_from([path for method, path in PATHS if method == "GET"]),
)
def test_any_id_and_any_query_get_an_answer(shop: LiveShop, key: str, id_, query, path):
    path = path.replace("ann", quote(id_, safe="")).replace("tea", quote(id_, safe=""))
    answer = shop.workers[0].client.get(f"{path}?{quote(query, safe='=&,')}", headers={"X-API-Key": key})
    assert answer.status_code in (200, 400, 404, 405)


@pytest.mark.parametrize("n", ["0", "101", "-1", "1e3", "9" * 400, "NaN"])
def test_a_count_out_of_range_is_refused_with_its_field_and_the_remedy(shop: LiveShop, key: str, n):
    problem = shop.workers[0].get(f"/v1/best-sellers?n={n}", X_API_Key=key).get_json()
    assert problem["errors"][0]["field"] == "n"
    assert "from 1 to 100" in problem["detail"]


@pytest.mark.parametrize(
    "text",
    ["(" * 400 + "true" + ")" * 400, "!" * 999 + "true", "true || " * 120 + "true",
     'item.title.matches("(a*)*(a*)*(a*)*b")', 'item.title.matches("' + "(x+x+)+" * 40 + 'y")',
     "item.price" + "+1.0" * 240 + " > 0.0", "[" * 300 + "]" * 300 + " == []", "true" * 2_000],
    ids=lambda text: text[:24],
)  # fmt: skip
def test_a_filter_that_would_never_end_is_answered_or_refused(shop: LiveShop, key: str, text):
    send(shop, key, "POST", "/v1/recommendations", json.dumps({"filter": text}).encode())


def test_ids_given_twice_count_once(shop: LiveShop, key: str):
    body = json.dumps({"cart": ["tea"] * 50, "exclude": ["milk"] * 300}).encode()
    items = [item["item_id"] for item in send(shop, key, "POST", "/v1/recommendations", body, 200)["items"]]
    assert len(items) == len(set(items))
    assert not {"tea", "milk"} & set(items)
