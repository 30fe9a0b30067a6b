"""`cartlift.js` in a real Chromium, on a page of another origin than the service's."""

import functools
import http.server
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from recommender.errors import ConfigError
from recommender.events.journal import StoredEvent, journal_path, read_events
from recommender.serving.keys import KeyFile
from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.encoding import encode_items, entry_key
from recommender.snapshot.redis_store import RedisStore, connect
from tests.eventually import eventually
from tests.running_service import Service, free_port, started
from tests.serving.small_shop import ITEMS, publish

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no Chromium: apt-get install chromium chromium-driver"
)

SCRIPT = Path(__file__).parents[2] / "serving" / "static" / "cartlift.js"

EVIL = "<img src=x onerror=\"document.title='run'\">"

PICTURE = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'>"
    "<rect width='9' height='9' fill='#e8efe4'/><circle cx='4.5' cy='4.5' r='2.5' fill='#5a7d4a'/></svg>"
)


@dataclass
class Shop:
    """Pages of a shop, on an origin of its own, and what they ask."""

    folder: Path
    origin: str
    service: str
    key: str

    def page(self, name: str, body: str, **attributes: str) -> str:
        """Write a page that loads the script, and return its URL."""
        given = {"key": self.key, **attributes}
        said = " ".join(f'data-{key.replace("_", "-")}="{value}"' for key, value in given.items())
        (self.folder / f"{name}.html").write_text(
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>shop</title>'
            f'<link rel="stylesheet" href="{self.service}/cartlift.css">'
            f'<script src="{self.service}/cartlift.js" {said} defer></script>'
            f'<body style="font-family: sans-serif; margin: 2rem"><h1>Tea</h1>{body}</body></html>'
        )
        return f"{self.origin}/{name}.html"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("browser") / "state"


@pytest.fixture(scope="module")
def shop(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "tea.svg").write_text(PICTURE)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    origin = f"http://127.0.0.1:{server.server_port}"
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        key = KeyFile(state).create(
            name="pages", shop="shop", scopes=("read", "events"), created_at="2026-11-21T04:00:00Z",
            origins=[origin],
        )  # fmt: skip
        yield Shop(folder, origin, f"http://127.0.0.1:{free_port()}", key)
        server.shutdown()


@pytest.fixture(scope="module")
def service(state: Path, shop: Shop) -> Iterator[Service]:
    odd = {
        "tea": {"url": f"{shop.origin}/item.html", "image_url": f"{shop.origin}/tea.svg"},
        "milk": {"url": f"{shop.origin}/item.html", "image_url": f"{shop.origin}/nowhere.png"},
        "nails": {"title": EVIL, "url": "javascript:document.title='run'"},
        "hammer": {
            "image_url": "data:text/html,x",
            "url": f"{shop.origin}/item.html",
            "title": "Häm & <b>mer",
        },
    }
    items = [msgspec.structs.replace(item, **odd.get(item.item_id, {})) for item in ITEMS]
    rows = {entry_key("items", str(chunk)): raw for chunk, raw in enumerate(encode_items(items))}
    with running_redis(state, os.environ["PATH"]) as url, connect(url) as client:
        publish(RedisStore(client, "shop"), changed=rows)
        port = int(shop.service.rpartition(":")[2])
        with started(state.parent / "log", "--state", str(state), port=port) as service:
            assert eventually(service.is_ready)
            yield service


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1000,700"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    driver.set_page_load_timeout(30)
    yield driver
    driver.quit()


def titles(browser: webdriver.Chrome, within: str = "body") -> list[str]:
    return [found.text for found in browser.find_elements(By.CSS_SELECTOR, f"{within} .cartlift-title")]


