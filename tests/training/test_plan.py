from dataclasses import replace

import numpy as np
import pytest

from recommender.data.orders import GUEST, OrderLog
from recommender.data.vocabulary import Vocabulary
from recommender.errors import ConfigError, DataError
from recommender.training.memory_limit import allowed_memory, bytes_of, machine_memory, readable_memory
from recommender.training.plan import ShopFacts, facts_of_orders, plan_of, refuse_too_large
from recommender.training.plan_scan import facts_of_tables
from recommender.training.settings import Settings
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
    assert few.drivers(settings(length=50))["places"] == 10 * 20 + 250
    assert few.drivers(settings(length=10))["places"] == 10 * 10 + 100


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
    plan = plan_of(SHOP, Settings())
    refuse_too_large(plan, int(plan.peak) + 1)
    said = (
        rf"needs about {readable_memory(plan.peak)} of memory \(to \w+\), the limit is 100 MB: raise --memory"
    )
    with pytest.raises(ConfigError, match=said):
        refuse_too_large(plan, 100_000_000)


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


@pytest.fixture
def shop_file(tmp_path):
    file = tmp_path / "orders.csv"
    rows = "\n".join(f"{n},ann,tea,1,2.5,2024-01-0{n}" for n in (1, 2, 3))
    file.write_text(f"order_id,customer_id,item_id,quantity,unit_price,ordered_at\n{rows}\n")
    return file
