"""`cartlift serve` as a shop runs it: real processes, a real Redis, real HTTP."""

import os
import signal
import socket
from collections.abc import Iterator
from http.client import RemoteDisconnected
from pathlib import Path
from urllib.parse import quote

import pytest

from recommender.serving.json_bodies import MOST_BODY_BYTES
from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.redis_store import RedisStore, connect
from tests.running_service import (
    PATIENCE,
    Hammer,
    Service,
    eventually,
    is_running,
    parent,
    started,
)
from tests.serving.served_shop import ids
from tests.serving.small_shop import ODD_ID, publish

PERSONAL = "/v1/customers/ann/recommendations"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def store(state: Path) -> Iterator[RedisStore]:
    """The store of the state folder that the services of these tests use too; the shop is published in it."""
    with running_redis(state, os.environ["PATH"]) as url, connect(url) as client:
        store = RedisStore(client, "shop")
        publish(store)
        yield store


@pytest.fixture
def service(state: Path, store: RedisStore, tmp_path: Path) -> Iterator[Service]:
    with started(tmp_path / "log", "--state", str(state)) as service:
        eventually(service.is_ready)
        yield service


@pytest.fixture
def lone_worker(state: Path, store: RedisStore, tmp_path: Path) -> Iterator[Service]:
    """A service whose only worker has seen every list that was asked for: of two, one may have seen none."""
    with started(tmp_path / "log", "--state", str(state), "--workers", "1") as service:
        eventually(service.is_ready)
        yield service


def redis_pid(state: Path) -> int:
    with connect(f"unix://{state}/redis.sock") as client:
        return client.info("server")["process_id"]


def test_every_call_is_answered_over_http(service: Service):
    assert ids(service.get(PERSONAL + "?mode=discover&placement=home")) == ["honey", "hammer"]
    assert ids(service.get("/v1/items/tea/similar")) == ["honey", "milk"]
    assert ids(service.get("/v1/items/nails/bought-together?fields=title")) == ["hammer", "tea"]
    assert ids(service.get("/v1/best-sellers?category=food&n=1")) == ["tea"]
    cart = service.ask(
        "/v1/cart/recommendations", "POST", b'{"cart":["tea","nails"]}', Content_Type="application/json"
    )
    assert ids(cart.json()) == ["hammer", "milk", "honey"]
    assert service.get("/health/live") == {"status": "alive"}
    assert service.get("/health/ready")["snapshot"] == "monday"
    assert service.get("/openapi.json")["openapi"] == "3.1.0"
    assert b"<html" in service.ask("/docs").body


