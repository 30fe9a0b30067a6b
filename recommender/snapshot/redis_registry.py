"""Which snapshots a shop has in Redis, and which one readers see."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec
import redis
from redis.client import Pipeline

from recommender.errors import SnapshotMissing
from recommender.snapshot.redis_layout import COMPLETE, DROPPING, RedisKeys, ShopState, SnapshotRecord
from recommender.snapshot.redis_servers import RedisServers

Result = TypeVar("Result")


class RedisRegistry:
    """Pointer and registry of one shop, changed only together and only from what was read.

    redis-py's exceptions pass through.
    """

    def __init__(self, servers: RedisServers, keys: RedisKeys) -> None:
        self._servers = servers
        self._keys = keys

    def look(self) -> ShopState:
        """Pointer and registry as they stand."""
        with self._client.pipeline() as commands:
            self._ask(commands)
            return ShopState.decode(*commands.execute())

    def activate(self, snapshot: str) -> None:
        """See `SnapshotStore.activate`."""

        def switch(state: ShopState, commands: Pipeline) -> None:
            record = state.records.get(snapshot)
            if record is None or record.state != COMPLETE:
                raise SnapshotMissing(f"cannot activate {snapshot}: it was never written to the end")
            if snapshot != state.pointer.active:
                pointer = state.pointer.after(snapshot)
                commands.hset(self._keys.pointer, items=pointer.encode(state.now))
                self._stamp(commands, state, state.left_by(snapshot))

        self._transaction(switch)

    def condemn(self, choose: Callable[[ShopState], list[str]]) -> dict[str, SnapshotRecord]:
        """Mark snapshots as being dropped, so that nobody activates or resumes them; return their records."""

        def mark(state: ShopState, commands: Pipeline) -> dict[str, SnapshotRecord]:
            condemned = {id_: state.records[id_] for id_ in choose(state)}
            for id_, record in condemned.items():
                dropping = msgspec.structs.replace(record, state=DROPPING)
                commands.hset(self._keys.registry, id_, dropping.encode())
            return condemned

        return self._transaction(mark)

    @property
    def _client(self) -> redis.Redis:
        return self._servers.bookkeeper(self._keys.registry)

    def _stamp(self, commands: Pipeline, state: ShopState, left: Iterable[str]) -> None:
        for snapshot in left:
            until_now = msgspec.structs.replace(state.records[snapshot], active_until=state.now)
            commands.hset(self._keys.registry, snapshot, until_now.encode())

    def _ask(self, commands: Pipeline) -> tuple[Any, Any, Any]:
        return commands.hgetall(self._keys.pointer), commands.hgetall(self._keys.registry), commands.time()

    def _transaction(self, change: Callable[[ShopState, Pipeline], Result]) -> Result:
        """Do all that `change` queues, on exactly the state that it was given; else start over."""
        results: list[Result] = []

        def attempt(commands: Pipeline) -> None:
            # The keys are watched: each command is answered at once, and EXEC fails if they change meanwhile.
            state = ShopState.decode(*self._ask(commands))
            commands.multi()
            results.append(change(state, commands))

        self._client.transaction(attempt, self._keys.pointer, self._keys.registry)
        return results[-1]
