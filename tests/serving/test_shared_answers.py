"""What one worker answered, another sends: the same bytes, unless anything is otherwise by then."""

import msgspec
import pytest

from recommender.serving.basis import Ground, Noted
from recommender.serving.kept_answers import KeptAnswer
from recommender.serving.placements import DEFAULTS, Placement, ServiceSettings
from recommender.serving.row_memory import RowMemory
from recommender.serving.service import RecommendationService
from recommender.serving.shared_answers import SharedAnswers
from tests.serving.live_shop import AskedWorker, LiveShop
from tests.serving.test_invalidations import hide_tea, key, shop
from tests.serving.test_kept_answers import SAID

__all__ = ["key", "shop"]

PATHS = ("/v1/customers/ann/recommendations?n=3&placement=home", "/v1/items/tea/similar?fields=title")


def answered(worker: AskedWorker, key: str, path: str) -> tuple[bytes, str]:
    answer = worker.get(path, X_API_Key=key)
    assert answer.status_code == 200
    return answer.data, answer.headers["ETag"]


def both_know_the_items(shop: LiveShop, key: str) -> None:
    for worker in shop.workers:
        answered(worker, key, "/v1/customers/bob/recommendations")


@pytest.mark.parametrize("path", PATHS)
def test_another_worker_sends_it_without_making_it(shop: LiveShop, key: str, path: str, monkeypatch):
    both_know_the_items(shop, key)
    first, second = (answered(shop.workers[0], key, path) for _ in range(2))
    monkeypatch.setattr(RecommendationService, "read", None)
    assert answered(shop.workers[1], key, path) == first == second


def test_answers_to_bodies_stay_with_the_worker_and_are_kept_from_the_second_time_on(
    shop: LiveShop, key: str, monkeypatch
):
    both_know_the_items(shop, key)
    worker = shop.workers[0]

    def cart() -> dict:
        body = {"cart": ["tea"], "customer_id": "ann"}
        return worker.send("POST", "/v1/cart/recommendations", body, X_API_Key=key).json

    first, second = cart(), cart()
    assert b'"customer_id": "ann"' not in shop.rows.read_bytes()
    monkeypatch.setattr(RecommendationService, "read", None)
    assert cart() == first == second


def test_it_is_made_anew_once_anything_changed(shop: LiveShop, key: str):
    one, other = shop.workers
    path = PATHS[0]
    before = answered(one, key, path)
    assert answered(other, key, path) == before and b'"tea"' in before[0]
    hide_tea(one, key)
    after = answered(other, key, path)
    assert after[1] != before[1] and b'"tea"' not in after[0]
    assert answered(one, key, path) == after


def test_who_is_hidden_is_never_sent_what_was_shared(shop: LiveShop, key: str):
    one, other = shop.workers
    both_know_the_items(shop, key)
    before = answered(one, key, PATHS[0])
    held = shop.rows.read_bytes()
    shop.redis.config_set("min-replicas-to-write", 1)  # so that only the register on disk says it
    one.send("PUT", "/v1/customers/ann/consent", {"personalisation": False}, X_API_Key=shop.key("admin"))
    shop.redis.config_set("min-replicas-to-write", 0)
    assert b"ann" not in shop.rows.read_bytes()
    shop.rows.write_bytes(held)  # as if another had just been about to write it
    for worker in (other, one):
        assert b'"best_sellers"' in answered(worker, key, PATHS[0])[0] != before[0]


GROUND = Ground(None, "monday", lambda: None, b"7", 0)
NOTED = Noted("notes:{ann}", b"something")


def test_what_was_put_is_found_by_all_that_it_depends_on():
    memory = RowMemory()
    answers = SharedAnswers(memory, DEFAULTS)
    said = msgspec.structs.replace(SAID, placement="home")
    put = KeptAnswer(GROUND, NOTED, 5, said, msgspec.json.encode(said))
    answers.put("customer?n=3", "ann", put)
    found = answers.get("customer?n=3", "ann", GROUND)
    assert (found.noted, found.at, found.body) == (NOTED, 5, put.body)
    assert found.frame == msgspec.structs.replace(said, recommendation_id="")
    otherwise = ServiceSettings(placements={"home": Placement(blocks=("tea",))})
    assert SharedAnswers(memory, otherwise).get("customer?n=3", "ann", GROUND) is None
    for request, subject, ground in (
        ("customer?n=4", "ann", GROUND),
        ("customer?n=3", "bob", GROUND),
        ("customer?n=3", "ann", Ground(None, "monday", GROUND.live, b"8", 0)),
        ("customer?n=3", "ann", Ground(None, "tuesday", GROUND.live, b"7", 0)),
    ):
        assert answers.get(request, subject, ground) is None
