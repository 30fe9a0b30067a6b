"""The interface says of itself what it does."""

import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from recommender.serving.calls import LIST_CALLS
from tests.serving.served_shop import ServedShop

ANSWERS = [
    "/v1/best-sellers?fields=title,price",
    "/v1/customers/ann/recommendations?placement=home",
    "/v1/items/tea/similar",
    "/v1/items/nails/bought-together?fields=brand",
    "/health/live",
    "/health/ready",
]


@pytest.fixture
def document(shop: ServedShop) -> dict:
    return shop.get("/openapi.json")


def _schema(document: dict, name: str) -> Draft202012Validator:
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    )


def test_the_document_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_route_is_in_the_document_and_every_call_of_it_has_a_route(shop: ServedShop, document):
    served = {
        (re.sub(r"<id:(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in shop.client.application.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    pages = {"/openapi.json", "/docs", "/", "/cartlift.js", "/cartlift.css"}
    assert served - described == {(page, "get") for page in pages}
    assert described <= served


@pytest.mark.parametrize("path", ANSWERS)
def test_answers_are_as_the_document_says(shop: ServedShop, document, path):
    name = {"/health/live": "Alive", "/health/ready": "Ready"}.get(path, "Recommendations")
    _schema(document, name).validate(shop.get(path))


def test_problems_are_as_the_document_says(shop: ServedShop, document):
    _schema(document, "Problem").validate(shop.get("/v1/best-sellers?n=0", status=400))
    _schema(document, "Problem").validate(shop.get("/nowhere", status=404))


def test_the_cart_example_can_be_asked(shop: ServedShop, document):
    content = document["paths"]["/v1/cart/recommendations"]["post"]["requestBody"]["content"][
        "application/json"
    ]
    _schema(document, "CartRequest").validate(content["example"])
    shop.ask_for_cart(**content["example"])


def test_parameters_are_those_that_the_parser_takes(document):
    for call in LIST_CALLS:
        operation = document["paths"][call.path][call.method.lower()]
        in_query = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
        assert in_query == (set(call.asked.__struct_fields__) if call.method == "GET" else set())


def test_the_example_answer_is_one(document):
    operation = document["paths"]["/v1/best-sellers"]["get"]
    _schema(document, "Recommendations").validate(
        operation["responses"]["200"]["content"]["application/json"]["example"]
    )
