"""Why items are shown, on a shop small enough to know by heart (small_shop)."""

import numpy as np
import pytest

from recommender.ranking.evidence import Evidence
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.rows import encode_evidence
from tests.serving.served_shop import ServedShop, ids
from tests.serving.small_shop import publish, stored_list, stored_reasons


def reasons(answer: dict) -> dict[str, dict | None]:
    return {item["item_id"]: item["reason"] for item in answer["items"]}


def popular_in(category: str) -> dict:
    return {"kind": "popular_in_category", "category": category}


def test_a_personal_list_gives_the_reasons_that_were_published(shop: ServedShop):
    assert reasons(shop.get("/v1/customers/ann/recommendations?fields=reason")) == {
        "tea": {"kind": "bought_again", "every_days": 30},
        "honey": {"kind": "because_you_bought", "item_id": "tea"},
        "hammer": {"kind": "popular"},
        "milk": {"kind": "bought_before", "times": 2},
    }
    assert reasons(shop.get("/v1/customers/bob/recommendations?fields=reason")) == {
        "nails": popular_in("tools")
    }


def test_places_that_are_left_out_do_not_shift_the_reasons(shop: ServedShop):
    answer = shop.get("/v1/customers/ann/recommendations?fields=reason&exclude=tea&n=1&offset=1")
    assert reasons(answer) == {"hammer": {"kind": "popular"}}


def test_no_reason_is_null_and_nobody_gets_one_unasked(shop: ServedShop):
    nothing = stored_reasons([("", 0)])
    publish(shop.store, "tuesday", {entry_key("reasons", "bob"): nothing})
    shop.follower.poll()
    assert reasons(shop.get("/v1/customers/bob/recommendations?fields=reason")) == {"nails": None}
    assert "reason" not in shop.get("/v1/customers/bob/recommendations")["items"][0]


def test_an_item_page_names_its_own_item(shop: ServedShop):
    similar = shop.get("/v1/items/tea/similar?fields=reason")
    assert reasons(similar)["milk"] == {"kind": "similar_to", "item_id": "tea"}
    together = shop.get("/v1/items/tea/bought-together?fields=reason")
    assert reasons(together)["honey"] == {"kind": "bought_with", "item_id": "tea"}


def test_what_is_similar_by_its_text_alone_was_not_bought_with_anything(shop: ServedShop):
    publish(shop.store, "tuesday", {entry_key("similar", "tea"): stored_list(("honey",), "content")})
    shop.follower.poll()
    assert reasons(shop.get("/v1/items/tea/similar?fields=reason")) == {"honey": None}


def test_a_cart_names_the_item_that_speaks_loudest(shop: ServedShop):
    # Beside milk honey scores 1, beside tea 1 too; tea scores 1 beside nails; hammer stands beside nails.
    answer = shop.ask_for_cart(cart=["milk", "nails"], fields=["reason"])
    assert reasons(answer) == {
        "tea": {"kind": "bought_with", "item_id": "milk"},
        "hammer": {"kind": "bought_with", "item_id": "nails"},
        "honey": {"kind": "bought_with", "item_id": "milk"},
    }


def test_a_cart_answered_with_similar_items_names_the_item_that_they_are_like(shop: ServedShop):
    changed = {
        entry_key("bought-together", "tea"): None,
        entry_key("similar", "tea"): stored_list(("honey", "milk"), "content"),
        entry_key("similar", "honey"): stored_list(("milk",), "item_knn"),
    }
    publish(shop.store, "tuesday", changed)
    shop.follower.poll()
    assert reasons(shop.ask_for_cart(cart=["tea"], fields=["reason"])) == {"honey": None, "milk": None}
    both = reasons(shop.ask_for_cart(cart=["tea", "honey"], fields=["reason"]))
    assert both == {"milk": {"kind": "similar_to", "item_id": "honey"}}


