import sys

import numpy as np
import polars as pl
import pytest

from benchmarks.large_shops import SIZES, ShopSize, write_orders
from benchmarks.memory import Run, in_a_process, rates_of, settings_of, table_of, write_rates
from recommender.training import plan_rates
from recommender.training.plan import TOLERANCE, plan_of
from recommender.training.shop_facts import ShopFacts
from recommender.training.stage_usage import STAGES, Usage

SHOP = ShopSize(300, 80, 6_000)
NOTHING = ShopFacts(0, 0, 0, 0, 0)


def test_a_written_shop_has_the_size_asked_for_and_is_the_same_again(tmp_path):
    files = write_orders(tmp_path / "a", SHOP, customers_a_file=128)
    lines = pl.concat(map(pl.read_parquet, files))
    assert len(files) == 3
    assert abs(len(lines) - SHOP.lines) < 0.2 * SHOP.lines
    assert lines["customer_id"].n_unique() == SHOP.customers
    assert lines["item_id"].n_unique() <= SHOP.items
    # Who places an order, places all of it, and every file has its own customers.
    assert lines.group_by("order_id").agg(pl.col("customer_id", "ordered_at").n_unique()).select(
        pl.col("customer_id", "ordered_at").max()
    ).row(0) == (1, 1)
    assert all(pl.read_parquet(file)["ordered_at"].is_sorted() for file in files)
    again = write_orders(tmp_path / "b", SHOP, customers_a_file=128)
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(files, again, strict=True))


def test_customers_have_tastes_and_buy_again(tmp_path):
    (file,) = write_orders(tmp_path, SHOP)
    bought = pl.read_parquet(file).group_by("customer_id", "item_id").len()
    assert bought.select((pl.col("len") - 1).sum() / pl.col("len").sum()).item() > 0.15
    assert bought.group_by("item_id").agg(pl.col("len").sum())["len"].max() > 5 * SHOP.lines / SHOP.items


def test_parts_of_a_size_are_as_large_in_every_respect():
    assert SIZES["M"].part(1 / 8) == ShopSize(62_500, 6_250, 1_875_000)


def made_up(customers: int, items: int, lines: int, *, ranked: bool) -> Run:
    """A run that holds 100 MB, 50 bytes a line and 1,000 a customer, in every stage."""
    facts = ShopFacts(lines, lines // 3, customers, items, lines)
    used = Usage(100_000_000 + 50 * lines + 1_000 * customers, 1 + lines / 1e5, 1 + lines / 1e5)
    return Run("made up", ranked, False, facts, dict.fromkeys(STAGES, used), 10 * lines, 300 * customers)


def test_rates_are_found_again_in_what_was_measured(tmp_path):
    shapes = [(1_000, 100, 20_000), (9_000, 100, 20_000), (1_000, 900, 20_000), (1_000, 100, 90_000),
              (5_000, 500, 50_000), (700, 50, 10_000)]  # fmt: skip
    runs = [made_up(*shape, ranked=ranked) for shape in shapes for ranked in (False, True)]
    rates = rates_of(runs)
    for run in runs:
        drivers = run.facts.drivers("peak", settings_of(ranked=run.ranked, large=False))
        (read,) = (rate for rate in rates if (rate.what, rate.stage) == ("peak", "read"))
        told = sum(each * drivers[name] for name, each in read.per.items())
        assert told == pytest.approx(run.stages["read"].peak, rel=0.01)
    (redis,) = (rate for rate in rates if rate.what == "redis")
    assert redis.per["customers"] == pytest.approx(300, rel=0.05)
    module = tmp_path / "rates.py"
    module.write_text("from dataclasses import dataclass\n\nRATES: tuple[int, ...] = ()\n")
    write_rates(rates, module)
    written: dict[str, object] = {"Rate": plan_rates.Rate}
    exec(module.read_text(), written)
    assert written["RATES"] == rates


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux is asked for the peak")
def test_memory_and_redis_are_what_the_plan_says(tmp_path):
    """Of Redis and of the disk nearly all is the shop's own; of memory, at this size, most is fixed."""
    write_orders(tmp_path, ShopSize(8_000, 1_000, 144_000))
    run = in_a_process("small", tmp_path, ranked=False, large=False)
    plan, fixed = (plan_of(facts, settings_of(ranked=False, large=False)) for facts in (run.facts, NOTHING))
    assert set(run.stages) == set(STAGES)
    assert np.isclose(plan.redis_bytes, run.redis_bytes, rtol=0.15, atol=0)
    assert fixed.redis_bytes < 0.2 * run.redis_bytes
    assert np.isclose(plan.snapshot_bytes, run.snapshot_bytes, rtol=0.15, atol=0)
    assert fixed.snapshot_bytes < 0.2 * run.snapshot_bytes
    assert np.isclose(plan.peak, run.peak, rtol=TOLERANCE, atol=0)
    assert "single-stage" in [cell for column in table_of([run]).columns for cell in column.cells]
