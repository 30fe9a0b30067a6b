"""The file that says what is shown where, and what becomes of it in answers."""

import pytest

from recommender.errors import ConfigError
from recommender.serving.placements import Placement, ServiceSettings, load_service_settings
from tests.serving.served_shop import ServedShop, ids
from tests.serving.small_shop import publish

FILE = """
[placements.home]
n = 2
mode = "discover"
filter = "item.price < 6"

[placements."cart: last chance"]
ladder = ["co_purchase", "best_sellers"]
pins = ["hammer", "saw"]
blocks = ["honey"]
diversity = 0.5
fields = ["title"]
strict = false
boost = 'item.category == "tools" ? 2.0 : 1.0'
"""


def shop_with(**placements: Placement) -> ServedShop:
    shop = ServedShop(settings=ServiceSettings(placements))
    publish(shop.store)
    shop.follower.poll()
    return shop


def written(tmp_path, text):
    path = tmp_path / "serve.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_read_whole(tmp_path):
    settings = load_service_settings(written(tmp_path, FILE))
    assert settings.placements == {
        "home": Placement(n=2, mode="discover", filter="item.price < 6"),
        "cart: last chance": Placement(
            ladder=("co_purchase", "best_sellers"),
            pins=("hammer", "saw"),
            blocks=("honey",),
            diversity=0.5,
            fields=("title",),
            strict=False,
            boost='item.category == "tools" ? 2.0 : 1.0',
        ),
    }


def test_without_a_file_there_are_no_placements():
    assert load_service_settings(None) == ServiceSettings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[placements.home]\npin = 3", "[placements.home]: unknown setting 'pin', did you mean 'pins'?"),
        ("[placements.home]\nn = 101", "[placements.home]: n must be from 1 to 100, got 101"),
        ("[placements.home]\nladder = ['personel']", "ladder must be one of 'personal', 'session'"),
        ("[placements.home]\nfilter = 'item.prize < 3'", "filter at character 5: undeclared reference"),
        ("[placements.home]\nboost = 'true'", "boost must give a number"),
        ("[placements.home]\ndiversity = 1.5", "diversity must be from 0 to 1, got 1.5"),
        ("[placements]\nhome = 3", "[placements]: home must be a section [home], got 3"),
        ("[placement.home]\nn = 3", "unknown section 'placement', did you mean 'placements'?"),
        (f"[placements.{'x' * 65}]", "a placement is called 1 to 64 characters"),
        ("[placements.home", "is no valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_section_and_the_remedy(tmp_path, text, said):
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        load_service_settings(path)
    assert str(refused.value).startswith(str(path))
    assert said in str(refused.value)


def test_a_placement_holds_where_the_request_says_nothing():
    shop = shop_with(home=Placement(n=1, mode="discover", fields=("price",)))
    answer = shop.get("/v1/customers/ann/recommendations?placement=home")
    assert answer["items"][0]["price"] == 5.0
    assert ids(answer) == ["honey"]
    assert ids(shop.get("/v1/customers/ann/recommendations?placement=home&n=2")) == ["honey", "hammer"]
    assert ids(shop.get("/v1/customers/ann/recommendations?placement=home&mode=repeat")) == ["tea"]
    assert ids(shop.get("/v1/customers/ann/recommendations")) == ["tea", "honey", "hammer", "milk"]


def test_its_filter_holds_for_every_call_and_whatever_the_request_adds():
    shop = shop_with(home=Placement(filter="item.price < 6"))
    assert ids(shop.get("/v1/customers/ann/recommendations?placement=home")) == ["tea", "honey", "milk"]
    assert ids(shop.get("/v1/items/nails/bought-together?placement=home")) == ["tea"]
    assert ids(shop.get("/v1/best-sellers?placement=home")) == ["tea", "milk", "nails", "honey"]
    assert ids(shop.ask_for_cart(cart=["nails"], placement="home")) == ["tea"]
    narrowed = shop.ask(customer_id="ann", placement="home", filter="item.price > 2")
    assert ids(narrowed) == ["tea", "honey"]


def test_its_boost_multiplies_with_that_of_the_request():
    shop = shop_with(home=Placement(boost='item.id == "hammer" ? 2 : 1'))
    assert ids(shop.ask(customer_id="ann", placement="home")) == ["hammer", "tea", "honey", "milk"]
    both = shop.ask(customer_id="ann", placement="home", boost='item.id == "milk" ? 10 : 1', explain=True)
    assert ids(both) == ["milk", "hammer", "tea", "honey"]
    assert both["explanation"]["boosts"] == ['item.id == "hammer" ? 2 : 1', 'item.id == "milk" ? 10 : 1']


def test_pins_stand_first_and_blocks_never():
    shop = shop_with(home=Placement(pins=("nails", "milk"), blocks=("tea",)))
    answer = shop.get("/v1/customers/ann/recommendations?placement=home")
    assert ids(answer) == ["nails", "milk", "honey", "hammer"]
    assert [item["source"] for item in answer["items"]] == ["pin", "als", "als", "als"]
    scores = [item["score"] for item in answer["items"]]
    assert scores[0] == max(scores)


@pytest.mark.parametrize(
    ("pin", "asked"),
    [
        ("saw", {}),  # not available
        ("gone", {}),  # unknown
        ("nails", {"exclude": ["nails"]}),
        ("nails", {"cart": ["nails"]}),
        ("nails", {"recent": ["nails"]}),
        ("nails", {"category": "food"}),
        ("nails", {"filter": "item.price > 2"}),
    ],
)
def test_a_pin_gives_way_to_every_rule(pin, asked):
    shop = shop_with(home=Placement(pins=(pin,)))
    assert pin not in ids(shop.ask(customer_id="ann", placement="home", **asked))


def test_a_pin_stands_even_where_nothing_else_may():
    shop = shop_with(home=Placement(pins=("nails",), filter='item.id == "nails"'))
    (nails,) = shop.ask(customer_id="ann", cart=["hammer"], placement="home")["items"]
    assert nails["item_id"] == "nails"


def test_its_ladder_says_where_answers_come_from():
    shop = shop_with(home=Placement(ladder=("best_sellers",)), page=Placement(ladder=("co_purchase",)))
    assert shop.get("/v1/customers/ann/recommendations?placement=home")["source"] == "best_sellers"
    similar = shop.get("/v1/items/tea/similar?placement=page")
    assert (similar["source"], ids(similar)) == ("co_purchase", ["milk", "honey"])
    nothing = shop.get("/v1/items/honey/similar?placement=page")
    assert (nothing["source"], ids(nothing)) == ("co_purchase", [])
    # The call has none of its rungs, so its own ladder holds.
    assert shop.get("/v1/best-sellers?placement=page")["source"] == "best_sellers"


def test_once_placements_are_configured_a_misspelt_one_is_refused():
    shop = shop_with(home=Placement(blocks=("tea",)))
    problem = shop.get("/v1/customers/ann/recommendations?placement=hone", status=400)
    assert problem["errors"] == [
        {"field": "placement", "detail": "'hone' is not configured, did you mean 'home'?"}
    ]
    assert shop.ask(placement="hone", status=400)["errors"][0]["field"] == "placement"


def test_another_rule_makes_another_answer():
    answers = [
        shop_with(home=Placement(blocks=blocks)).get("/v1/best-sellers?placement=home")
        for blocks in ((), ("gone",))
    ]
    assert ids(answers[0]) == ids(answers[1])
    assert answers[0]["recommendation_id"] != answers[1]["recommendation_id"]
