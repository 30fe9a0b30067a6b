"""Spans of requests for OpenTelemetry, with the reads of Redis inside them.

Loaded only where the extra `otel` is installed and an endpoint is set; everything else knows nothing of it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import redis
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from recommender.snapshot.redis_store import RedisStore

from .access_log import AccessLog, shown_method, shown_path
from .instruments import Instruments
from .schemas import Recommendations
from .telemetry import Telemetry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_HEADERS = {"traceparent": "HTTP_TRACEPARENT", "tracestate": "HTTP_TRACESTATE"}


def exporting_tracer(environment: Mapping[str, str], shop: str) -> Tracer:
    """A tracer that sends spans where the variables of OpenTelemetry say, from a thread of its own."""
    service = environment.get("OTEL_SERVICE_NAME", "cartlift")
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service, "cartlift.shop": shop}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("cartlift")


class TracedApp:
    """A WSGI application with a span around every request, inside the caller's trace if it names one."""

    def __init__(self, app: "WSGIApplication", tracer: Tracer) -> None:
        self._app, self._tracer = app, tracer
        self._propagator = TraceContextTextMapPropagator()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """See PEP 3333."""
        sent = {name: environ[variable] for name, variable in _HEADERS.items() if variable in environ}
        with self._tracer.start_as_current_span(
            shown_method(environ), self._propagator.extract(sent), SpanKind.SERVER
        ):
            return self._app(environ, start_response)


class TracedTelemetry(Telemetry):
    """Counts requests, and says in their spans what they were."""

    def finished(
        self, environ: "WSGIEnvironment", call: str, status: int, answer: object, *, again: bool = False
    ) -> None:
        """See `Telemetry.finished`."""
        super().finished(environ, call, status, answer, again=again)
        span, method, path = trace.get_current_span(), shown_method(environ), shown_path(call)
        span.update_name(f"{method} {path}")
        span.set_attributes(
            {"http.request.method": method, "http.route": path, "http.response.status_code": status}
        )
        if isinstance(answer, Recommendations):
            span.set_attributes(
                {
                    "cartlift.source": answer.source,
                    "cartlift.snapshot": answer.snapshot,
                    "cartlift.kept": again,
                }
            )
        if status >= 500:
            span.set_status(trace.StatusCode.ERROR)


class TracedStore(RedisStore):
    """A store with a span around every read of lists."""

    def __init__(self, client: redis.Redis, shop: str, tracer: Tracer) -> None:
        super().__init__(client, shop)
        self._tracer = tracer

    def read(self, snapshot: str, keys: Sequence[str], beside: Sequence[str] = ()) -> list[bytes | None]:
        """See `SnapshotStore.read`."""
        said = {"db.system.name": "redis", "db.operation.name": "MGET"}
        with self._tracer.start_as_current_span("MGET", kind=SpanKind.CLIENT, attributes=said):
            return super().read(snapshot, keys, beside)


class TracingInstruments(Instruments):
    """Makes parts that write spans."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def store(self, client: redis.Redis, shop: str) -> RedisStore:
        """See `Instruments.store`."""
        return TracedStore(client, shop, self._tracer)

    def telemetry(self, placements: Collection[str], access: AccessLog) -> Telemetry:
        """See `Instruments.telemetry`."""
        return TracedTelemetry(placements, access)

    def app(self, app: "WSGIApplication") -> "WSGIApplication":
        """See `Instruments.app`."""
        return TracedApp(app, self._tracer)


def tracing_instruments(environment: Mapping[str, str], shop: str) -> TracingInstruments:
    """Instruments that send their spans where the variables of OpenTelemetry say."""
    return TracingInstruments(exporting_tracer(environment, shop))
