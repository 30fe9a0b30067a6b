"""Requests that end before they reach the application, and services that want one port."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.redis_store import RedisStore, connect
from tests.eventually import eventually
from tests.running_service import PATIENCE, Service, free_port, started
from tests.serving.small_shop import publish


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    state = tmp_path_factory.mktemp("wire") / "state"
    with running_redis(state, os.environ["PATH"]) as url, connect(url) as client:
        publish(RedisStore(client, "shop"))
        yield state


@pytest.fixture(scope="module")
def service(state: Path) -> Iterator[Service]:
    with started(state.parent / "log", "--state", str(state)) as service:
        assert eventually(service.is_ready)
        yield service
        assert service.is_ready()
        assert "Traceback" not in service.log.read_text() and "panicked" not in service.log.read_text()


def said(service: Service, sent: bytes) -> bytes:
    """Everything that comes back until the service closes the connection."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as connection:
        connection.sendall(sent)
        answer = b""
        try:
            while part := connection.recv(65_536):
                answer += part
        except ConnectionResetError:
            pass
        return answer


def get(path: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: x", b"Connection: close", *headers, b"", b""])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x00\x01\x02 nonsense\r\n\r\n", 400),
        (get(b"/v1/best-sellers", b"Content-Length: many"), 400),
        (get(b"/v1/best-sellers?category=" + b"a" * 70_000), 414),
        (get(b"/v1/best-sellers", *[b"X-A: a"] * 200), 431),
        (get(b"/v1/best-sellers", b"X-A: " + b"a" * 300_000), 431),
    ],
    ids=["garbage", "length", "URI", "200 headers", "300 kB header"],
)
def test_what_is_no_request_is_refused_by_the_server_with_no_word_of_its_inside(service, sent, status):
    head, _, body = said(service, sent).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert body == b""


def test_two_lengths_end_the_connection_so_that_no_second_request_hides_in_the_body(service: Service):
    hidden = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"POST /v1/recommendations HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
    answer = said(service, head + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer


@pytest.mark.parametrize("method", ["TRACE", "BREW", "CONNECT", "DELETE"])
def test_methods_that_nobody_wants_are_refused(service: Service, method: str):
    answer = service.ask("/v1/best-sellers", method)
    assert 400 <= answer.status < 500


def test_of_two_services_that_start_at_once_on_one_port_one_is_refused(state: Path, tmp_path: Path):
    port = free_port()
    with ExitStack() as stack:
        both = [
            stack.enter_context(started(tmp_path / name, "--state", str(state), port=port))
            for name in ("first", "second")
        ]
        assert eventually(lambda: any(service.process.poll() is not None for service in both))
        (refused,) = [service for service in both if service.process.poll() is not None]
        (winner,) = [service for service in both if service is not refused]
        assert refused.process.returncode == 2
        assert "cannot listen" in refused.log.read_text()
        assert eventually(winner.is_ready)
