"""What each call answers, on a shop small enough to know by heart (small_shop)."""

import re
from urllib.parse import quote

import pytest

from recommender.events.recommendation_ids import Shown, read_recommendation_id
from recommender.snapshot.encoding import entry_key
from tests.serving.served_shop import ServedShop, ids
from tests.serving.small_shop import GENERATED_AT, ODD_ID, publish


def test_a_known_customer_gets_their_own_list_best_first(shop: ServedShop):
    answer = shop.get("/v1/customers/ann/recommendations")
    assert ids(answer) == ["tea", "honey", "hammer", "milk"]  # saw is not available
    assert answer["source"] == "personal"
    assert [item["score"] for item in answer["items"]] == [5, 4, 3, 1]
    assert {item["source"] for item in answer["items"]} == {"als"}


def test_an_answer_says_where_it_comes_from(shop: ServedShop):
    answer = shop.get("/v1/customers/ann/recommendations?placement=home")
    assert answer["snapshot"] == "monday"
    assert answer["generated_at"] == GENERATED_AT
    assert (answer["stale"], answer["degraded"]) == (False, False)
    assert answer["placement"] == "home"
    assert re.fullmatch("[A-Za-z0-9_-]{16,100}", answer["recommendation_id"])
    shown = read_recommendation_id(answer["recommendation_id"])
    assert shown == Shown("customer", "personal", "monday", "home")
    assert "placement" not in shop.get("/v1/customers/ann/recommendations")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("mixed", ["tea", "honey", "hammer", "milk"]),
        ("repeat", ["tea", "milk"]),
        ("discover", ["honey", "hammer"]),
    ],
)
def test_a_mode_keeps_what_was_bought_before_or_what_was_not(shop: ServedShop, mode, expected):
    assert ids(shop.get(f"/v1/customers/ann/recommendations?mode={mode}")) == expected


def test_a_list_is_read_page_by_page(shop: ServedShop):
    assert ids(shop.get("/v1/customers/ann/recommendations?n=2")) == ["tea", "honey"]
    assert ids(shop.get("/v1/customers/ann/recommendations?n=2&offset=2")) == ["hammer", "milk"]
    beyond = shop.get("/v1/customers/ann/recommendations?n=2&offset=4")
    assert (ids(beyond), beyond["source"]) == ([], "personal")


def test_a_list_is_shorter_rather_than_padded(shop: ServedShop):
    assert ids(shop.get("/v1/customers/bob/recommendations?n=100")) == ["nails"]


def test_a_category_is_never_left(shop: ServedShop):
    assert ids(shop.get("/v1/customers/ann/recommendations?category=tools")) == ["hammer"]
    nothing = shop.get("/v1/customers/ann/recommendations?category=garden")
    assert (ids(nothing), nothing["source"]) == ([], "best_sellers")


@pytest.mark.parametrize(
    "query",
    ["exclude=tea,hammer", "exclude=tea&exclude=hammer", "exclude=hammer,tea,,tea", "exclude=tea%2Chammer"],
)
def test_an_excluded_item_is_not_answered(shop: ServedShop, query):
    assert ids(shop.get(f"/v1/customers/ann/recommendations?{query}")) == ["honey", "milk"]


def test_asked_fields_come_with_each_item_and_say_null_when_unknown(shop: ServedShop):
    (milk,) = shop.get("/v1/items/tea/bought-together?n=1&fields=title,price,brand,url")["items"]
    assert milk == {
        "item_id": "milk",
        "score": 2,
        "source": "co_purchase",
        "title": "Milk",
        "price": 1.2,
        "brand": None,
        "url": "https://shop.example/milk",
    }


def test_an_unknown_customer_gets_best_sellers_and_is_told_so(shop: ServedShop):
    answer = shop.get("/v1/customers/nobody/recommendations?n=3")
    assert (ids(answer), answer["source"]) == (["tea", "milk", "nails"], "best_sellers")


def test_an_unknown_customer_who_asks_for_a_category_gets_its_best_sellers(shop: ServedShop):
    answer = shop.get("/v1/customers/nobody/recommendations?category=tools")
    assert (ids(answer), answer["source"]) == (["nails", "hammer"], "best_sellers")


