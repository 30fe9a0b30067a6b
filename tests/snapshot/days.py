"""Snapshots named by days, whose every value tells its snapshot."""

from recommender.snapshot.encoding import entry_key
from recommender.snapshot.redis_store import RedisStore
from recommender.snapshot.store import Entry


def entries(word: str, n: int = 25) -> list[Entry]:
    """One list a customer."""
    return [(entry_key("customer", str(c)), f"{word} {c}".encode()) for c in range(n)]


def publish(store: RedisStore, *snapshots: str, n: int = 25) -> None:
    """Write and activate, one after the other."""
    for snapshot in snapshots:
        store.write(snapshot, entries(snapshot, n))
        store.activate(snapshot)
