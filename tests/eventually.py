"""Waiting for what other processes do, in the one place of the tests that does so."""

import time
from collections.abc import Callable

PATIENCE = 20.0
"""Seconds after which a claim will not come true any more."""


def eventually(claim: Callable[[], bool]) -> bool:
    """Whether a claim comes true: looks again and again, and goes on as soon as it does."""
    deadline = time.monotonic() + PATIENCE
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)  # between two looks; nothing ever waits for a time that was guessed
    return True
