"""What is answered before Flask is what Flask answers, byte for byte."""

import json
import random
from io import BytesIO
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.serving.hot_path import WAYS, HotPath
from recommender.serving.placements import Experiment, Placement, ServiceSettings, Variant
from recommender.serving.service import RecommendationService
from recommender.snapshot.encoding import entry_key
from tests.serving.served_shop import ServedShop
from tests.serving.small_shop import ODD_ID, UnreliableStore, entries, publish

IDS = [
    "ann",
    "bob",
    "zoë/1",
    "nobody",
    "tea",
    "milk",
    "saw",
    ODD_ID,
    "a//b",
    "/similar",
    "",
    "a\0",
    "x" * 257,
    "%",
]
PLACEMENTS = ServiceSettings(
    {
        "home": Placement(n=2, pins=("honey",), blocks=("tea",)),
        "page": Placement(filter="item.price < 6"),
        "shelf": Placement(),
    },
    {
        "shelves": Experiment(
            "shelf",
            {
                "control": Variant(0.3),
                "short": Variant(0.3, Placement(n=1, mode="discover")),
                "none": Variant(0.3, holdout="nothing"),
            },
        )
    },
)
PARAMETERS = {
    "n": ["1", "3", "100", "0", "101", "1e1", ""],
    "offset": ["0", "1", "10001"],
    "mode": ["mixed", "repeat", "discover", "other"],
    "category": ["food", "tools", "gar%20den", "%ff"],
    "exclude": ["tea,milk", "saw", "a%5C,b", ""],
    "fields": ["title,price", "reason", "reason,title", "colour"],
    "placement": ["home", "page", "shelf", "elsewhere"],
    "place": ["Frankreich", "Atlantis"],
    "strict": ["true", "false", "maybe"],
    "colour": ["red"],
}
HEADERS = [
    {},
    {"X-Request-ID": "r-1"},
    {"X-Request-ID": "é"},
    {"Origin": "https://shop.example"},
    {"X-API-Key": "k"},
]


def flask_alone(shop: ServedShop):
    """The same application without the layer."""
    layer = shop.client.application.wsgi_app
    assert isinstance(layer, HotPath)
    return layer._app


def asked(app, method: str, path: str, query: str, headers: dict[str, str], sent: bytes | None = None):
    """Status, headers and body, as a server gets them from a WSGI application."""
    body = {"wsgi.input": BytesIO(sent or b"")}
    if sent is not None:
        body |= {"CONTENT_TYPE": headers.get("Content-Type", "application/json")}
        body |= {"CONTENT_LENGTH": headers.get("Content-Length", str(len(sent)))}
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "shop",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "shop",
        "wsgi.url_scheme": "http",
        "wsgi.errors": None,
        **body,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
    said: list = []
    body = b"".join(app(environ, lambda status, headers: said.extend((status, headers))))
    status, answered = said
    return status, {name.lower(): value for name, value in answered}, body


def assert_same(
    shop: ServedShop, method: str, path: str, query: str, headers: dict[str, str], sent: bytes | None = None
) -> str:
    """Compare both ways; how Flask answered."""
    layer, flask = shop.client.application.wsgi_app, flask_alone(shop)
    ours, theirs = (asked(app, method, path, query, headers, sent) for app in (layer, flask))
    if "X-Request-ID" not in headers or not headers["X-Request-ID"].isascii():
        # Drawn for each request.
        assert len(ours[1].pop("x-request-id")) == len(theirs[1].pop("x-request-id")) == 32
    assert ours == theirs, (method, path, query, headers, sent)
    return theirs[0]


def random_request(rng: random.Random) -> tuple[str, str, str, dict[str, str]]:
    way = rng.choice(WAYS)
    names = rng.sample(sorted(PARAMETERS), rng.choice([0, 0, 1, 1, 2, 3]))
    query = "&".join(f"{name}={rng.choice(PARAMETERS[name])}" for name in names)
    method = rng.choice(["GET"] * 8 + ["HEAD", "POST"])
    return method, f"{way.before}{rng.choice(IDS)}{way.after}", query, rng.choice(HEADERS)


def test_thousands_of_random_requests_are_answered_alike():
    shop, rng = ServedShop(settings=PLACEMENTS), random.Random(1)
    publish(shop.store)
    shop.follower.poll()
    statuses = [assert_same(shop, *random_request(rng)) for _ in range(4_000)]
    assert {status.split()[0] for status in statuses} == {"200", "400", "404", "405"}
    assert statuses.count("200 OK") > 1_000


def test_variants_of_experiments_are_answered_alike():
    shop, rng, seen = ServedShop(settings=PLACEMENTS), random.Random(2), set()
    publish(shop.store)
    shop.follower.poll()
    for _ in range(1_000):
        path = f"/v1/customers/{rng.choice(['ann', 'bob', *map(str, range(40))])}/recommendations"
        name = rng.choice(["n", "mode", "category", "fields"])
        query = f"placement=shelf&{name}={rng.choice(PARAMETERS[name])}"
        assert_same(shop, "GET", path, query, rng.choice(HEADERS))
        body = asked(shop.client.application.wsgi_app, "GET", path, query, {})[2]
        seen.add(json.loads(body).get("variant"))
    assert seen == {"control", "short", "none", None}


