"""Who may call what: keys, scopes, limits, and pages of other origins."""

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, Response, request

from .errors import KeyRefused, ScopeMissing, TooManyRequests
from .keys import ApiKey, KeyRing, Scope
from .token_bucket import TokenBuckets

CHECKED_KEY = "cartlift.key"  # where the WSGI environment keeps it

_CORS_HEADERS = "Content-Type, If-None-Match, X-API-Key, X-Request-ID"
_CORS_EXPOSED = "ETag, Retry-After, X-Request-ID"
_CORS_SECONDS = "600"


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets a request pass or refuses it.

    Attributes:
        ring: the shop's keys.
        buckets: what is left of their limits.
        scopes: what each endpoint asks of a key; those that are not named are open.
        watching: endpoints that read no customer's data: open as long as there is no key, and to `admin`.
    """

    ring: KeyRing
    buckets: TokenBuckets
    scopes: dict[str, Scope] = field(default_factory=dict)
    watching: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, ring: KeyRing, clock: Callable[[], float]) -> "Guard":
        """A guard with these keys and full buckets."""
        return cls(ring, TokenBuckets(clock))

    def check(self, endpoint: str | None, sent: str, origin: str | None) -> ApiKey | None:
        """The key of a request that may pass; None where none is needed.

        What is refused takes nothing of the key's limit.

        Args:
            endpoint: what is called.
            sent: the key, as it was sent; empty where none was.
            origin: of the page that calls, if one does.

        Raises:
            KeyRefused: there is none, or it is none of the shop's.
            ScopeMissing: it may not do this.
            TooManyRequests: its limit is reached.
        """
        scope = self.scopes.get(endpoint or "")
        watching = endpoint in self.watching
        if scope is None or ((scope == "read" or watching) and self.ring.empty):
            return None
        key = self.ring.key_of(sent) if sent else None
        if key is None:
            raise KeyRefused("is not one of this shop" if sent else "is missing", writing=scope != "read")
        if scope not in key.scopes and not (watching and "admin" in key.scopes):
            raise ScopeMissing(scope)
        if key.origins and origin is not None and origin not in key.origins:
            raise KeyRefused(f"is not for pages of {origin!r}", writing=False)
        if wait := self.buckets.wait(key.id, key.per_second):
            raise TooManyRequests(key.per_second, wait)
        return key


def register_guard(app: Flask, guard: Guard) -> None:
    """Make the app ask the guard first, and answer pages of other origins."""

    def before() -> Response | None:
        if request.method == "OPTIONS" and (preflight := _preflight(guard)) is not None:
            return preflight
        # Who was let pass before Flask is not asked again: it would take twice of the key's limit.
        if CHECKED_KEY not in request.environ:
            headers = request.headers
            request.environ[CHECKED_KEY] = guard.check(
                request.endpoint, headers.get("X-API-Key", ""), headers.get("Origin")
            )
        return None

    def after(response: Response) -> Response:
        key, origin = request.environ.get(CHECKED_KEY), request.headers.get("Origin")
        if origin is not None and (key is None or origin in key.origins) and guard.ring.allows_origin(origin):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = _CORS_EXPOSED
            response.headers.add("Vary", "Origin")
        return response

    app.before_request(before)
    app.after_request(after)


def key_of_request() -> ApiKey | None:
    """The key that the request being answered came with."""
    key: ApiKey | None = request.environ.get(CHECKED_KEY)
    return key


def _preflight(guard: Guard) -> Response | None:
    """What a browser is told that asks whether a page may call; it asks without a key."""
    origin, method = request.headers.get("Origin"), request.headers.get("Access-Control-Request-Method")
    if origin is None or method is None or not guard.ring.allows_origin(origin):
        return None
    response = Response(status=204)
    response.headers["Access-Control-Allow-Methods"] = "GET, POST"
    response.headers["Access-Control-Allow-Headers"] = _CORS_HEADERS
    response.headers["Access-Control-Max-Age"] = _CORS_SECONDS
    return response
