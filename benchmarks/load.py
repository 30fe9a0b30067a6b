"""Servers of our own, and wrk that asks them."""

import os
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from recommender.snapshot.embedded_redis import find_server

_PATIENCE = 60.0
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}

_SCRIPT = """
local asked, at = {{}}, 0
for line in io.lines("{asked}") do asked[#asked + 1] = line end
local heads = " HTTP/1.1\\r\\nHost: shop\\r\\nX-API-Key: {key}\\r\\nContent-Type: application/json\\r\\n"
request = function()
  at = at % #asked + 1
  local line = asked[at]
  return {request}
end
"""
# By hand: wrk.format takes as long as a good answer.
_GET = '"GET " .. line .. heads .. "\\r\\n"'
_POST = '"POST {path}" .. heads .. "Content-Length: " .. #line .. "\\r\\n\\r\\n" .. line'


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


def load(url: str, script: Path, connections: int, seconds: int) -> Load:
    """Let wrk ask for so long over so many connections."""
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


def gets(folder: Path, name: str, paths: Sequence[str], key: str) -> Path:
    """A script of wrk that asks for these paths, one after the other, again and again."""
    return _script(folder, name, paths, key, _GET)


def posts(folder: Path, name: str, path: str, bodies: Sequence[str], key: str) -> Path:
    """A script of wrk that sends these bodies to a path."""
    return _script(folder, name, bodies, key, _POST.format(path=path))


def _script(folder: Path, name: str, lines: Sequence[str], key: str, request: str) -> Path:
    asked, script = folder / f"{name}.txt", folder / f"{name}.lua"
    asked.write_text("".join(f"{line}\n" for line in lines))
    script.write_text(_SCRIPT.format(asked=asked, key=key, request=request))
    return script


def _milliseconds(said: str, percentile: str) -> float:
    number, unit = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)", said).groups()
    return float(number) * _UNITS[unit]


@contextmanager
def own_redis(folder: Path) -> Iterator[tuple[str, str]]:
    """URLs of a Redis by its socket and by TCP; nothing of it is written to disk."""
    port, path = free_port(), folder / "redis.sock"
    command = [find_server(os.environ["PATH"]), "--port", str(port), "--bind", "127.0.0.1"]
    with running([*map(str, command), "--unixsocket", str(path), "--save", ""]):
        deadline = time.monotonic() + _PATIENCE
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield f"unix://{path}", f"redis://127.0.0.1:{port}/0"


@contextmanager
def running(command: Sequence[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process, until the end of the block."""
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def wait_for(url: str) -> None:
    """Until it is answered with 2xx."""
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


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def private_megabytes(parent: int) -> list[float]:
    """Memory that each child process of a process shares with nobody, in MB."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [_private_megabytes(int(child)) for child in children]


def _private_megabytes(process: int) -> float:
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    return sum(int(size) for size in re.findall(r"Private_\w+:\s+(\d+) kB", rollup)) / 1024
