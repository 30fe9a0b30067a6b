"""What is answered before Flask is what Flask answers, byte for byte."""

import json
import random
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.serving.hot_path import WAYS, HotPath
from recommender.serving.placements import Experiment, Placement, ServiceSettings, Variant
from tests.serving.served_shop import ServedShop
from tests.serving.small_shop import ODD_ID, UnreliableStore, publish

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


def asked(app, method: str, path: str, query: str, headers: dict[str, str]):
    """Status, headers and body, as a server gets them from a WSGI application."""
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
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
    said: list = []
    body = b"".join(app(environ, lambda status, headers: said.extend((status, headers))))
    status, answered = said
    return status, {name.lower(): value for name, value in answered}, body


def assert_same(shop: ServedShop, method: str, path: str, query: str, headers: dict[str, str]) -> str:
    """Compare both ways; how Flask answered."""
    layer, flask = shop.client.application.wsgi_app, flask_alone(shop)
    ours, theirs = asked(layer, method, path, query, headers), asked(flask, method, path, query, headers)
    if "X-Request-ID" not in headers or not headers["X-Request-ID"].isascii():
        # Drawn for each request.
        assert len(ours[1].pop("x-request-id")) == len(theirs[1].pop("x-request-id")) == 32
    assert ours == theirs, (method, path, query, headers)
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
