import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from recommender.data.orders import GUEST, OrderLog
from recommender.data.vocabulary import Vocabulary
from recommender.errors import ConfigError, DataError
from recommender.models.als import Als
from recommender.training import plan
from recommender.training.memory_limit import (
    allowed_memory,
    bytes_of,
    cgroup_limits,
    machine_memory,
    readable_memory,
)
from recommender.training.order_store import OrderStore
from recommender.training.plan import plan_of, refuse_too_large
from recommender.training.plan_scan import facts_of_tables
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.shop_facts import ShopFacts, facts_of_orders
from recommender.training.sources.canonical import open_orders
from recommender.training.stage_usage import STAGES
from tests.commands import cartlift

SHOP = ShopFacts(lines=2_000_000, orders=700_000, customers=100_000, items=10_000, pairs=1_500_000)


def settings(**lists):
    return replace(Settings(), lists=replace(Settings().lists, **lists))


def log():
    """Ann buys tea twice and jam once, Bob tea, a guest tea."""
    return OrderLog(
        order=np.array([0, 0, 1, 2, 3], np.int32),
        customer=np.array([0, 0, 0, 1, GUEST], np.int32),
        item=np.array([1, 0, 1, 1, 1], np.int32),
        quantity=np.ones(5, np.float32),
        unit_price=np.ones(5, np.float32),
        ordered_at=np.arange(5, dtype=np.int64),
        orders=Vocabulary(("1", "2", "3", "4")),
        customers=Vocabulary(("ann", "bob")),
        items=Vocabulary(("jam", "tea")),
    )


def test_facts_are_counted_and_rare_items_are_none():
    assert facts_of_orders(log(), settings(min_item_lines=2)) == ShopFacts(5, 4, 2, 1, pairs=3)
    assert facts_of_orders(log(), settings(min_item_lines=1)).items == 2


def test_facts_of_files_are_those_of_the_log_without_reading_it(tmp_path):
    lines = ["1,ann,tea", "1,ann,jam", "2,ann,tea", "3,bob,tea", "4,,tea"]
    file = tmp_path / "orders.csv"
    rows = "\n".join(f"{line},1,2.5,2024-01-01" for line in lines)
    file.write_text(f"order_id,customer_id,item_id,quantity,unit_price,ordered_at\n{rows}\n")
    some = settings(min_item_lines=2)
    assert facts_of_tables(open_orders([file], some.source, None), some) == facts_of_orders(log(), some)
    file.write_text("order_id,customer_id,item_id,quantity,unit_price,ordered_at\n")
    with pytest.raises(DataError, match=r"orders.csv: no order lines there"):
        facts_of_tables(open_orders([file], some.source, None), some)


def test_places_are_the_discoveries_and_what_was_bought_before():
    few = ShopFacts(lines=300, orders=100, customers=10, items=20, pairs=250)
    assert few.drivers("redis", settings(length=50))["places"] == 10 * 20 + 250
    assert few.drivers("redis", settings(length=10))["places"] == 10 * 10 + 100


@pytest.mark.parametrize("name", ["lines", "customers", "items"])
def test_a_larger_shop_is_expected_to_take_more(name):
    larger = replace(SHOP, **{name: getattr(SHOP, name) * 10})
    for ranked in (0, 1):
        asked = replace(Settings(), ranker=replace(Settings().ranker, windows=ranked))
        before, after = plan_of(SHOP, asked), plan_of(larger, asked)
        assert set(before.peaks) == set(before.seconds) == set(STAGES)
        assert after.peak >= before.peak
        assert after.minutes > before.minutes
        assert after.redis_bytes >= before.redis_bytes


def test_a_training_that_needs_too_much_is_refused_with_what_can_be_done():
    expected = plan_of(SHOP, Settings())
    refuse_too_large(expected, int(expected.training_peak) + 1)
    needed = readable_memory(expected.training_peak)
    said = rf"needs about {needed} of memory \(to \w+\), the limit is 100 MB: raise --memory"
    with pytest.raises(ConfigError, match=said):
        refuse_too_large(expected, 100_000_000)


