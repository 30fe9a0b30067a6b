import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine, text

from recommender.errors import ConfigError, DataError
from recommender.training.settings import load_settings
from recommender.training.sources import database, read_orders
from recommender.training.sources.database import is_database, open_query

NOW = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
QUERY = """
    SELECT o.id AS order_id, o.customer AS customer_id, l.item AS item_id, l.quantity, l.price AS unit_price,
           o.placed AS ordered_at
    FROM orders o JOIN order_lines l ON l.order_id = o.id
"""
ROWS = [
    ("1", "ann", "tea", 2.0, 2.5, "2024-05-01T08:30:00+00:00"),
    ("1", "ann", "jam", 1.0, 4.0, "2024-05-01T08:30:00+00:00"),
    ("2", None, "tea", 1.0, 2.5, "2024-05-02T09:00:00+00:00"),
]


def shown(result):
    """The lines of a log in plain words."""
    orders = result.orders
    return [
        (
            orders.orders.ids[order], None if customer < 0 else orders.customers.ids[customer],
            orders.items.ids[item], float(quantity), float(price),
            datetime.fromtimestamp(at, UTC).isoformat(),
        )
        for order, customer, item, quantity, price, at in zip(
            orders.order, orders.customer, orders.item, orders.quantity, orders.unit_price,
            orders.ordered_at, strict=True,
        )
    ]  # fmt: skip


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A shop in SQLite, where a column may hold anything."""
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.executescript("""
            CREATE TABLE orders (id, customer, placed);
            CREATE TABLE order_lines (order_id, item, quantity, price);
            CREATE TABLE items (sku, name);
            INSERT INTO orders VALUES (1, 'ann', '2024-05-01 08:30:00'), (2, NULL, '2024-05-02 09:00:00');
            INSERT INTO order_lines VALUES (1, 'tea', 2, '2.50'), (1, 'jam', 1, 4), (2, 'tea', 1, 2.5);
            INSERT INTO items VALUES ('tea', 'Green tea'), ('jam', 'Plum jam');
        """)
    shop.close()
    return f"sqlite:///{tmp_path}/shop.db"


def postgresql_programs() -> Path | None:
    """The folder of a PostgreSQL server's programs; None where there is none."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    found = shutil.which("initdb") or (installed[0] if installed else None)
    return Path(found).resolve().parent if found else None


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    """A real PostgreSQL server on a private socket."""
    programs = postgresql_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed")
    # The server refuses to run as root, and a socket's path must be short.
    user = (
        {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
        if os.geteuid() == 0
        else {}
    )
    with TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
        if user:
            shutil.chown(folder, "nobody")
        data = f"{folder}/data"

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [programs / program, *arguments], check=True, cwd=folder, stdout=subprocess.DEVNULL, **user
            )

        run(
            "initdb",
            "--pgdata",
            data,
            "--username",
            "shop",
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--no-sync",
        )
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "--pgdata", data, "--wait", "--log", f"{folder}/log", "--options", options, "start")
        try:
            yield f"postgresql://shop@/postgres?host={folder}"
        finally:
            run("pg_ctl", "--pgdata", data, "--wait", "--mode", "immediate", "stop")


@pytest.fixture(scope="module")
def postgresql_shop(postgresql_url: str) -> str:
    """The same shop in PostgreSQL, in the types a shop would use."""
    engine = create_engine(postgresql_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(
            text("""
            CREATE TABLE orders (id bigint, customer text, placed timestamptz);
            CREATE TABLE order_lines (order_id bigint, item text, quantity integer, price numeric(10, 2));
            INSERT INTO orders VALUES (1, 'ann', '2024-05-01 10:30+02'), (2, NULL, '2024-05-02 09:00+00');
            INSERT INTO order_lines VALUES (1, 'tea', 2, 2.50), (1, 'jam', 1, 4), (2, 'tea', 1, 2.50);
        """)
        )
    engine.dispose()
    return postgresql_url


def test_orders_come_out_of_sqlite(sqlite_url):
    assert sorted(shown(read_orders([sqlite_url], load_settings(), query=QUERY, now=NOW)), key=str) == sorted(
        ROWS, key=str
    )


def test_orders_come_out_of_postgresql(postgresql_shop):
    result = read_orders([postgresql_shop], load_settings(), query=QUERY, now=NOW)
    assert sorted(shown(result), key=str) == sorted(ROWS, key=str)


def test_a_query_may_hold_colons_and_percent_signs(postgresql_shop):
    query = (
        QUERY.replace("o.placed", "(o.placed::text)") + " WHERE l.item LIKE 't%' AND o.placed::time > '08:00'"
    )
    assert len(read_orders([postgresql_shop], load_settings(), query=query, now=NOW).orders) == 2


def test_what_postgresql_says_of_a_wrong_query_is_passed_on(postgresql_shop):
    with pytest.raises(DataError, match=r'^postgresql\+psycopg://.*relation "missing" does not exist$'):
        open_query(postgresql_shop, "SELECT * FROM missing", name="query")


def test_a_server_that_is_not_there_is_told_in_one_line_without_the_password():
    with pytest.raises(DataError) as refused:
        open_query("postgresql://shop:secret@/postgres?host=/nowhere", "SELECT 1", name="query")
    assert "\n" not in str(refused.value) and "secret" not in str(refused.value)
    assert str(refused.value).startswith("postgresql+psycopg:///postgres: ")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://shop:p@sEcRet:w0RD@host/db", "percent-encoded: @ is %40"),
        ("postgresql://shop:p@sEcRetw0RD@host", "percent-encoded: @ is %40"),
        ("postgresql://shop:p@x/sEcRetw0RD@host/db", "percent-encoded: @ is %40"),
        ("postgresql://shop:sEcRetw0RD", "percent-encoded: @ is %40"),
        ("postgresql:/shop:sEcRetw0RD@host/db", "percent-encoded: @ is %40"),
        ("nothing://shop:sEcRetw0RD@host/db", r"nothing://host/db: Can't load plugin"),
        ("postgresql:///db?host=/nowhere&password=sEcRetw0RD", r"postgresql\+psycopg:///db: "),
        ("postgresql:///db?host=/nowhere&passwd=sEcRetw0RD", r"postgresql\+psycopg:///db: "),
        ("sqlite:///:memory:?timeout=soon", r"sqlite:///:memory:: could not convert string to float"),
    ],
)
def test_no_part_of_a_password_is_told(url, message):
    with pytest.raises((ConfigError, DataError), match=message) as refused:
        open_query(url, "SELECT 1", name="query")
    told = "".join(traceback.format_exception(refused.value, limit=0))
    assert [part for part in ("sEcRet", "w0RD") if part in told] == []