def console(browser: webdriver.Chrome) -> list[str]:
    """What the page said, but for files that a shop or a dead service does not have."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["source"] != "network"]


def events(state: Path) -> list[StoredEvent]:
    try:
        return list(read_events(journal_path(state, "shop")))
    except ConfigError:  # the service is only about to make the journal
        return []


def test_a_page_of_another_origin_shows_lists_and_runs_nothing_of_them(
    service, shop: Shop, browser, tmp_path
):
    url = shop.page(
        "home",
        '<div data-cartlift="best-sellers" data-cartlift-n="5" data-cartlift-heading="Best sellers"></div>'
        '<div id="own" data-cartlift="customer" data-cartlift-mode="discover"></div>'
        '<div id="similar" data-cartlift="similar" data-cartlift-item="tea" data-cartlift-n="1"></div>'
        '<div id="none" data-cartlift="customer" data-cartlift-category="nothing">stays</div>',
        customer="ann",
        currency="EUR",
    )
    browser.get(url)
    assert eventually(lambda: len(titles(browser)) == 8)
    assert titles(browser)[:5] == ["Green tea", "Milk", EVIL, "Häm & <b>mer", "Honey"]
    assert titles(browser, "#own") == ["Honey", "Häm & <b>mer"]
    assert titles(browser, "#similar") == ["Honey"]
    prices = [found.text for found in browser.find_elements(By.CLASS_NAME, "cartlift-price")]
    assert prices[0] == "€3.50"
    links = [
        found.get_attribute("href") for found in browser.find_elements(By.CSS_SELECTOR, "a.cartlift-item")
    ]
    assert set(links) == {f"{shop.origin}/item.html"}
    pictures = browser.find_elements(By.CLASS_NAME, "cartlift-image")
    assert all(picture.get_attribute("src").startswith(shop.origin) for picture in pictures)
    region = browser.find_element(By.CSS_SELECTOR, "[data-cartlift='best-sellers']")
    assert (region.aria_role, region.accessible_name) == ("region", "Best sellers")
    assert browser.find_element(By.CSS_SELECTOR, "ul.cartlift-list").aria_role == "list"
    assert browser.title == "shop"
    assert console(browser) == []
    if folder := os.environ.get("CARTLIFT_SCREENSHOTS"):
        browser.save_screenshot(f"{folder}/home.png")


def test_the_example_in_the_docs_shows_its_lists(service, shop: Shop, browser):
    page = (Path(__file__).parents[2] / "docs" / "clients.md").read_text()
    (example,) = re.findall(r"^```html\n(.*?)^```", page, flags=re.S | re.M)
    example = example.replace("https://recommendations.shop.example", shop.service)
    example = re.sub(r'data-key="[^"]*"', f'data-key="{shop.key}"', example).replace("17850", "ann")
    (shop.folder / "docs.html").write_text(f'<!doctype html><html lang="en"><body>{example}')
    browser.get(f"{shop.origin}/docs.html")
    assert eventually(lambda: len(titles(browser)) == 6)
    headings = [found.text for found in browser.find_elements(By.CLASS_NAME, "cartlift-heading")]
    assert headings == ["For you", "Similar"]


def test_a_click_arrives_with_the_recommendation_and_so_does_the_view_that_follows(
    service, shop: Shop, state: Path, browser
):
    shop.page("item", "", customer="ann", item="tea")
    browser.get(
        shop.page("list", '<div data-cartlift="best-sellers" data-cartlift-n="1"></div>', customer="ann")
    )
    assert eventually(lambda: titles(browser) == ["Green tea"])
    shown = json.loads(
        service.ask(
            "/v1/best-sellers?fields=title,price,url,image_url&n=1", X_API_Key=shop.key, Origin=shop.origin
        ).body
    )
    browser.find_element(By.CSS_SELECTOR, "a.cartlift-item").click()
    assert eventually(lambda: {event.type for event in events(state)} == {"click", "view"})
    assert {event.recommendation_id for event in events(state)} == {shown["recommendation_id"]}
    assert {event.customer_id for event in events(state)} == {"ann"}
    assert len({event.session_id for event in events(state)}) == 1
    assert console(browser) == []


def test_who_opted_out_gets_best_sellers_and_sends_nothing(service, shop: Shop, state: Path, browser):
    before = len(events(state))
    url = shop.page(
        "out",
        '<div data-cartlift="customer" data-cartlift-n="2"></div>',
        customer="ann",
        item="tea",
        opt_out="",
    )
    browser.get(url)
    assert eventually(lambda: titles(browser) == ["Green tea", "Milk"])
    browser.execute_script("cartlift.send({type: 'view', item_id: 'tea'}); cartlift.flush()")
    assert browser.execute_script("return localStorage.getItem('cartlift.events')") == "[]"
    browser.get(shop.page("blank", ""))
    assert len(events(state)) == before


def test_a_browser_that_asks_for_privacy_is_heeded(service, shop: Shop, state: Path, browser):
    two = '<div data-cartlift="customer" data-cartlift-n="2"></div>'
    before = len(events(state))
    said = {"source": "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"}
    set_up = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", said)
    browser.get(shop.page("private", two, customer="bob", item="tea"))
    assert eventually(lambda: titles(browser) == ["Green tea", "Milk"])
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", set_up)
    browser.get(shop.page("blank", ""))
    assert len(events(state)) == before
    assert not any(event.customer_id == "bob" for event in events(state))


def test_a_list_by_a_template_of_the_shops_own(service, shop: Shop, browser):
    browser.get(shop.page("own", "<div id=here></div><p id=after>after</p>"))
    count = browser.execute_async_script(
        "const done = arguments[0];"
        "cartlift.show(here, {list: 'best-sellers', n: 3, template: (item) => {"
        "  const line = document.createElement('b'); line.textContent = item.item_id; return line;"
        "}}).then(done)"
    )
    assert count == 3
    assert [found.text for found in browser.find_elements(By.CSS_SELECTOR, "#here b")] == [
        "tea",
        "milk",
        "nails",
    ]
    broken = browser.execute_async_script(
        "cartlift.show(after, {list: 'best-sellers', template: () => missing()}).then(arguments[0])"
    )
    assert broken == 0
    assert browser.find_element(By.ID, "after").text == "after"
    assert console(browser) == []


def test_a_service_that_is_down_leaves_the_page_as_it_is_and_events_arrive_later(
    service, shop: Shop, state: Path, browser
):
    dead = f"http://127.0.0.1:{free_port()}"
    url = shop.page(
        "down", '<div id="list" data-cartlift="best-sellers">as before</div>', service=dead, item="saw"
    )
    browser.get(url)
    waiting = "return JSON.parse(localStorage.getItem('cartlift.events') || '[]').length"
    assert eventually(lambda: browser.execute_script(waiting) == 1)
    assert browser.execute_async_script("cartlift.scan().then((shown) => arguments[0](shown))") == [0]
    assert browser.find_element(By.ID, "list").text == "as before"
    assert console(browser) == []
    browser.get(shop.page("again", ""))
    assert eventually(lambda: any(event.item_id == "saw" for event in events(state)))
    assert eventually(lambda: browser.execute_script(waiting) == 0)


def test_a_key_of_pages_is_of_no_use_to_another_origin(service, shop: Shop, browser):
    url = shop.page("home2", '<div data-cartlift="best-sellers">as before</div>')
    browser.get(url.replace("127.0.0.1", "localhost"))
    assert browser.execute_async_script("cartlift.scan().then((shown) => arguments[0](shown))") == [0]


def test_the_script_is_small_and_asks_for_nothing_else():
    text = SCRIPT.read_text()
    assert len(text.encode()) <= 8_000
    assert "innerHTML" not in text and "import" not in text and "eval" not in text


def test_the_script_may_be_cached_and_loaded_from_everywhere(service: Service):
    first = service.ask("/cartlift.js")
    assert first.body == SCRIPT.read_bytes()
    assert first.headers["content-type"].startswith("text/javascript")
    assert "max-age=3600" in first.headers["cache-control"]
    assert first.headers["access-control-allow-origin"] == "*"
    assert first.headers["x-content-type-options"] == "nosniff"
    again = service.ask("/cartlift.js", If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert service.ask("/cartlift.css").headers["content-type"].startswith("text/css")
