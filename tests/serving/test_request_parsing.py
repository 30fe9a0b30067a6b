import json
from urllib.parse import quote, urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.serving.calls import LIST_CALLS
from recommender.serving.errors import InvalidRequest
from recommender.serving.request_parsing import (
    _plain,
    field_rules,
    no_defaults,
    parse_body,
    parse_object,
    parse_query,
)
from recommender.serving.schemas import CartRequest, CustomerQuery, ListQuery, RecommendationsRequest

IDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60)


def errors_of(query: str) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as refusal:
        parse_query(CustomerQuery, query)
    return {error.field: error.detail for error in refusal.value.errors}


def test_what_is_not_asked_has_its_default():
    assert parse_query(CustomerQuery, "") == CustomerQuery()
    assert (CustomerQuery().n, CustomerQuery().mode, CustomerQuery().strict) == (10, "mixed", False)


def test_every_parameter_is_read():
    asked = parse_query(
        CustomerQuery,
        "n=3&offset=6&mode=repeat&category=K%C3%A4se&exclude=a,b&exclude=c&strict=true&fields=title&placement=home",
    )
    assert asked == CustomerQuery(
        n=3,
        offset=6,
        mode="repeat",
        category="Käse",
        exclude=("a", "b", "c"),
        strict=True,
        fields=("title",),
        placement="home",
    )


@pytest.mark.parametrize(
    "n", ["0", "101", "-1", "ten", "", "1.0", "1e1", " 5", "+5", "05", "٣", "9" * 40, "NaN", "0x5", "1_0"]
)
def test_a_count_out_of_range_is_refused_and_never_changed(n):
    assert errors_of(urlencode({"n": n}))["n"].startswith("must be a whole number from 1 to 100, got ")


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("offset=-1", "offset", "must be a whole number from 0 to 10000, got '-1'"),
        ("mode=new", "mode", "must be one of mixed, repeat, discover, got 'new'"),
        ("strict=maybe", "strict", "must be true or false, got 'maybe'"),
        (
            "fields=title,colour",
            "fields",
            "must be any of title, category, brand, price, stock, url, image_url",
        ),
        ("placement=" + "x" * 65, "placement", "must be a label of 1 to 64 characters"),
        ("category=", "category", "must be a category of 1 to 256 bytes"),
        ("exclude=" + quote("é" * 129), "exclude", "must be at most 500 item ids"),
        ("exclude=" + ",".join("abc" for _ in range(501)), "exclude", "must be at most 500 item ids"),
        ("n=1&n=2", "n", "must be given once, got it 2 times"),
        ("kategory=tea", "kategory", "is no parameter of this call: did you mean 'category'?"),
        ("Limit=3", "Limit", "is no parameter of this call: known are n, offset"),
    ],
)
def test_a_refusal_says_what_would_be_right(query, field, said):
    assert errors_of(query)[field].startswith(said)


def test_everything_wrong_is_said_at_once():
    assert set(errors_of("n=0&mode=x&limit=3")) == {"n", "mode", "limit"}


@pytest.mark.parametrize(
    "query", ["n=%FF", "exclude=%C3", "\xff=1", "&".join(f"a{i}=1" for i in range(1_001))]
)
def test_a_query_that_cannot_be_read_is_refused(query):
    with pytest.raises(InvalidRequest, match="the query string cannot be read"):
        parse_query(CustomerQuery, query)


def test_umlauts_that_a_client_forgot_to_encode_are_read_as_utf_8():
    as_the_server_hands_it_over = "category=Käse".encode().decode("latin-1")
    assert parse_query(ListQuery, as_the_server_hands_it_over).category == "Käse"


def test_a_comma_inside_an_id_is_written_with_a_backslash():
    assert parse_query(ListQuery, r"exclude=a\,b,c").exclude == ("a,b", "c")


@given(st.lists(IDS.filter(lambda id_: "\\" not in id_), max_size=10))
def test_excluded_ids_arrive_as_they_were_sent(ids):
    escaped = [id_.replace(",", r"\,") for id_ in ids]
    assert parse_query(ListQuery, "exclude=" + quote(",".join(escaped))).exclude == tuple(ids)
    assert parse_query(ListQuery, urlencode([("exclude", id_) for id_ in escaped])).exclude == tuple(ids)


@given(st.text(st.characters(max_codepoint=255)))
def test_any_query_is_read_or_refused(query):
    try:
        asked = parse_query(CustomerQuery, query)
    except InvalidRequest:
        return
    assert 1 <= asked.n <= 100
    assert asked.offset >= 0


@given(
    n=st.integers(1, 100),
    offset=st.integers(0, 10_000),
    mode=st.sampled_from(["mixed", "repeat", "discover"]),
    category=IDS,
    strict=st.booleans(),
    fields=st.lists(st.sampled_from(["title", "price", "url"]), unique=True, min_size=1),
)
def test_a_question_written_as_a_query_is_read_back(n, offset, mode, category, strict, fields):
    query = urlencode(
        {
            "n": n,
            "offset": offset,
            "mode": mode,
            "category": category,
            "strict": strict,
            "fields": ",".join(fields),
        }
    )
    asked = parse_query(CustomerQuery, query)
    assert asked == CustomerQuery(
        n=n, offset=offset, mode=mode, category=category, strict=strict, fields=tuple(fields)
    )


