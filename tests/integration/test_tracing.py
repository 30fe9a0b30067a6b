"""Spans of a running service, as a collector receives them."""

import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from recommender.serving.instruments import PLAIN, chosen_instruments
from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.redis_store import RedisStore, connect
from tests.running_service import eventually, started
from tests.serving.small_shop import publish

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(ThreadingHTTPServer):
    """Takes what is exported to it over OTLP/HTTP."""

    def __init__(self) -> None:
        self.received = b""
        self.spans: list[Span] = []
        super().__init__(("127.0.0.1", 0), _Receiver)

    def of_trace(self) -> list[Span]:
        return [span for span in self.spans if span.trace_id.hex() == TRACE]


class _Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received += body
        exported = ExportTraceServiceRequest.FromString(body)
        self.server.spans += [
            span for of in exported.resource_spans for scope in of.scope_spans for span in scope.spans
        ]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()


def test_a_request_is_a_span_in_its_callers_trace_and_the_read_of_redis_its_child(
    collector: Collector, tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    state = tmp_path / "state"
    with running_redis(state, os.environ["PATH"]) as url, connect(url) as client:
        publish(RedisStore(client, "shop"))
        with started(tmp_path / "log", "--state", str(state)) as service:
            eventually(service.is_ready)
            path = "/v1/customers/ann/recommendations"
            answer = service.ask(path, traceparent=f"00-{TRACE}-{PARENT}-01")
            assert answer.status == 200
            eventually(lambda: len(collector.of_trace()) == 2)
    spans = {span.name: span for span in collector.of_trace()}
    request, read = spans["GET /v1/customers/{customer_id}/recommendations"], spans["MGET"]
    assert request.parent_span_id.hex() == PARENT
    assert read.parent_span_id == request.span_id
    said = {attribute.key: attribute.value for attribute in request.attributes}
    assert said["http.response.status_code"].int_value == 200
    assert said["cartlift.source"].string_value == "personal"
    assert b"ann" not in collector.received


def test_without_an_endpoint_nothing_is_traced():
    assert chosen_instruments({}, "shop") is PLAIN


def test_an_endpoint_without_the_extra_is_said_and_nothing_is_traced(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.delitem(sys.modules, "recommender.serving.tracing", raising=False)
    assert chosen_instruments({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, "shop") is PLAIN
    assert "cartlift[otel]" in caplog.text
