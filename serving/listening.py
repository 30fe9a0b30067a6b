"""The address that a service listens on, and that no second one may share."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from recommender.errors import ConfigError


@contextmanager
def held_address(host: str, port: int) -> Iterator[str]:
    """The IP address to listen on, for this service alone as long as the block lasts.

    Workers share the port by SO_REUSEPORT, which lets anybody of the same user join them: a second service
    would silently take half of the requests.

    Raises:
        ConfigError: it is in use, not ours, or cannot be resolved.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        held = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _taken(host, port, error) from error
    with held:
        try:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(address)
        except OSError as error:
            raise _taken(host, port, error) from error
        if sys.platform == "linux":
            # Bound alone, and from now on to be joined by our workers, who share, and not by another's probe,
            # who does not. It never listens, so it gets no connection.
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        else:
            held.close()
        yield str(address[0])


def _taken(host: str, port: int, error: OSError) -> ConfigError:
    return ConfigError(
        f"cannot listen on {host} port {port} ({error.strerror}): "
        "stop what uses it, or choose another with --host and --port"
    )
