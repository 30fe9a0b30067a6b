"""Requests that are refused; `problems` turns each into an answer."""

from recommender.errors import RecommenderError

from .schemas import FieldError


class RequestRefused(RecommenderError):
    """A request that cannot be answered the way it was asked.

    RequestRefused
    ├── InvalidRequest      it cannot be read, or a field is unknown or out of range
    ├── UnknownItem         it insists on an item that the live snapshot does not know
    └── UnsupportedBody     its body is not JSON
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
