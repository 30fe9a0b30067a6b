"""Puts the parts of a worker together."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import redis
from flask import Flask

from recommender.snapshot.redis_layout import RedisKeys
from recommender.snapshot.redis_store import RedisStore

from .access_log import AccessLog
from .app import create_app
from .breaker import CircuitBreaker
from .event_service import EventService
from .follower import SnapshotFollower
from .guard import Guard
from .instruments import PLAIN, Instruments
from .invalidations import Invalidations
from .keys import KeyRing
from .live_items import LiveItems
from .live_state import LiveState
from .metrics import register_metrics
from .placements import load_service_settings
from .row_reader import RowReader
from .service import RecommendationService
from .settings import WorkerSettings
from .worker_reports import ReportFolder
from .worker_vitals import WorkerVitals


@dataclass(frozen=True, slots=True)
class Worker:
    """What answers in one process.

    Attributes:
        app: the application.
        follower: follows snapshots.
        items: knows what the shop said of its items.
        events: takes events.
        invalidations: is told what changes.
        vitals: reports what it counts.
        access: writes some requests down.
    """

    app: Flask
    follower: SnapshotFollower
    items: LiveItems
    events: EventService
    invalidations: Invalidations
    vitals: WorkerVitals
    access: AccessLog

    @property
    def jobs(self) -> tuple[Callable[[], None], ...]:
        """What is to be done again and again beside answering."""
        return (
            self.follower.poll,
            self.invalidations.poll,
            self.items.poll,
            self.events.catch_up,
            self.vitals.publish,
        )


def assembled(
    settings: WorkerSettings,
    answering: redis.Redis,
    following: redis.Redis,
    listening: redis.Redis,
    clock: Callable[[], float] = time.monotonic,
    instruments: Instruments = PLAIN,
) -> Worker:
    """A worker that has looked once for a snapshot.

    Args:
        settings: where everything is.
        answering: client for requests, which must not wait.
        following: client for everything beside them.
        listening: client that speaks RESP3, to be told what changes.
        clock: seconds.
        instruments: how it is watched.

    Raises:
        ConfigError: the file of placements or that of keys is wrong.
    """
    placements = load_service_settings(settings.config)
    guard = Guard.of(KeyRing(settings.keys, settings.shop, clock), clock)
    follower = SnapshotFollower(RedisStore(following, settings.shop), clock)
    follower.poll()
    state = LiveState(answering, settings.shop)
    items, events = LiveItems(state), EventService(settings.events, state, time.time)
    reader = RowReader(instruments.store(answering, settings.shop), CircuitBreaker(clock))
    keys = RedisKeys(settings.shop)
    invalidations = Invalidations(listening, keys)
    invalidations.poll()
    service = RecommendationService(follower, reader, items, keys, invalidations)
    telemetry = instruments.telemetry(placements.placements, AccessLog(settings.access_share))
    app = create_app(service, events, state, guard, placements, telemetry)
    app.wsgi_app = instruments.app(app.wsgi_app)  # type: ignore[assignment, method-assign]
    folder = ReportFolder(settings.reports)
    vitals = WorkerVitals(telemetry, follower, reader, events, folder)
    register_metrics(app, guard, folder, vitals.publish)
    return Worker(app, follower, items, events, invalidations, vitals, telemetry.access)
