import re
import shlex
from html import unescape
from urllib.parse import urlsplit

from recommender.serving.docs_page import code
from recommender.serving.problems import KINDS
from tests.serving.served_shop import ServedShop


def page_of(shop: ServedShop) -> str:
    answer = shop.client.get("/docs")
    assert answer.content_type == "text/html; charset=utf-8"
    return answer.get_data(as_text=True)


def test_the_page_fetches_nothing_and_runs_nothing(shop: ServedShop):
    page = page_of(shop)
    assert not re.search(r"<script|<link|<img|<iframe|src=|url\(|@import", page)


def test_every_link_of_the_page_leads_somewhere(shop: ServedShop):
    page = page_of(shop)
    anchors = set(re.findall(r'id="([^"]+)"', page))
    for link in re.findall(r'href="([^"]+)"', page):
        assert link[1:] in anchors or shop.client.get(link).status_code == 200


def test_every_kind_of_problem_has_its_place(shop: ServedShop):
    page = page_of(shop)
    assert all(f'id="{kind}"' in page for kind in KINDS)


def test_every_command_on_the_page_works_as_it_stands(shop: ServedShop):
    commands = re.findall(r"<pre><code>(curl .*?)</code></pre>", page_of(shop), flags=re.S)
    assert len(commands) == 18
    for command in commands:
        words = shlex.split(unescape(command))
        url = urlsplit(next(word for word in words if word.startswith("http")))
        path = f"{url.path}?{url.query}" if url.query else url.path
        body = words[words.index("-d") + 1] if "-d" in words else None
        method = words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET"
        answer = shop.client.open(path, method=method, data=body, content_type="application/json")
        # The shop has no key, so what needs one is refused for the lack of it and for nothing else.
        assert answer.status_code == (401 if "X-API-Key" in command else 200), command


def test_a_strange_host_cannot_write_into_the_page(shop: ServedShop):
    page = shop.client.get("/docs", headers={"Host": "x<script>alert(1)</script>"}).get_data(as_text=True)
    assert "<script>" not in page


def test_words_in_backticks_are_set_as_code_and_the_rest_is_escaped():
    assert code("use `n` < 5") == "use <code>n</code> &lt; 5"


def test_the_address_alone_leads_to_the_docs(shop):
    answer = shop.client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/docs")
