"""The HTML report of an evaluation, read as a browser would read it."""

import re
import tomllib
from dataclasses import asdict, replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from benchmarks.datasets import planted_shop
from recommender.evaluation.evaluation import OURS, Evaluation, compared, compared_for_carts
from recommender.evaluation.intervals import Interval
from recommender.evaluation.prices import price_list
from recommender.evaluation.reranked import AS_SET, PLAIN, Reranked, Variety
from recommender.evaluation.trade_off import TradeOff
from recommender.ranking.lists import SOURCES
from recommender.settings_file import parse_section
from recommender.training.evaluation_plots import COLOURS, Bar, bars, colour_of, curves
from recommender.training.evaluation_report import (
    SECTIONS,
    SOURCE_LABELS,
    Judged,
    answer,
    as_toml,
    html_report,
)
from recommender.training.leak_check import LeakCheck
from recommender.training.settings import Settings
from recommender.training.source_settings import SourceSettings
from tests.commands import cartlift
from tests.evaluation.shop import JAM, MILK, TEA, evaluation_of, lists_of

VOID = {"meta", "br", "hr", "img", "link", "input"}
EVIL = "<script>alert('tea')</script> & \"more\""
DATA = {
    "lines": 1_234, "put_aside": 34, "purchases": 1_190, "returns": 10, "orders": 600, "customers": 3,
    "items": 4, "first_order": "2026-01-02T00:00:00Z", "last_order": "2026-03-04T00:00:00Z",
    "findings": [{"what": f"lines like {EVIL}", "count": 2, "unit": "lines", "action": "put aside"}],
}  # fmt: skip
SECTION_IDS = [
    "judged", "accuracy", "compared", "carts", "health", "slices", "trade-off", "prices", "repeats",
    "examples", "findings", "glossary", "settings",
]  # fmt: skip


