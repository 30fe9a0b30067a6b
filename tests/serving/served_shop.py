"""The small shop behind its service."""

from dataclasses import dataclass, field

from flask.testing import FlaskClient

from recommender.serving.app import create_app
from recommender.serving.breaker import CircuitBreaker
from recommender.serving.follower import SnapshotFollower
from recommender.serving.placements import DEFAULTS, ServiceSettings
from recommender.serving.row_reader import RowReader
from recommender.serving.service import RecommendationService
from tests.serving.small_shop import Clock, UnreliableStore


@dataclass
class ServedShop:
    """The small shop with its service, wired as a worker wires it, but for the thread."""

    store: UnreliableStore = field(default_factory=UnreliableStore)
    clock: Clock = field(default_factory=Clock)
    settings: ServiceSettings = DEFAULTS

    def __post_init__(self) -> None:
        self.follower = SnapshotFollower(self.store, self.clock)
        self.reader = RowReader(self.store, CircuitBreaker(self.clock))
        self.service = RecommendationService(self.follower, self.reader)
        self.client: FlaskClient = create_app(self.service, self.settings).test_client()

    def get(self, path: str, status: int = 200) -> dict:
        answer = self.client.get(path)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_json()

    def ask(self, *, status: int = 200, **asked: object) -> dict:
        return self._post("/v1/recommendations", asked, status)

    def ask_for_cart(self, *, status: int = 200, **asked: object) -> dict:
        return self._post("/v1/cart/recommendations", asked, status)

    def _post(self, path: str, asked: dict[str, object], status: int) -> dict:
        answer = self.client.post(path, json=asked)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_json()


def ids(answer: dict) -> list[str]:
    return [item["item_id"] for item in answer["items"]]
