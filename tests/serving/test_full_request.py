"""POST /v1/recommendations, on a shop small enough to know by heart (small_shop)."""

import pytest

from tests.serving.served_shop import ServedShop, ids
from tests.serving.small_shop import ODD_ID


@pytest.mark.parametrize(
    ("asked", "source", "expected"),
    [
        ({}, "best_sellers", ["tea", "milk", "nails", "hammer", "honey"]),
        ({"category": "tools"}, "best_sellers", ["nails", "hammer"]),
        ({"place": "Frankreich"}, "best_sellers", ["nails", "milk"]),
        ({"customer_id": "ann"}, "personal", ["tea", "honey", "hammer", "milk"]),
        ({"customer_id": "nobody"}, "best_sellers", ["tea", "milk", "nails", "hammer", "honey"]),
        ({"customer_id": "ann", "mode": "discover"}, "personal", ["honey", "hammer"]),
        ({"cart": ["milk"]}, "co_purchase", ["tea", "honey"]),
        ({"recent": ["tea"]}, "session", ["milk", "honey"]),
        ({"recent": ["nails"]}, "session", ["hammer", "tea"]),
        ({"recent": ["saw"]}, "best_sellers", ["tea", "milk", "nails", "hammer", "honey"]),
        ({"recent": ["gone"], "customer_id": "bob"}, "personal", ["nails"]),
    ],
)
def test_the_list_is_made_of_what_is_given(shop: ServedShop, asked, source, expected):
    answer = shop.ask(**asked)
    assert (answer["source"], ids(answer)) == (source, expected)


def test_it_answers_as_the_calls_of_their_own_do(shop: ServedShop):
    for asked, call in (
        ({"customer_id": "ann", "n": 2}, shop.get("/v1/customers/ann/recommendations?n=2")),
        ({"cart": ["nails", "tea"]}, shop.ask_for_cart(cart=["nails", "tea"])),
        ({"n": 3, "category": "food"}, shop.get("/v1/best-sellers?n=3&category=food")),
    ):
        assert shop.ask(**asked)["items"] == call["items"]


def test_newer_views_count_more(shop: ServedShop):
    def honey_to_milk(recent: list[str]) -> float:
        scores = {item["item_id"]: item["score"] for item in shop.ask(recent=recent)["items"]}
        return scores["honey"] / scores["milk"]

    # Honey is like tea alone, milk like both and half as much like tea; milk is bought with tea, honey half
    # as often. One view later is worth 2 ** -1. Milk is best by both, so it has 2.
    assert honey_to_milk([ODD_ID, "tea"]) == pytest.approx((1 / (0.5 + 2**-1) + 0.5) / 2, rel=1e-3)
    assert honey_to_milk(["tea", ODD_ID]) == pytest.approx((1 / (0.5 + 2**1) + 0.5) / 2, rel=1e-3)


def test_what_was_looked_at_again_counts_where_it_was_looked_at_last(shop: ServedShop):
    again = shop.ask(recent=["tea", ODD_ID, "tea"])
    assert again["items"] == shop.ask(recent=[ODD_ID, "tea"])["items"]
    assert again["recommendation_id"] == shop.ask(recent=[ODD_ID, "tea"])["recommendation_id"]


def test_a_session_knows_its_cart_and_its_customer(shop: ServedShop):
    guest = ids(shop.ask(recent=["tea"], cart=["nails"]))
    assert guest == ["hammer", "milk", "honey"]  # the cart counts more; tea was just looked at
    assert set(ids(shop.ask(recent=["nails", "tea"], customer_id="ann"))) == {"honey", "milk", "hammer"}


@pytest.mark.parametrize(
    ("asked", "source"),
    [
        ({"recent": ["saw"], "customer_id": "ann"}, "session"),
        ({"cart": [ODD_ID]}, "co_purchase"),
        ({"customer_id": "nobody"}, "personal"),
        ({"category": "garden"}, "best_sellers"),
    ],
)
def test_a_strict_request_answers_from_the_first_thing_given_alone(shop: ServedShop, asked, source):
    answer = shop.ask(strict=True, **asked)
    assert (answer["source"], ids(answer)) == (source, [])


def test_a_filter_leaves_what_it_holds_of(shop: ServedShop):
    assert ids(shop.ask(customer_id="ann", filter="item.price < 4")) == ["tea", "milk"]
    assert ids(shop.ask(filter='item.category == ""')) == []
    # Nothing of the customer's own list is left, so the ladder goes on.
    fallen = shop.ask(customer_id="bob", filter='item.category == "food"')
    assert (fallen["source"], ids(fallen)) == ("best_sellers", ["tea", "milk", "honey"])


