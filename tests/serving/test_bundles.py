"""Bundles of items, of customers and of the shop."""

import json

import msgspec
import pytest

from recommender.events.recommendation_ids import read_recommendation_id
from recommender.serving.bundle_schemas import Offers
from recommender.serving.placements import load_service_settings
from recommender.snapshot.bundle_rows import bundle_entries
from tests.serving.bundle_shop import bundle_table, publish_bundles
from tests.serving.served_shop import ServedShop
from tests.serving.small_shop import publish


def served(**changed: bytes | None) -> ServedShop:
    shop = ServedShop()
    publish_bundles(shop.store, changed=changed)
    shop.follower.poll()
    return shop


@pytest.fixture
def shop() -> ServedShop:
    return served()


def items_of(answer: dict) -> list[list[str]]:
    return [[part["item_id"] for part in bundle["items"]] for bundle in answer["bundles"]]


def test_an_item_is_answered_with_its_bundles_their_price_and_what_speaks_for_them(shop: ServedShop):
    answer = shop.get("/v1/items/tea/bundles?fields=title&n=1")
    assert answer["source"] == "co_purchase"
    assert answer["bundles"] == [
        {
            "items": [
                {"item_id": "tea", "title": "Green tea"},
                {"item_id": "honey", "title": "Honey"},
            ],
            "price": 8.5,
            "discount_percent": 10,
            "offer_price": 7.65,
            "evidence": {"orders": 50, "customers": 40, "lift": 10.0, "lift_low": 5.0, "completed": 0.05},
        }
    ]


def test_a_bundle_is_only_shown_whole(shop: ServedShop):
    assert items_of(shop.get("/v1/items/nails/bundles")) == [["nails", "hammer"]]
    assert items_of(shop.get("/v1/items/tea/bundles?exclude=milk")) == [["tea", "honey"]]
    assert items_of(shop.get("/v1/items/tea/bundles?category=tools")) == []


def test_an_item_without_bundles_has_none_and_an_unknown_one_neither(shop: ServedShop):
    for item in ("K%C3%A4se%2FBrot%2050%25", "nothing"):
        answer = shop.get(f"/v1/items/{item}/bundles")
        assert (answer["bundles"], answer["source"]) == ([], "co_purchase")
    problem = shop.get("/v1/items/nothing/bundles?strict=true", status=404)
    assert "nothing" in problem["detail"]


def test_a_customer_is_answered_with_what_completes_their_own(shop: ServedShop):
    answer = shop.get("/v1/customers/ann/bundles")
    assert answer["source"] == "personal"
    assert [bundle["items"] for bundle in answer["bundles"]] == [
        [
            {"item_id": "tea", "owned": True, "due": True},
            {"item_id": "honey", "owned": False, "due": False},
        ],
        [
            {"item_id": "milk", "owned": True, "due": False},
            {"item_id": "honey", "owned": False, "due": False},
        ],
    ]


def test_a_customer_without_any_is_answered_with_the_shops_and_under_strict_with_none(shop: ServedShop):
    whole = shop.get("/v1/bundles")
    # No item stands in more than two of them, and the saw is not to be had.
    assert items_of(whole) == [["tea", "honey"], ["nails", "hammer"], ["tea", "milk", "honey"]]
    for customer in ("bob", "nobody"):
        answer = shop.get(f"/v1/customers/{customer}/bundles")
        assert (answer["bundles"], answer["source"]) == (whole["bundles"], "co_purchase")
        assert shop.get(f"/v1/customers/{customer}/bundles?strict=true")["bundles"] == []


def test_pages_of_bundles_are_read_by_offset(shop: ServedShop):
    assert items_of(shop.get("/v1/bundles?n=1&offset=1")) == [["nails", "hammer"]]


def test_the_same_question_has_one_id_and_is_answered_304(shop: ServedShop):
    first = shop.client.get("/v1/items/tea/bundles")
    told = read_recommendation_id(first.get_json()["recommendation_id"])
    assert told is not None
    assert (told.call, told.source, told.snapshot) == ("item_bundles", "co_purchase", "monday")
    again = shop.client.get("/v1/items/tea/bundles", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")


def test_what_cannot_be_read_is_passed_over_and_said(shop: ServedShop):
    shop = served(**{"bundles:{ann}": b"\x08damaged"})
    answer = shop.get("/v1/customers/ann/bundles")
    assert (answer["source"], answer["degraded"]) == ("co_purchase", True)
    assert answer["bundles"]


def test_without_redis_what_is_known_is_answered(shop: ServedShop):
    before = shop.get("/v1/customers/ann/bundles")
    shop.store.down = True
    after = shop.get("/v1/customers/ann/bundles")
    assert after["bundles"] == before["bundles"]
    assert after["stale"]
    assert items_of(shop.get("/v1/items/tea/bundles"))[0] == ["tea", "honey"]


def test_a_snapshot_without_bundles_has_none():
    shop = ServedShop()
    publish(shop.store)
    shop.follower.poll()
    for path in ("/v1/bundles", "/v1/items/tea/bundles", "/v1/customers/ann/bundles"):
        assert shop.get(path)["bundles"] == []


def test_a_damaged_table_keeps_the_snapshot_before(shop: ServedShop):
    publish_bundles(shop.store, "tuesday", {"bundle-table:{0}": b"damaged"})
    shop.clock.now += 60
    shop.follower.poll()
    assert shop.get("/v1/bundles")["snapshot"] == "monday"


def test_placements_rules_hold_of_every_item_of_a_bundle(tmp_path):
    file = tmp_path / "serve.toml"
    file.write_text('[placements.shelf]\nfilter = "item.price < 10"\nblocks = ["milk"]\n')
    shop = ServedShop(settings=load_service_settings(file))
    publish_bundles(shop.store)
    shop.follower.poll()
    assert items_of(shop.get("/v1/bundles?placement=shelf")) == [["tea", "honey"]]


@pytest.mark.parametrize("asked", ["n=0", "n=101", "fields=reason", "mode=repeat", "offset=-1"])
def test_what_means_nothing_is_refused(shop: ServedShop, asked):
    problem = shop.get(f"/v1/bundles?{asked}", status=400)
    assert problem["errors"][0]["field"] == asked.partition("=")[0]


def test_answers_are_what_the_types_say(shop: ServedShop):
    for path in ("/v1/bundles?fields=title,price", "/v1/customers/ann/bundles", "/v1/items/tea/bundles"):
        raw = shop.client.get(path).get_data()
        assert json.loads(msgspec.json.encode(msgspec.json.decode(raw, type=Offers))) == json.loads(raw)


def test_a_price_that_is_not_known_makes_none():
    table = bundle_table((("tea", "Käse/Brot 50%"),))
    shop = served(**dict(bundle_entries(table)), **{"bundles:{ann}": None, "bundles:{zoë/1}": None})
    (bundle,) = shop.get("/v1/bundles")["bundles"]
    assert (bundle["price"], bundle["offer_price"]) == (None, None)
