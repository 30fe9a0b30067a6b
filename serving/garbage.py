"""Keeps Python's garbage collector away from what stays: looking at it all takes a tenth of a second."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def long_lived() -> Iterator[None]:
    """What is made in this block is never looked at by the collector; it still goes with its last reference.

    Requests are answered meanwhile in other threads: what they leave behind in cycles stays as well.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
