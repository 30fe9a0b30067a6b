"""The small shop behind its service."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from flask.testing import FlaskClient

from recommender.serving.app import create_app
from recommender.serving.breaker import CircuitBreaker
from recommender.serving.event_service import EventService
from recommender.serving.experiments import Experiments, pinned_snapshots, plans_of
from recommender.serving.exposure_queue import ExposureQueue
from recommender.serving.follower import SnapshotFollower
from recommender.serving.guard import Guard
from recommender.serving.invalidations import Invalidations
from recommender.serving.keys import KeyRing
from recommender.serving.live_items import LiveItems
from recommender.serving.live_state import LiveState
from recommender.serving.pinned_snapshots import PinnedSnapshots
from recommender.serving.placements import DEFAULTS, ServiceSettings
from recommender.serving.privacy_service import PrivacyService
from recommender.serving.row_reader import RowReader
from recommender.serving.service import RecommendationService
from recommender.snapshot.redis_connection import connect
from recommender.snapshot.redis_customers import RedisCustomers
from recommender.snapshot.redis_layout import RedisKeys
from tests.serving.small_shop import Clock, UnreliableStore

NOWHERE = connect("unix:///nowhere/redis.sock")

NO_REDIS = LiveState(NOWHERE, "shop")
"""Never asked by a shop of which no item was changed and that takes no events."""

NOBODY_TELLS = Invalidations(NOWHERE, RedisKeys("shop"))


@dataclass
class ServedShop:
    """The small shop with its service, wired as a worker wires it, but for the thread."""

    store: UnreliableStore = field(default_factory=UnreliableStore)
    clock: Clock = field(default_factory=Clock)
    settings: ServiceSettings = DEFAULTS
    journal: Path = Path("/dev/null/events.sqlite")

    def __post_init__(self) -> None:
        self.follower = SnapshotFollower(self.store, self.clock)
        breaker = CircuitBreaker(self.clock)
        self.reader = RowReader(self.store, breaker)
        self.pinned = PinnedSnapshots(self.store, pinned_snapshots(self.settings), self.clock)
        self.service = RecommendationService(
            self.follower, self.reader, LiveItems(NO_REDIS), RedisKeys("shop"), NOBODY_TELLS, self.pinned
        )
        queue = ExposureQueue(self.journal, plans_of(self.settings, 0.0))
        self.experiments = Experiments(self.settings, queue, self.clock)
        events = EventService(self.journal, NO_REDIS, breaker, time.time)
        guard = Guard.of(KeyRing(None, "shop", self.clock), self.clock)
        privacy = PrivacyService(
            self.service.private, RedisCustomers(NOWHERE, "shop"), NO_REDIS, events, self.store, time.time
        )
        app = create_app(self.service, events, NO_REDIS, guard, self.experiments, privacy, self.settings)
        self.client: FlaskClient = app.test_client()

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
