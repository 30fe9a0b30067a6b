"""The service as a process of its own, as a shop would run it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recommender.errors import StoreUnavailable

from .demo_check import ask

LOG = "service.log"

_PATIENCE = 30.0


@contextmanager
def running_service(state: Path, shop: str, port: int, *, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`cartlift serve` on this port of 127.0.0.1; it is ended with the block.

    Args:
        state: folder of our own Redis.
        shop: prefix of the keys.
        port: to listen on.
        log: file for what the service prints.
    """
    command = [sys.executable, "-m", "recommender.training", "serve", "--state", str(state), "--shop", shop]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as printed:
        service = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT)
    try:
        yield service
    finally:
        service.terminate()
        service.wait()


def await_ready(service: subprocess.Popen[bytes], base: str, log: Path) -> None:
    """Come back once the service answers from a snapshot.

    Raises:
        StoreUnavailable: it ended, or is not ready in time.
    """
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if service.poll() is not None:
            raise StoreUnavailable(f"the service ended with exit code {service.returncode}: see {log}")
        try:
            if ask(f"{base}/health/ready")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise StoreUnavailable(f"the service was not ready within {_PATIENCE:g} s: see {log}")