class Page(HTMLParser):
    """Elements of a page and the text of each, with every element closed in its order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.within: list[int] = []
        self.feed(page)
        self.close()
        assert self.within == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.handle_data(" ")  # else the texts of two list items would be one word
        self.elements.append((tag, dict(attrs)))
        self.texts.append("")
        if tag not in VOID:
            self.within.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.within.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for element in self.within:
            self.texts[element] += data

    def all(self, tag: str, **attributes: str) -> list[str]:
        """Text of every such element, blanks run together."""
        return [
            " ".join(text.split())
            for (name, own), text in zip(self.elements, self.texts, strict=True)
            if name == tag and attributes.items() <= own.items()
        ]

    def values(self, attribute: str) -> list[str]:
        return [own[attribute] or "" for _, own in self.elements if attribute in own]


def judged_of(evaluation: Evaluation, **changes: object) -> Judged:
    told = Judged(
        data=DATA,
        settings=Settings(),
        others={name: Settings() for name in evaluation.others},
        evaluation=evaluation,
        verdict=evaluation.verdict(),
        comparisons=compared(evaluation),
        carts=compared_for_carts(evaluation),
        prices=price_list(evaluation),
        leaks=None,
    )
    return replace(told, **changes)


def small_shop(titles: tuple[str, ...] = ("jam", "milk", "new", "tea"), **others: list[list[int]]):
    """Ann, bob and cid: ann's list is right in its first place, the others' nowhere."""
    evaluation = evaluation_of([[TEA, MILK], [TEA, JAM], [JAM]], [[MILK], [TEA], [TEA]], **others)
    other_order = lists_of(evaluation.windows[0], [[MILK, TEA], [TEA, JAM], [JAM]])
    made = {
        PLAIN: evaluation.lists[OURS][0],
        AS_SET: evaluation.lists[OURS][0],
        "diversity = 0.5": other_order,
    }
    variety = Variety(coverage=0.5, unlikeness=0.25, novelty=1.5, new=0.125)
    return replace(
        evaluation,
        catalog=replace(evaluation.catalog, title=titles),
        reranked={name: (Reranked(lists, variety),) for name, lists in made.items()},
    )


@pytest.fixture(scope="module")
def judged() -> Judged:
    return judged_of(small_shop(**{"other.toml": [[MILK, JAM], [MILK], [TEA]]}))


@pytest.fixture(scope="module")
def written(judged: Judged) -> str:
    return html_report(judged)


@pytest.fixture(scope="module")
def page(written: str) -> Page:
    return Page(written)


def test_every_section_is_there_and_every_link_leads_to_one(page: Page):
    ids = page.values("id")
    sections = [one for one in SECTION_IDS if one != "carts"]  # three customers leave no cart to judge
    assert [one for one in ids if one in SECTION_IDS] == sections
    assert len(set(ids)) == len(ids)
    assert {f"#{one}" for one in sections} <= set(page.values("href"))
    assert {link[1:] for link in page.values("href")} <= set(ids)
    assert {link[1:] for link in re.findall(r"url\((.*?)\)", "".join(page.values("clip-path")))} <= set(ids)


def test_nothing_is_fetched_and_nothing_runs(written: str, page: Page):
    assert not {"script", "link", "img", "iframe", "object", "image"} & {tag for tag, _ in page.elements}
    assert page.values("src") == []
    assert not re.search(r"https?:|@import|url\((?!#)", written)
    assert not any(name.startswith("on") for _, own in page.elements for name in own)
    assert len(written.encode()) < 200_000


def test_the_same_evaluation_gives_the_same_bytes_whatever_the_users_matplotlib_is_told(
    judged: Judged, written: str
):
    assert html_report(judged) == written
    with matplotlib.rc_context({"font.size": 40, "axes.facecolor": "red", "svg.fonttype": "path"}):
        assert html_report(judged) == written
        assert matplotlib.rcParams["font.size"] == 40


def test_figures_are_those_of_the_verdict(judged: Judged, page: Page):
    cells = page.all("td")
    for figures in judged.verdict.tasks:
        for interval in (figures.ndcg, figures.baseline_ndcg, *(at.map for at in figures.at)):
            assert f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]" in cells
    for one in judged.verdict.slices:
        assert f"{one.baseline_ndcg:.3f}" in cells
    assert f"{judged.verdict.health.coverage:.1%}" in cells
    assert f"{judged.verdict.health.novelty:.1f} bit" in cells
    for row in judged.comparisons:
        assert f"{row.method.p_holm:.3f}" in cells


def test_every_plot_says_in_words_what_it_shows(judged: Judged, page: Page):
    plots = [own for tag, own in page.elements if tag == "svg"]
    # Accuracy, one comparison, a plot a dimension and task, the trade-off, three of prices, the repeats.
    parts = {(one.dimension, one.task) for one in judged.verdict.slices}
    assert len(plots) == 7 + len(parts)
    assert all(own["role"] == "img" and own["aria-label"] for own in plots)
    ndcg = judged.verdict.tasks[0].ndcg
    assert f"all purchases · 2: ours {ndcg}" in page.values("aria-label")[1]


def test_tables_have_headings(page: Page):
    assert len(page.all("thead")) == len(page.all("table"))
    assert all(own.get("scope") for tag, own in page.elements if tag == "th")


def test_titles_ids_and_names_of_files_are_text():
    """A shop's words may hold anything; none of it may become markup, in tables or in plots."""
    evaluation = small_shop(titles=(EVIL, EVIL, EVIL, EVIL), **{EVIL: [[MILK], [JAM], [TEA]]})
    evaluation = replace(evaluation, catalog=replace(evaluation.catalog, category=(EVIL,) * 4))
    written = html_report(judged_of(evaluation))
    page = Page(written)
    assert "script" not in {tag for tag, _ in page.elements}
    assert "<script" not in written
    shown = [text for text in page.all("li") if EVIL in text]
    assert len(shown) > 5
    assert EVIL in page.all("h3")
    assert f"lines like {EVIL}" in page.all("th")
    assert any(f"Difference of {EVIL}" in label for label in page.values("aria-label"))


