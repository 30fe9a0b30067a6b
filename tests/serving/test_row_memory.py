"""Memory that workers share: bounded, whole or nothing, and rid of whom it is told to forget."""

import os
import random
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.serving.row_memory import RowMemory, shared_memory

BYTES = 1 << 20


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    path = tmp_path / "rows"
    path.write_bytes(bytes(BYTES))
    return path


def key(subject: str, kind: str = "customer") -> str:
    return f"monday/{kind}:{{{subject}}}"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ann", "bob", "zoë {1}", "😀" * 60]),
            st.sampled_from(["customer", "orders"]),
            st.one_of(st.binary(max_size=600), st.integers(3_000, 5_000).map(bytes)),
        )
    )
)
def test_what_was_put_last_is_found_or_nothing_is(puts):
    memory, last = RowMemory(), {}
    for subject, kind, row in puts:
        memory.put(key(subject, kind), row)
        last[key(subject, kind)] = row
    for name, row in last.items():
        found = memory.get(name)
        assert found == row if len(row) < 3_500 else found in (row, None)


def test_it_is_shared_and_what_was_put_lately_is_mostly_there(shared: Path):
    one, other = RowMemory(shared), RowMemory(shared)
    names = [key(str(number)) for number in range(20_000)]
    for number, name in enumerate(names):
        one.put(name, number.to_bytes(4) * 50)
    found = {name: row for name in names if (row := other.get(name)) is not None}
    assert all(row == names.index(name).to_bytes(4) * 50 for name, row in list(found.items())[:50])
    assert 0.7 < len(found) * 512 / (BYTES * 2 / 8) <= 1
    assert sum(name in found for name in names[-100:]) > 75
    assert shared.stat().st_size == BYTES


def test_nothing_is_left_of_whom_it_is_told_to_forget(shared: Path):
    memory = RowMemory(shared)
    for subject in ("ann", "anna", "bob"):
        for kind, row in (("customer", bytes(200)), ("orders", b"x"), ("reasons", bytes(2_000))):
            memory.put(key(subject, kind), row)
    memory.remove_all_about("ann")
    assert b"{ann}" not in shared.read_bytes() and b"{anna}" in shared.read_bytes()
    memory.remove_where(lambda subject: subject == "anna")
    assert b"{anna}" not in shared.read_bytes()
    assert memory.get(key("bob")) == bytes(200) and memory.get(key("ann")) is None


def test_nothing_is_left_in_a_cell_of_whoever_was_there_before(shared: Path):
    memory, secret = RowMemory(shared), b"what ann bought " * 25
    memory.put(key("ann"), secret)
    for number in range(20_000):
        memory.put(key(str(number)), bytes(120))
    assert memory.get(key("ann")) is None
    assert b"what ann" not in shared.read_bytes()


def test_what_is_written_while_it_is_read_is_whole_or_nothing(shared: Path):
    stop, wrong = threading.Event(), []
    rows = {bytes([number]) * (100 + number) for number in range(200)}

    def write(seed: int) -> None:
        memory, draw = RowMemory(shared), random.Random(seed)
        order = sorted(rows)
        while not stop.is_set():
            memory.put(key("ann"), draw.choice(order))

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(2)]
    for writer in writers:
        writer.start()
    memory, found = RowMemory(shared), 0
    for _ in range(20_000):
        row = memory.get(key("ann"))
        found += row is not None
        if row is not None and row not in rows:
            wrong.append(row)
    stop.set()
    for writer in writers:
        writer.join()
    assert wrong == [] and found > 0


def test_bytes_that_were_damaged_are_nothing(shared: Path):
    memory = RowMemory(shared)
    memory.put(key("ann"), b"row of ann")
    held = shared.read_bytes()
    at = held.index(b"row of ann")
    for damaged in (at + 3, at - 1, at - len("monday/customer:{ann}") - 1):
        shared.write_bytes(held[:damaged] + bytes([held[damaged] ^ 1]) + held[damaged + 1 :])
        assert RowMemory(shared).get(key("ann")) is None
    memory.remove_where(lambda subject: False)
    assert b"row of ann" not in shared.read_bytes()


@pytest.mark.parametrize("size", [0, 1_000])
def test_a_file_that_is_too_small_leaves_the_worker_its_own(shared: Path, size: int):
    shared.write_bytes(bytes(size))
    memory = RowMemory(shared)
    memory.put(key("ann"), b"row")
    assert memory.get(key("ann")) == b"row"


def test_where_such_memory_is_forbidden_there_is_none(monkeypatch, caplog):
    def refuse(*_: object) -> int:
        raise PermissionError("not here")

    monkeypatch.setattr(os, "memfd_create", refuse)
    with shared_memory() as path:
        assert path is None
    assert "the workers share no memory: not here" in caplog.text


def test_a_memory_that_cannot_be_mapped_leaves_the_worker_its_own(tmp_path: Path, caplog):
    memory = RowMemory(tmp_path / "nowhere")
    memory.put(key("ann"), b"row")
    assert memory.get(key("ann")) == b"row"
    assert "shares its memory with no other" in caplog.text


def test_it_leaves_no_file_and_another_process_finds_it():
    with shared_memory() as path:
        assert path is not None
        RowMemory(path).put(key("ann"), b"row")
        child = os.fork()
        if child == 0:
            os._exit(0 if RowMemory(path).get(key("ann")) == b"row" else 1)
        assert os.waitpid(child, 0)[1] == 0
    assert not path.exists()
