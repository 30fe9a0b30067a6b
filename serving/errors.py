"""Requests that are refused; `problems` turns each into an answer."""

from collections.abc import Mapping, Sequence

from recommender.errors import RecommenderError

from .schemas import FieldError


class RequestRefused(RecommenderError):
    """A request that cannot be answered the way it was asked.

    RequestRefused
    ├── InvalidRequest      it cannot be read, or a field is unknown or out of range
    ├── UnknownItem         it insists on an item that the live snapshot does not know
    ├── UnsupportedBody     its body is not JSON
    ├── KeyRefused          it has no key of this shop
    ├── ScopeMissing        its key may not do this
    ├── TooManyRequests     its key's limit is reached
    └── ErasureIncomplete   a store that holds the customer did not answer
    """


class InvalidRequest(RequestRefused):
    """The request cannot be read, or a field of it is unknown or out of range."""

    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.errors = errors


class UnknownItem(RequestRefused):
    """The request insists (`strict`) on an item that the live snapshot does not know."""


class UnsupportedBody(RequestRefused):
    """The body is declared as something other than JSON."""


class KeyRefused(RequestRefused):
    """The request has no key, or none of this shop."""

    def __init__(self, what: str, *, writing: bool) -> None:
        remedy = "`cartlift keys create` makes one" + (
            " with the scope that this call needs" if writing else ""
        )
        super().__init__(f"the API key {what}: send it as X-API-Key; {remedy}")


class ScopeMissing(RequestRefused):
    """The key may not do this."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"this key lacks the scope {scope!r}: "
            f"use one that has it (`cartlift keys create NAME --scope {scope}`)"
        )


class TooManyRequests(RequestRefused):
    """The limit of the key is reached."""

    def __init__(self, per_second: float, wait: int) -> None:
        super().__init__(f"this key may make {per_second:g} requests a second: ask again in {wait} s")
        self.wait = wait


class ErasureIncomplete(RequestRefused):
    """A store that holds the customer did not answer."""

    def __init__(self, lacking: Sequence[str], removed: Mapping[str, int]) -> None:
        done = ", ".join(f"{count} from {store}" for store, count in removed.items()) or "nothing"
        super().__init__(
            f"not everything is removed: {' and '.join(lacking)} did not answer; removed so far: {done}. "
            "The customer is hidden from now on. Ask again, which goes on with the rest"
        )
