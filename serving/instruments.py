"""How a worker is watched: its plain parts, or parts that also write spans for OpenTelemetry."""

import logging
from collections.abc import Collection, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

import redis

from recommender.snapshot.redis_store import RedisStore

from .access_log import AccessLog
from .telemetry import Telemetry

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

logger = logging.getLogger(__name__)

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Instruments:
    """Makes the parts of a worker that a trace would look into; these do not trace."""

    def store(self, client: redis.Redis, shop: str) -> RedisStore:
        """What lists are read from."""
        return RedisStore(client, shop)

    def telemetry(self, placements: Collection[str], access: AccessLog) -> Telemetry:
        """What requests are counted by."""
        return Telemetry(placements, access)

    def app(self, app: "WSGIApplication") -> "WSGIApplication":
        """What is called first with every request."""
        return app


PLAIN = Instruments()


def chosen_instruments(environment: Mapping[str, str], shop: str) -> Instruments:
    """Those that trace where an endpoint is set and the extra `otel` is installed, else plain ones."""
    if not environment.get(ENDPOINT):
        return PLAIN
    try:
        # By name, so that a service that is not traced loads nothing of it.
        tracing = import_module(".tracing", __package__)
    except ModuleNotFoundError as error:
        logger.warning("%s is set, but %s: pip install 'cartlift[otel]'", ENDPOINT, error)
        return PLAIN
    chosen: Instruments = tracing.tracing_instruments(environment, shop)
    return chosen
