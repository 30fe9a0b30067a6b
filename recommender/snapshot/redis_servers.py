"""One Redis or a cluster of them: entries lie where their slots are, a shop's bookkeeping on one node."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar, cast

import redis
from redis import exceptions
from redis.cluster import RedisCluster

from recommender.errors import ConfigError

ENTRIES_PER_COMMAND = 200
"""Entries a MSET, MGET, EXISTS or UNLINK: few enough that readers hardly wait for one of them."""

_KEPT = (
    "username", "password", "credential_provider", "client_name", "protocol",
    "socket_timeout", "socket_connect_timeout",
)  # fmt: skip
"""Settings of a connection that those to a cluster's other nodes share; those of TLS are kept as well."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ServerMemory:
    """What one server has.

    Attributes:
        used: bytes that it uses.
        limit: bytes that it may use; 0 where no limit is set.
        keys: keys that it holds.
        by_class: whether its allocator rounds sizes up to classes, as jemalloc does, and not to 16 bytes.
    """

    used: int
    limit: int
    keys: int
    by_class: bool


class RedisServers:
    """Reads and writes entries wherever they are.

    Whether there is a cluster behind the client is asked with the first command; the client may be of any of
    its nodes then. redis-py's exceptions pass through.
    """

    def __init__(self, client: redis.Redis) -> None:
        self.given = client
        self._found: Any = None

    def bookkeeper(self, key: str) -> redis.Redis:
        """Client of the one server that has this key and all others with its hash tag."""
        client = self._client
        if not _is_cluster(client):
            return cast(redis.Redis, client)
        return cast(redis.Redis, client.get_redis_connection(client.get_node_from_key(key)))

    @property
    def clustered(self) -> bool:
        """Whether they are a cluster; asks one of them, once."""
        return _is_cluster(self._client)

    def read_field(self, key: str, field: str) -> bytes | None:
        """One field of a hash."""
        # Not through `bookkeeper`: readers live long, and a cluster's client notices that slots have moved.
        return cast("bytes | None", self._client.hget(key, field))

    def read(self, keys: Sequence[str]) -> list[bytes | None]:
        """Values of these keys; in one round trip, to every node that has some of them."""
        client = self._client
        if _is_cluster(client):
            return cast("list[bytes | None]", client.mget_nonatomic(keys))
        return cast("list[bytes | None]", client.mget(keys))

    def write(self, values: Mapping[str, bytes]) -> None:
        """Set all these keys; comes back once they are set."""
        client = self._client
        if _is_cluster(client):
            client.mset_nonatomic(values)
            return
        with client.pipeline(transaction=False) as commands:
            for part in in_chunks(values.items(), ENTRIES_PER_COMMAND):
                commands.mset(dict(part))
            commands.execute()

    def count(self, keys: Sequence[str]) -> int:
        """How many of these keys there are."""
        return self._for_all("EXISTS", keys)

    def drop(self, keys: Sequence[str]) -> None:
        """Remove these keys."""
        self._for_all("UNLINK", keys)

    def memory(self) -> list[ServerMemory]:
        """What every server that takes writes has."""
        client = self._client
        if not _is_cluster(client):
            return [_memory_of(client)]
        return [_memory_of(client.get_redis_connection(node)) for node in client.get_primaries()]

    def _for_all(self, command: str, keys: Sequence[str]) -> int:
        client = self._client
        if _is_cluster(client):
            by_slot = client.exists if command == "EXISTS" else client.unlink
            return cast(int, by_slot(*keys)) if keys else 0
        with client.pipeline(transaction=False) as commands:
            for part in in_chunks(keys, ENTRIES_PER_COMMAND):
                commands.execute_command(command, *part)
            return sum(commands.execute())

    @property
    def _client(self) -> Any:
        """A `redis.Redis` or a `RedisCluster`, which redis-py has typed in part only."""
        if self._found is None:
            self._found = _cluster_of(self.given) if _is_clustered(self.given) else self.given
        return self._found


def _is_cluster(client: Any) -> bool:
    return isinstance(client, RedisCluster)


def _is_clustered(client: Any) -> bool:
    """Whether the server behind the client is a node of a cluster."""
    try:
        said = client.execute_command("HELLO")
    except exceptions.NoPermissionError:
        # Whoever may not even ask that may not ask a cluster for its slots either.
        return False
    except exceptions.ResponseError as error:
        # Some proxies and services hide the command, as they do the cluster behind them.
        if str(error).lower().startswith("unknown command"):
            return False
        raise
    # Names and values in turn, or, to a client that speaks RESP3, a map.
    told = said if isinstance(said, dict) else dict(zip(said[::2], said[1::2], strict=True))
    return bool(told[b"mode"] == b"cluster")


def _cluster_of(client: redis.Redis) -> RedisCluster:
    """A client of the whole cluster, with the settings of the one of a node."""
    pool = client.connection_pool
    settings: dict[str, Any] = pool.connection_kwargs
    if "host" not in settings:
        raise ConfigError(
            "this Redis is a node of a cluster, and the others cannot be found from a socket: "
            "write redis://HOST:PORT"
        )
    kept = {name: value for name, value in settings.items() if name in _KEPT or name.startswith("ssl_")}
    kept["ssl"] = issubclass(pool.connection_class, redis.SSLConnection)
    return RedisCluster(settings["host"], settings.get("port", 6379), retry=settings["retry"], **kept)


def _memory_of(client: redis.Redis) -> ServerMemory:
    memory = client.info("memory")
    return ServerMemory(
        used=int(memory["used_memory"]),
        limit=int(memory["maxmemory"]),
        keys=int(client.dbsize()),
        by_class=str(memory.get("mem_allocator", "")).startswith("jemalloc"),
    )


def in_chunks(values: Iterable[Value], length: int) -> Iterator[list[Value]]:
    """The values in lists of this length; the last may be shorter."""
    rest = iter(values)
    while chunk := list(islice(rest, length)):
        yield chunk
