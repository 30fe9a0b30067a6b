"""Servers that do not say whether they are of a cluster."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from recommender.snapshot.embedded_redis import find_server
from recommender.snapshot.redis_servers import RedisServers
from recommender.snapshot.redis_store import connect
from tests.eventually import eventually


@pytest.fixture
def silent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    """Client of a Redis that does not know HELLO."""
    folder = tmp_path_factory.mktemp("r")
    socket = folder / "s"
    settings = {
        "--port": "0", "--unixsocket": str(socket), "--dir": str(folder), "--save": "",
        "--logfile": str(folder / "log"), "--rename-command": "HELLO",
    }  # fmt: skip
    words = [word for setting in settings.items() for word in setting]
    process = subprocess.Popen([find_server(os.environ.get("PATH", "")), *words, ""])
    try:
        assert eventually(lambda: answers(socket))
        with connect(f"unix://{socket}") as client:
            yield client
    finally:
        process.kill()
        process.wait()


def answers(socket: Path) -> bool:
    """Whether a Redis listens."""
    try:
        with connect(f"unix://{socket}") as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_a_server_that_does_not_know_hello_is_one_alone(silent: redis.Redis) -> None:
    with pytest.raises(redis.ResponseError, match="unknown command"):
        silent.execute_command("HELLO")
    servers = RedisServers(silent)
    servers.write({"a": b"1", "b": b"2"})
    assert servers.read(["a", "c", "b"]) == [b"1", None, b"2"]
