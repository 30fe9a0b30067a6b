"""Stock, price and visibility between two trainings: the next request knows, in every worker."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from recommender.errors import StoreUnavailable
from recommender.serving import live_state
from recommender.serving.item_changes import ChangedSnapshots, ItemChange, KnownChanges
from recommender.serving.live_snapshot import load_snapshot
from recommender.serving.live_state import LiveState
from recommender.snapshot.redis_connection import connect
from tests.serving.live_shop import AskedWorker, LiveShop
from tests.serving.small_shop import ODD_ID, publish

OWN = "/v1/customers/ann/recommendations?fields=price,stock"


@pytest.fixture
def shop(redis_client, tmp_path) -> LiveShop:
    return LiveShop(redis_client, tmp_path)


@pytest.fixture
def key(shop: LiveShop) -> str:
    return shop.key("read", "admin")


def shown(worker: AskedWorker, key: str, path: str = OWN) -> dict[str, dict]:
    answer = worker.get(path, X_API_Key=key)
    assert answer.status_code == 200
    return {item["item_id"]: item for item in answer.get_json()["items"]}


def test_what_is_sold_out_is_gone_with_the_next_request_of_every_worker(shop: LiveShop, key: str):
    first, second = shop.workers
    for asked, answered in itertools.product(shop.workers, repeat=2):
        assert "tea" in shown(answered, key)
        assert asked.send("PATCH", "/v1/items/tea", {"stock": 0}, X_API_Key=key).status_code == 200
        assert "tea" not in shown(answered, key)
        asked.send("PATCH", "/v1/items/tea", {"stock": 7}, X_API_Key=key)
        assert shown(answered, key)["tea"]["stock"] == 7
    assert "tea" in shown(second, key, "/v1/best-sellers")  # whose list lies in memory
    first.send("PATCH", "/v1/items/tea", {"stock": 0}, X_API_Key=key)
    assert "tea" not in shown(second, key, "/v1/best-sellers")


def test_a_price_is_told_and_filtered_by(shop: LiveShop, key: str):
    first, second = shop.workers
    cheap = {"customer_id": "ann", "filter": "item.price < 2", "fields": ["price"]}

    def found() -> list[tuple[str, float]]:
        answer = second.send("POST", "/v1/recommendations", cheap, X_API_Key=key).get_json()
        return [(item["item_id"], item["price"]) for item in answer["items"]]

    assert found() == [("milk", 1.2)]
    first.send("PUT", "/v1/items/tea", {"price": 1.5}, X_API_Key=key)
    assert found() == [("tea", 1.5), ("milk", 1.2)]
    assert shown(first, key)["tea"]["price"] == 1.5


def test_visibility_goes_before_the_catalog_of_the_training(shop: LiveShop, key: str):
    first, second = shop.workers
    assert "saw" not in shown(second, key)  # the catalog says that it is not available
    first.send("PATCH", "/v1/items/saw", {"visible": True}, X_API_Key=key)
    assert "saw" in shown(second, key)
    first.send("PATCH", "/v1/items/saw", {"stock": 0}, X_API_Key=key)
    assert "saw" not in shown(second, key)
    first.send("PATCH", "/v1/items/tea", {"visible": False}, X_API_Key=key)
    assert "tea" not in shown(second, key)


def test_put_says_everything_and_patch_what_it_names(shop: LiveShop, key: str):
    worker = shop.workers[0]

    def said(method: str, body: dict) -> dict:
        answer = worker.send(method, "/v1/items/tea", body, X_API_Key=key).get_json()
        assert (answer.pop("item_id"), answer.pop("known")) == ("tea", True)
        return answer

    assert said("PUT", {"stock": 3, "price": 4.25}) == {"stock": 3, "price": 4.25, "visible": None}
    assert said("PATCH", {"visible": False}) == {"stock": 3, "price": 4.25, "visible": False}
    assert said("PATCH", {"stock": None}) == {"stock": None, "price": 4.25, "visible": False}
    assert said("PUT", {"stock": 1}) == {"stock": 1, "price": None, "visible": None}
    assert said("PUT", {}) == {"stock": None, "price": None, "visible": None}
    assert shown(worker, key)["tea"]["price"] == 3.5


def test_an_answer_kept_by_a_cache_is_told_from_a_newer_one(shop: LiveShop, key: str):
    first, second = shop.workers
    tag = second.get(OWN, X_API_Key=key).headers["ETag"]
    assert second.get(OWN, X_API_Key=key, If_None_Match=tag).status_code == 304
    first.send("PATCH", "/v1/items/nails", {"stock": 0}, X_API_Key=key)
    assert second.get(OWN, X_API_Key=key, If_None_Match=tag).status_code == 200


def test_an_item_that_no_snapshot_knows_yet_waits_for_one(shop: LiveShop, key: str):
    answer = shop.workers[0].send("PUT", "/v1/items/new%2Fone", {"stock": 2}, X_API_Key=key)
    assert answer.get_json() == {
        "item_id": "new/one", "stock": 2, "price": None, "visible": None, "known": False,
    }  # fmt: skip
    assert "tea" in shown(shop.workers[1], key)


def test_a_new_snapshot_keeps_what_was_said(shop: LiveShop, key: str):
    shop.workers[0].send("PATCH", "/v1/items/tea", {"stock": 0}, X_API_Key=key)
    publish(shop.store, "tuesday")
    for worker in (*shop.workers, shop.worker()):
        worker.follower.poll()
        assert worker.get(OWN, X_API_Key=key).get_json()["snapshot"] == "tuesday"
        assert "tea" not in shown(worker, key)


def test_a_worker_that_missed_more_than_the_log_holds_reads_everything(shop: LiveShop, key: str, monkeypatch):
    first, second = shop.workers
    first.send("PATCH", "/v1/items/tea", {"stock": 0}, X_API_Key=key)
    assert "tea" not in shown(second, key)
    monkeypatch.setattr(live_state, "MOST_LOGGED", 1)
    for stock in range(300):  # Redis trims its log by whole nodes of some hundred entries
        first.send("PATCH", "/v1/items/nails", {"stock": stock}, X_API_Key=key)
    first.send("PUT", "/v1/items/tea", {}, X_API_Key=key)
    assert {"tea"} <= set(shown(second, key))


def test_changes_of_one_item_by_many_at_once_are_all_kept(redis_url: str, redis_client):
    def change(number: int) -> None:
        field = ("stock", "price", "visible")[number % 3]
        with connect(redis_url) as client:
            LiveState(client, "shop").change_item(ODD_ID, {field: True if field == "visible" else 7})

    begun = LiveState(redis_client, "shop").changes(KnownChanges())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, range(40)))
    for before in (KnownChanges(), begun):
        known = LiveState(redis_client, "shop").changes(before)
        assert known.changes == {ODD_ID: ItemChange(stock=7, price=7, visible=True)}


def test_what_redis_lost_is_said_again_by_a_worker_that_knows_it(shop: LiveShop, key: str):
    first, second = shop.workers
    first.send("PATCH", "/v1/items/tea", {"stock": 0}, X_API_Key=key)
    assert "tea" not in shown(second, key)
    shop.redis.flushall()
    publish(shop.store)
    assert "tea" not in shown(second, key)  # remembered
    second.items.poll()
    assert "tea" not in shown(shop.worker(), key)  # new, and told by Redis


def test_while_redis_is_down_a_change_is_refused_and_lists_go_on(shop: LiveShop, key: str):
    lost = shop.worker(connect("unix:///nowhere/redis.sock"))
    refused = lost.send("PATCH", "/v1/items/tea", {"stock": 0}, X_API_Key=key)
    assert (refused.status_code, refused.get_json()["type"]) == (503, "/docs#not-kept")
    assert refused.headers["Retry-After"] == "1"
    assert lost.get("/v1/best-sellers", X_API_Key=key).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"stock": -1}, "stock"),
        ({"stock": 1.5}, "stock"),
        ({"stock": "3"}, "stock"),
        ({"stock": 10**30}, "stock"),
        ({"price": -0.01}, "price"),
        ({"visible": 1}, "visible"),
        ({"stok": 1}, "stok"),
    ],
)
def test_a_wrong_field_is_refused(shop: LiveShop, key: str, body, field):
    refused = shop.workers[0].send("PATCH", "/v1/items/tea", body, X_API_Key=key)
    assert refused.status_code == 400
    assert refused.get_json()["errors"][0]["field"] == field


def test_a_store_that_refuses_says_so(redis_url: str):
    with connect("unix:///nowhere/redis.sock") as client, pytest.raises(StoreUnavailable):
        LiveState(client, "shop").changes(KnownChanges())


def test_changes_are_applied_once_to_each_of_two_snapshots_that_take_turns(shop: LiveShop):
    publish(shop.store, "tuesday")
    monday, tuesday = (load_snapshot(shop.store, id_) for id_ in ("monday", "tuesday"))
    known, snapshots = KnownChanges(b"1", changes={"tea": ItemChange(price=9.0)}), ChangedSnapshots()
    first, second = snapshots.of(monday, known), snapshots.of(tuesday, known)
    assert (first.id, second.id) == ("monday", "tuesday")
    assert {one.items[one.vocabulary.position("tea")].price for one in (first, second)} == {9.0}
    assert snapshots.of(monday, known) is first and snapshots.of(tuesday, known) is second
    # Published anew under its name it is another one.
    assert snapshots.of(load_snapshot(shop.store, "monday"), known) is not first