def evidence_of(*orders: int) -> bytes:
    """For each place so many orders, half as many customers, a lift of that, and a tenth less at least."""
    counts = np.array(orders, np.int32)
    said = Evidence(counts, counts // 2, counts / np.float32(1), counts * np.float32(0.9))
    (row,) = encode_evidence(np.array([0, len(counts)]), said)
    return row


def test_what_is_bought_together_comes_with_its_evidence(shop: ServedShop):
    changed = {entry_key("evidence", "nails"): evidence_of(30, 20, 10)}  # hammer, saw, tea
    publish(shop.store, "tuesday", changed)
    shop.follower.poll()
    page = reasons(shop.get("/v1/items/nails/bought-together?fields=reason"))
    numbers = {"orders": 10, "lift": 10, "lift_at_least": 9}
    assert page["tea"] == {"kind": "bought_with", "item_id": "nails", **numbers}
    cart = reasons(shop.ask_for_cart(cart=["milk", "nails"], fields=["reason"]))
    assert cart["hammer"]["orders"] == 30
    # Tea goes best with milk, of which nothing is known but that.
    assert cart["tea"] == {"kind": "bought_with", "item_id": "milk"}


@pytest.mark.parametrize(
    "damaged", [b"\x00" * 17, evidence_of(30), b"\xff" * 48], ids=["cut off", "of another list", "no numbers"]
)
def test_damaged_evidence_leaves_the_plain_reason(shop: ServedShop, damaged):
    publish(shop.store, "tuesday", {entry_key("evidence", "nails"): damaged})
    shop.follower.poll()
    answer = shop.get("/v1/items/nails/bought-together?fields=reason")
    assert reasons(answer)["hammer"] == {"kind": "bought_with", "item_id": "nails"}
    assert not answer["degraded"]


def test_best_sellers_are_popular_in_their_category_or_in_the_shop(shop: ServedShop):
    said = reasons(shop.get("/v1/best-sellers?fields=reason"))
    assert said["tea"] == popular_in("food")
    assert said["hammer"] == popular_in("tools")
    stranger = shop.get("/v1/customers/nobody/recommendations?fields=reason&n=1")
    assert (stranger["source"], reasons(stranger)) == ("best_sellers", {"tea": popular_in("food")})


@pytest.mark.parametrize("damaged", [b"\x00" * 7, b"\xff\xff\xff\x03" * 5, stored_reasons([("popular", 0)])])
def test_a_list_with_damaged_reasons_is_shown_without_them(shop: ServedShop, damaged):
    publish(shop.store, "tuesday", {entry_key("reasons", "ann"): damaged})
    shop.follower.poll()
    answer = shop.get("/v1/customers/ann/recommendations?fields=reason")
    assert ids(answer) == ["tea", "honey", "hammer", "milk"]
    assert set(reasons(answer).values()) == {None}
    assert (answer["source"], answer["degraded"]) == ("personal", False)


def test_reasons_are_remembered_through_an_outage(shop: ServedShop):
    before = shop.get("/v1/customers/ann/recommendations?fields=reason")
    shop.store.down = True
    answer = shop.get("/v1/customers/ann/recommendations?fields=reason")
    assert answer["stale"]
    assert reasons(answer) == reasons(before)


def test_no_cache_keeps_an_answer_that_lacks_its_reasons(shop: ServedShop):
    path = "/v1/customers/ann/recommendations?fields=reason"
    whole = shop.client.get(path)
    assert whole.headers["ETag"]
    damaged = ServedShop()
    publish(damaged.store, changed={entry_key("reasons", "ann"): b"broken!"})
    damaged.follower.poll()
    poor = damaged.client.get(path)
    assert set(reasons(poor.get_json()).values()) == {None}
    assert "ETag" not in poor.headers
    assert poor.headers["Cache-Control"] == "no-store"
    assert poor.get_json()["recommendation_id"] != whole.get_json()["recommendation_id"]


def test_an_item_that_is_a_reason_has_its_title_where_titles_are_asked_for(shop: ServedShop):
    answer = shop.get("/v1/customers/ann/recommendations?fields=reason,title")
    tea = {"item_id": "tea", "title": "Green tea"}
    assert reasons(answer)["honey"] == {"kind": "because_you_bought", **tea}
    assert reasons(shop.get("/v1/items/tea/similar?fields=reason,title"))["milk"] == {
        "kind": "similar_to",
        **tea,
    }