def test_odd_ids_odd_bodies_and_odd_requests_over_http(service: Service):
    assert ids(service.get(f"/v1/items/{quote(ODD_ID, safe='')}/similar")) == ["milk"]
    assert service.get(f"/v1/customers/{quote('zoë/1', safe='')}/recommendations")["source"] == "personal"
    assert service.ask("/v1/customers/a%FFb/recommendations").status == 400
    assert service.ask("/v1/customers/a%00b/recommendations").status == 400
    assert service.ask("/v1/items//similar").status == 405  # an item "/similar" could be PUT there
    assert service.ask("/v1/customers//recommendations").status == 405  # and a customer erased
    assert service.ask("/v1/items/a%2F%2Fb/similar").json()["source"] == "best_sellers"

    def send(body: object) -> int:
        answer = service.ask("/v1/cart/recommendations", "POST", body, Content_Type="application/json")
        return answer.status

    assert send(b'{"cart":["tea"]}'.ljust(MOST_BODY_BYTES)) == 200
    assert send(b'{"cart":["tea"]}'.ljust(MOST_BODY_BYTES + 1)) == 413
    assert send(iter([b'{"cart":', b'["tea"]}'])) == 200  # chunked, of no declared length
    assert send(iter([b'{"cart":["tea"]}'.ljust(MOST_BODY_BYTES), b" "])) == 413
    head = service.ask(PERSONAL, "HEAD", X_Request_ID="r-1")
    assert (head.status, head.body, head.headers["x-request-id"]) == (200, b"", "r-1")
    again = service.ask(PERSONAL, If_None_Match=head.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_a_new_snapshot_goes_live_without_a_restart_and_without_a_failed_request(
    service: Service, store: RedisStore
):
    def all_workers_answer_from(snapshot: str) -> bool:
        return {service.get(PERSONAL)["snapshot"] for _ in range(20)} == {snapshot}

    with Hammer(service, PERSONAL) as hammer:
        eventually(lambda: len(hammer.answers) > 20)
        publish(store, "tuesday")
        eventually(lambda: all_workers_answer_from("tuesday"))
        store.roll_back()
        eventually(lambda: all_workers_answer_from("monday"))
    assert hammer.failures == []
    answers = [answer.json() for answer in hammer.answers if answer.status == 200]
    assert len(answers) == len(hammer.answers)
    assert {answer["snapshot"] for answer in answers} == {"monday", "tuesday"}
    assert {answer["source"] for answer in answers} == {"personal"}
    assert not any(answer["stale"] or answer["degraded"] for answer in answers)


def test_reads_go_on_when_redis_is_gone_for_good(lone_worker: Service, state: Path):
    service = lone_worker
    server = redis_pid(state)
    keeper = parent(server)
    service.get(PERSONAL)
    os.kill(keeper, signal.SIGKILL)
    os.kill(server, signal.SIGKILL)
    eventually(lambda: not is_running(server))
    known = [service.get(PERSONAL) for _ in range(30)]
    assert {tuple(ids(answer)) for answer in known} == {("tea", "honey", "hammer", "milk")}
    assert all(answer["stale"] and not answer["degraded"] for answer in known)
    never_asked = [service.get("/v1/customers/bob/recommendations") for _ in range(30)]
    assert all(answer["source"] == "best_sellers" and answer["degraded"] for answer in never_asked)
    eventually(lambda: "could not" in (service.get("/health/ready")["trouble"] or ""))


def test_reads_go_on_while_redis_is_killed_and_are_fresh_again_when_it_is_back(
    service: Service, store: RedisStore, state: Path
):
    with connect(f"unix://{state}/redis.sock") as client:
        client.save()
    killed = redis_pid(state)
    with Hammer(service, PERSONAL) as hammer:
        eventually(lambda: len(hammer.answers) > 20)
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: hammer.answers[-1].json()["stale"] or hammer.answers[-1].json()["degraded"])
        eventually(lambda: not any(service.get(PERSONAL)["stale"] for _ in range(20)))
    assert hammer.failures == []
    assert {answer.status for answer in hammer.answers} == {200}
    assert redis_pid(state) != killed


def test_a_redis_that_lost_everything_leaves_the_service_answering(lone_worker: Service, state: Path):
    before = lone_worker.get(PERSONAL)
    with connect(f"unix://{state}/redis.sock") as client:
        client.flushall()
        client.ping()  # once this is answered the worker was told
    after = lone_worker.get(PERSONAL)
    assert after["stale"] and ids(after) == ids(before)
    never_asked = lone_worker.get("/v1/customers/bob/recommendations")
    assert never_asked["degraded"] and never_asked["source"] == "best_sellers"


def test_a_service_that_starts_before_its_redis_waits_for_it(state: Path, tmp_path: Path):
    with started(tmp_path / "log", "--redis", f"unix://{state}/redis.sock") as service:
        eventually(lambda: "docs" in service.log.read_text() and _answers(service))
        assert service.ask("/health/ready").status == 503
        assert service.ask("/v1/best-sellers").status == 503
        assert service.ask("/health/live").status == 200
        with running_redis(state, os.environ["PATH"]) as url, connect(url) as client:
            publish(RedisStore(client, "shop"))
            eventually(service.is_ready)


