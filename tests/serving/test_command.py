import os
import socket

import pytest
from click.testing import CliRunner

from recommender.errors import ConfigError
from recommender.serving.command import serve, usable_cores
from recommender.serving.listening import held_address


def test_a_free_address_is_resolved():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with held_address("127.0.0.1", port) as address:
        assert address == "127.0.0.1"
    with held_address("localhost", port) as address:
        assert address in ("127.0.0.1", "::1")


def test_workers_may_listen_on_an_address_that_is_held_and_another_service_may_not():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with held_address("127.0.0.1", port):
        # Before any worker listens: two services that start at once would both find the port free.
        with pytest.raises(ConfigError), held_address("127.0.0.1", port):
            pass
        for _ in range(2):
            worker = socket.socket()
            worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            worker.bind(("127.0.0.1", port))
            worker.listen()
            with worker, socket.create_connection(("127.0.0.1", port)):
                worker.accept()[0].close()


@pytest.mark.parametrize("share", [False, True])
def test_a_port_in_use_is_refused_even_if_its_user_would_share_it(share):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, share)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refusal = f"cannot listen on 127.0.0.1 port {port} .*--host and --port"
        with pytest.raises(ConfigError, match=refusal), held_address("127.0.0.1", port):
            pass


@pytest.mark.parametrize("host", ["no such host", "203.0.113.1"])
def test_an_address_that_is_not_ours_is_refused(host):
    with pytest.raises(ConfigError, match="cannot listen on"), held_address(host, 8080):
        pass


def test_workers_are_as_many_as_cores_we_may_use():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("option", [["--port", "0"], ["--port", "65536"], ["--workers", "0"], ["--host"]])
def test_an_impossible_option_is_refused_before_anything_starts(option):
    assert CliRunner().invoke(serve, option).exit_code == 2
