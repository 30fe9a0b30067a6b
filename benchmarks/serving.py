"""How many requests a second, and how long do the slowest take, beside the service one would write first?

Both answer the first ten of a known customer's fifty, Zipf over 200,000 customers, from one Redis on this
machine; wrk asks over keep-alive connections, on the same cores, by turns. Theirs is
`peers/plain_service.py`: Flask, redis-py over TCP, JSON and jsonify, two sync workers of gunicorn. Ours is
`cartlift serve` with two workers, a key that has a limit, and everything else on. Needs wrk (apt-get install
wrk). Run it with `python -m benchmarks.serving`; the figures are kept in benchmarks/results/serving.json.
"""

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.paired import TIMES
from benchmarks.peers.plain_service import key_of
from benchmarks.publish import MadeUpLists
from benchmarks.results import keep
from recommender.errors import ConfigError
from recommender.serving.keys import KeyFile
from recommender.snapshot.embedded_redis import find_server
from recommender.snapshot.redis_connection import connect
from recommender.snapshot.redis_servers import in_chunks
from recommender.snapshot.redis_store import RedisStore

CUSTOMERS, ITEMS = 200_000, 50_000
N = 10
CONNECTIONS = (32, 4)
SECONDS = 6
WORKERS = 2

_DRAWS = 50_000
_PATIENCE = 60.0
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}

_SCRIPT = """
local paths, at = {{}}, 0
for line in io.lines("{paths}") do paths[#paths + 1] = line end
wrk.headers["X-API-Key"] = "{key}"
request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk saw.

    Attributes:
        per_second: requests answered.
        p50, p99: milliseconds.
        failed: answers that were no 2xx, and broken connections.
    """

    per_second: float
    p50: float
    p99: float
    failed: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One number of connections.

    Attributes:
        connections: kept open by wrk.
        ours, theirs: turn by turn.
        per_second_ratio: how many times as many requests ours answers; the median of the turns.
        p99_ratio: our 99th percentile as a share of theirs.
    """

    connections: int
    ours: tuple[Load, ...]
    theirs: tuple[Load, ...]
    per_second_ratio: float
    p99_ratio: float


def measure(
    *,
    customers: int = CUSTOMERS,
    items: int = ITEMS,
    connections: Sequence[int] = CONNECTIONS,
    seconds: int = SECONDS,
    times: int = TIMES,
) -> list[Measured]:
    """Put the lists into a Redis of our own, start both services, and load them by turns.

    Raises:
        ConfigError: wrk is not installed.
    """
    if shutil.which("wrk") is None:
        raise ConfigError("wrk is needed to make the load: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder, _redis(Path(folder)) as (socket_url, tcp_url):
        lists = MadeUpLists.of(customers, items)
        _publish(lists, socket_url)
        key = KeyFile(Path(folder)).create(
            name="wrk", shop="shop", scopes=["read"], created_at="2026-11-21T04:00:00Z", per_second=1e6
        )
        script = _script(Path(folder), lists, key)
        with _ours(Path(folder), socket_url) as ours, _theirs(tcp_url) as theirs:
            _wait_for(f"{ours}/health/ready")
            _wait_for(f"{theirs}/v1/customers/{lists.ids[0]}/recommendations")
            return [_by_turns(ours, theirs, script, number, seconds, times) for number in connections]


def _by_turns(ours: str, theirs: str, script: Path, connections: int, seconds: int, times: int) -> Measured:
    seen: dict[str, list[Load]] = {ours: [], theirs: []}
    # The first run of each warms it up.
    for turn in range(times + 1):
        for url in (ours, theirs) if turn % 2 == 0 else (theirs, ours):
            load = _load(url, script, connections, seconds)
            if turn:
                seen[url].append(load)
    turns = list(zip(seen[ours], seen[theirs], strict=True))
    return Measured(
        connections,
        tuple(seen[ours]),
        tuple(seen[theirs]),
        per_second_ratio=round(median(our.per_second / their.per_second for our, their in turns), 2),
        p99_ratio=round(median(our.p99 / their.p99 for our, their in turns), 3),
    )


def _load(url: str, script: Path, connections: int, seconds: int) -> Load:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    failed = re.findall(
        r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*?(\d+), .*?(\d+), .*?(\d+), .*?(\d+)", said
    )
    return Load(
        per_second=float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]),
        p50=_milliseconds(said, "50%"),
        p99=_milliseconds(said, "99%"),
        failed=sum(int(number) for found in failed for number in found if number),
    )


def _milliseconds(said: str, percentile: str) -> float:
    number, unit = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)", said).groups()
    return float(number) * _UNITS[unit]


def _publish(lists: MadeUpLists, url: str) -> None:
    with connect(url) as client:
        store = RedisStore(client, "shop")
        store.write(lists.snapshot_id, list(lists.entries()))
        store.activate(lists.snapshot_id)
        for chunk in in_chunks(range(len(lists.ids)), 1_000):
            pipeline = client.pipeline(transaction=False)
            for row in chunk:
                ranked = lists.table.row(row)
                places = zip(ranked.items.tolist(), ranked.scores.tolist(), strict=True)
                told = [{"item_id": str(item), "score": round(score, 4)} for item, score in places]
                pipeline.set(key_of(lists.ids[row]), json.dumps(told))
            pipeline.execute()


def _script(folder: Path, lists: MadeUpLists, key: str) -> Path:
    """A script of wrk that asks for customers as often as Zipf's law has it."""
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, len(lists.ids) + 1)
    drawn = rng.choice(rng.permutation(len(lists.ids)), _DRAWS, p=weights / weights.sum())
    paths = folder / "paths"
    paths.write_text("".join(f"/v1/customers/{lists.ids[row]}/recommendations?n={N}\n" for row in drawn))
    script = folder / "load.lua"
    script.write_text(_SCRIPT.format(paths=paths, key=key))
    return script


