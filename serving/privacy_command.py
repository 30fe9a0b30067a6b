"""`cartlift privacy`."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from recommender.command_options import redis_options
from recommender.errors import ConfigError, StoreUnavailable
from recommender.snapshot.embedded_redis import choose_redis
from recommender.snapshot.redis_customers import RedisCustomers
from recommender.snapshot.redis_store import RedisStore, connect

from .breaker import CircuitBreaker
from .errors import ErasureIncomplete
from .event_service import EventService
from .live_state import LiveState
from .privacy_schemas import CustomerData
from .privacy_service import PrivacyService, erasers_beside
from .private_customers import PrivateCustomers
from .request_parsing import is_id
from .schemas import MOST_ID_BYTES
from .settings import WorkerSettings


@click.group()
def privacy() -> None:
    """Opt a customer out, say what is kept of them, erase them.

    The same as the calls of the service, for whoever has its state folder and its Redis; services that run
    heed it from the next request on. Everything is said as JSON.

    \b
      cartlift privacy status 17850
      cartlift privacy opt-out 17850
      cartlift privacy export 17850 > 17850.json
      cartlift privacy erase 17850 > receipt.json

    Exit codes: 0 done, 2 a setting is wrong, 4 Redis or the state folder cannot be used: ask again.
    """


@privacy.command()
@click.argument("customer")
@redis_options
def status(customer: str, **where: Any) -> None:
    """Say what a customer asked for."""
    with _service(**where) as service:
        _say(service.data(_id(customer), None).consent)


@privacy.command("opt-out")
@click.argument("customer")
@redis_options
def opt_out(customer: str, **where: Any) -> None:
    """Show a customer nothing personal from now on, and take no events of theirs."""
    with _service(**where) as service:
        _say(service.consent(_id(customer), personalisation=False))


@privacy.command("opt-in")
@click.argument("customer")
@redis_options
def opt_in(customer: str, **where: Any) -> None:
    """Take back an opt-out; who was erased begins a new history."""
    with _service(**where) as service:
        _say(service.consent(_id(customer), personalisation=True))


@privacy.command()
@click.argument("customer")
@redis_options
def export(customer: str, **where: Any) -> None:
    """Say all that the service keeps of a customer."""
    with _service(**where) as service:
        _say(_all_data(service, _id(customer)))


@privacy.command()
@click.argument("customer")
@redis_options
def erase(customer: str, **where: Any) -> None:
    """Remove a customer from every store, and say what was removed where."""
    with _service(**where) as service:
        try:
            _say(service.erase(_id(customer)))
        except ErasureIncomplete as incomplete:
            raise StoreUnavailable(str(incomplete)) from incomplete


@contextmanager
def _service(redis_url: str | None, shop: str, state: Path) -> Iterator[PrivacyService]:
    with (
        choose_redis(redis_url, state, os.environ.get("PATH", os.defpath)) as choice,
        connect(choice.url) as client,
    ):
        settings, notes = WorkerSettings(choice.url, shop, state), LiveState(client, shop)
        private = PrivateCustomers(settings.privacy)
        breaker = CircuitBreaker(time.monotonic)
        events = EventService(settings.events, notes, breaker, time.time, private.hides_now)
        rows, snapshots = RedisCustomers(client, shop), RedisStore(client, shop)
        more = erasers_beside(settings.events)
        yield PrivacyService(private, rows, notes, events, snapshots, time.time, more)


def _all_data(service: PrivacyService, customer_id: str) -> CustomerData:
    """The parts as one."""
    whole = service.data(customer_id, None)
    while whole.next_cursor is not None:
        more = service.data(customer_id, whole.next_cursor)
        whole = msgspec.structs.replace(
            whole, events=(*whole.events, *more.events), next_cursor=more.next_cursor
        )
    return whole


def _id(customer: str) -> str:
    if not is_id(customer):
        raise ConfigError(
            f"{customer!r} cannot be a customer's id: 1 to {MOST_ID_BYTES} bytes of UTF-8 without NUL"
        )
    return customer


def _say(told: msgspec.Struct) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n")
