"""Who has which variant, what each variant answers, and that it is noted who was shown one."""

import sqlite3
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from msgspec.structs import replace as replace_struct

from recommender.errors import ConfigError
from recommender.events.exposures import erase_exposures, read_exposures, read_plans
from recommender.events.recommendation_ids import read_recommendation_id
from recommender.serving.experiments import Experiments, plans_of
from recommender.serving.exposure_queue import ExposureQueue
from recommender.serving.placements import (
    Experiment,
    Placement,
    ServiceSettings,
    Variant,
    load_service_settings,
)
from recommender.serving.question import Question
from tests.serving.served_shop import ServedShop, ids
from tests.serving.small_shop import BEST_SELLERS, publish, stored_list

ANN = "/v1/customers/ann/recommendations?placement=home"

HALVES = {"control": Variant(0.5), "short": Variant(0.5, Placement(n=1))}


def shop_with(experiment: Experiment, journal: Path = Path("/dev/null/events.sqlite"), **own) -> ServedShop:
    shop = ServedShop(
        settings=ServiceSettings({"home": Placement(**own)}, {"test": experiment}), journal=journal
    )
    publish(shop.store)
    shop.follower.poll()
    return shop


def everybody(variant: Variant, **own) -> ServedShop:
    """A shop where every customer has this variant."""
    variants = {"it": replace(variant, share=1 - 1e-12), "other": Variant(1e-12)}
    return shop_with(Experiment("home", variants), **own)


def variants(shop: ServedShop, customers: int) -> dict[str, str | None]:
    return {
        f"c{number}": shop.get(f"/v1/customers/c{number}/recommendations?placement=home").get("variant")
        for number in range(customers)
    }


def test_an_answer_names_its_experiment_and_variant_and_so_does_its_id():
    answer = everybody(Variant(1)).get(ANN)
    assert (answer["experiment"], answer["variant"]) == ("test", "it")
    shown = read_recommendation_id(answer["recommendation_id"])
    assert shown is not None
    assert (shown.experiment, shown.variant, shown.placement) == ("test", "it", "home")


def test_customers_are_spread_by_the_shares_and_stay_where_they_are():
    experiment = Experiment("home", {"a": Variant(0.5), "b": Variant(0.3)})
    first, second = variants(shop_with(experiment), 1_000), variants(shop_with(experiment), 1_000)
    assert first == second
    counted = Counter(first.values())
    for variant, share in (("a", 0.5), ("b", 0.3), (None, 0.2)):
        assert abs(counted[variant] / 1_000 - share) < 4 * (share * (1 - share) / 1_000) ** 0.5


def test_another_salt_draws_anew_and_the_same_salt_alike():
    plain = variants(shop_with(Experiment("home", HALVES)), 200)
    named = variants(shop_with(Experiment("home", HALVES, salt="test")), 200)
    salted = variants(shop_with(Experiment("home", HALVES, salt="other")), 200)
    assert plain == named
    alike = sum(plain[customer] == salted[customer] for customer in plain)
    assert 70 < alike < 130


def test_other_placements_and_guests_without_a_session_are_no_part_of_it():
    shop = shop_with(Experiment("home", HALVES))
    assert "experiment" not in shop.get("/v1/customers/ann/recommendations")
    assert "experiment" not in shop.get("/v1/best-sellers?placement=home")
    assert "experiment" not in shop.ask(placement="home", cart=["tea"])


def test_a_guest_keeps_a_variant_by_the_session():
    shop = shop_with(Experiment("home", HALVES))
    drawn = {
        session: {shop.ask(placement="home", session_id=f"s{session}")["variant"] for _ in range(3)}
        for session in range(40)
    }
    assert all(len(one) == 1 for one in drawn.values())
    assert {next(iter(one)) for one in drawn.values()} == {"control", "short"}
    assert shop.ask_for_cart(cart=["tea"], placement="home", session_id="s")["experiment"] == "test"