def test_workers_are_replaced_when_told_and_read_their_placements_anew(
    state: Path, store: RedisStore, tmp_path: Path
):
    config = tmp_path / "serve.toml"
    config.write_text("[placements.home]\nn = 1\n")
    with started(tmp_path / "log", "--state", str(state), "--config", str(config)) as service:

        def shown() -> set[int]:
            try:
                return {len(service.get(f"{PERSONAL}?placement=home")["items"]) for _ in range(20)}
            except RemoteDisconnected:
                return set()

        eventually(service.is_ready)
        before = service.workers()
        assert shown() == {1}
        config.write_text("[placements.home]\nn = many\n")
        service.process.send_signal(signal.SIGUSR1)
        eventually(lambda: "the workers stay as they are" in service.log.read_text())
        config.write_text("[placements.home]\nn = 2\n")
        (state / "keys.json").write_text("no keys at all")
        service.process.send_signal(signal.SIGUSR1)
        eventually(lambda: service.log.read_text().count("the workers stay as they are") == 2)
        (state / "keys.json").unlink()
        assert service.workers() == before
        with Hammer(service, PERSONAL) as hammer:
            service.process.send_signal(signal.SIGUSR1)
            eventually(lambda: shown() == {2} and not set(before) & set(service.workers()))
        assert {answer.status for answer in hammer.answers} == {200}
        # A connection that was opened just when a worker stopped.
        assert all(isinstance(failure, RemoteDisconnected) for failure in hammer.failures)
        assert len(hammer.failures) <= len(before)


def _answers(service: Service) -> bool:
    try:
        return service.ask("/health/live").status == 200
    except OSError:
        return False


@pytest.mark.parametrize("how", ["SIGTERM", "Ctrl-C", "hang-up", "SIGTERM to all"])
def test_it_stops_with_code_0_and_leaves_nobody_behind(state: Path, tmp_path: Path, how: str):
    with started(tmp_path / "log", "--state", str(state)) as service:
        eventually(lambda: _answers(service))
        running = [*service.workers(), redis_pid(state)]
        assert len(running) == 3
        idle = socket.create_connection(("127.0.0.1", service.port))  # must not hold it up
        group = os.getpgid(service.process.pid)
        match how:
            case "SIGTERM":
                service.process.terminate()
            case "Ctrl-C":
                os.killpg(group, signal.SIGINT)
            case "hang-up":
                service.process.send_signal(signal.SIGHUP)
            case _:
                os.killpg(group, signal.SIGTERM)
        assert service.process.wait(PATIENCE) == 0
        idle.close()
        eventually(lambda: not any(is_running(pid) for pid in running))
    assert "Traceback" not in service.log.read_text()


def test_workers_that_are_still_starting_stop_at_once(state: Path, store: RedisStore, tmp_path: Path):
    with started(tmp_path / "log", "--state", str(state)) as service:
        eventually(lambda: len(service.workers()) == 2)
        service.process.terminate()
        assert service.process.wait(PATIENCE) == 0
    assert "refused to gracefully stop" not in service.log.read_text()


def test_workers_end_when_their_parent_was_killed(service: Service):
    workers = service.workers()
    service.process.kill()
    eventually(lambda: not any(is_running(pid) for pid in workers))


def test_a_worker_that_was_killed_is_replaced(service: Service):
    first, second = service.workers()
    os.kill(first, signal.SIGKILL)
    eventually(lambda: len(service.workers()) == 2 and first not in service.workers())
    assert second in service.workers()
    eventually(service.is_ready)


def test_a_port_in_use_costs_one_line(service: Service, state: Path, tmp_path: Path):
    with started(tmp_path / "second", "--state", str(state), port=service.port) as second:
        assert second.process.wait(PATIENCE) == 2
    (line,) = second.log.read_text().splitlines()
    assert f"cannot listen on 127.0.0.1 port {service.port}" in line


def test_a_request_under_way_is_answered_before_it_stops(service: Service):
    body = b'{"cart":["tea"]}'
    head = (
        b"POST /v1/cart/recommendations HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    workers = service.workers()
    with socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE) as connection:
        connection.sendall(head)
        # The worker asks for the body: from here on it has the request.
        assert connection.recv(65_536).startswith(b"HTTP/1.1 100")
        connection.sendall(body[:8])
        service.process.terminate()
        eventually(lambda: sum(is_running(pid) for pid in workers) == 1)  # the idle one has stopped
        connection.sendall(body[8:])
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    assert service.process.wait(PATIENCE) == 0