def test_an_example_shows_history_list_and_purchases(page: Page):
    (ann,) = [text for text in page.all("article") if text.startswith("Customer ann")]
    before, listed = ann.split("The list")
    assert "nDCG@2 0.613 · 2 orders before 1970-01-11" in before
    assert "tea 2×, 1970-01-07" in before and "milk 1×, 1970-01-02" in before
    listed, afterwards = listed.split("Bought afterwards")
    assert "✓ tea" in listed
    assert "✓ milk" not in listed
    assert afterwards.split() == ["✓", "tea", "jam"]


def test_every_source_has_a_name_of_its_own_for_people():
    assert set(SOURCES) <= set(SOURCE_LABELS)
    assert len(set(SOURCE_LABELS.values())) == len(SOURCE_LABELS)


def test_groups_of_few_customers_are_marked(page: Page):
    assert any("3 few" in cell or "2 few" in cell for cell in page.all("td"))
    assert any("(few)" in label for label in page.values("aria-label"))


def test_without_comparison_and_categories_their_parts_are_left_out():
    page = Page(html_report(judged_of(small_shop())))
    assert "compared" not in page.values("id")
    assert not any("category" in text for text in page.all("figcaption"))
    assert "–" in page.all("td")  # diversity


def test_what_other_settings_say_is_told():
    evaluation = small_shop(**{"other.toml": [[MILK], [JAM], [TEA]]})
    other = parse_section(Settings, {"ranker": {"trees": 7}, "gate": {}}, "other.toml")
    page = Page(html_report(judged_of(evaluation, others={"other.toml": other})))
    assert any(text == "ranker.trees 7 instead of 300." for text in page.all("p"))


def test_what_re_ranking_costs_is_told(page: Page):
    (row,) = [text for text in page.all("tr") if text.startswith("diversity = 0.5")]
    # Of three lists one is another: ann's purchase came second instead of first.
    assert row.startswith("diversity = 0.5 33.3% −0.113")
    assert row.endswith("50.0% 0.250 1.5 bit 12.5%")
    assert any("Without any effect on these lists: all that is set." in text for text in page.all("p"))


def test_where_nothing_was_re_ranked_no_price_is_told():
    page = Page(html_report(judged_of(replace(small_shop(), reranked={}))))
    assert "prices" not in page.values("id") and "#prices" not in page.values("href")


LEAKS = [(0, "none of 40 lists changed by a byte"), (3, "3 of 40 lists changed")]


@pytest.mark.parametrize(("differing", "told"), LEAKS)
def test_a_leak_check_is_told(judged: Judged, differing: int, told: str):
    page = Page(html_report(replace(judged, leaks=LeakCheck(0, 99, 40, differing))))
    assert any(told in text for text in page.all("dd"))


def figures_with(judged: Judged, *, customers: int, gain: Interval, theirs: float = 0.2):
    verdict = judged.verdict
    main = replace(
        verdict.tasks[0],
        customers=customers,
        ndcg=Interval(theirs + gain.mean, 0, 1),
        baseline_ndcg=Interval(theirs, 0, 1),
        gain=gain,
    )
    return replace(verdict, tasks=(main, *verdict.tasks[1:]))


ANSWERS = [
    (50, Interval(0.2, 0.1, 0.3), 0.2, "Yes", "2.0 times as near"),
    (50, Interval(0.2, 0.1, 0.3), 0.0, "Yes", "come nearer"),
    (50, Interval(-0.1, -0.2, -0.05), 0.2, "No", "a difference of −0.100"),
    (50, Interval(0.1, -0.1, 0.3), 0.2, "Not proven", "among 50 customers"),
    (9, Interval(0.2, 0.1, 0.3), 0.2, "Not proven", "among 9 customers"),
]


