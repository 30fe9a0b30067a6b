"""A worker's application, ready to answer: what granian, or any other WSGI server, loads in each worker."""

import os
import signal
import threading
import time
from multiprocessing.util import Finalize

from flask import Flask
from threadpoolctl import threadpool_limits

from recommender.snapshot.redis_connection import SERVING, ReadingClient, Timeouts, connect

from .assembly import assembled
from .background import Background
from .instruments import chosen_instruments
from .log_format import configure_logging
from .settings import WorkerSettings

FOLLOWING = Timeouts(connect=0.5, answer=2.0, retries=1, pause=0.1)
"""Nobody waits for the follower, and a chunk of the item table is larger than a list."""

LISTENING = Timeouts(connect=0.15, answer=0.15, retries=0, pause=0.0)
"""Requests ask for themselves until it is known whether Redis is still there."""

LOOK_SECONDS = 0.1
"""Between two looks whether Redis answers."""

_PARENT_CHECK_SECONDS = 1.0


def application() -> Flask:
    """The application with a live snapshot, if one can be had, and a thread that follows newer ones."""
    settings = WorkerSettings.from_environment(os.environ)
    # A session is placed among factors by BLAS, whose threads would take the other workers' cores.
    threadpool_limits(1, "blas")
    answering = connect(settings.redis_url, SERVING, ReadingClient)
    following = connect(settings.redis_url, FOLLOWING)
    listening = connect(settings.redis_url, LISTENING, protocol=3)
    instruments = chosen_instruments(os.environ, settings.shop)
    worker = assembled(settings, answering, following, listening, instruments=instruments)
    Background(worker.jobs).start()
    # A thread of its own: whether Redis is back is not to wait for a follower that waits for Redis.
    Background(worker.looks, LOOK_SECONDS).start()
    worker.access.start()
    # Last of all, in a worker that multiprocessing started as in any other: after the requests in flight.
    Finalize(None, worker.leave, exitpriority=1)
    return worker.app


def worker_application() -> Flask:
    """The application for a worker process of `cartlift serve`."""
    settings = WorkerSettings.from_environment(os.environ)
    configure_logging(settings.log_format, settings.shop)
    # These reach every process of the terminal or group, but only the parent may decide when workers go.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGUSR1})
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), name="parent-watch", daemon=True).start()
    return application()


def _end_with_parent(parent: int) -> None:
    """Stop this worker when its parent was killed and can no longer say so: the port would stay taken."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