def test_a_strict_question_is_answered_by_nothing_rather_than_something_else(shop: ServedShop):
    answer = shop.get("/v1/customers/nobody/recommendations?strict=true")
    assert (ids(answer), answer["source"]) == ([], "personal")
    assert ids(shop.get("/v1/customers/bob/recommendations?strict=true&category=food")) == []


def test_discovering_never_falls_back_to_something_bought_before(shop: ServedShop):
    answer = shop.get("/v1/customers/bob/recommendations?mode=discover")
    assert (ids(answer), answer["source"]) == (["tea", "milk", "hammer", "honey"], "best_sellers")


def test_an_item_page_shows_similar_items(shop: ServedShop):
    answer = shop.get("/v1/items/tea/similar")
    assert (ids(answer), answer["source"]) == (["honey", "milk"], "similar")


def test_an_item_page_shows_what_is_bought_together(shop: ServedShop):
    answer = shop.get("/v1/items/nails/bought-together")
    assert (ids(answer), answer["source"]) == (["hammer", "tea"], "co_purchase")


def test_an_item_without_similar_items_shows_what_is_bought_with_it(shop: ServedShop):
    answer = shop.get("/v1/items/nails/similar")
    assert (ids(answer), answer["source"]) == (["hammer", "tea"], "co_purchase")


def test_an_item_bought_with_nothing_shows_similar_items(shop: ServedShop):
    answer = shop.get(f"/v1/items/{quote(ODD_ID, safe='')}/bought-together")
    assert (ids(answer), answer["source"]) == (["milk"], "similar")


def test_an_item_with_no_list_shows_best_sellers_of_its_category_without_itself(shop: ServedShop):
    answer = shop.get("/v1/items/honey/similar")
    assert (ids(answer), answer["source"]) == (["tea", "milk"], "best_sellers")


def test_a_list_of_nothing_but_unavailable_items_falls_to_the_next_rung(shop: ServedShop):
    answer = shop.get("/v1/items/hammer/similar")  # its only similar item is the saw
    assert (ids(answer), answer["source"]) == (["nails"], "co_purchase")


def test_an_item_nobody_knows_shows_best_sellers_or_is_refused_when_strict(shop: ServedShop):
    answer = shop.get("/v1/items/unicorn/similar?n=2")
    assert (ids(answer), answer["source"]) == (["tea", "milk"], "best_sellers")
    problem = shop.get("/v1/items/unicorn/similar?strict=true", status=404)
    assert "'unicorn' is not in snapshot monday" in problem["detail"]


def test_an_unavailable_item_still_has_an_item_page(shop: ServedShop):
    assert ids(shop.get("/v1/items/saw/similar")) == ["nails", "hammer"]


def test_a_cart_gets_the_sum_of_its_items_lists(shop: ServedShop):
    answer = shop.ask_for_cart(cart=["tea", "nails"])
    # tea: milk 2, honey 1 · nails: hammer 3, saw 2, tea 1 · tea is in the cart, the saw is not available
    assert [(item["item_id"], item["score"]) for item in answer["items"]] == [
        ("hammer", 3),
        ("milk", 2),
        ("honey", 1),
    ]
    assert answer["source"] == "co_purchase"
    assert ids(shop.ask_for_cart(cart=["tea", "milk"])) == ["honey"]


def test_two_items_that_agree_beat_one_that_insists(shop: ServedShop):
    answer = shop.ask_for_cart(cart=["milk", "nails"])
    # milk: tea 2, honey 1 · nails: hammer 3, tea 1
    assert [(i["item_id"], i["score"]) for i in answer["items"]] == [("tea", 3), ("hammer", 3), ("honey", 1)]


def test_a_known_customers_own_items_move_up_and_join_in(shop: ServedShop):
    answer = shop.ask_for_cart(cart=["tea"], customer_id="ann")
    # tea: milk 2 / 2, honey 1 / 2 · ann's list: honey, hammer and milk 1, 2 and 4 places after the first,
    # which counts 0.4 + 2 × 1 / 8, as one of her three purchases is a repeat and every customer starts with
    # five that are none · her older order holds milk beside tea: 1 / √2 · 2^(-1/20), of 1 + this for tea
    assert [(i["item_id"], i["score"]) for i in answer["items"]] == [
        ("milk", 1.645),  # 1 + 0.65 × 5 / 9 + 0.7 × 0.683 / 1.683
        ("honey", 1.157),  # 0.5 ** 0.7 + 0.65 × 5 / 6
        ("hammer", 0.4643),  # 0.65 × 5 / 7
    ]