def test_the_session_changes_nothing_else():
    shop = shop_with(Experiment("home", HALVES))
    ids_ = {shop.ask(session_id=session)["recommendation_id"] for session in ("s1", "s2")}
    assert len(ids_ | {shop.ask()["recommendation_id"]}) == 1


def test_settings_of_a_variant_hold_instead_of_the_placements_unless_the_request_says_otherwise():
    shop = everybody(Variant(1, Placement(n=1, blocks=("tea",))), n=3)
    assert ids(shop.get(ANN)) == ["honey"]
    assert ids(shop.get(f"{ANN}&n=2")) == ["honey", "hammer"]


def test_a_holdout_gets_best_sellers_alone_by_the_rules_of_what_may_be_shown():
    shop = everybody(
        Variant(1, holdout="best_sellers"), blocks=("tea",), pins=("honey",), ladder=("personal",)
    )
    answer = shop.get(ANN)
    assert answer["source"] == "best_sellers"
    assert ids(answer) == [item for item in BEST_SELLERS[""] if item not in ("tea", "saw")]


def test_a_holdout_may_get_nothing():
    shop = everybody(Variant(1, holdout="nothing"), pins=("honey",))
    for answer in (shop.get(ANN), shop.ask(customer_id="ann", placement="home", cart=["tea"], explain=True)):
        assert (ids(answer), answer["source"], answer["degraded"]) == ([], "nothing", False)


def test_an_experiment_begins_and_ends():
    begin, end = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
    shop = shop_with(Experiment("home", HALVES, start=begin, end=end))
    seen = []
    for moment in (begin.timestamp() - 1, begin.timestamp(), end.timestamp() - 1, end.timestamp()):
        shop.clock.now = moment
        seen.append("experiment" in shop.get(ANN))
    assert seen == [False, True, True, False]


class TestVariantsOverSnapshots:
    @pytest.fixture
    def shop(self) -> ServedShop:
        shop = everybody(Variant(1, snapshot="new"))
        publish(shop.store, "new", {"customer:{ann}": stored_list(("nails",), "als")})
        publish(shop.store, "tuesday")
        shop.follower.poll()
        return shop

    def test_are_answered_from_the_one_that_they_name(self, shop: ServedShop):
        shop.pinned.poll()
        answer = shop.get(ANN)
        assert (answer["snapshot"], ids(answer), answer["degraded"]) == ("new", ["nails"], False)
        assert shop.get("/v1/customers/ann/recommendations")["snapshot"] == "tuesday"

    def test_are_answered_from_the_live_one_and_say_so_while_it_is_not_there(self, shop: ServedShop):
        assert (shop.get(ANN)["snapshot"], shop.get(ANN)["degraded"]) == ("tuesday", True)
        shop.pinned.poll()
        publish(shop.store, "wednesday")
        publish(shop.store, "thursday")
        shop.store.prune(grace=0)
        shop.follower.poll()
        shop.pinned.poll()
        answer = shop.client.get(ANN)
        assert (answer.get_json()["snapshot"], answer.get_json()["degraded"]) == ("thursday", True)
        assert answer.get_json()["variant"] == "it"
        assert "ETag" not in answer.headers


