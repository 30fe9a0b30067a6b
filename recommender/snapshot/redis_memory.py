"""What entries take in Redis, by arithmetic: a test compares it with what a real one says."""

import math

from recommender.snapshot.redis_servers import ServerMemory

_PER_ENTRY = 48
"""Bytes: an entry of the key table and the object in front of the value, 24 each."""

_HEADERS = 10
"""Bytes before and after a key's and a value's own."""

_SHARE_OF_NAMES = 4
"""Bytes of an entry in the compressed list of its chunk's names."""

_SLOT = 8
"""Bytes of a place of the key table, which has room for the next power of two of keys."""


def expected_memory(entries: float, size: float, server: ServerMemory) -> float:
    """Bytes that a server will take for so many more entries.

    Args:
        entries: how many.
        size: bytes of their whole keys and their values.
        server: as it is now.
    """
    if not entries:
        return 0.0
    table = _SLOT * (_room(server.keys + entries) - _room(server.keys))
    return (
        size + entries * (_PER_ENTRY + _HEADERS + _SHARE_OF_NAMES + _rounding(size / entries, server)) + table
    )


def _room(keys: float) -> int:
    return 1 << math.ceil(math.log2(keys)) if keys > 1 else 1


def _rounding(size: float, server: ServerMemory) -> float:
    """What the allocator adds to a key and a value of together so many bytes, on average."""
    # jemalloc has four sizes between two powers of two: of sizes of all kinds, a tenth is lost.
    return 8.0 + size / 10 if server.by_class else 16.0
