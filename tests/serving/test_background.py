"""The thread beside the requests."""

import threading
import time

from recommender.serving.background import Background
from recommender.serving.follower import SnapshotFollower
from tests.serving.small_shop import Clock, UnreliableStore, publish


def test_it_follows_the_store_and_survives_what_nobody_foresaw(caplog):
    store = UnreliableStore()
    follower = SnapshotFollower(store, Clock())
    failed = []

    def fails():
        failed.append(True)
        raise ZeroDivisionError("nobody foresaw this")

    publish(store)
    thread = Background([fails, follower.poll], pause=0.001)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while (follower.live is None or len(failed) < 3) and time.monotonic() < deadline:
            threading.Event().wait(0.001)
    finally:
        thread.stop()
    assert follower.live.id == "monday"
    assert len(failed) >= 3
    assert len(caplog.records) == 1  # said once, not at every turn
    assert not any(thread.name == "background" for thread in threading.enumerate())
