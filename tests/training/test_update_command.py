"""`cartlift update` before anything is learned: what it refuses, what it says at once, what it makes."""

import sqlite3

import pytest
from click.testing import CliRunner

from recommender.errors import ConfigError, DataError
from recommender.training.commands import update as command
from recommender.training.order_store import OrderStore
from recommender.training.settings import load_settings
from recommender.training.sources import read_orders

HEADER = "order_id,customer_id,item_id,quantity,unit_price,ordered_at"


class Learning(Exception):
    """It came as far as that."""


@pytest.fixture(autouse=True)
def no_learning(monkeypatch):
    """What happens from there on, test_update.py tells."""

    def learn(*_, **__):
        raise Learning

    monkeypatch.setattr(command, "train", learn)
    monkeypatch.setattr(command, "carry_over", learn)


@pytest.fixture
def store(tmp_path):
    return OrderStore(tmp_path / "store")


@pytest.fixture
def update(store):
    """Call it on that store; gives what it ended by, and what it said on stderr."""

    def call(*words):
        target = store.folder.with_name("snapshot")
        done = CliRunner().invoke(
            command.update, [*map(str, words), "--store", str(store.folder), "--snapshot", str(target)]
        )
        assert not target.exists()
        return done.exception, done.stderr

    return call


def write(folder, name, *rows):
    file = folder / name
    file.write_text("\n".join((HEADER, *rows)) + "\n")
    return file


@pytest.fixture
def monday(tmp_path):
    return write(tmp_path, "monday.csv", "1,ann,tea,1,2,2024-01-01")


def test_why_everything_is_made_anew_is_said_before_it_is(update, monday):
    ended, said = update(monday)
    assert isinstance(ended, Learning)
    assert "Full run: no snapshot to go on from was named." in said


def test_a_snapshot_that_is_not_there_is_a_slip_on_all_nights_but_the_first(update, store, monday, tmp_path):
    ended, said = update(monday, "--from", tmp_path / "snapshots/live")
    assert isinstance(ended, Learning) and "there is nothing to go on from" in said
    tuesday = write(tmp_path, "tuesday.csv", "2,ann,tea,1,2,2024-01-02")
    ended, _ = update(tuesday, "--from", tmp_path / "snapshots/life")
    assert isinstance(ended, ConfigError) and "snapshots/life: no such folder" in str(ended)
    assert len(store.manifest.parts) == 1


def test_first_exports_without_a_line_are_told(update, store, tmp_path):
    for _ in range(2):
        ended, _ = update(write(tmp_path, "sunday.csv"))
        assert isinstance(ended, DataError) and "sunday.csv: no order lines there" in str(ended)
    with pytest.raises(DataError, match="holds no order lines yet"):
        read_orders([store.folder], load_settings())


def test_a_store_of_nothing_asks_for_orders(update, store):
    ended, _ = update()
    assert isinstance(ended, ConfigError) and "is empty: name the orders to begin with" in str(ended)
    assert not store.folder.exists()


def test_exports_that_are_not_there_make_no_store(update, store, tmp_path):
    ended, _ = update(tmp_path / "absent.csv")
    assert isinstance(ended, DataError) and "no such file" in str(ended)
    assert not store.folder.exists()


def test_an_export_that_cannot_be_read_adds_nothing(update, store, monday, tmp_path):
    update(monday)
    ended, _ = update(write(tmp_path, "wrong.csv", "1,ann,tea,1,2,soon"))
    assert isinstance(ended, DataError) and "not one of 1 lines can be read" in str(ended)
    assert len(store.manifest.parts) == 1


@pytest.fixture
def shop(tmp_path):
    """Settings of a shop in SQLite, with queries for orders and items."""
    database = sqlite3.connect(tmp_path / "shop.db")
    database.executescript("""
        CREATE TABLE lines (order_id, customer_id, item_id, quantity, unit_price, ordered_at);
        CREATE TABLE items (item_id, title);
        INSERT INTO lines VALUES (1, 'ann', 'tea', 1, 2, '2024-01-01'), (2, 'bob', 'jam', 1, 4, '2024-01-02');
        INSERT INTO items VALUES ('tea', 'Green tea'), ('jam', 'Plum jam');
    """)
    database.close()
    (tmp_path / "cartlift.toml").write_text(f"""
[source]
orders = "sqlite:///{tmp_path}/shop.db"
query = "SELECT * FROM lines"
items_query = "SELECT * FROM items"
""")
    return tmp_path / "cartlift.toml"


def test_a_query_of_the_settings_is_for_the_database_and_not_for_the_store(update, store, shop):
    ended, said = update("--config", shop)
    assert isinstance(ended, Learning), (ended, said)
    assert [part.name for part in store.manifest.parts] == ["query"]
    read = read_orders([store.folder], load_settings(shop))
    assert read.catalog.title == ("Plum jam", "Green tea")
    with pytest.raises(ConfigError, match="a query needs a database URL"):
        read_orders([store.folder], load_settings(shop), query="SELECT 1")


def test_a_database_of_the_command_line_is_asked_for_items_too(update, shop):
    text = shop.read_text().splitlines()
    url = text[2].split('"')[1]
    shop.write_text("\n".join(line for line in text if not line.startswith("orders")))
    ended, said = update(url, "--config", shop)
    assert isinstance(ended, Learning), (ended, said)
