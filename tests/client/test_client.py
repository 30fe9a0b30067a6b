"""The client against the service that runs, that dies and that comes back."""

import dataclasses
import http.server
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recommender.events.journal import journal_path, read_events
from recommender.serving import bundle_schemas, schemas
from recommender.serving import client as client_package
from recommender.serving.client import (
    Bundle,
    BundleEvidence,
    BundlePart,
    Client,
    Event,
    Offers,
    Reason,
    Recommendations,
    RecommendedItem,
    ServiceError,
)
from recommender.serving.client.options import (
    BestSellersOptions,
    BundleOptions,
    CartOptions,
    CustomerOptions,
    FullOptions,
    ItemOptions,
    ListOptions,
)
from recommender.serving.event_schemas import Event as EventOnTheWire
from recommender.serving.keys import KeyFile
from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.redis_store import RedisStore, connect
from tests.eventually import eventually
from tests.running_service import Service, free_port, started
from tests.serving.bundle_shop import publish_bundles
from tests.serving.small_shop import ODD_ID

NOBODY = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    state = tmp_path_factory.mktemp("client") / "state"
    with running_redis(state, os.environ["PATH"]) as url, connect(url) as client:
        publish_bundles(RedisStore(client, "shop"))
        yield state


@pytest.fixture(scope="module")
def key(state: Path) -> str:
    return KeyFile(state).create(
        name="storefront", shop="shop", scopes=("read", "events"), created_at="2026-11-21T04:00:00Z"
    )


@pytest.fixture(scope="module")
def service(state: Path, key: str) -> Iterator[Service]:
    with started(state.parent / "log", "--state", str(state)) as service:
        assert eventually(service.is_ready)
        yield service


@pytest.fixture
def client(service: Service, key: str) -> Iterator[Client]:
    with Client(f"http://127.0.0.1:{service.port}", key, timeout=10) as client:
        yield client


def ids(found: Recommendations) -> list[str]:
    assert found.failed is None
    return [item.item_id for item in found.items]


def kept(state: Path) -> set[str]:
    return {event.event_id for event in read_events(journal_path(state, "shop"))}


def test_every_list_can_be_asked_for(client: Client):
    assert ids(client.for_customer("ann", mode="discover", placement="home")) == ["honey", "hammer"]
    assert ids(client.for_customer("zoë/1", n=1)) == ["nails"]
    assert ids(client.similar("tea")) == ["honey", "milk"]
    assert ids(client.similar(ODD_ID, strict=True)) == ["milk"]
    assert ids(client.bought_together("nails", exclude=["tea", "a,b"])) == ["hammer"]
    assert ids(client.for_cart(["tea", "nails"])) == ["hammer", "milk", "honey"]
    assert ids(client.best_sellers(category="food", n=1)) == ["tea"]
    assert ids(client.recommendations(recent=["tea"], filter="item.price < 2", strict=True)) == ["milk"]


def test_bundles_can_be_asked_for(client: Client):
    for_ann = client.bundles("ann", fields=("title",))
    assert (for_ann.source, for_ann.failed) == ("personal", None)
    first = for_ann.bundles[0]
    assert [(part.item_id, part.owned, part.due) for part in first.items] == [
        ("tea", True, True), ("honey", False, False),
    ]  # fmt: skip
    assert (first.price, first.offer_price, first.evidence.customers) == (8.5, 7.65, 40)
    assert client.bundles(n=1).bundles[0].items[0].owned is None
    assert len(client.bundles_with("nails").bundles) == 1
    assert not client.bundles_with(ODD_ID)


def test_an_answer_is_typed(client: Client):
    found = client.for_customer("ann", n=1, fields=["title", "price", "reason"])
    assert found
    assert (found.source, found.snapshot, found.stale) == ("personal", "monday", False)
    (tea,) = found.items
    assert (tea.title, tea.price, tea.brand) == ("Green tea", 3.5, None)
    assert tea.reason == Reason(kind="bought_again", every_days=30)


def test_a_refusal_shows_nothing_and_says_why_and_is_raised_where_that_is_wanted(
    service: Service, client, key
):
    found = client.best_sellers(n=0)
    assert not found
    assert "refused with 400" in found.failed and "from 1 to 100" in found.failed
    assert client.best_sellers()
    with (
        Client(f"http://127.0.0.1:{service.port}", on_error="raise", timeout=10) as keyless,
        pytest.raises(ServiceError, match="X-API-Key") as refused,
    ):
        keyless.best_sellers()
    assert refused.value.status == 401


def test_events_arrive_with_their_recommendation_id(client: Client, state: Path):
    found = client.for_customer("ann")
    shown = [
        Event(type="view", item_id=item.item_id, customer_id="ann", recommendation_id=found.recommendation_id)
        for item in found.items
    ]
    assert all(client.track(event) for event in shown)
    assert client.events.flush(20)
    assert {event.event_id for event in shown} <= kept(state)
    (first,) = [one for one in read_events(journal_path(state, "shop")) if one.event_id == shown[0].event_id]
    assert first.recommendation_id == found.recommendation_id


def test_events_sent_at_once_are_on_disk_when_the_call_returns_and_count_once(client: Client, state: Path):
    bought = Event(type="purchase", item_id="honey", customer_id="zoe", quantity=2, price=5.0)
    wrong = Event(type="view", item_id="honey")
    assert [one.status for one in client.send_events([bought, wrong])] == ["accepted", "rejected"]
    assert bought.event_id in kept(state)
    assert [one.status for one in client.send_events([bought])] == ["duplicate"]


def test_threads_and_forks_share_a_client(client: Client):
    with ThreadPoolExecutor(8) as pool:
        lists = list(pool.map(lambda number: ids(client.similar("tea", n=1 + number % 2)), range(200)))
    assert {tuple(found) for found in lists} == {("honey",), ("honey", "milk")}


