"""What Redis says of its own accord has changed, so that an answer kept here need not be asked about.

Redis tells every worker which of the shop's living values were written, the moment they are (client-side
caching in broadcasting mode). What was told is looked at before a kept answer is sent, without a round trip.
A worker that cannot be told, or lost the connection, asks Redis at every request instead.
"""

import logging
import select
import time
import zlib
from collections.abc import Sequence
from threading import Lock
from typing import Any

import redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from recommender.errors import ConfigError
from recommender.snapshot.redis_layout import RedisKeys
from recommender.snapshot.redis_servers import RedisServers

logger = logging.getLogger(__name__)

_SLOTS = 4_096
"""Names share places: one that did not change may seem to, and a little work is done for nothing."""


def moment() -> int:
    """Now, in nanoseconds; the same for all processes of a machine."""
    return time.monotonic_ns()


class Invalidations:
    """A worker's ear for what changes in Redis."""

    def __init__(self, client: redis.Redis, keys: RedisKeys) -> None:
        """Nothing is asked of Redis before `poll`.

        Args:
            client: that speaks RESP3, see `connect`; one connection like those of its pool is made.
            keys: of the shop.
        """
        self._client, self._prefixes = client, keys.living
        self._connection: Any = None
        self._arrived: Any = None
        self._reading = Lock()
        self._since = 0
        self._changed = [0] * _SLOTS
        self._unable = False

    def changes(self, names: Sequence[str]) -> list[int] | None:
        """When it was told last that each of these had changed, by `moment`; None where nobody tells.

        What was read after that, by whichever process of this machine, is what it is now: a moment from
        before Redis was asked tells that apart.
        """
        # Whoever else is reading just now knows more in a moment; to wait for them takes as long as to ask.
        if self._connection is None or not self._reading.acquire(blocking=False):
            return None
        try:
            connection = self._connection
            if connection is None or not self._hear(connection):
                return None
        finally:
            self._reading.release()
        since, changed = self._since, self._changed
        return [max(since, changed[zlib.crc32(name.encode()) % _SLOTS]) for name in names]

    def poll(self) -> None:
        """Make sure that we are told: connect where we are not, else ask whether Redis is still there."""
        if self._unable:
            return
        with self._reading:
            try:
                if self._connection is None:
                    self._begin()
                else:
                    self._connection.send_command("PING")
                    self._connection.read_response()
                    _take_in(self._connection)
            except (ResponseError, NoPermissionError, ConfigError) as error:
                # A proxy, a user without the right, or a cluster, whose nodes tell of their own keys only.
                self._unable = True
                self._lose()
                logger.info("Redis does not tell what changes (%s): it is asked at every request", error)
            except (RedisError, OSError):
                self._lose()

    def _begin(self) -> None:
        if RedisServers(self._client).clustered:
            raise ConfigError("it is a cluster")
        # None of the pool's own: it counts those that it makes, and is full one day.
        pool = self._client.connection_pool
        connection: Any = pool.connection_class(**pool.connection_kwargs)
        connection.connect()
        # As redis-py's own cache does; there is no public way to a connection's parser.
        connection._parser.set_invalidation_push_handler(self._told)
        prefixes = [word for prefix in self._prefixes for word in ("PREFIX", prefix)]
        connection.send_command("CLIENT", "TRACKING", "ON", "BCAST", *prefixes)
        connection.read_response()
        _take_in(connection)
        self._arrived = select.poll()
        self._arrived.register(connection._sock, select.POLLIN)
        self._since = moment()
        self._connection = connection
        logger.info("Redis tells what changes")

    def _hear(self, connection: Any) -> bool:
        """Take in what was told since; False where the connection is gone."""
        try:
            # Everything was taken in the last time: there is news only where there is more on the socket.
            if self._arrived.poll(0):
                _take_in(connection)
        except (RedisError, OSError):
            self._lose()
            return False
        return True

    def _told(self, message: Sequence[Any]) -> None:
        """See docs of Redis, "Client-side caching": a list of keys, or nothing where all are gone."""
        names, now = message[1], moment()
        if names is None:
            self._since = now
            return
        for name in names:
            self._changed[zlib.crc32(name) % _SLOTS] = now

    def _lose(self) -> None:
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None
            logger.info("Redis tells no more what changes: it is asked at every request")


def _take_in(connection: Any) -> None:
    while connection.can_read(0):
        connection.read_response(push_request=True)