@pytest.mark.parametrize(
    ("text", "size"),
    [("8GB", 8 * 10**9), ("8 gb", 8 * 10**9), ("1.5G", 1_500_000_000), ("512M", 512 * 10**6),
     ("2GiB", 2 << 30), ("1000", 1000)],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(text, size):
    assert bytes_of(text) == allowed_memory(text) == size


@pytest.mark.parametrize("text", ["", "much", "8 apples", "-1GB", "0GB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ConfigError, match=r"write e\.g\. 8GB"):
        bytes_of(text)


def test_without_a_word_the_machine_is_the_limit():
    assert allowed_memory(None) == machine_memory() > 100_000_000


def test_plan_tells_what_train_refuses_and_both_end_with_code_2(tmp_path, shop_file):
    told = cartlift("plan", shop_file, "--json", "--memory", "64GB").json
    assert (told["fits"], told["lines"]) == (True, 3)
    refused = cartlift("plan", shop_file, "--memory", "1MB", expect=2)
    assert "the limit is 1 MB: raise --memory" in " ".join(refused.out.split())
    untrained = cartlift("train", shop_file, "--snapshot", tmp_path / "s", "--memory", "1MB", expect=2)
    assert "the limit is 1 MB: raise --memory" in " ".join(untrained.err.split())
    assert not (tmp_path / "s").exists()


def test_train_refuses_before_it_reads(tmp_path, shop_file):
    """Reading would end with code 3: not one of these lines can be read."""
    shop_file.write_text(shop_file.read_text().replace("2024-", "soon-"))
    words = ("train", shop_file, "--snapshot", tmp_path / "s")
    assert "the limit is 1 MB" in cartlift(*words, "--memory", "1MB", expect=2).err
    assert "not one of 3 lines" in cartlift(*words, expect=3).err


def test_who_names_no_limit_is_only_warned(monkeypatch):
    expected, said = plan_of(SHOP, Settings()), []
    monkeypatch.setattr(plan, "machine_memory", lambda: 100_000_000)
    plan.check_memory(expected, None, said.append)
    (warning,) = said
    assert readable_memory(expected.training_peak) in warning and "100 MB are there; it goes on" in warning
    with pytest.raises(ConfigError, match="the limit is 200 MB"):
        plan.check_memory(expected, 200_000_000, said.append)
    monkeypatch.setattr(plan, "machine_memory", lambda: int(expected.training_peak) + 1)
    plan.check_memory(expected, None, said.append)
    assert len(said) == 1


def test_publishing_is_no_part_of_a_training():
    expected = plan_of(SHOP, Settings())
    larger = replace(expected, peaks=expected.peaks | {"publish": 10 * expected.peak})
    assert larger.training_peak == expected.training_peak
    refuse_too_large(larger, int(expected.training_peak) + 1)


def test_beyond_the_shops_measured_it_is_said_that_rates_extrapolate():
    assert "extrapolation" not in plan.basis(plan_of(SHOP, Settings()))
    assert "extrapolation" in plan.basis(plan_of(replace(SHOP, lines=4_000_000), Settings()))


def test_the_linear_model_takes_nothing_where_it_has_no_say():
    without = replace(Settings(), blend=replace(Settings().blend, linear=0))
    of_pairs = replace(without, bought_together=replace(without.bought_together, linear_items=100))
    assert SHOP.drivers("peak", of_pairs)["dense"] == 100**2
    assert SHOP.drivers("peak", replace(of_pairs, blend=Settings().blend))["dense"] > 100**2


@pytest.mark.parametrize(
    ("section", "less"),
    [("models", {"als": Als(factors=32)}), ("blend", {"co_purchase_recent": 0.0, "als_long_term": 0.0}),
     ("ranker", {"trees": 10}), ("ranker", {"windows": 1}), ("lists", {"candidates_per_model": 20})],
    ids=["factors", "models", "trees", "windows", "candidates"],
)  # fmt: skip
def test_settings_that_ask_for_less_are_expected_to_take_less(section, less):
    asked = replace(Settings(), **{section: replace(getattr(Settings(), section), **less)})
    before, after = plan_of(SHOP, Settings()), plan_of(SHOP, asked)
    assert after.minutes < before.minutes
    assert after.peak <= before.peak


def test_a_store_of_mapped_columns_is_counted_as_its_exports(tmp_path):
    file, store = tmp_path / "orders.csv", OrderStore(tmp_path / "store")
    file.write_text(
        "no,who,what,quantity,unit_price,ordered_at\n1,ann,tea,1,2,2024-01-01\n2,,jam,1,2,2024-01-01\n"
    )
    columns = replace(Settings().source.columns, order_id=("no",), customer_id=("who",), item_id=("what",))
    some = replace(settings(min_item_lines=1), source=replace(Settings().source, columns=columns))
    with store.locked():
        store.add(open_orders([file], some.source, None), some.source, progress=Silent())
    for place in (file, store.folder):
        found = facts_of_tables(open_orders([place], some.source, None), some)
        assert found == ShopFacts(2, 2, 1, 2, pairs=1)


def test_customers_on_an_orders_first_line_hold_for_its_others(tmp_path):
    file = tmp_path / "orders.csv"
    lines = ["1,ann,tea", "1,,jam", "2,bob,tea", "2,,jam", "2,,jam", "3,,tea"]
    rows = "\n".join(f"{line},1,2.5,2024-01-01" for line in lines)
    file.write_text(f"order_id,customer_id,item_id,quantity,unit_price,ordered_at\n{rows}\n")
    once = replace(settings(min_item_lines=1), source=replace(Settings().source, order_once=True))
    assert facts_of_tables(open_orders([file], once.source, None), once) == ShopFacts(6, 3, 2, 2, pairs=4)


def test_the_file_that_cannot_be_read_is_named(tmp_path):
    columns = {"order_id": ["1"], "customer_id": ["ann"], "item_id": ["tea"], "quantity": [1],
               "unit_price": [2.0], "ordered_at": ["2024-01-01"]}  # fmt: skip
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    pl.DataFrame(columns).write_parquet(good)
    whole = good.read_bytes()
    # The footer is whole, the pages are not.
    bad.write_bytes(whole[:4] + b"\xff" * 300 + whole[304:])
    with pytest.raises(DataError, match=r"^bad\.parquet cannot be read"):
        facts_of_tables(open_orders([good, bad], Settings().source, None), Settings())


def test_a_process_knows_its_own_peak_not_that_of_who_started_it():
    said = "import sys; from recommender.training.stage_usage import peak_memory; print(peak_memory())"
    parent = (
        "import subprocess, sys; held = b'x' * 500_000_000; "
        f"print(subprocess.run([sys.executable, '-c', {said!r}], capture_output=True, text=True).stdout)"
    )
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=True)
    assert 5_000_000 < int(done.stdout) < 450_000_000


def test_the_tightest_control_group_around_the_process_is_its_limit(tmp_path):
    root, own = tmp_path / "cgroup", tmp_path / "own"
    shop = root / "system.slice" / "shop.service"
    shop.mkdir(parents=True)
    (root / "system.slice" / "memory.max").write_text("3000000000\n")
    (shop / "memory.max").write_text("max\n")
    own.write_text("0::/system.slice/shop.service\n")
    assert cgroup_limits(root, own) == [3_000_000_000]
    (shop / "memory.max").write_text("2000000000\n")
    assert min(cgroup_limits(root, own)) == 2_000_000_000
    # Another service's group is not looked at, and a container sees its own as the root.
    own.write_text("0::/system.slice/other.service\n")
    assert cgroup_limits(root, own) == [3_000_000_000]
    (root / "memory.max").write_text("1000000000")
    own.write_text("0::/\n")
    assert cgroup_limits(root, own) == [1_000_000_000]
    first = root / "memory" / "shop"
    first.mkdir(parents=True)
    (first / "memory.limit_in_bytes").write_text("4000000000")
    own.write_text("5:cpu,cpuacct:/shop\n4:memory:/shop\n")
    assert cgroup_limits(root, own) == [4_000_000_000]
    assert cgroup_limits(root, tmp_path / "absent") == []


@pytest.fixture
def shop_file(tmp_path):
    file = tmp_path / "orders.csv"
    rows = "\n".join(f"{n},ann,tea,1,2.5,2024-01-0{n}" for n in (1, 2, 3))
    file.write_text(f"order_id,customer_id,item_id,quantity,unit_price,ordered_at\n{rows}\n")
    return file
