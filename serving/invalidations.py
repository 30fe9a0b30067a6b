"""What Redis says of its own accord has changed, so that an answer kept here need not be asked about.

Redis tells every worker which of the shop's living values were written, the moment they are (client-side
caching in broadcasting mode). What was told is looked at before a kept answer is sent, without a round trip.
A worker that cannot be told, or lost the connection, asks Redis at every request instead.
"""

import logging
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

Stamp = tuple[int, ...]

_SLOTS = 4_096
"""Names share counters: one that did not change may seem to, and a little work is done for nothing."""


class Invalidations:
    """A worker's ear for what changes in Redis."""

    def __init__(self, client: redis.Redis, keys: RedisKeys) -> None:
        """Nothing is asked of Redis before `poll`.

        Args:
            client: that speaks RESP3, see `connect`; a connection of its pool is taken for good.
            keys: of the shop.
        """
        self._client, self._prefixes = client, keys.living
        self._connection: Any = None
        self._reading = Lock()
        self._counts = [0] * _SLOTS
        self._epoch = 0
        self._unable = False

    def stamp(self, names: Sequence[str]) -> Stamp | None:
        """How often these were told to have changed; None where nobody tells.

        Between two moments with equal stamps none of them changed.
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
        return self._epoch, *[self._counts[_slot(name)] for name in names]

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
        connection: Any = self._client.connection_pool.make_connection()
        connection.connect()
        # As redis-py's own cache does; there is no public way to a connection's parser.
        connection._parser.set_invalidation_push_handler(self._told)
        prefixes = [word for prefix in self._prefixes for word in ("PREFIX", prefix)]
        connection.send_command("CLIENT", "TRACKING", "ON", "BCAST", *prefixes)
        connection.read_response()
        self._epoch += 1
        self._connection = connection

    def _hear(self, connection: Any) -> bool:
        """Take in what was told since; False where the connection is gone."""
        try:
            while connection.can_read(0):
                connection.read_response(push_request=True)
        except (RedisError, OSError):
            self._lose()
            return False
        return True

    def _told(self, message: Sequence[Any]) -> None:
        """See docs of Redis, "Client-side caching": a list of keys, or nothing where all are gone."""
        names = message[1]
        if names is None:
            self._epoch += 1
            return
        for name in names:
            self._counts[zlib.crc32(name) % _SLOTS] += 1

    def _lose(self) -> None:
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None


def _slot(name: str) -> int:
    return zlib.crc32(name.encode()) % _SLOTS
