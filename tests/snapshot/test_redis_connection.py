import socket
import threading
from contextlib import suppress

import pytest
import redis

from recommender.errors import ConfigError, StoreUnavailable
from recommender.snapshot.redis_connection import SERVING, connect
from recommender.snapshot.redis_store import RedisStore


def test_a_server_that_is_silent_costs_a_storefront_two_tries_and_no_more() -> None:
    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connections.append(silent.accept()[0])

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        with connect(f"redis://127.0.0.1:{silent.getsockname()[1]}", SERVING) as client:
            with pytest.raises(StoreUnavailable, match="could not read lists"):
                RedisStore(client, "shop").read("monday", ["customer:{ann}"])
            assert len(connections) == 2
        silent.shutdown(socket.SHUT_RDWR)
        acceptor.join()
    for connection in connections:
        connection.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://localhost",
        "redis://:sec/ret@h:1",
        "redis://:secret@localhost:99999",
        "redis://:secret@localhost?dbb=1",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_a_piece_of_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match="redis://user:password@host") as refused:
        connect(url)
    assert "sec" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_key_of_another_kind_is_named_with_the_remedy(redis_client: redis.Redis) -> None:
    redis_client.set("cartlift:1:{shop}:pointer", "x")
    with pytest.raises(StoreUnavailable, match=r"WRONGTYPE.*something else wrote to that key, remove it"):
        RedisStore(redis_client, "shop").active_id()