class TestExposures:
    @pytest.fixture
    def journal(self, tmp_path: Path) -> Path:
        return tmp_path / "events" / "shop.sqlite"

    @pytest.fixture
    def shop(self, journal: Path) -> ServedShop:
        return shop_with(Experiment("home", HALVES), journal)

    def test_are_written_once_with_their_first_time(self, shop: ServedShop, journal: Path):
        shop.clock.now = 100.0
        variant = shop.get(ANN)["variant"]
        shop.clock.now = 101.0
        shop.get(ANN)
        shop.ask(placement="home", session_id="s")
        shop.experiments.write()
        shop.get(ANN)
        shop.experiments.write()
        first, guest = read_exposures(journal, "test")
        assert (first.kind, first.id, first.variant, first.at) == ("customer", "ann", variant, 100.0)
        assert (guest.kind, guest.id) == ("session", "s")

    def test_of_an_erased_customer_are_gone_from_the_file(self, shop: ServedShop, journal: Path):
        for customer in ("who-is-erased", "bob"):
            shop.get(f"/v1/customers/{customer}/recommendations?placement=home")
        shop.experiments.write()
        assert erase_exposures(journal, "who-is-erased") == 1
        assert [exposure.id for exposure in read_exposures(journal, "test")] == ["bob"]
        assert not any(b"who-is-erased" in file.read_bytes() for file in journal.parent.iterdir())
        assert erase_exposures(journal, "who-is-erased") == 0

    def test_nobody_who_is_hidden_takes_part(self, shop: ServedShop, journal: Path):
        queue = ExposureQueue(journal, plans_of(shop.settings, 0.0))
        experiments = Experiments(shop.settings, queue, shop.clock, lambda customer_id: customer_id == "ann")
        asked = Question(call="customer", customer_id="ann", placement="home")
        assert experiments.arm(asked) is None
        assert experiments.arm(replace_struct(asked, customer_id="bob")) is not None

    def test_the_earliest_time_of_two_workers_stays(self, shop: ServedShop, journal: Path):
        other = shop_with(Experiment("home", HALVES), journal)
        for worker, now in ((shop, 200.0), (other, 150.0)):
            worker.clock.now = now
            worker.get(ANN)
            worker.experiments.write()
        assert [exposure.at for exposure in read_exposures(journal, "test")] == [150.0]

    def test_the_plan_stands_beside_them(self, shop: ServedShop, journal: Path):
        shop.get(ANN)
        shop.experiments.write()
        (known,) = read_plans(journal)
        assert (known.experiment, known.plan.placement, known.plan.salt) == ("test", "home", "test")
        assert list(known.plan.shares.items()) == [("control", 0.5), ("short", 0.5)]

    def test_a_plan_whose_rules_were_changed_stands_there_anew(self, shop: ServedShop, journal: Path):
        changed = shop_with(Experiment("home", HALVES), journal, filter="item.price < 6")
        for worker in (shop, shop_with(Experiment("home", HALVES), journal), changed):
            worker.get(ANN)
            worker.experiments.write()
        assert len({known.plan.rules for known in read_plans(journal)}) == len(read_plans(journal)) == 2

    def test_an_answer_that_a_cache_has_counts_as_well(self, shop: ServedShop, journal: Path):
        tag = shop.client.get(ANN).headers["ETag"]
        fresh = shop_with(Experiment("home", HALVES), journal)
        assert fresh.client.get(ANN, headers={"If-None-Match": tag}).status_code == 304
        fresh.experiments.write()
        assert len(read_exposures(journal, "test")) == 1

    def test_a_refused_request_does_not_count(self, shop: ServedShop, journal: Path):
        shop.get(f"{ANN}&n=0", status=400)
        shop.experiments.write()
        assert not journal.exists()

    def test_wait_while_they_cannot_be_written_and_no_read_notices(self, shop: ServedShop, journal: Path):
        journal.parent.write_text("no folder")
        assert shop.get(ANN)["experiment"] == "test"
        shop.experiments.write()
        journal.parent.unlink()
        shop.experiments.write()
        assert len(read_exposures(journal, "test")) == 1

    def test_a_locked_journal_holds_up_no_read_and_loses_nothing(self, shop: ServedShop, journal: Path):
        shop.get(ANN)
        shop.experiments.write()
        locking = sqlite3.connect(journal, isolation_level=None)
        locking.execute("BEGIN EXCLUSIVE")
        writing = Thread(target=shop.experiments.write)
        shop.ask(placement="home", session_id="during")
        writing.start()
        # The writer waits for the lock; answers do not wait for the writer.
        answers = [shop.ask(placement="home", session_id=f"s{number}") for number in range(5)]
        assert writing.is_alive() and all("variant" in answer for answer in answers)
        locking.execute("ROLLBACK")
        locking.close()
        writing.join()
        shop.experiments.write()
        assert len(read_exposures(journal, "test")) == 7

    def test_without_any_that_is_said(self, journal: Path, tmp_path: Path):
        with pytest.raises(ConfigError, match="there are no events"):
            read_exposures(journal, "test")
        empty = tmp_path / "empty.sqlite"
        sqlite3.connect(empty).close()
        with pytest.raises(ConfigError, match="holds no experiments"):
            read_plans(empty)

    def test_a_plan_that_cannot_be_read_is_said(self, shop: ServedShop, journal: Path):
        shop.get(ANN)
        shop.experiments.write()
        with sqlite3.connect(journal) as database:
            database.execute("UPDATE experiment_plans SET plan = '{}'")
        database.close()
        with pytest.raises(ConfigError, match="cannot be read"):
            read_plans(journal)


