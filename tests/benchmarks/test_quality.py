"""The comparison as a whole, on a generated shop whose answer is known."""

from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from benchmarks.held_out import TASKS
from benchmarks.peers.registry import PEERS
from benchmarks.quality import PRODUCT, Row, main, table_of, variants
from benchmarks.quality_plot import draw
from recommender.models.registry import MODELS

pytestmark = pytest.mark.slow

SHOP = "planted shop"


@dataclass(frozen=True)
class Run:
    """What the quick form found, printed, told meanwhile and kept."""

    judged: Mapping[str, Sequence[Row]]
    out: str
    err: str
    kept: list[Path]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder, out, err = tmp_path_factory.mktemp("results"), StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr("benchmarks.results.FOLDER", folder)
        found = main(["--quick"])
    return Run(found[SHOP], out.getvalue(), err.getvalue(), list(folder.iterdir()))


@pytest.fixture(scope="module")
def judged(run):
    return run.judged


def ndcg(judged, name, task):
    return judged[name][TASKS.index(task)].ndcg.mean


def test_every_peer_and_our_own_are_there_on_both_tasks(judged):
    peers = {name for peer, contender in PEERS.items() for name in variants(peer, contender, SHOP, {})}
    ours = {f"our {name}" for name in MODELS} | {"our blend", PRODUCT}
    assert peers | ours <= set(judged)
    assert all([row.task for row in rows] == list(TASKS) for rows in judged.values())


def test_whoever_learns_tastes_beats_best_sellers_by_far(judged):
    best = ndcg(judged, "best sellers, half-life 14 days", "discover")
    for name in (
        "implicit BM25, defaults",
        "EASE, defaults",
        "UP-CF@r, defaults",
        "irspack RP3beta, defaults",
    ):
        assert ndcg(judged, name, "discover") > 1.5 * best, name


def test_own_purchases_find_repeats_and_never_anything_new(judged):
    assert ndcg(judged, "own purchases, defaults", "all") > ndcg(judged, "best sellers of all time", "all")
    assert ndcg(judged, "own purchases, defaults", "discover") == 0


def test_a_peer_of_ours_under_another_name_has_the_same_figures(judged):
    assert judged["our best_sellers"] == judged["best sellers, half-life 14 days"]


def test_differences_are_to_the_product_and_paired(judged):
    for rows in judged.values():
        for row, product in zip(rows, judged[PRODUCT], strict=True):
            assert row.customers == product.customers
            if row is not product:
                assert row.to_product.mean == pytest.approx(row.ndcg.mean - product.ndcg.mean)
                assert 0 < row.p <= 1
    assert all(row.to_product is None and row.p is None for row in judged[PRODUCT])


def test_settings_are_chosen_by_task_and_for_both_shops_or_one():
    record = {
        "EASE": {
            "chosen": {
                "all": {"both shops": {"regularization": 1.0}, "here": {"regularization": 2.0}},
                "discover": {"both shops": {"regularization": 3.0}, "here": {"regularization": 4.0}},
            }
        }
    }
    assert variants("EASE", PEERS["EASE"], "here", record) == {
        "EASE, defaults": {"all": {}, "discover": {}},
        "EASE, tuned": {"all": {"regularization": 1.0}, "discover": {"regularization": 3.0}},
        "EASE, tuned for this shop": {"all": {"regularization": 2.0}, "discover": {"regularization": 4.0}},
    }
    assert list(variants("EASE", PEERS["EASE"], "elsewhere", record)) == ["EASE, defaults", "EASE, tuned"]


def test_the_table_has_the_best_first(judged):
    table = table_of(SHOP, "all", judged)
    names = list(table.columns[0].cells)
    assert sorted(names, key=lambda name: -ndcg(judged, name, "all")) == names


def test_the_quick_form_prints_both_tables_and_keeps_nothing(run):
    assert "planted shop, all: 59 customers" in run.out
    assert "planted shop, discover: 20 customers" in run.out
    assert all(name in run.out for name in run.judged)
    assert "our buy_again" in run.err
    assert run.kept == []


def test_the_picture_is_drawn(tmp_path):
    interval = {"mean": 0.3, "low": 0.2, "high": 0.4}
    rows = [{"task": task, "ndcg": interval} for task in TASKS]
    draw({"shop": {PRODUCT: rows, "EASE, tuned": rows}}, tmp_path / "q.png")
    assert (tmp_path / "q.png").read_bytes().startswith(b"\x89PNG")