def test_a_driver_that_repeats_a_password_does_not_get_it_through(monkeypatch):
    def repeat(*_, **__):
        raise ValueError("cannot use 'sEcRet' or 'w0RD'")

    monkeypatch.setattr(database, "create_engine", repeat)
    with pytest.raises(ConfigError, match=r"cannot use '\*\*\*' or '\*\*\*'") as refused:
        open_query("postgresql://shop:sEcRet@host/db?sslpassword=w0RD", "SELECT 1", name="query")
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("url", ["postgresql://shop:p@ss:w0RD@host/db", "postgresql:/shop:w0RD@host/db"])
def test_the_command_tells_no_part_of_a_password_either(url):
    command = "from recommender.training.command_line import main; main()"
    arguments = [sys.executable, "-c", command, "validate", url, "--query", "SELECT 1"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 2 and "percent-encoded" in " ".join(done.stderr.split())
    assert "w0RD" not in done.stderr + done.stdout and "Traceback" not in done.stderr


def test_items_come_out_of_the_same_database(sqlite_url, tmp_path):
    config = tmp_path / "cartlift.toml"
    config.write_text(
        f"""
        [source]
        orders = "{sqlite_url}"
        query = "{" ".join(QUERY.split())}"
        items_query = "SELECT sku AS item_id, name AS title FROM items"
        """
    )
    result = read_orders([], load_settings(config), now=NOW)
    assert dict(zip(result.catalog.items.ids, result.catalog.title, strict=True)) == {
        "jam": "Plum jam", "tea": "Green tea",
    }  # fmt: skip


def test_batches_of_other_types_come_together_as_text(sqlite_url, monkeypatch):
    monkeypatch.setattr(database, "_BATCH", 1)
    table = open_query(
        sqlite_url, "SELECT 1 AS a, 1 AS b UNION ALL SELECT 'x', 2 UNION ALL SELECT NULL, NULL", name="q"
    )
    assert table.frame.collect().to_dict(as_series=False) == {"a": ["1", "x", None], "b": [1, 2, None]}


def test_a_query_without_rows_has_its_columns(sqlite_url):
    table = open_query(sqlite_url, "SELECT sku AS item_id FROM items WHERE sku = ''", name="q")
    assert table.frame.collect_schema().names() == ["item_id"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM missing", "no such table: missing"),
        ("DELETE FROM items WHERE sku = ''", "must be a SELECT"),
        ("SELECT sku, name AS sku FROM items", "two columns of one name: sku, sku"),
    ],
)
def test_a_query_that_cannot_be_used_is_refused(sqlite_url, query, message):
    with pytest.raises(DataError, match=message):
        open_query(sqlite_url, query, name="q")


def test_a_misspelt_sqlite_file_is_not_made(tmp_path):
    with pytest.raises(DataError, match=r"no such file: .*none\.db"):
        open_query(f"sqlite:///{tmp_path}/none.db", "SELECT 1", name="q")
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("url", "driver", "extra"),
    [("mysql://u:secret@h/shop", "pymysql", "mysql"), ("postgresql://h/s", "psycopg", "postgresql")],
)
def test_a_missing_driver_names_the_extra_that_brings_it(monkeypatch, url, driver, extra):
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(
        ConfigError, match=rf"the driver {driver} is not installed: install cartlift\[{extra}\]"
    ) as refused:
        open_query(url, "SELECT 1", name="q")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["nothing://x", "sqlite:/shop.db", "://"])
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises((ConfigError, DataError)):
        open_query(url, "SELECT 1", name="q")


@pytest.mark.parametrize(
    ("sources", "query", "message"),
    [
        ([], None, "no orders named"),
        (["sqlite:///a.db", "orders.csv"], "SELECT 1", "must be the only source"),
        (["sqlite:///a.db"], None, "needs SQL that selects order lines"),
        (["orders.csv"], "SELECT 1", "a query needs a database URL"),
    ],
)
def test_sources_that_do_not_fit_together_are_refused(sources, query, message):
    with pytest.raises(ConfigError, match=message):
        read_orders(sources, load_settings(), query=query)


def test_a_query_for_items_needs_a_database(tmp_path):
    (tmp_path / "orders.csv").write_text(
        "order_id,customer_id,item_id,quantity,unit_price,ordered_at\n1,ann,tea,1,1,2024-01-01\n"
    )
    (tmp_path / "cartlift.toml").write_text("[source]\nitems_query = 'SELECT 1'")
    with pytest.raises(ConfigError, match="items_query needs a database URL"):
        read_orders([tmp_path / "orders.csv"], load_settings(tmp_path / "cartlift.toml"))


def test_a_path_is_no_url():
    assert (
        is_database("sqlite:///shop.db") and not is_database("orders.csv") and not is_database(Path("a://b"))
    )
