"""Refusals are problems in the sense of RFC 9457, and say what to do."""

import logging

import pytest

from recommender.serving.json_bodies import MOST_BODY_BYTES
from recommender.serving.problems import KINDS
from tests.serving.served_shop import ServedShop


def problem_of(answer, status: int) -> dict:
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    problem = answer.get_json()
    assert set(problem) == {"type", "title", "status", "detail", "errors"}
    assert problem["status"] == status
    assert problem["type"].removeprefix("/docs#") in KINDS
    return problem


def test_an_unknown_route_is_404_and_points_to_the_docs(shop: ServedShop):
    for path in ("/v1", "/v1/best-sellers/", "/v2/best-sellers", "/static/x"):
        assert "/docs lists the calls" in problem_of(shop.client.get(path), 404)["detail"]


def test_a_wrong_method_is_405_and_says_which_are_right(shop: ServedShop):
    answer = shop.client.post("/v1/best-sellers", json={})
    assert "GET" in problem_of(answer, 405)["detail"]
    assert "GET" in answer.headers["Allow"]
    problem_of(shop.client.get("/v1/cart/recommendations"), 405)


def test_a_wrong_parameter_is_400_with_an_entry_for_it(shop: ServedShop):
    problem = problem_of(shop.client.get("/v1/best-sellers?n=0&kategory=tea"), 400)
    assert {error["field"] for error in problem["errors"]} == {"n", "kategory"}
    assert "did you mean 'category'?" in problem["detail"]


def test_a_parameter_of_another_call_is_unknown_here(shop: ServedShop):
    problem_of(shop.client.get("/v1/best-sellers?mode=repeat"), 400)
    problem_of(shop.client.post("/v1/cart/recommendations?n=5", json={"cart": ["tea"]}), 400)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", None]
)
def test_a_body_that_is_not_declared_as_json_is_415(shop: ServedShop, content_type):
    answer = shop.client.post("/v1/cart/recommendations", data=b'{"cart":["tea"]}', content_type=content_type)
    assert "application/json" in problem_of(answer, 415)["detail"]


def test_a_charset_beside_the_content_type_is_fine(shop: ServedShop):
    answer = shop.client.post(
        "/v1/cart/recommendations", data=b'{"cart":["tea"]}', content_type="application/json; charset=utf-8"
    )
    assert answer.status_code == 200


def test_a_body_over_a_mebibyte_is_413_and_one_just_below_is_read(shop: ServedShop):
    def send(size: int):
        body = b'{"cart":["tea"]}'.ljust(size)
        return shop.client.post("/v1/cart/recommendations", data=body, content_type="application/json")

    assert send(MOST_BODY_BYTES).status_code == 200
    problem_of(send(MOST_BODY_BYTES + 1), 413)


def test_a_mistake_of_ours_is_a_problem_too_and_its_trace_is_logged(shop: ServedShop, monkeypatch, caplog):
    def broken(asked):
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr(shop.service, "answer", broken)
    with caplog.at_level(logging.ERROR):
        answer = shop.client.get("/v1/best-sellers", headers={"X-Request-ID": "r-17"})
    assert "secret" not in problem_of(answer, 500)["detail"]
    assert "request r-17 failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_without_a_snapshot_every_list_is_503_and_says_when_to_ask_again(empty_shop: ServedShop):
    empty_shop.follower.poll()
    for path in ("/v1/best-sellers", "/v1/customers/ann/recommendations", "/health/ready"):
        answer = empty_shop.client.get(path)
        assert problem_of(answer, 503)["type"] == "/docs#no-snapshot"
        assert answer.headers["Retry-After"] == "1"
    assert empty_shop.client.get("/health/live").get_json() == {"status": "alive"}


def test_only_ready_says_why_there_is_no_snapshot(empty_shop: ServedShop):
    empty_shop.follower.poll()
    assert "nothing has been published yet" in empty_shop.get("/health/ready", status=503)["detail"]
    assert "/health/ready says why" in empty_shop.get("/v1/best-sellers", status=503)["detail"]
