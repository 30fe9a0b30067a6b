"""A worker's application, ready to answer: what granian, or any other WSGI server, loads in each worker."""

import logging
import os
import signal
import threading
import time

from flask import Flask

from recommender.snapshot.redis_layout import RedisKeys
from recommender.snapshot.redis_store import SERVING, RedisStore, Timeouts, connect

from .app import create_app
from .background import Background
from .breaker import CircuitBreaker
from .event_service import EventService
from .follower import SnapshotFollower
from .guard import Guard
from .keys import KeyRing
from .live_items import LiveItems
from .live_state import LiveState
from .placements import load_service_settings
from .row_reader import RowReader
from .service import RecommendationService
from .settings import WorkerSettings

FOLLOWING = Timeouts(connect=0.5, answer=2.0, retries=1, pause=0.1)
"""Nobody waits for the follower, and a chunk of the item table is larger than a list."""

_PARENT_CHECK_SECONDS = 1.0


def application() -> Flask:
    """The application with a live snapshot, if one can be had, and a thread that follows newer ones."""
    settings = WorkerSettings.from_environment(os.environ)
    placements = load_service_settings(settings.config)
    ring = KeyRing(settings.keys, settings.shop, time.monotonic)
    follower = SnapshotFollower(
        RedisStore(connect(settings.redis_url, FOLLOWING), settings.shop), time.monotonic
    )
    follower.poll()
    client = connect(settings.redis_url, SERVING)
    state = LiveState(client, settings.shop)
    items = LiveItems(state)
    events = EventService(settings.events, state, time.time)
    Background([follower.poll, items.poll, events.catch_up]).start()
    reader = RowReader(RedisStore(client, settings.shop), CircuitBreaker(time.monotonic))
    service = RecommendationService(follower, reader, items, RedisKeys(settings.shop))
    return create_app(service, events, state, Guard.of(ring, time.monotonic), placements)


def worker_application() -> Flask:
    """The application for a worker process of `cartlift serve`."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s worker %(process)d: %(message)s"
    )
    # Ctrl-C reaches every process of the terminal, but only the parent may decide when the workers stop.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), name="parent-watch", daemon=True).start()
    return application()


def _end_with_parent(parent: int) -> None:
    """Stop this worker when its parent was killed and can no longer say so: the port would stay taken."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