def test_a_cart_with_a_mode_looks_at_what_its_customer_bought(shop: ServedShop):
    assert ids(shop.ask_for_cart(cart=["tea"], customer_id="ann", mode="discover")) == ["honey", "hammer"]
    assert ids(shop.ask_for_cart(cart=["tea"], customer_id="ann", mode="repeat")) == ["milk"]


def test_a_cart_that_goes_with_nothing_falls_to_its_customer_then_to_best_sellers(shop: ServedShop):
    own = shop.ask_for_cart(cart=["unicorn"], customer_id="ann", n=1)
    assert (ids(own), own["source"]) == (["tea"], "personal")
    best = shop.ask_for_cart(cart=["unicorn"], exclude=["tea"], n=1)
    assert (ids(best), best["source"]) == (["milk"], "best_sellers")
    assert ids(shop.ask_for_cart(cart=["unicorn"], strict=True)) == []


def test_what_a_customer_alone_puts_together_answers_where_no_list_does(shop: ServedShop):
    publish(shop.store, "tuesday", {entry_key("bought-together", "tea"): None})
    shop.follower.poll()
    known = shop.ask_for_cart(cart=["tea"], customer_id="ann", mode="repeat")
    assert (ids(known), known["source"]) == (["milk"], "co_purchase")
    assert shop.ask_for_cart(cart=["tea"])["source"] == "similar"


def test_a_guests_cart_of_items_bought_with_nothing_shows_what_is_similar_to_them(shop: ServedShop):
    publish(shop.store, "tuesday", {entry_key("bought-together", "tea"): None})
    shop.follower.poll()
    answer = shop.ask_for_cart(cart=["tea", ODD_ID, "unicorn"])
    # tea: honey 2, milk 1 · the cheese bread: milk 1
    assert [(i["item_id"], i["score"]) for i in answer["items"]] == [("milk", 2), ("honey", 2)]
    assert answer["source"] == "similar"
    assert {item["source"] for item in answer["items"]} == {"item_knn"}
    assert ids(shop.ask_for_cart(cart=["tea"], exclude=["honey"])) == ["milk"]
    assert ids(shop.ask_for_cart(cart=["tea"], strict=True)) == []


def test_similar_items_answer_a_cart_only_where_nothing_is_known_of_its_customer(shop: ServedShop):
    assert shop.ask_for_cart(cart=[ODD_ID], customer_id="bob")["source"] == "personal"
    assert shop.ask_for_cart(cart=[ODD_ID], customer_id="nobody")["source"] == "similar"


def test_a_cart_falls_past_similar_items_that_may_not_be_shown(shop: ServedShop):
    answer = shop.ask_for_cart(cart=[ODD_ID], category="tools")
    assert (ids(answer), answer["source"]) == (["nails", "hammer"], "best_sellers")
    answer = shop.ask_for_cart(cart=["hammer"], exclude=["nails"], n=1)  # its similar item is the saw
    assert (ids(answer), answer["source"]) == (["tea"], "best_sellers")


def test_a_guest_of_whom_only_the_place_is_known_gets_its_best_sellers(shop: ServedShop):
    answer = shop.get("/v1/customers/nobody/recommendations?place=Frankreich")
    assert (ids(answer), answer["source"]) == (["nails", "milk"], "best_sellers")  # saw is not available
    assert ids(shop.get("/v1/best-sellers?place=Frankreich")) == ["nails", "milk"]
    assert ids(shop.ask_for_cart(cart=["hats"], place="Frankreich")) == ["nails", "milk"]


def test_a_category_goes_before_a_place_and_an_own_list_before_both(shop: ServedShop):
    assert ids(shop.get("/v1/best-sellers?place=Frankreich&category=food")) == ["tea", "milk", "honey"]
    assert shop.get("/v1/customers/ann/recommendations?place=Frankreich")["source"] == "personal"