A_HALF = "variants.a.share = 0.5"
HALF_EACH = f"{A_HALF}\nvariants.b.share = 0.5"
AT_HOME = 'placement = "home"\n'
WRONG = {
    f'placement = "hone"\n{HALF_EACH}': "placement 'hone' is not configured, did you mean 'home'",
    f"{AT_HOME}{A_HALF}": "variants must be at least two",
    f"{AT_HOME}{A_HALF}\nvariants.b.share = 0.6": "add up to 1 or less, got 1.1",
    f"{AT_HOME}{A_HALF}\nvariants.b.share = 0": "share must be above 0",
    f'{AT_HOME}{A_HALF}\nvariants."b c".share = 0.4': "letters, digits, - and _",
    f"{AT_HOME}start = 2026-12-01T00:00:00\n{HALF_EACH}": "start must have a zone",
    f"{AT_HOME}start = 1\n{HALF_EACH}": "start must be a time like",
    f'{AT_HOME}{A_HALF}\nvariants.b = {{share = 0.5, holdout = "all"}}': "holdout must be one of",
    f'{AT_HOME}{A_HALF}\nvariants.b = {{share = 0.5, holdout = "nothing", snapshot = "x"}}': "a holdout has",
    f"{AT_HOME}{A_HALF}\nvariants.b = {{share = 0.5, settings = {{n = 1000}}}}": "n must be from 1 to 100",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_in_the_file_is_said(tmp_path: Path, text: str):
    file = tmp_path / "serve.toml"
    file.write_text(f"[placements.home]\n[experiments.test]\n{text}\n")
    with pytest.raises(ConfigError) as refused:
        load_service_settings(file)
    assert WRONG[text] in str(refused.value)


def test_two_experiments_in_one_placement_come_one_after_the_other(tmp_path: Path):
    file = tmp_path / "serve.toml"
    until, since = "end = 2026-12-01T00:00:00Z", "start = 2026-12-01T00:00:00Z"
    text = "[placements.home]\n" + "".join(
        f"[experiments.{name}]\n{AT_HOME}{{{name}}}\n{HALF_EACH}\n" for name in ("one", "two")
    )
    file.write_text(text.format(one=until, two=since))
    assert len(load_service_settings(file).experiments) == 2
    file.write_text(text.format(one="", two=since))
    with pytest.raises(ConfigError, match="'one' and 'two' take place in 'home' at one time"):
        load_service_settings(file)


def test_what_a_variant_does_not_set_is_its_placements(tmp_path: Path):
    file = tmp_path / "serve.toml"
    file.write_text(
        '[placements.home]\nn = 3\npins = ["tea"]\nblocks = ["saw"]\n'
        '[experiments.test]\nplacement = "home"\n'
        "[experiments.test.variants.control]\nshare = 0.5\n"
        "[experiments.test.variants.bare]\nshare = 0.5\nsettings = {pins = [], diversity = 0.5}\n"
    )
    bare = load_service_settings(file).experiments["test"].variants["bare"].settings
    assert bare == Placement(n=3, pins=(), blocks=("saw",), diversity=0.5)