def test_a_boost_changes_the_order(shop: ServedShop):
    answer = shop.ask(customer_id="ann", boost='item.id == "milk" ? 10.0 : 1.0')
    assert ids(answer) == ["milk", "tea", "honey", "hammer"]
    assert [item["score"] for item in answer["items"]] == [10, 5, 4, 3]


def test_diversity_brings_other_categories_forward(shop: ServedShop):
    alike = ids(shop.ask(customer_id="ann"))
    assert alike == ["tea", "honey", "hammer", "milk"]
    assert ids(shop.ask(customer_id="ann", diversity=0.0)) == alike
    assert ids(shop.ask(customer_id="ann", diversity=0.6)) == ["tea", "hammer", "honey", "milk"]
    assert sorted(ids(shop.ask(customer_id="ann", diversity=1.0))) == sorted(alike)


def test_an_explanation_says_what_became_of_every_item(shop: ServedShop):
    answer = shop.ask(
        customer_id="ann",
        exclude=["honey"],
        filter="item.price < 10",
        boost='item.id == "milk" ? 10 : 1',
        explain=True,
    )
    assert answer["explanation"] == {
        "rungs": [
            {
                "source": "personal",
                "proposed": 5,
                "hidden": {"unavailable": 1, "excluded": 1, "filter": 2},
            }
        ],
        "filters": ["item.price < 10"],
        "boosts": ['item.id == "milk" ? 10 : 1'],
        "diversity": 0.0,
    }
    assert [(item["item_id"], item["explanation"]) for item in answer["items"]] == [
        ("milk", {"place": 2, "score": 1, "boost": 10, "pinned": False}),
        ("tea", {"place": 1, "score": 5, "boost": 1, "pinned": False}),
    ]
    assert "explanation" not in shop.ask(customer_id="ann")


def test_an_explanation_names_the_rungs_that_had_nothing(shop: ServedShop):
    answer = shop.ask(customer_id="bob", exclude=["nails"], explain=True, mode="discover")
    assert [(rung["source"], rung["hidden"]) for rung in answer["explanation"]["rungs"]] == [
        ("personal", {"excluded": 1, "bought": 1}),
        ("best_sellers", {"unavailable": 1, "excluded": 1, "bought": 1}),
    ]


def test_reasons_name_what_was_just_looked_at(shop: ServedShop):
    answer = shop.ask(recent=["tea"], cart=["nails"], fields=["reason", "title"])
    reasons = {item["item_id"]: item["reason"] for item in answer["items"]}
    assert reasons["honey"] == {"kind": "similar_to", "item_id": "tea", "title": "Green tea"}
    assert (reasons["hammer"]["kind"], reasons["hammer"]["item_id"]) == ("bought_with", "nails")


@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        ({"filter": "item.colour == 1"}, "filter", "at character 5: undeclared reference"),
        ({"filter": "x" * 1_001}, "filter", "must be at most 1000 characters, got 1001"),
        ({"filter": "é" * 2_001}, "filter", "must be an expression of at most 1000 characters"),
        ({"boost": "true"}, "boost", "must give a number"),
        ({"boost": 2}, "boost", "must be an expression"),
        ({"diversity": 1.5}, "diversity", "must be a number from 0 to 1"),
        ({"diversity": "much"}, "diversity", "must be a number from 0 to 1"),
        ({"recent": "tea"}, "recent", "must be a JSON array"),
        ({"recent": ["tea"] * 101}, "recent", "at most 100 item ids"),
        ({"cart": ["tea"] * 101}, "cart", "at most 100 item ids"),
        ({"explain": 1}, "explain", "must be true or false"),
        ({"filtre": "true"}, "filtre", "did you mean 'filter'?"),
    ],
)
def test_a_wrong_field_is_refused_with_the_remedy(shop: ServedShop, asked, field, said):
    (error,) = shop.ask(status=400, **asked)["errors"]
    assert error["field"] == field
    assert said in error["detail"]


def test_during_an_outage_it_answers_what_it_remembers(shop: ServedShop):
    before = shop.ask(customer_id="ann", recent=["tea"])
    shop.store.down = True
    after = shop.ask(customer_id="ann", recent=["tea"])
    assert (ids(after), after["stale"]) == (ids(before), True)
    unseen = shop.ask(customer_id="bob", recent=["hammer"])
    assert (unseen["source"], unseen["degraded"]) == ("best_sellers", True)
