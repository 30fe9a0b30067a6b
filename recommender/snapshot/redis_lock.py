"""One publisher at a time for a shop, even when the one before was killed."""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import redis

from recommender.errors import StoreUnavailable
from recommender.snapshot.redis_connection import location, refusals_of
from recommender.snapshot.redis_servers import RedisServers

LOCK_SECONDS = 10.0
"""Life of the lock unless it is renewed: how long the next publisher waits when one was killed."""

_POLL_SECONDS = 0.25
_SLACK_SECONDS = 0.3  # two looks at a lock that nobody renews disagree by less about its end

_FENCE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end"


@dataclass(frozen=True, slots=True)
class _Holder:
    token: bytes
    dies_at: float


class PublisherLock:
    """A key with a short life that its holder renews with every step.

    A holder that was killed renews no more, so the next one only waits for the key to expire; one that is
    alive is noticed by the end of the key moving on.
    """

    def __init__(
        self,
        servers: RedisServers,
        key: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._servers = servers
        self._key = key
        self._sleep = sleep
        self._clock = clock
        self._token: str | None = None

    @property
    def _client(self) -> redis.Redis:
        return self._servers.bookkeeper(self._key)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock until the block ends; inside another such block this changes nothing.

        Raises:
            StoreUnavailable: another publisher is at work.
        """
        if self._token is not None:
            yield
            return
        with refusals_of(self._servers.given, "take the publisher's lock"):
            self._token = self._acquire()
        try:
            yield
        finally:
            self._release()

    def renew(self, then: str = "", keys: Sequence[str] = (), arguments: Sequence[str | bytes] = ()) -> None:
        """Prolong the lock and, in the same step, run more Lua: keys from KEYS[2], arguments from ARGV[3].

        Raises:
            StoreUnavailable: the lock was lost, and nothing was done.
        """
        script = f"{_FENCE}{then}\nreturn 1"
        life = int(LOCK_SECONDS * 1000)
        held = self._client.eval(script, 1 + len(keys), self._key, *keys, self._token or "", life, *arguments)
        if not held:
            raise StoreUnavailable(
                f"publishing to Redis at {location(self._servers.given)} stood still for "
                f"{LOCK_SECONDS:.0f} s and lost its turn: publish again, it goes on where it stopped"
            )

    def _acquire(self) -> str:
        token = secrets.token_hex(16)
        holder: _Holder | None = None
        while not self._take(token):
            holder = self._look(holder)
            self._sleep(_POLL_SECONDS)
        return token

    def _take(self, token: str) -> bool:
        taken = self._client.set(self._key, token, nx=True, px=int(LOCK_SECONDS * 1000))
        # The answer to a first try may have been lost on the way, then the key is ours already.
        return bool(taken) or self._client.get(self._key) == token.encode()

    def _look(self, before: _Holder | None) -> _Holder:
        with self._client.pipeline() as commands:
            commands.get(self._key)
            commands.pttl(self._key)
            token, left = commands.execute()
        now = _Holder(token, self._clock() + left / 1000)
        if before is None or before.token != now.token:
            return now
        if now.dies_at > before.dies_at + _SLACK_SECONDS:
            raise StoreUnavailable(
                f"another publisher is at work for this shop in Redis at {location(self._servers.given)}: "
                "wait until it is done, then publish again"
            )
        return before

    def _release(self) -> None:
        token, self._token = self._token, None
        # Without an answer the key ends by itself; what went wrong before matters more than this.
        with suppress(redis.RedisError, redis.RedisClusterException):
            self._client.eval(_RELEASE, 1, self._key, token or "")
