"""Ids of real shops hold slashes, spaces and umlauts, and reach the right list all the same."""

import string
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.events.recommendation_ids import tag_of, tag_text
from recommender.serving.question import question
from recommender.serving.request_parsing import check_id
from recommender.serving.schemas import CustomerQuery
from recommender.snapshot.encoding import entry_key
from tests.serving.served_shop import ServedShop, ids
from tests.serving.small_shop import ODD_ID, publish, stored_list


def _quoted(id_: str) -> str:
    return quote(id_, safe="")


@pytest.mark.parametrize("customer", ["zoë/1", "ann"])
def test_an_id_with_slash_and_umlaut_is_found(shop: ServedShop, customer):
    assert shop.get(f"/v1/customers/{_quoted(customer)}/recommendations")["source"] == "personal"


def test_an_item_id_with_slash_space_and_percent_is_found_and_never_answered_beside_itself(shop: ServedShop):
    assert ids(shop.get(f"/v1/items/{_quoted(ODD_ID)}/similar")) == ["milk"]
    rows = {entry_key("similar", ODD_ID): stored_list((ODD_ID, "milk"), "item_knn")}
    publish(shop.store, "tuesday", rows)
    shop.follower.poll()
    assert ids(shop.get(f"/v1/items/{_quoted(ODD_ID)}/similar")) == ["milk"]


@pytest.mark.parametrize(
    "customer",
    ["a//b", "/", "//", "a/", "/a", "x/recommendations", "recommendations", "..", "a/../b", "?", "#", "a\nb",
     "a;b=c", "+", " ", "%2F", "%", "\u0001", "日本", "e\u0301", "é", '"', "<script>"],
)  # fmt: skip
def test_no_id_is_mistaken_for_another(shop: ServedShop, customer):
    publish(shop.store, "tuesday", {entry_key("customer", customer): stored_list(("+saw", "+honey"), "als")})
    shop.follower.poll()
    answer = shop.get(f"/v1/customers/{_quoted(customer)}/recommendations?strict=true")
    assert ids(answer) == ["honey"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    customer=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(
        lambda text: len(text.encode()) <= 256
    )
)
def test_every_id_arrives_as_it_was_sent(shop: ServedShop, customer):
    answer = shop.get(f"/v1/customers/{_quoted(customer)}/recommendations")
    asked = question("customer", CustomerQuery(), customer_id=customer)
    assert tag_of(answer["recommendation_id"]) == tag_text(asked.tag("monday", None))


def test_an_id_of_256_bytes_is_taken_and_of_257_refused(shop: ServedShop):
    assert shop.get(f"/v1/customers/{_quoted('ä' * 128)}/recommendations")["source"] == "best_sellers"
    problem = shop.get(f"/v1/customers/{_quoted('ä' * 128 + 'x')}/recommendations", status=400)
    assert problem["errors"][0]["field"] == "customer_id"
    assert "1 to 256 bytes" in problem["errors"][0]["detail"]


def test_an_id_with_nul_is_refused(shop: ServedShop):
    shop.get("/v1/customers/a%00b/recommendations", status=400)
    shop.ask_for_cart(cart=["a\0b"], status=400)
    shop.get("/v1/customers/ann/recommendations?exclude=a%00b", status=400)


def test_a_path_that_is_no_utf_8_is_refused_rather_than_repaired(shop: ServedShop):
    # The test client would repair it by itself; a server hands over the bytes as they came.
    answer = shop.client.get("/", environ_overrides={"PATH_INFO": "/v1/customers/a\xffb/recommendations"})
    assert answer.status_code == 400
    assert "the path is not UTF-8" in answer.get_json()["detail"]


def test_an_empty_id_is_no_call(shop: ServedShop):
    # A call of the customer "/recommendations" exists: to erase them.
    shop.get("/v1/customers//recommendations", status=405)


@given(st.text(string.printable, min_size=1, max_size=256).filter(lambda text: "\0" not in text))
def test_checking_an_id_changes_nothing(id_):
    assert check_id("item_id", id_) == id_
