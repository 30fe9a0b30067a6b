import re

import pytest

from tests.serving.served_shop import ServedShop

PATHS = ["/v1/best-sellers", "/nowhere", "/health/ready", "/docs", "/openapi.json"]


@pytest.mark.parametrize("path", PATHS)
def test_a_request_id_is_echoed_whatever_the_answer(shop: ServedShop, path):
    assert (
        shop.client.get(path, headers={"X-Request-ID": "order-17 ~"}).headers["X-Request-ID"] == "order-17 ~"
    )


@pytest.mark.parametrize("unusable", ["", "x" * 129, "ümlaut", "a\tb"])
def test_a_request_id_that_cannot_be_used_is_replaced(shop: ServedShop, unusable):
    answer = shop.client.get("/v1/best-sellers", headers={"X-Request-ID": unusable})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_every_request_without_an_id_gets_one_of_its_own(shop: ServedShop):
    given = {shop.client.get("/v1/best-sellers").headers["X-Request-ID"] for _ in range(5)}
    assert len(given) == 5


@pytest.mark.parametrize("path", PATHS)
def test_browsers_are_told_not_to_guess_and_not_to_embed(shop: ServedShop, path):
    headers = shop.client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_a_head_request_is_answered_like_a_get_without_its_body(shop: ServedShop):
    got, head = shop.client.get("/v1/best-sellers"), shop.client.head("/v1/best-sellers")
    assert head.data == b""
    assert head.headers["ETag"] == got.headers["ETag"]
