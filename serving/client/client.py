"""The client: a method for every list, and events."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, TypeVar, Unpack
from urllib.parse import quote

from .answers import EventOutcome, Offers, Recommendations, read_offers, read_outcomes, read_recommendations
from .connection import Connection, ServiceError
from .event_queue import Event, EventQueue
from .options import (
    BestSellersOptions,
    BundleOptions,
    BuyAgainOptions,
    CartOptions,
    CustomerOptions,
    FullOptions,
    ItemOptions,
)

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Shown = TypeVar("Shown", Recommendations, Offers)

_FAILURES_BEFORE_REST = 3
_REST_SECONDS = 1.0
_EVENT_SECONDS = 10.0
"""Nobody waits for events, and a disk may."""


class _NotAsked(ServiceError):
    """The service is left alone for a moment."""


class Client:
    """Asks one service. One client serves all threads of a process, and those of its forks.

    A list that cannot be had is an empty one with `failed` set, so that a page needs no `try`. After three
    failures in a row the service is left alone for a second, and pages do not wait for it.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 0.3,
        on_error: Literal["empty", "raise"] = "empty",
        most_waiting_events: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Opens no connection yet.

        Args:
            url: of the service.
            key: API key with the scopes `read` and, for events, `events`.
            timeout: seconds for a list, one retry of a connection that broke included.
            on_error: `raise` for a `ServiceError` instead of an empty list.
            most_waiting_events: events that may wait to be sent.
            clock: seconds.

        Raises:
            ValueError: the URL is none.
        """
        self._lists = Connection(url, key, timeout)
        self._sender = Connection(url, key, _EVENT_SECONDS)
        self._raising, self._clock = on_error == "raise", clock
        self._failures, self._rest_until, self._counting = 0, 0.0, threading.Lock()
        self.events = EventQueue(self.send_events, most=most_waiting_events)
        """Events on their way; `Client.track` adds to it."""

    def for_customer(self, customer_id: str, **options: Unpack[CustomerOptions]) -> Recommendations:
        """What to show a customer; an unknown one is answered with best sellers."""
        return self._get(f"/v1/customers/{_id(customer_id)}/recommendations", options)

    def buy_again(self, customer_id: str, **options: Unpack[BuyAgainOptions]) -> Recommendations:
        """What a customer needs again, and when; of an unknown one nothing."""
        return self._get(f"/v1/customers/{_id(customer_id)}/buy-again", options)

    def similar(self, item_id: str, **options: Unpack[ItemOptions]) -> Recommendations:
        """What is like an item."""
        return self._get(f"/v1/items/{_id(item_id)}/similar", options)

    def bought_together(self, item_id: str, **options: Unpack[ItemOptions]) -> Recommendations:
        """What is bought together with an item."""
        return self._get(f"/v1/items/{_id(item_id)}/bought-together", options)

    def best_sellers(self, **options: Unpack[BestSellersOptions]) -> Recommendations:
        """What sells best."""
        return self._get("/v1/best-sellers", options)

    def bundles(self, customer_id: str | None = None, **options: Unpack[BundleOptions]) -> Offers:
        """Bundles for a customer; the shop's for an unknown one, and without any."""
        path = "/v1/bundles" if customer_id is None else f"/v1/customers/{_id(customer_id)}/bundles"
        return self._shown(Offers, read_offers, "GET", _with(path, options))

    def bundles_with(self, item_id: str, **options: Unpack[BundleOptions]) -> Offers:
        """Bundles that an item is part of."""
        return self._shown(Offers, read_offers, "GET", _with(f"/v1/items/{_id(item_id)}/bundles", options))

    def for_cart(
        self, cart: Sequence[str], customer_id: str | None = None, **options: Unpack[CartOptions]
    ) -> Recommendations:
        """What to add to a cart of 1 to 100 items."""
        customer = {} if customer_id is None else {"customer_id": customer_id}
        return self._list("POST", "/v1/cart/recommendations", {**options, **customer, "cart": list(cart)})

    def recommendations(self, **options: Unpack[FullOptions]) -> Recommendations:
        """What to show, by everything that is known."""
        return self._list("POST", "/v1/recommendations", options)

    def track(self, event: Event) -> bool:
        """Queue an event, and return at once; False where it is dropped because too many wait."""
        return self.events.put(event)

    def send_events(self, events: Sequence[Event]) -> tuple[EventOutcome, ...]:
        """Send 1 to 500 events now, and return when they are on the service's disk.

        Raises:
            ServiceError: nothing is known of them; send the same events again.
        """
        body = {"events": [event.to_json() for event in events]}
        return _understood(read_outcomes, self._sender.ask("POST", "/v1/events", body))

    def close(self, timeout: float = 5.0) -> bool:
        """Send what waits, for at most `timeout` seconds; False where events were left unsent."""
        sent = self.events.close(timeout)
        self._lists.close()
        self._sender.close()
        return sent

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get(self, path: str, options: Mapping[str, Any]) -> Recommendations:
        return self._list("GET", _with(path, options))

    def _list(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Recommendations:
        return self._shown(Recommendations, read_recommendations, method, path, body)

    def _shown(
        self,
        kind: type[Shown],
        read: Callable[[Any], Shown],
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
    ) -> Shown:
        try:
            self._let_rest()
            found = _understood(read, self._lists.ask(method, path, body))
        except ServiceError as error:
            self._count(error)
            if self._raising:
                raise
            # While it rests every page would say the same again.
            level = logging.DEBUG if isinstance(error, _NotAsked) else logging.WARNING
            logger.log(level, "nothing to show for %s %s: %s", method, path.partition("?")[0], error)
            return kind(failed=str(error))
        self._failures = 0
        return found

    def _let_rest(self) -> None:
        if self._clock() < self._rest_until:
            raise _NotAsked(f"not asked: the last {self._failures} requests were not answered")

    def _count(self, error: ServiceError) -> None:
        with self._counting:
            if error.status is None and not isinstance(error, _NotAsked):
                self._failures += 1
                if self._failures >= _FAILURES_BEFORE_REST:
                    self._rest_until = self._clock() + _REST_SECONDS


def _id(id_: str) -> str:
    return quote(id_, safe="")


def _with(path: str, options: Mapping[str, Any]) -> str:
    given = "&".join(f"{name}={_parameter(value)}" for name, value in options.items())
    return f"{path}?{given}" if given else path


def _parameter(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, str)):
        return quote(str(value), safe="")
    assert isinstance(value, Sequence)
    return ",".join(quote(str(one).replace(",", "\\,"), safe="") for one in value)


def _understood(read: Callable[[Any], Answer], said: Any) -> Answer:
    try:
        return read(said)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ServiceError(f"the answer is none of this service ({error!r})", 200) from error
