"""Redis on another machine is reached by TLS that checks whom it talks to, or not at all unless told."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from recommender.errors import ConfigError, StoreUnavailable
from recommender.snapshot.redis_connection import SERVING, ReadingClient, connect, refusals_of
from recommender.snapshot.redis_protection import protected
from tests.eventually import eventually
from tests.running_service import free_port, started

SERVER, OPENSSL = shutil.which("redis-server"), shutil.which("openssl")

SECRET = "p@ss/w:rd"


@pytest.mark.parametrize(
    "url",
    ["redis://127.0.0.1:6379/0", "redis://[::1]:6379", "redis://localhost", "unix:///tmp/redis.sock", "redis://",
     "rediss://redis.example/0", "rediss://127.0.0.1?ssl_cert_reqs=none",
     "rediss://redis.example?ssl_cert_reqs=required&ssl_check_hostname=true", "redis://127.8.8.8"],
)  # fmt: skip
def test_this_machine_and_checked_tls_are_free(url: str):
    assert protected(url) == url


@pytest.mark.parametrize(
    ("url", "why"),
    [("redis://10.0.0.7:6379/0", "redis:// to 10.0.0.7 would send everything unencrypted"),
     ("redis://user:secret@redis:6379", "redis:// to redis would"),
     ("redis://localhost.example", "localhost.example"),
     ("redis://127.0.0.1.example", "127.0.0.1.example"),
     ("redis://[fe80::1]", "fe80::1"),
     ("redis://10.0.0.7?insecure=yes", "insecure=allowed"),
     ("rediss://redis.example?ssl_cert_reqs=none", "ssl_cert_reqs=none trusts whoever answers"),
     ("rediss://redis.example?ssl_cert_reqs=optional", "ssl_cert_reqs=optional"),
     ("rediss://redis.example?ssl_check_hostname=False", "ssl_check_hostname=False")],
)  # fmt: skip
def test_what_others_could_read_or_answer_is_refused_with_the_remedy(url: str, why: str):
    with pytest.raises(ConfigError) as refused:
        connect(url)
    assert why in str(refused.value)
    assert "insecure=allowed" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_shop_may_take_the_risk_and_says_so_in_the_url():
    allowed = protected("redis://u:p%40@redis:6379/3?socket_timeout=1&insecure=allowed")
    assert allowed == "redis://u:p%40@redis:6379/3?socket_timeout=1"
    with connect("rediss://redis.example?ssl_cert_reqs=none&insecure=allowed") as client:
        assert client.connection_pool.connection_kwargs["ssl_cert_reqs"] == "none"


def test_serve_refuses_it_in_one_line_without_the_password(tmp_path: Path):
    with started(tmp_path / "log", "--redis", "redis://shop:hidden@redis.example:6379") as service:
        assert service.process.wait(30) == 2
    (line,) = service.log.read_text().splitlines()
    assert "redis.example" in line and "hidden" not in line


# ---- A real server with certificates of our own -------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities, and a certificate by the first of them, for localhost alone."""
    if OPENSSL is None:
        pytest.skip("no openssl: apt-get install openssl")
    folder = tmp_path_factory.mktemp("certificates")

    def run(*arguments: str) -> None:
        subprocess.run([OPENSSL, *arguments], cwd=folder, check=True, capture_output=True)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ours", "others"):
        run("req", "-x509", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    (folder / "names").write_text("subjectAltName=DNS:localhost\nauthorityKeyIdentifier=keyid\n")
    run("req", *new_key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    run("x509", "-req", "-in", "server.csr", "-CA", "ours.pem", "-CAkey", "ours.key", "-CAcreateserial",
        "-out", "server.pem", "-extfile", "names")  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def tls_port(certificates: Path) -> Iterator[int]:
    """Port of a Redis that speaks TLS alone, and knows one user with a password."""
    if SERVER is None:
        pytest.skip("no redis-server with TLS: apt-get install redis-server")
    port = free_port()
    files = {"cert": "server.pem", "key": "server.key", "ca-cert": "ours.pem"}
    (certificates / "users.acl").write_text(f"user default off\nuser shop on >{SECRET} ~cartlift:* +@all\n")
    options = [part for name, file in files.items() for part in (f"--tls-{name}-file", file)]
    server = subprocess.Popen(
        [SERVER, "--port", "0", "--tls-port", str(port), *options, "--tls-auth-clients", "no", "--save", "",
         "--aclfile", "users.acl", "--bind", "127.0.0.1"],
        cwd=certificates, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    for line in server.stdout:
        if "ready to accept connections" in line.lower():
            break
    else:
        server.wait()
        pytest.skip("this redis-server has no TLS: apt-get install redis-server")
    yield port
    server.terminate()
    server.communicate()


@pytest.fixture
def url_of(tls_port: int, certificates: Path) -> Callable[..., str]:
    def url_of(host: str = "localhost", authority: str = "ours", password: str = "p%40ss%2Fw%3Ard") -> str:
        authorities = certificates / f"{authority}.pem"
        return f"rediss://shop:{password}@{host}:{tls_port}/0?ssl_ca_certs={authorities}"

    return url_of


def ping(url: str) -> None:
    with connect(url, SERVING, ReadingClient) as client, refusals_of(client, "answer"):
        client.ping()


def test_the_right_authority_and_the_right_password_are_let_in(url_of):
    with connect(url_of()) as client:
        client.set("cartlift:x", "1")
        assert client.get("cartlift:x") == b"1"
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.set("another:x", "1")


@pytest.mark.parametrize(
    ("given", "why"),
    [({"authority": "others"}, "CERTIFICATE_VERIFY_FAILED"), ({"host": "127.0.0.1"}, "IP address mismatch")],
)
def test_a_certificate_that_is_not_the_servers_is_refused(url_of, given, why):
    with pytest.raises(StoreUnavailable, match=why):
        ping(url_of(**given))


def test_without_an_authority_of_our_own_those_of_the_system_count(tls_port: int):
    with pytest.raises(StoreUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        ping(f"rediss://shop:p%40ss%2Fw%3Ard@localhost:{tls_port}/0")


def test_plaintext_gets_no_answer_of_a_server_with_tls(tls_port: int):
    with pytest.raises(StoreUnavailable):
        ping(f"redis://localhost:{tls_port}/0")


def test_a_wrong_password_is_refused_and_not_repeated(url_of):
    with pytest.raises(StoreUnavailable, match="check user, password and permissions") as refused:
        ping(url_of(password="guessed-it"))
    assert "guessed-it" not in str(refused.value)


def test_a_service_says_none_of_its_secrets(url_of, tmp_path: Path):
    """Whatever goes wrong: the password stays out of its log and of its answers."""
    said = []
    for name, url in (("right", url_of()), ("wrong", url_of(authority="others"))):
        with started(tmp_path / name, "--redis", url, "--state", str(tmp_path / "state")) as service:

            def alive() -> bool:
                try:
                    return service.ask("/health/live").status == 200
                except OSError:
                    return False

            assert eventually(alive)
            said.append(service.ask("/health/ready").body.decode())
            service.ask("/v1/best-sellers", X_API_Key="cartlift_1f0a62c3_hidden")
        said.append(service.log.read_text())
    text = "".join(said)
    assert "CERTIFICATE_VERIFY_FAILED" in text
    assert not any(secret in text for secret in (SECRET, "p%40ss", "hidden"))
