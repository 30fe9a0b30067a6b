"""Puts the parts of a worker together."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import redis
from flask import Flask

from recommender.snapshot.redis_customers import RedisCustomers
from recommender.snapshot.redis_layout import RedisKeys
from recommender.snapshot.redis_store import RedisStore

from .access_log import AccessLog
from .app import create_app
from .breaker import CircuitBreaker
from .event_service import EventService
from .experiments import Experiments, pinned_snapshots, plans_of
from .exposure_queue import ExposureQueue
from .follower import SnapshotFollower
from .guard import Guard
from .instruments import PLAIN, Instruments
from .invalidations import Invalidations
from .keys import KeyRing
from .leaving import LeaveTaking
from .live_items import LiveItems
from .live_state import LiveState
from .metrics import register_metrics
from .pinned_snapshots import PinnedSnapshots
from .placements import load_service_settings
from .privacy_service import PrivacyService, erasers_beside
from .private_customers import PrivateCustomers
from .row_memory import RowMemory
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
        pinned: loads snapshots of experiments.
        experiments: notes who was shown which variant.
        reader: reads lists.
        invalidations: is told what changes.
        private: knows who is to be unknown.
        vitals: reports what it counts.
        access: writes some requests down.
        leave_taking: is told that the worker will be stopped.
    """

    app: Flask
    follower: SnapshotFollower
    items: LiveItems
    events: EventService
    pinned: PinnedSnapshots
    experiments: Experiments
    reader: RowReader
    invalidations: Invalidations
    private: PrivateCustomers
    vitals: WorkerVitals
    access: AccessLog
    leave_taking: LeaveTaking

    @property
    def jobs(self) -> tuple[Callable[[], None], ...]:
        """What is to be done again and again beside answering."""
        # First who is private: the others may take long where Redis does not answer.
        return (
            self.private.poll,
            self.follower.poll,
            self.pinned.poll,
            self.items.poll,
            self.events.catch_up,
            self.experiments.write,
            self.vitals.publish,
        )

    @property
    def looks(self) -> tuple[Callable[[], None], ...]:
        """What is to be known soon, as whether Redis answers; never takes longer than a request waits."""
        return self.reader.poll, self.invalidations.poll, self.leave_taking.poll

    def leave(self) -> None:
        """Write down what only this process knows, as it ends."""
        self.experiments.write()
        with suppress(OSError):  # the service has ended before it
            self.vitals.publish()


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
    store = RedisStore(following, settings.shop)
    follower = SnapshotFollower(store, clock, settings.reports)
    pinned = PinnedSnapshots(store, pinned_snapshots(placements), clock, settings.reports)
    follower.poll()
    pinned.poll()
    state = LiveState(answering, settings.shop)
    private = PrivateCustomers(settings.privacy)
    private.poll()
    breaker = CircuitBreaker(clock)
    events = EventService(settings.events, state, breaker, time.time, private.hides_now)
    items, memory = LiveItems(state), RowMemory(settings.rows)
    reader = RowReader(instruments.store(answering, settings.shop), breaker, memory)
    keys = RedisKeys(settings.shop)
    invalidations = Invalidations(listening, keys)
    invalidations.poll()
    private.watchers.append(partial(reader.forget, private.hides))
    service = RecommendationService(follower, reader, items, keys, invalidations, pinned, private)
    queue = ExposureQueue(settings.events, plans_of(placements, time.time()))
    experiments = Experiments(placements, queue, time.time, private.hides_now)
    privacy = PrivacyService(
        private,
        RedisCustomers(following, settings.shop),
        LiveState(following, settings.shop),
        events,
        store,
        time.time,
        more=erasers_beside(settings.events),
    )
    telemetry = instruments.telemetry(placements.placements, AccessLog(settings.access_share))
    app = create_app(service, events, state, guard, experiments, privacy, placements, telemetry)
    app.wsgi_app = instruments.app(app.wsgi_app)  # type: ignore[assignment, method-assign]
    folder = ReportFolder(settings.reports)
    vitals = WorkerVitals(telemetry, follower, reader, events, folder)
    register_metrics(app, guard, folder, vitals.publish)
    return Worker(
        app,
        follower,
        items,
        events,
        pinned,
        experiments,
        reader,
        invalidations,
        private,
        vitals,
        telemetry.access,
        LeaveTaking(app, settings.reports),
    )