def test_a_child_does_not_write_to_its_parents_connection(service: Service, key: str):
    script = (
        "import os, sys\nfrom recommender.serving.client import Client\n"
        "client = Client(sys.argv[1], sys.argv[2], timeout=10)\n"
        "assert client.similar('tea')\nchild = os.fork()\n"
        "lists = [[i.item_id for i in client.similar('tea', n=1 + (child == 0)).items] for _ in range(50)]\n"
        "assert lists == [['honey', 'milk'] if child == 0 else ['honey']] * 50, lists\n"
        "assert child == 0 or os.waitpid(child, 0)[1] == 0\n"
    )
    url = f"http://127.0.0.1:{service.port}"
    subprocess.run([sys.executable, "-c", script, url, key], check=True)


def test_a_service_that_is_gone_costs_a_page_nothing_and_is_asked_again():
    now = [0.0]
    with Client(NOBODY, clock=lambda: now[0]) as client:
        for _ in range(3):
            assert "no answer" in (client.best_sellers().failed or "")
        assert "not asked" in (client.best_sellers().failed or "")
        now[0] += 1.5
        assert "no answer" in (client.best_sellers().failed or "")


def test_a_service_that_says_nothing_is_given_up_in_time():
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Client(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.05) as client,
    ):
        assert "timed out" in (client.best_sellers().failed or "")


@pytest.mark.parametrize("said", [b"<html>", b"[]", b'{"items": 7}', b'{"items": [{}]}', b"null", b"\xff"])
def test_what_answers_and_is_not_the_service_shows_nothing(said: bytes):
    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        thread = threading.Thread(target=proxy.handle_request)
        thread.start()
        with Client(f"http://127.0.0.1:{proxy.server_port}", timeout=10) as client:
            assert client.best_sellers().failed
        thread.join()


def test_lists_and_events_go_on_when_the_service_was_killed_and_started_again(
    state: Path, key: str, tmp_path
):
    port, sent = free_port(), []

    def track() -> None:
        sent.append(Event(type="view", item_id="tea", session_id="s"))
        assert client.track(sent[-1])

    with Client(f"http://127.0.0.1:{port}", key, timeout=5) as client:
        with started(tmp_path / "first", "--state", str(state), port=port) as first:
            assert eventually(first.is_ready)
            assert ids(client.similar("tea")) == ["honey", "milk"]
            track()
            workers = first.workers()
            first.process.kill()
            first.process.wait()
            assert eventually(lambda: not any(map(_runs, workers)))
        assert client.similar("tea").failed
        for _ in range(500):
            track()
        with started(tmp_path / "second", "--state", str(state), port=port):
            assert eventually(lambda: client.similar("tea").failed is None)
            assert client.events.flush(20)
    assert {event.event_id for event in sent} <= kept(state)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_does_not_fit_the_queue_is_dropped_and_counted():
    client = Client(NOBODY, most_waiting_events=3)
    taken = [client.track(Event(type="view", item_id="tea", session_id="s")) for _ in range(5)]
    assert taken == [True, True, True, False, False]
    assert client.events.dropped == 2
    assert client.close(timeout=0.05) is False
    assert client.track(Event(type="view", item_id="tea", session_id="s")) is False


def test_it_asks_for_nothing_but_the_standard_library():
    script = (
        "import sys, recommender.serving.client\n"
        "print({m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names))"
    )
    # -S: without what site-packages start by themselves
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert "numpy" not in ran.stdout and "flask" not in ran.stdout and "msgspec" not in ran.stdout, ran.stdout


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (RecommendedItem, schemas.RecommendedItem),
        (Reason, schemas.Reason),
        (Bundle, bundle_schemas.Bundle),
        (BundleEvidence, bundle_schemas.BundleEvidence),
        (BundlePart, bundle_schemas.BundlePart),
        (Event, EventOnTheWire),
    ],
)
def test_values_have_the_fields_of_the_service(ours, theirs):
    assert {field.name for field in dataclasses.fields(ours)} == set(theirs.__struct_fields__)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(Recommendations, schemas.Recommendations), (Offers, bundle_schemas.Offers)]
)
def test_an_answer_has_the_fields_of_the_service_and_says_when_it_failed(ours, theirs):
    names = {field.name for field in dataclasses.fields(ours)}
    assert names - {"failed"} == set(theirs.__struct_fields__)


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (ListOptions, schemas.ListQuery),
        (BestSellersOptions, schemas.BestSellersQuery),
        (ItemOptions, schemas.ItemQuery),
        (BundleOptions, bundle_schemas.BundlesQuery),
        (CustomerOptions, schemas.CustomerQuery),
        (CartOptions, schemas.CartRequest),
        (FullOptions, schemas.RecommendationsRequest),
    ],
)
def test_options_are_those_of_the_service(options, asked):
    # The cart and its customer are no options of their call.
    given = {"cart", "customer_id"} if options is CartOptions else set()
    assert set(options.__annotations__) == set(asked.__struct_fields__) - given


def test_the_example_in_the_docs_runs(service: Service, key: str, capsys):
    page = (Path(__file__).parents[2] / "docs" / "clients.md").read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```", page, flags=re.S | re.M)
    example = example.replace("https://recommendations.shop.example", f"http://127.0.0.1:{service.port}")
    exec(example.replace("cartlift_1f0a62c3_…", key).replace("timeout=0.3", "timeout=10"), {})
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "tea Green tea 3.5"
    assert said[-1] == "accepted"


def test_a_url_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no URL of a service"):
        Client("recommendations.example")


def test_all_that_is_public_is_there():
    assert all(hasattr(client_package, name) for name in client_package.__all__)