@pytest.mark.parametrize(("customers", "gain", "theirs", "word", "sentence"), ANSWERS)
def test_the_answer_is_as_sure_as_its_interval(judged, customers, gain, theirs, word, sentence):
    said, why = answer(figures_with(judged, customers=customers, gain=gain, theirs=theirs))
    assert said == word
    assert sentence in why


def test_settings_shown_can_be_used_again_and_hold_no_source():
    source = SourceSettings(orders=("postgresql://shop:secret@db/shop",))
    settings = replace(
        parse_section(Settings, {"lists": {"length": 7}, "cleaning": {"non_product": ['a"b', "é"]}}, "x"),
        source=source,
    )
    written = as_toml(settings)
    again = asdict(parse_section(Settings, tomllib.loads(written), "again"))
    assert {name: again[name] for name in SECTIONS} == {name: asdict(settings)[name] for name in SECTIONS}
    assert "secret" not in written


def drawing(svg: str) -> ElementTree.Element:
    """An SVG element as XML; it must be well formed by itself."""
    return ElementTree.fromstring(svg)


def test_bars_are_as_long_as_their_figures():
    """The axis starts at 0, so a figure twice as large has a bar twice as long."""
    rows = [
        Bar("one", Interval(0.2, 0.1, 0.3), Interval(0.4, 0.3, 0.5)),
        Bar("$5 to $10", Interval(0.1, 0.0, 0.2), Interval(0.3, np.nan, np.nan), few=True),
    ]
    root = drawing(str(bars("b", "Bars", rows, unit="nDCG@10")))
    lengths = {}
    for path in root.iter("path"):
        style = path.get("style") or ""
        if "fill: var(--method-" in style:
            x = [float(number) for number in re.findall(r"[ML] ([\d.]+) ", path.get("d") or "")]
            pale = "opacity" in style
            lengths[style.split("var(--")[1].split(")")[0], pale] = max(x) - min(x)
    one = lengths["method-1", False]
    assert lengths["method-2", False] == pytest.approx(2 * one, rel=1e-4)
    assert lengths["method-1", True] == pytest.approx(one / 2, rel=1e-4)
    assert lengths["method-2", True] == pytest.approx(1.5 * one, rel=1e-4)
    assert "$5 to $10" in [text.text for text in root.iter("text")]


def test_colours_are_the_pages():
    svg = str(curves("c", "Curve", {OURS: (TradeOff(1, 0.1, 0.2, 0.3), TradeOff(5, 0.3, 0.4, 0.5))}))
    assert "var(--method-1)" in svg
    assert re.findall(r"#[0-9a-f]{6}\b", svg) == []
    assert "DejaVu" not in svg


def test_every_colour_is_defined_by_day_and_by_night(written: str):
    style = written.split("</style>")[0]
    for colour in COLOURS:
        assert len(re.findall(rf"--{colour}: #", style)) == 2
    assert colour_of("h", list("abcdefgh")) in COLOURS


def test_the_command_writes_it(tmp_path):
    planted_shop(customers=60).write_parquet(tmp_path / "orders.parquet")
    (tmp_path / "quick.toml").write_text("[models.als]\nfactors = 8\niterations = 3\n[ranker]\nwindows = 0\n")
    words = ["orders.parquet", "--config", "quick.toml", "--windows", "2"]
    cartlift("evaluate", *words, "--html", "report.html", folder=tmp_path)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "Yes" in page.all("strong")
    assert len(page.all("article")) == 6
    assert [one for one in page.values("id") if one in SECTION_IDS] == [
        one for one in SECTION_IDS if one != "compared"
    ]


def test_a_folder_that_is_not_there_is_told_before_anything_is_learned(tmp_path):
    told = cartlift("evaluate", "x.csv", "--html", "nowhere/report.html", folder=tmp_path, expect=2).err
    assert "--html nowhere/report.html: there is no folder nowhere" in " ".join(told.split())
