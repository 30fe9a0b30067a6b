"""Whatever happens to the store, a read is answered: from memory, plainer, and saying so."""

import pytest

from recommender.errors import StoreUnavailable
from recommender.snapshot.encoding import entry_key
from tests.serving.served_shop import ServedShop, ids
from tests.serving.small_shop import ODD_ID, publish, stored_list

PERSONAL = "/v1/customers/ann/recommendations"


def test_a_list_answered_before_is_remembered_when_the_store_is_gone(shop: ServedShop):
    before = shop.get(PERSONAL)
    shop.store.down = True
    after = shop.get(PERSONAL)
    assert after == {**before, "stale": True}


def test_a_list_never_answered_before_becomes_best_sellers_when_the_store_is_gone(shop: ServedShop):
    shop.store.down = True
    answer = shop.get(PERSONAL)
    assert (ids(answer)[:2], answer["source"]) == (["tea", "milk"], "best_sellers")
    assert (answer["stale"], answer["degraded"]) == (False, True)


def test_a_degraded_answer_has_an_id_of_its_own_and_is_not_kept_by_caches(shop: ServedShop):
    right = shop.get(PERSONAL)["recommendation_id"]
    publish(shop.store, "tuesday")
    shop.follower.poll()
    shop.store.down = True
    answer = shop.client.get(PERSONAL)
    assert answer.get_json()["recommendation_id"] != right
    assert "ETag" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_cart_is_answered_from_the_lists_that_are_remembered(shop: ServedShop):
    shop.get("/v1/items/tea/bought-together")
    shop.store.down = True
    answer = shop.ask_for_cart(cart=["tea", "nails"])
    assert (ids(answer), answer["stale"], answer["degraded"]) == (["milk", "honey"], True, True)


def test_a_cart_of_a_new_item_is_answered_from_memory_too(shop: ServedShop):
    before = shop.ask_for_cart(cart=[ODD_ID])
    assert (ids(before), before["source"], before["degraded"]) == (["milk"], "similar", False)
    shop.store.down = True
    # Nobody can say any more that nothing is bought together with it.
    after = shop.ask_for_cart(cart=[ODD_ID])
    assert (ids(after), after["stale"], after["degraded"]) == (["milk"], True, True)


def test_a_store_that_goes_down_between_two_readings_degrades_the_answer(shop: ServedShop):
    read = shop.store.read

    def read_once(snapshot, keys, beside=()):
        shop.store.read = never
        return read(snapshot, keys, beside)

    def never(snapshot, keys, beside=()):
        raise StoreUnavailable("it went down")

    shop.store.read = read_once
    answer = shop.ask_for_cart(cart=[ODD_ID])
    assert (answer["source"], answer["stale"], answer["degraded"]) == ("best_sellers", False, True)


def test_a_list_that_no_rung_needed_does_not_count_as_missing(shop: ServedShop):
    before = shop.get("/v1/items/tea/similar")
    publish(shop.store, "tuesday", {entry_key("bought-together", "tea"): None})
    shop.follower.poll()
    shop.get("/v1/items/tea/similar")
    shop.store.down = True
    after = shop.get("/v1/items/tea/similar")
    assert ids(after) == ids(before)
    assert (after["stale"], after["degraded"]) == (True, False)


def test_best_sellers_need_no_store(shop: ServedShop):
    before = shop.get("/v1/best-sellers")
    shop.store.down = True
    assert shop.get("/v1/best-sellers") == before


@pytest.mark.parametrize(
    "path",
    [PERSONAL, "/v1/items/tea/similar", "/v1/items/tea/bought-together", "/v1/best-sellers", "/health/ready"],
)
def test_no_read_fails_while_a_snapshot_was_ever_seen(shop: ServedShop, path):
    shop.store.down = True
    shop.follower.poll()
    for _ in range(10):
        shop.get(path)
    assert shop.client.get(path + "?strict=true").status_code in (200, 400)


def test_a_strict_question_that_cannot_be_looked_up_is_answered_by_nothing(shop: ServedShop):
    shop.store.down = True
    answer = shop.get(PERSONAL + "?strict=true")
    assert (ids(answer), answer["source"], answer["degraded"]) == ([], "personal", True)


def test_a_dead_store_is_asked_only_now_and_then(shop: ServedShop):
    shop.store.down = True
    before = shop.store.reads
    for _ in range(100):
        shop.get(PERSONAL)
    assert shop.store.reads == before + 1
    shop.clock.now += 1
    for _ in range(100):
        shop.get(PERSONAL)
    assert shop.store.reads == before + 2


def test_a_store_that_is_back_is_used_again_within_a_second(shop: ServedShop):
    shop.store.down = True
    for _ in range(10):
        shop.get(PERSONAL)
    shop.store.down = False
    shop.clock.now += 1
    answer = shop.get(PERSONAL)
    assert (answer["source"], answer["stale"], answer["degraded"]) == ("personal", False, False)


def test_a_worker_that_starts_without_a_store_recovers_by_itself(empty_shop: ServedShop):
    publish(empty_shop.store)
    empty_shop.store.down = True
    empty_shop.follower.poll()
    assert "it is down" in empty_shop.get("/health/ready", status=503)["detail"]
    empty_shop.get(PERSONAL, status=503)
    empty_shop.store.down = False
    empty_shop.follower.poll()
    assert empty_shop.get(PERSONAL)["source"] == "personal"


def test_a_store_that_came_back_empty_is_no_shop_of_strangers(shop: ServedShop):
    before = shop.get(PERSONAL)
    shop.store.emptied = True
    shop.follower.poll()
    assert shop.get(PERSONAL) == {**before, "stale": True}
    assert shop.get("/v1/customers/bob/recommendations")["degraded"]
    assert "nothing has been published yet" in shop.get("/health/ready")["trouble"]


@pytest.mark.parametrize(
    "damaged",
    [
        b"12345",
        b"\xff\xff\xff\x00\x00\x3c",
        stored_list(("tea", "tea"), "als"),
        b"\0\0\0\x7f\0\x3c",
        b"\0\0\0\0\0\x7e",
    ],
)
def test_a_damaged_list_costs_one_rung_and_no_error(shop: ServedShop, damaged):
    publish(shop.store, "tuesday", {entry_key("customer", "ann"): damaged})
    shop.follower.poll()
    answer = shop.get(PERSONAL)
    assert (answer["source"], answer["degraded"]) == ("best_sellers", True)


def test_ready_says_what_is_live_how_old_and_what_is_wrong(shop: ServedShop):
    ready = shop.get("/health/ready")
    assert (ready["status"], ready["snapshot"], ready["trouble"]) == ("ready", "monday", None)
    assert ready["age_seconds"] >= 0
    shop.store.down = True
    shop.follower.poll()
    assert "it is down" in shop.get("/health/ready")["trouble"]


def test_the_store_is_asked_beside_the_requests_whether_it_is_back(shop: ServedShop):
    assert not shop.get("/v1/customers/bob/recommendations")["stale"]
    shop.store.down = True
    for _ in range(3):
        assert shop.get("/v1/customers/bob/recommendations")["stale"]
    reads = shop.store.reads
    for _ in range(20):
        shop.clock.now += 0.5
        shop.reader.poll()  # moves the moment at which a request may try
        assert shop.get("/v1/customers/bob/recommendations")["stale"]
    assert shop.store.reads == reads
    shop.store.down = False
    shop.reader.poll()
    assert not shop.get("/v1/customers/bob/recommendations")["stale"]
