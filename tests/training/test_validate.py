import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from recommender.training.commands.validate import validate
from tests.training.every_finding import SMALL_SHOP

HEADER = "order_id,customer_id,item_id,quantity,unit_price,ordered_at\n"
TEA_AND_JAM = "1,ann,tea,2,2.5,2024-01-01\n1,ann,jam,1,4,2024-01-01\n"
ORDERS = HEADER + TEA_AND_JAM + "2,,tea,1,2.5,2024-02-01\n3,bob,tea,0,2.5,2024-02-01\n"


@pytest.fixture
def orders(tmp_path):
    (tmp_path / "orders.csv").write_text(ORDERS)
    return str(tmp_path / "orders.csv")


def run(*arguments):
    return CliRunner(env={"COLUMNS": "200"}).invoke(validate, arguments, catch_exceptions=False)


def codes(said):
    """What is odd beside that the shop is so small."""
    return [finding["code"] for finding in said["findings"] if finding["code"] not in SMALL_SHOP]


def test_findings_are_shown_with_count_share_action_and_example(orders):
    result = run(orders)
    assert result.exit_code == 0
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "zero_quantity 1 line 25.0% put aside order 3: 0 × tea" in rows
    assert "nothing was sold orders.csv, row 4" in rows
    assert (
        "4 order lines read, 1 put aside. 3 purchases, 0 returns, 2 orders, 1 known customer, 2 items, "
        "2024-01-01T00:00:00Z to 2024-02-01T00:00:00Z."
    ) in " ".join(rows)


def test_json_is_for_programs(orders):
    result = run(orders, "--json")
    said = json.loads(result.stdout)
    assert (said["lines"], said["put_aside"], said["items"]) == (4, 1, 2)
    assert codes(said) == ["zero_quantity", "missing_customer"]


def test_lines_put_aside_are_written_and_said_so(orders, tmp_path):
    result = run(orders, "--quarantine", str(tmp_path / "aside.csv"))
    assert "Lines put aside are in" in result.stdout and (tmp_path / "aside.csv").read_text().count("\n") == 2


def test_items_preset_and_config_are_taken(orders, tmp_path):
    (tmp_path / "items.csv").write_text("item_id,title\ntea,Tea\n")
    (tmp_path / "cartlift.toml").write_text("[cleaning]\nnon_product = ['^jam$']")
    result = run(
        orders, "--items", str(tmp_path / "items.csv"), "--config", str(tmp_path / "cartlift.toml"), "--json"
    )
    assert codes(json.loads(result.stdout)) == ["non_product", "zero_quantity", "missing_customer"]


def test_square_brackets_in_a_shops_words_are_no_markup(tmp_path):
    (tmp_path / "orders.csv").write_text(
        HEADER + "1,ann,tea,1,1,2024-01-01\n1,ann,[bold]x[/nothing],0,1,2024-01-01\n"
    )
    assert "0 × [bold]x[/nothing]" in run(str(tmp_path / "orders.csv")).stdout


def cartlift(*arguments):
    """The real command, as a shop calls it."""
    command = "from recommender.training.command_line import main; main()"
    return subprocess.run(
        [sys.executable, "-c", command, "validate", *arguments], capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["{orders}"], 0, ""),
        ([], 2, "no orders named"),
        (
            ["{orders}", "--preset", "uci-online-retail"],
            3,
            "missing_column: no 'Invoice' or 'InvoiceNo' for order_id",
        ),
        (["none.csv"], 3, "no such file or folder: none.csv"),
        (["{orders}", "--quarantine", "aside.doc"], 2, "must end in .parquet or .csv"),
    ],
)
def test_a_refusal_is_one_line_and_an_exit_code(orders, arguments, code, said):
    result = cartlift(*(argument.format(orders=orders) for argument in arguments))
    assert result.returncode == code
    assert said in " ".join(result.stderr.split()) and "Traceback" not in result.stderr


def test_a_long_example_is_cut(tmp_path):
    (tmp_path / "orders.csv").write_text(
        HEADER + f"1,ann,tea,1,1,2024-01-01\n1,ann,{'x' * 80},0,1,2024-01-01\n"
    )
    shown = run(str(tmp_path / "orders.csv")).stdout
    assert "order 1: 0 × " + "x" * 34 + "…" in shown and "x" * 35 not in shown
