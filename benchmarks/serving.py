"""How many requests a second, and how long do the slowest take, beside the service one would write first?

Both answer the first ten of a known customer's fifty, from one Redis on this machine; wrk asks over
keep-alive connections, on the same cores, by turns. Theirs is `peers/plain_service.py`: Flask, redis-py over
TCP, JSON and jsonify, two sync workers of gunicorn. Ours is `cartlift serve` with two workers, a key that has
a limit, and everything else on. Asked are:

- lists of customers drawn by Zipf's law from 200,000, so that some come again and again;
- lists of customers of whom none comes again soon, so that no answer that was kept is of use;
- carts of three items drawn by Zipf's law, beside the plain service's one list;
- the first of these beside nginx, which sends finished answers from Redis (`peers/nginx_redis.conf`).

Needs wrk (apt-get install wrk); nginx is left out where it is not installed (apt-get install nginx-light
libnginx-mod-http-lua lua-nginx-redis). Run it with `python -m benchmarks.serving`; the figures are kept in
benchmarks/results/serving.json.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.load import (
    Load,
    free_port,
    gets,
    load,
    own_redis,
    posts,
    private_megabytes,
    running,
    wait_for,
)
from benchmarks.paired import TIMES
from benchmarks.peers.plain_service import key_of
from benchmarks.publish import MadeUpLists
from benchmarks.results import keep
from recommender.errors import ConfigError
from recommender.serving.keys import KeyFile
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.redis_connection import connect
from recommender.snapshot.redis_servers import in_chunks
from recommender.snapshot.redis_store import RedisStore
from recommender.snapshot.rows import encode_lists

CUSTOMERS, ITEMS = 200_000, 50_000
N = 10
CONNECTIONS = (32, 4)
SECONDS = 6
WORKERS = 2

_DRAWS = 200_000
_CART_ITEMS = 3
_WARMING = 2
_NGINX = Path(__file__).parent / "peers" / "nginx_redis.conf"
_LUA = Path("/usr/lib/nginx/modules/ngx_http_lua_module.so")


@dataclass(frozen=True, slots=True)
class Measured:
    """One question at one number of connections.

    Attributes:
        asked: what ours is asked for.
        beside: whom ours is compared with.
        connections: kept open by wrk.
        ours, theirs: turn by turn.
        per_second_ratio: how many times as many requests ours answers; the median of the turns.
        p99_ratio: our 99th percentile as a share of theirs.
    """

    asked: str
    beside: str
    connections: int
    ours: tuple[Load, ...]
    theirs: tuple[Load, ...]
    per_second_ratio: float
    p99_ratio: float


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was measured.

    Attributes:
        rows: of each question.
        worker_megabytes: what each of our workers shares with nobody, when all was asked.
    """

    rows: tuple[Measured, ...]
    worker_megabytes: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Contest:
    """One question to ours and to somebody else: URL and script of wrk."""

    asked: str
    beside: str
    ours: tuple[str, Path]
    theirs: tuple[str, Path]


def measure(
    *,
    customers: int = CUSTOMERS,
    items: int = ITEMS,
    connections: Sequence[int] = CONNECTIONS,
    seconds: int = SECONDS,
    times: int = TIMES,
) -> Found:
    """Put the lists into a Redis of our own, start the services, and load them by turns.

    Raises:
        ConfigError: wrk is not installed.
    """
    if shutil.which("wrk") is None:
        raise ConfigError("wrk is needed to make the load: apt-get install wrk")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        socket_url, tcp_url = stack.enter_context(own_redis(folder))
        lists = MadeUpLists.of(customers, items)
        _publish(lists, socket_url)
        key = KeyFile(folder).create(
            name="wrk", shop="shop", scopes=["read"], created_at="2026-11-21T04:00:00Z", per_second=1e6
        )
        ours, workers = stack.enter_context(_ours(folder, socket_url))
        theirs = stack.enter_context(_theirs(tcp_url))
        wait_for(f"{ours}/health/ready")
        wait_for(f"{theirs}{_path(lists.ids[0])}")
        often = gets(folder, "often", list(map(_path, _drawn(lists.ids))), key)
        once = gets(folder, "once", list(map(_path, np.random.default_rng(1).permutation(lists.ids))), key)
        carts = posts(folder, "carts", "/v1/cart/recommendations", list(_carts(items)), key)
        contests = [
            _Contest("list", "plain service", (ours, often), (theirs, often)),
            _Contest("list, nobody twice", "plain service", (ours, once), (theirs, once)),
            _Contest("cart", "plain service's list", (ours, carts), (theirs, often)),
        ]
        if shutil.which("nginx") and _LUA.exists():
            bare = stack.enter_context(_nginx(folder, socket_url))
            wait_for(f"{bare}{_path(lists.ids[0])}")
            contests.append(_Contest("list", "nginx", (ours, often), (bare, often)))
        rows = [_by_turns(contest, number, seconds, times) for contest in contests for number in connections]
        return Found(tuple(rows), tuple(round(size, 1) for size in private_megabytes(workers)))


