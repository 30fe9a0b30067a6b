"""How this project talks to Redis: its own timeouts, and refusals in its own words."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import redis
from redis import exceptions
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

from recommender.errors import ConfigError, StoreUnavailable
from recommender.snapshot.redis_protection import protected


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for Redis before giving up.

    Attributes:
        connect: seconds for a connection to open.
        answer: seconds for each answer.
        retries: how often a failed command is tried again.
        pause: seconds before the last retry at most; each is drawn at random.
    """

    connect: float
    answer: float
    retries: int
    pause: float


PUBLISHING = Timeouts(connect=2.0, answer=5.0, retries=2, pause=0.5)
"""Patient: a chunk of a publication may wait while Redis writes its own dump."""

SERVING = Timeouts(connect=0.05, answer=0.05, retries=1, pause=0.01)
"""A storefront is waiting: better an answer from the cache than one that is late."""

_URL_HELP = (
    "the Redis URL cannot be used: write redis://user:password@host:6379/0, rediss://… or "
    "unix:///path/to/socket, with special characters percent-encoded"
)


class ReadingClient(redis.Redis):
    """A client that reads values on a connection which each thread keeps.

    Borrowing one from the pool for each command, and counting commands for observers that we do not have,
    takes as long as Redis itself.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._own = threading.local()

    def mget(self, keys: Sequence[str], *more: str) -> list[bytes | None]:  # type: ignore[override]
        """Values of these keys, in their order; see `redis.Redis.mget`."""
        connection = self._connection()

        def ask() -> list[bytes | None]:
            connection.send_command("MGET", *keys, *more)
            return cast("list[bytes | None]", connection.read_response())

        found = connection.retry.call_with_retry(ask, lambda _: connection.disconnect())
        return cast("list[bytes | None]", found)

    def _connection(self) -> Any:
        if not hasattr(self._own, "connection"):
            self._own.connection = self.connection_pool.get_connection()
        return self._own.connection


def connect(
    url: str,
    timeouts: Timeouts = PUBLISHING,
    client_type: type[redis.Redis] = redis.Redis,
    *,
    protocol: int = 2,
) -> redis.Redis:
    """A client for this URL, of a cluster for any of its nodes; the connection opens with the first command.

    Timeouts named in the URL's query (`?socket_timeout=1`) win over `timeouts`.

    Args:
        url: where Redis is.
        timeouts: how long to wait for it.
        client_type: `ReadingClient` where many small reads are to be quick.
        protocol: version of RESP; 3 for what Redis says unasked.

    Raises:
        ConfigError: the URL cannot be used, or is of another machine and not protected (`redis_protection`).
    """
    # redis-py's own defaults (5 s, ten retries) keep a caller waiting for seconds when Redis is gone.
    try:
        client = client_type.from_url(
            protected(url),
            socket_connect_timeout=timeouts.connect,
            socket_timeout=timeouts.answer,
            retry=Retry(
                ExponentialWithJitterBackoff(cap=timeouts.pause, base=timeouts.pause / 4), timeouts.retries
            ),
            protocol=protocol,
        )
        # Built and thrown away: only a connection's constructor notices a misspelt option of the query.
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
    except (ValueError, TypeError):
        # The cause is left out on purpose: urllib quotes a piece of the password in its message.
        raise ConfigError(_URL_HELP) from None
    return client


def location(client: redis.Redis) -> str:
    """Where this client connects to, for people; never with a password."""
    place = client.connection_pool.connection_kwargs
    if "path" in place:
        return f"unix socket {place['path']}"
    return f"{place.get('host', 'localhost')}:{place.get('port', 6379)}"


@contextmanager
def refusals_of(client: redis.Redis, doing: str) -> Iterator[None]:
    """Turn what redis-py raises inside the block into `StoreUnavailable`: "could not" and then `doing`."""
    try:
        yield
    # The second is what redis-py's cluster raises of its own, and no relative of the first.
    except (exceptions.RedisError, exceptions.RedisClusterException) as error:
        raise StoreUnavailable(
            f"Redis at {location(client)} could not {doing} ({str(error).rstrip('.')}): {_remedy(error)}"
        ) from error


def _remedy(error: Exception) -> str:
    match error:
        case exceptions.BusyLoadingError():
            return "it is still reading its data from disk, try again in a moment"
        case (
            exceptions.AuthenticationError()
            | exceptions.AuthorizationError()
            | exceptions.NoPermissionError()
        ):
            return "check user, password and permissions in the Redis URL"
        case exceptions.ConnectionError() | exceptions.TimeoutError():
            return "check that it runs and that the Redis URL is right"
        case exceptions.OutOfMemoryError():
            return "raise its maxmemory, or publish to another Redis"
        case exceptions.ReadOnlyError():
            return "it is a replica, give the URL of the primary"
        case exceptions.MovedError():
            return "slots of its cluster have just moved, try again"
        case exceptions.ClusterDownError() | exceptions.RedisClusterException():
            return "check that every node of the cluster runs and that all slots are covered"
        case exceptions.ResponseError() if "WRONGTYPE" in str(error):
            return "something else wrote to that key, remove it and publish again"
        case _:
            return "its log may say more; Redis 6.2 or newer is needed"