@contextmanager
def _redis(folder: Path) -> Iterator[tuple[str, str]]:
    """URLs of a Redis by its socket and by TCP; nothing of it is written to disk."""
    port, path = _free_port(), folder / "redis.sock"
    command = [find_server(os.environ["PATH"]), "--port", str(port), "--bind", "127.0.0.1"]
    with _running([*map(str, command), "--unixsocket", str(path), "--save", ""]):
        deadline = time.monotonic() + _PATIENCE
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield f"unix://{path}", f"redis://127.0.0.1:{port}/0"


@contextmanager
def _ours(state: Path, redis_url: str) -> Iterator[str]:
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "recommender.training",
        "serve",
        "--port",
        str(port),
        "--redis",
        redis_url,
    ]
    with _running([*command, "--workers", str(WORKERS), "--state", str(state)]):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _theirs(redis_url: str) -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}"]
    with _running([*command, "benchmarks.peers.plain_service:app"], PLAIN_REDIS=redis_url):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(command: Sequence[str], **environment: str) -> Iterator[None]:
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def table_of(measured: Sequence[Measured]) -> Table:
    """The figures, a number of connections a row."""
    table = Table(
        title="A known customer's list, beside Flask with gunicorn and redis-py", title_justify="left"
    )
    headings = (
        "connections", "theirs, requests/s", "ours, requests/s", "times as many", "theirs, p99 ms",
        "ours, p99 ms", "share", "failed",
    )  # fmt: skip
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in measured:
        theirs, ours = (
            [f"{median(getattr(load, name) for load in loads):,.1f}" for name in ("per_second", "p99")]
            for loads in (row.theirs, row.ours)
        )
        failed = sum(load.failed for load in (*row.ours, *row.theirs))
        table.add_row(
            f"{row.connections}", theirs[0], ours[0], f"{row.per_second_ratio:.1f}", theirs[1], ours[1],
            f"{row.p99_ratio:.2f}", f"{failed}",
        )  # fmt: skip
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.parse_args(arguments)
    measured, console = measure(), Console(width=130)
    console.print(table_of(measured))
    kept = keep("serving", [asdict(row) for row in measured])
    console.print(f"kept in {kept}", highlight=False)


if __name__ == "__main__":
    main()