def _by_turns(contest: _Contest, connections: int, seconds: int, times: int) -> Measured:
    seen: dict[str, list[Load]] = {"ours": [], "theirs": []}
    # The first runs of each warm it up: one alone would not come once round the customers.
    for turn in range(-_WARMING, times):
        for who in ("ours", "theirs") if turn % 2 == 0 else ("theirs", "ours"):
            found = load(*getattr(contest, who), connections, seconds)
            if turn >= 0:
                seen[who].append(found)
    turns = list(zip(seen["ours"], seen["theirs"], strict=True))
    return Measured(
        contest.asked,
        contest.beside,
        connections,
        tuple(seen["ours"]),
        tuple(seen["theirs"]),
        per_second_ratio=round(median(our.per_second / their.per_second for our, their in turns), 2),
        p99_ratio=round(median(our.p99 / their.p99 for our, their in turns), 3),
    )


def _path(customer: str) -> str:
    return f"/v1/customers/{customer}/recommendations?n={N}"


def _drawn(ids: Sequence[str]) -> list[str]:
    """Customers as often as Zipf's law has it."""
    rng = np.random.default_rng(0)
    return [ids[row] for row in rng.permutation(len(ids))[_zipf(rng, len(ids), _DRAWS)]]


def _carts(items: int) -> Iterator[str]:
    rng = np.random.default_rng(2)
    drawn = _zipf(rng, items, _DRAWS * _CART_ITEMS).reshape(-1, _CART_ITEMS)
    return (json.dumps({"cart": list(map(str, set(cart))), "n": N}) for cart in drawn.tolist())


def _zipf(rng: np.random.Generator, n: int, size: int) -> NDArray[np.int64]:
    weights = 1 / np.arange(1, n + 1)
    return rng.choice(n, size, p=weights / weights.sum())


def _publish(lists: MadeUpLists, url: str) -> None:
    table = lists.table
    # An item's list is as long as a customer's, and made up as well.
    rows = encode_lists(table.rows(slice(0, min(lists.items, len(table)))))
    beside = ((entry_key("bought-together", str(item)), row) for item, row in enumerate(rows))
    with connect(url) as client:
        store = RedisStore(client, "shop")
        store.write(lists.snapshot_id, list(chain(lists.entries(), beside)))
        store.activate(lists.snapshot_id)
        for chunk in in_chunks(range(len(lists.ids)), 1_000):
            pipeline = client.pipeline(transaction=False)
            for row in chunk:
                ranked = table.row(row)
                places = zip(ranked.items.tolist(), ranked.scores.tolist(), strict=True)
                told = [{"item_id": str(item), "score": round(score, 4)} for item, score in places]
                pipeline.set(key_of(lists.ids[row]), json.dumps(told))
                finished = json.dumps({"customer_id": lists.ids[row], "items": told[:N]})
                pipeline.set(f"finished:{lists.ids[row]}", finished)
            pipeline.execute()


@contextmanager
def _ours(state: Path, redis_url: str) -> Iterator[tuple[str, int]]:
    """URL and process of the service."""
    port = free_port()
    command = [sys.executable, "-m", "recommender.training", "serve", "--port", str(port)]
    options = ["--redis", redis_url, "--workers", str(WORKERS), "--state", str(state)]
    with running([*command, *options]) as process:
        yield f"http://127.0.0.1:{port}", process.pid


@contextmanager
def _theirs(redis_url: str) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}"]
    with running([*command, "benchmarks.peers.plain_service:app"], PLAIN_REDIS=redis_url):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _nginx(folder: Path, redis_url: str) -> Iterator[str]:
    port, home = free_port(), folder / "nginx"
    home.mkdir()
    words = {
        "user": "user root;" if os.geteuid() == 0 else "",
        "workers": str(WORKERS),
        "folder": str(home),
        "port": str(port),
        "socket": redis_url.removeprefix("unix://"),
    }
    settings = _NGINX.read_text()
    for name, value in words.items():
        settings = settings.replace(f"@{name}@", value)
    (home / "nginx.conf").write_text(settings)
    with running(["nginx", "-p", str(home), "-c", str(home / "nginx.conf")]):
        yield f"http://127.0.0.1:{port}"


def table_of(measured: Iterable[Measured]) -> Table:
    """The figures, a question and a number of connections a row."""
    table = Table(title="Answers", title_justify="left")
    headings = (
        "asked", "beside", "connections", "theirs, requests/s", "ours, requests/s", "times as many",
        "theirs, p99 ms", "ours, p99 ms", "share", "failed",
    )  # fmt: skip
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("asked", "beside") else "right")
    for row in measured:
        theirs, ours = (
            [f"{median(getattr(one, name) for one in loads):,.1f}" for name in ("per_second", "p99")]
            for loads in (row.theirs, row.ours)
        )
        failed = sum(one.failed for one in (*row.ours, *row.theirs))
        table.add_row(
            row.asked, row.beside, f"{row.connections}", theirs[0], ours[0], f"{row.per_second_ratio:.2f}",
            theirs[1], ours[1], f"{row.p99_ratio:.2f}", f"{failed}",
        )  # fmt: skip
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and keep the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    found, console = measure(), Console(width=150)
    console.print(table_of(found.rows))
    console.print(f"Private memory of each worker: {', '.join(map(str, found.worker_megabytes))} MB")
    kept = keep("serving", asdict(found))
    console.print(f"kept in {kept}", highlight=False)


if __name__ == "__main__":
    main()