def test_a_place_is_spelt_as_the_orders_spell_it(shop: ServedShop):
    assert shop.get("/v1/best-sellers?place=frankreich")["items"] == shop.get("/v1/best-sellers")["items"]


def test_a_place_that_nobody_knows_shows_the_whole_shops_best_sellers(shop: ServedShop):
    assert shop.get("/v1/best-sellers?place=Atlantis")["items"] == shop.get("/v1/best-sellers")["items"]


def test_item_pages_are_not_asked_for_a_place(shop: ServedShop):
    shop.get("/v1/items/tea/similar?place=Frankreich", status=400)


def test_best_sellers_of_the_shop_and_of_a_category(shop: ServedShop):
    assert ids(shop.get("/v1/best-sellers")) == ["tea", "milk", "nails", "hammer", "honey"]
    assert ids(shop.get("/v1/best-sellers?category=food&n=2&offset=1")) == ["milk", "honey"]
    assert ids(shop.get("/v1/best-sellers?category=garden")) == []


def test_one_question_costs_at_most_one_round_trip(shop: ServedShop):
    before = shop.store.reads
    shop.ask_for_cart(cart=["tea", "nails", "milk"], customer_id="ann")
    assert shop.store.reads == before + 1
    shop.get("/v1/best-sellers")  # which lie in memory; whether an item has changed since is asked
    assert shop.store.reads == before + 2


def test_only_a_cart_that_goes_with_nothing_costs_a_second_round_trip(shop: ServedShop):
    before = shop.store.reads
    shop.ask_for_cart(cart=[ODD_ID, "tea"])
    shop.ask_for_cart(cart=[ODD_ID], customer_id="ann")
    shop.ask_for_cart(cart=["unicorn"])  # an id that no snapshot knows has no list to read
    shop.ask_for_cart(cart=[ODD_ID], strict=True)
    assert shop.store.reads == before + 4
    shop.ask_for_cart(cart=[ODD_ID])
    assert shop.store.reads == before + 6


def test_the_same_question_on_the_same_snapshot_has_the_same_bytes(shop: ServedShop):
    def ask(query: str) -> bytes:
        return shop.client.get(f"/v1/customers/ann/recommendations?{query}").data

    assert ask("n=10&exclude=a,b&fields=title,price") == ask("fields=price&fields=title&exclude=b&exclude=a")
    assert ask("n=10") != ask("n=9")


def test_another_question_or_snapshot_has_another_recommendation_id(shop: ServedShop):
    def seen(path: str) -> str:
        return shop.get(path)["recommendation_id"]

    questions = ["/v1/customers/ann/recommendations", "/v1/customers/bob/recommendations", "/v1/best-sellers"]
    before = {seen(path) for path in questions}
    publish(shop.store, "tuesday")
    shop.follower.poll()
    after = {seen(path) for path in questions}
    assert len(before | after) == 6


def test_scores_are_short_numbers(shop: ServedShop):
    answer = shop.client.post("/v1/cart/recommendations", json={"cart": ["nails"], "customer_id": "ann"})
    # honey: 0.65 × 5 / 6 would print as 0.5416666865348816 from single precision
    assert b'"score":0.5417,' in answer.data


def test_an_unchanged_list_costs_no_body(shop: ServedShop):
    path = "/v1/customers/ann/recommendations"
    first = shop.client.get(path)
    again = shop.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    publish(shop.store, "tuesday")
    shop.follower.poll()
    assert shop.client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_caches_may_keep_a_list_only_after_asking_and_a_personal_one_only_for_its_reader(shop: ServedShop):
    personal = shop.client.get("/v1/customers/ann/recommendations").headers["Cache-Control"]
    assert personal == "private, max-age=0, must-revalidate"
    assert "public" in shop.client.get("/v1/items/tea/similar").headers["Cache-Control"]
    cart = shop.client.post("/v1/cart/recommendations", json={"cart": ["tea"]})
    assert cart.headers["Cache-Control"] == "no-store"
    assert "ETag" not in cart.headers
