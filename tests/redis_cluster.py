"""A Redis Cluster of three nodes on this machine, for as long as a block runs."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import redis

from recommender.snapshot.embedded_redis import find_server
from tests.eventually import eventually

SLOTS = 16_384
NODES = 3
BUS = 10_000
"""A node's second port is so much above its first."""


@contextmanager
def running_cluster(folder: Path) -> Iterator[list[str]]:
    """URLs of the nodes; each has a third of the slots."""
    server = find_server(os.environ.get("PATH", ""))
    with ExitStack() as stack:
        ports = [stack.enter_context(_node(server, folder)) for _ in range(NODES)]
        nodes = [stack.enter_context(redis.Redis(port=port, protocol=2)) for port in ports]
        assert eventually(lambda: all(map(_answers, nodes)))
        cuts = pairwise(SLOTS * number // NODES for number in range(NODES + 1))
        for epoch, (node, slots) in enumerate(zip(nodes, cuts, strict=True), start=1):
            node.execute_command("CLUSTER ADDSLOTS", *range(*slots))
            node.execute_command("CLUSTER SET-CONFIG-EPOCH", epoch)
        for port in ports[1:]:
            nodes[0].execute_command("CLUSTER MEET", "127.0.0.1", port)
        assert eventually(lambda: all(map(_is_whole, nodes)))
        yield [f"redis://127.0.0.1:{port}" for port in ports]


@contextmanager
def _node(server: Path, folder: Path) -> Iterator[int]:
    port = _free_port()
    own = folder / str(port)
    own.mkdir(parents=True)
    settings = {
        "--port": str(port), "--bind": "127.0.0.1", "--dir": str(own), "--save": "",
        "--logfile": str(own / "log"), "--cluster-enabled": "yes", "--cluster-node-timeout": "5000",
    }  # fmt: skip
    process = subprocess.Popen([server, *(word for setting in settings.items() for word in setting)])
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    while True:
        with socket.create_server(("127.0.0.1", 0)) as found:
            port = int(found.getsockname()[1])
        if port + BUS < 1 << 16:
            return port


def _answers(node: redis.Redis) -> bool:
    try:
        return bool(node.ping())
    except redis.ConnectionError:
        return False


def _is_whole(node: redis.Redis) -> bool:
    said = node.execute_command("CLUSTER INFO")
    return said["cluster_state"] == "ok" and said["cluster_known_nodes"] == str(NODES)
