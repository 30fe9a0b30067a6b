"""docs/deploy/nginx.conf before a running service: what it is to keep away, and what it must hand on."""

import http.client
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.load import running
from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.redis_store import RedisStore, connect
from tests.running_service import Answer, eventually, free_port, started
from tests.serving.small_shop import publish

CONF = Path(__file__).parents[2] / "docs" / "deploy" / "nginx.conf"
NAME = "recommendations.shop.example"
PERSONAL = "/v1/customers/ann/recommendations"

pytestmark = pytest.mark.skipif(
    shutil.which("nginx") is None or shutil.which("openssl") is None,
    reason="no nginx or openssl: apt-get install nginx-light openssl",
)


@dataclass
class Proxy:
    port: int
    trusted: ssl.SSLContext

    def connection(self) -> http.client.HTTPSConnection:
        opened = http.client.HTTPSConnection(NAME, self.port, context=self.trusted, timeout=30)
        # Nobody resolves the name here.
        opened.sock = self.trusted.wrap_socket(
            socket.create_connection(("127.0.0.1", self.port)), server_hostname=NAME
        )
        return opened

    def ask(self, path: str, method: str = "GET", body: bytes | None = None) -> Answer:
        connection = self.connection()
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory) -> Iterator[Proxy]:
    home = tmp_path_factory.mktemp("nginx")
    state = tmp_path_factory.mktemp("service")
    certificate, key = home / "pem", home / "key"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={NAME}"]
    kept = ["-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made, *kept], check=True, capture_output=True)
    with running_redis(state, os.environ["PATH"]) as url, connect(url) as client:
        publish(RedisStore(client, "shop"))
        with started(state / "log", "--redis", url, "--state", str(state)) as service:
            eventually(service.is_ready)
            port = free_port()
            site = CONF.read_text()
            for written, here in (
                ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
                ("127.0.0.1:8080", f"127.0.0.1:{service.port}"),
                ("/etc/ssl/recommendations.pem", str(certificate)),
                ("/etc/ssl/recommendations.key", str(key)),
            ):
                assert site.count(written) == 1
                site = site.replace(written, here)
            folders = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            places = "".join(f"{name}_temp_path {home / name};" for name in folders)
            (home / "site.conf").write_text(site)
            (home / "nginx.conf").write_text(
                f"daemon off; pid {home / 'pid'}; error_log {home / 'log'}; events {{}}"
                f"http {{ access_log off; {places} include {home / 'site.conf'}; }}"
            )
            trusted = ssl.create_default_context(cafile=str(certificate))
            proxy = Proxy(port, trusted)
            with running(["nginx", "-p", str(home), "-c", str(home / "nginx.conf")]):
                eventually(lambda: _listens(port))
                yield proxy


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_lists_come_through_it_over_tls(proxy: Proxy):
    answer = proxy.ask(PERSONAL)
    assert answer.status == 200 and answer.json()["source"] == "personal"
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    assert len(answer.headers["x-request-id"]) == 32
    assert proxy.ask("/v1/customers/zo%C3%AB%2F1/recommendations").json()["source"] == "personal"
    cart = proxy.ask("/v1/cart/recommendations", "POST", b'{"cart":["tea"]}')
    assert cart.json()["source"] == "co_purchase"
    assert proxy.ask("/cartlift.js").status == 200


def test_what_is_for_inside_is_not_seen(proxy: Proxy):
    for path in ("/health/ready", "/metrics", "/docs", "/openapi.json"):
        assert proxy.ask(path).status == 404, path


def test_a_large_body_is_refused(proxy: Proxy):
    assert proxy.ask("/v1/cart/recommendations", "POST", bytes(2 << 20)).status == 413


def test_bodies_that_never_end_hold_no_worker(proxy: Proxy):
    slow = []
    for _ in range(8):  # more than there are workers
        connection = proxy.connection()
        connection.putrequest("POST", "/v1/cart/recommendations")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "16")
        connection.endheaders(b'{"cart":')
        slow.append(connection)
    try:
        assert [proxy.ask(PERSONAL).status for _ in range(10)] == [200] * 10
    finally:
        for connection in slow:
            connection.close()


def test_an_address_that_asks_too_much_is_told_so(proxy: Proxy):
    connection = proxy.connection()
    statuses = []
    for _ in range(400):
        connection.request("GET", PERSONAL)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    assert set(statuses) == {200, 429} and statuses[:50] == [200] * 50