@given(cart=st.lists(IDS, min_size=1, max_size=100), customer=st.none() | IDS, n=st.integers(1, 100))
def test_a_cart_written_as_json_is_read_back(cart, customer, n):
    body = msgspec.json.encode({"cart": cart, "customer_id": customer, "n": n})
    assert parse_body(CartRequest, body) == CartRequest(cart=tuple(cart), customer_id=customer, n=n)


VALUES = {
    "n": [1, 100, 0, 101, "3", 2.0, 2.5, None, True, 10**30],
    "offset": [0, 10_001],
    "mode": ["repeat", "other", None],
    "cart": [["tea"], ["tea", "tea"], [], "tea", [1], ["x" * 256], ["x" * 257], [""], ["é" * 129], ["a\0b"]],
    "recent": [["milk"], ["milk", 1], None],
    "customer_id": ["ann", "", 7, None, "x" * 257, "zoë"],
    "category": ["food", None, 1],
    "fields": [["title"], ["title", "colour"], []],
    "placement": ["home", "x" * 64, "x" * 65, "elsewhere"],
    "filter": ["item.price < 5", "x" * 1_900],
    "diversity": [0, 0.5, 1, 2, "0.5", 1e400],
    "explain": [True, 1],
    "strict": [False, "yes"],
    "session_id": ["s1", None],
    "colour": ["red"],
}


@given(
    st.sampled_from([CartRequest, RecommendationsRequest]),
    st.fixed_dictionaries(
        {"cart": st.sampled_from(VALUES["cart"])},
        optional={name: st.sampled_from(values) for name, values in VALUES.items() if name != "cart"},
    ),
    st.booleans(),
)
def test_a_body_that_is_read_the_short_way_is_read_as_by_the_long_one(request_type, said, by_placement):
    def defaults(given):
        return {"n": 3} if by_placement and given.get("placement") == "home" else {}

    body = json.dumps(said).encode()
    short = _plain(request_type, body, defaults)
    if short is not None:
        assert short == parse_object(request_type, json.loads(body), defaults)


def test_the_short_way_is_taken():
    body = b'{"cart":["tea","milk"],"n":10,"customer_id":"ann"}'
    assert _plain(CartRequest, body, no_defaults) == CartRequest(
        cart=("tea", "milk"), n=10, customer_id="ann"
    )


@given(st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(msgspec.json.encode))
def test_any_body_is_read_or_refused(body):
    with pytest.raises(InvalidRequest):
        parse_body(CartRequest, body)


@given(
    st.dictionaries(
        st.sampled_from([*field_rules(CartRequest), "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists
        ),
    )
)
def test_any_object_is_read_or_refused_field_by_field(given_fields):
    try:
        parse_body(CartRequest, msgspec.json.encode(given_fields))
    except InvalidRequest as refusal:
        assert {error.field for error in refusal.errors} <= {*given_fields, "cart"}


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'"cart"', b"{", b"\xff", b'"\xed\xa0\x80"', b'{"cart":["\\ud800"]}',
     b"[" * 500_000, b'{"cart":[1e999]}', b"{'cart': ['tea']}"],
)  # fmt: skip
def test_a_body_that_is_no_json_object_is_refused(body):
    with pytest.raises(InvalidRequest, match="the body"):
        parse_body(CartRequest, body)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "cart"),
        ({"cart": []}, "cart"),
        ({"cart": "tea"}, "cart"),
        ({"cart": [""]}, "cart"),
        ({"cart": [17]}, "cart"),
        ({"cart": ["x"] * 101}, "cart"),
        ({"cart": ["é" * 129]}, "cart"),
        ({"cart": ["tea"], "n": "5"}, "n"),
        ({"cart": ["tea"], "n": True}, "n"),
        ({"cart": ["tea"], "n": 5.5}, "n"),
        ({"cart": ["tea"], "strict": "true"}, "strict"),
        ({"cart": ["tea"], "customer_id": ""}, "customer_id"),
        ({"cart": ["tea"], "custmer_id": "ann"}, "custmer_id"),
    ],
)
def test_a_wrong_field_of_a_body_is_named(body, field):
    with pytest.raises(InvalidRequest) as refusal:
        parse_body(CartRequest, msgspec.json.encode(body))
    assert [error.field for error in refusal.value.errors] == [field]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fields": "title"}, "must be a JSON array: any of title, category, brand, "),
        ({"fields": {"title": True}}, "must be a JSON array: any of title, category, brand, "),
        ({"fields": ["colour"]}, "must be any of title, category, brand, "),
        ({"exclude": "tea"}, "must be a JSON array: at most 500 item ids, "),
        ({"cart": "tea"}, "must be a JSON array: 1 to 100 item ids, "),
    ],
)
def test_what_lists_several_values_must_be_an_array_in_a_body(given, said):
    with pytest.raises(InvalidRequest) as refusal:
        parse_body(CartRequest, msgspec.json.encode({"cart": ["tea"], **given}))
    (error,) = refusal.value.errors
    assert error.detail.startswith(said)


@pytest.mark.parametrize("call", LIST_CALLS, ids=lambda call: call.name)
def test_every_field_says_what_it_may_hold(call):
    for rule in field_rules(call.asked).values():
        assert rule.must_be