FIELDS = {
    "n": [1, 3, 100, 0, "3", 2.0, None],
    "mode": ["mixed", "repeat", "discover", "other"],
    "cart": [["tea"], ["tea", "nails", "nobody knows"], [], "tea", [1], ["saw"]],
    "customer_id": ["ann", "bob", "zoë/1", "nobody", "", 7],
    "recent": [["milk", "tea"], [], ["hammer"]],
    "category": ["food", "garden"],
    "exclude": [["tea", "milk"], "tea"],
    "fields": [["title", "reason"], ["price"], ["colour"]],
    "placement": ["home", "page", "shelf", "elsewhere"],
    "filter": ["item.price < 5", "item.price <"],
    "boost": ['item.category == "food" ? 2.0 : 1.0'],
    "diversity": [0, 0.5, 2],
    "explain": [True, "yes"],
    "strict": [True, False],
    "session_id": ["s1", "s2"],
    "colour": ["red"],
}
BODY_HEADERS = [{}] * 9 + [
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/json; charset=utf-8"},
    {"Content-Length": "0"},
    {"Content-Length": "x"},
    {"Content-Length": ""},
    {"Content-Length": "2000000"},
    {"Origin": "https://shop.example"},
]


def random_body(rng: random.Random) -> tuple[str, str, str, dict[str, str], bytes]:
    path = rng.choice(["/v1/recommendations", "/v1/cart/recommendations", "/v1/events"])
    names = rng.sample(sorted(FIELDS), rng.choice([0, 1, 1, 2, 3, 4]))
    body = msgspec.json.encode({name: rng.choice(FIELDS[name]) for name in names})
    broken = rng.choice([body] * 12 + [body[:-1], b"", b"[]", b"\xff", b"[" * 2_000])
    return "POST", path, rng.choice([""] * 9 + ["n=1"]), rng.choice(BODY_HEADERS), broken


def test_thousands_of_random_bodies_are_answered_alike():
    shop, rng = ServedShop(settings=PLACEMENTS), random.Random(2)
    publish(shop.store)
    shop.follower.poll()
    statuses = [assert_same(shop, *random_body(rng)) for _ in range(3_000)]
    assert {status.split()[0] for status in statuses} == {"200", "400", "401", "413", "415"}
    assert statuses.count("200 OK") > 200


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_any_id_and_any_query_are_answered_alike(id_, query):
    shop = _shop()
    assert_same(shop, "GET", f"/v1/customers/{id_}/recommendations", quote(query, safe="=&,"), {})


def test_an_answer_is_not_sent_again_once_anything_changed():
    shop = _shop()
    path = "/v1/customers/ann/recommendations"
    first = asked(shop.client.application.wsgi_app, "GET", path, "", {})
    publish(shop.store, "tuesday")
    shop.follower.poll()
    assert_same(shop, "GET", path, "", {})
    second = asked(shop.client.application.wsgi_app, "GET", path, "", {})
    assert first[1]["etag"] != second[1]["etag"]
    shop.store.down = True
    assert_same(shop, "GET", path, "", {})
    assert b'"stale":true' in asked(shop.client.application.wsgi_app, "GET", path, "", {})[2]


def test_a_plain_list_is_put_together_without_taking_the_long_way(monkeypatch):
    shop = _shop()

    def refuse(self, basis):
        raise AssertionError("the long way")

    monkeypatch.setattr(RecommendationService, "made_of", refuse)
    layer = shop.client.application.wsgi_app
    for path in (
        "/v1/customers/ann/recommendations",
        "/v1/items/tea/similar",
        "/v1/items/tea/bought-together",
    ):
        status, _, body = asked(layer, "GET", path, "fields=title&exclude=milk&n=2", {})
        assert status == "200 OK" and b'"items":[{"item_id"' in body
    status, _, _ = asked(layer, "GET", "/v1/customers/ann/recommendations", "mode=repeat", {})
    assert status == "500 INTERNAL SERVER ERROR"


def test_a_mistake_of_the_layer_leaves_the_answer_to_flask(monkeypatch, caplog):
    shop, path = _shop(), "/v1/customers/ann/recommendations"

    def fail(self, *kept):
        raise ZeroDivisionError

    asked(shop.client.application.wsgi_app, "GET", path, "", {})
    monkeypatch.setattr(RecommendationService, "holds", fail)
    assert assert_same(shop, "GET", path, "", {}) == "200 OK"
    assert "ZeroDivisionError" in caplog.text


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_list_is_answered_alike(data):
    shop, key = ServedShop(), entry_key("similar", "tea")
    row = entries("monday")[key]
    at, byte = data.draw(st.integers(0, len(row) - 1)), data.draw(st.integers(0, 255))
    publish(shop.store, changed={key: row[:at] + bytes((byte,)) + row[at + 1 :]})
    shop.follower.poll()
    assert_same(shop, "GET", "/v1/items/tea/similar", "", {})


def test_before_anything_was_published_both_say_so():
    shop = ServedShop(store=UnreliableStore())
    assert assert_same(shop, "GET", "/v1/customers/ann/recommendations", "", {}) == "503 SERVICE UNAVAILABLE"


@pytest.mark.parametrize("path", ["/v1/best-sellers", "/health/live", "/docs", "/v1/customers/ann", "/"])
def test_everything_else_is_handed_on(path):
    assert_same(_shop(), "GET", path, "", {})


def _shop() -> ServedShop:
    shop = ServedShop()
    publish(shop.store)
    shop.follower.poll()
    return shop
