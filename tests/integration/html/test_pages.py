"""Pages as a person meets them, in a real browser: seen, zoomed by mouse and by keys, searched, in dark and light."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from chromium_page import NARROW
from inventory_samples import shelf
from page_samples import HOSTILE, big, changed, hostile
from selenium.webdriver.common.keys import Keys

from builder.inspect.diff import compare_images
from builder.report.html import render_diff_page, render_images_page, render_inspection_page

if TYPE_CHECKING:
    from pathlib import Path

    from chromium_page import Browser

MANY_FILES_SECONDS = 15.0
"""For opening 50,000 files on a machine with other work; alone it takes 1.3 s."""


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One of each kind, a hostile one and a large one."""
    folder = tmp_path_factory.mktemp("pages")
    image = big()
    texts = {
        "inspect": render_inspection_page(image),
        "diff": render_diff_page(compare_images(image, changed(image))),
        "images": render_images_page(shelf()),
        "hostile": render_inspection_page(hostile()),
        "many": render_inspection_page(big(50_000, 400)),
        "nothing": render_diff_page(compare_images(image, image)),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


KINDS = ("inspect", "diff", "images", "hostile")


@pytest.mark.parametrize("kind", KINDS)
def test_draws_a_map_without_a_word_on_the_console(browser: Browser, pages: dict[str, Path], kind: str) -> None:
    browser.open(pages[kind])
    assert len(browser.drawn()) >= 4
    assert browser.tiles()
    assert browser.said() == []


@pytest.mark.parametrize("kind", KINDS)
def test_asks_the_network_for_nothing(browser: Browser, pages: dict[str, Path], kind: str) -> None:
    browser.open(pages[kind])
    browser.keys("#outline", Keys.ENTER, Keys.ARROW_DOWN)
    browser.keys("#search", "a")
    browser.until(lambda: browser.text("#found"), "something is found")
    asked = [address for address in browser.requests() if not address.startswith("data:,")]
    assert asked == [pages[kind].as_uri()]
    assert browser.js("return performance.getEntriesByType('resource').map((one) => one.name)") == []


def test_its_policy_stops_what_would_ask(browser: Browser, pages: dict[str, Path]) -> None:
    """That the page asks for nothing is not luck: the browser would not let it."""
    browser.open(pages["inspect"])
    refused = browser.driver.execute_async_script(
        """
        const done = arguments[0];
        const refused = [];
        document.addEventListener("securitypolicyviolation", (event) => {
          refused.push(event.effectiveDirective);
          if (refused.length === 4) done(refused.sort());
        });
        fetch("http://127.0.0.1:9/").catch(() => {});
        new Image().src = "http://127.0.0.1:9/";
        const style = document.createElement("style");
        style.textContent = "body { color: red }";
        const script = document.createElement("script");
        script.textContent = "window.broken = 1";
        document.head.append(style, script);
        """
    )
    assert refused == ["connect-src", "img-src", "script-src-elem", "style-src-elem"]
    assert browser.js("return window.broken") is None


def test_the_mouse_zooms_from_layer_to_package_to_file(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["inspect"])
    assert browser.trail() == ["ml-pipeline-airflow:latest"]
    layer = next(tile for tile in browser.tiles() if tile["name"].startswith("1: RUN pip"))
    assert layer["parent"]
    browser.click_tile("1: RUN pip")
    assert browser.trail()[1:] == ["1: RUN pip install --requirement requirements.txt"]
    browser.click_tile("numpy")
    assert browser.trail()[2].startswith("numpy ")
    name = next(tile["name"] for tile in browser.tiles() if tile["name"].endswith((".py", ".so", ".pyc", ".json")))
    browser.click_tile(name)
    assert browser.text("#details strong").endswith(f"/{name}")
    assert "layer: 1: RUN pip install" in browser.text("#details")
    assert browser.active_row().startswith(name)
    assert browser.said() == []


def test_a_quick_second_click_meets_what_is_drawn(browser: Browser, pages: dict[str, Path]) -> None:
    """Not the tiles that were there before: the second click comes before the next frame."""
    browser.open(pages["inspect"])
    before = {tile["name"]: (tile["x"], tile["y"]) for tile in browser.tiles()}
    browser.click_tile("1: RUN pip")
    moved = [tile for tile in browser.tiles() if tile["parent"] and before.get(tile["name"]) != (tile["x"], tile["y"])]
    wanted = moved[4]["name"]
    browser.find("#trail button").click()
    browser.click_at_once("1: RUN pip", wanted)
    assert browser.trail()[2].startswith(wanted)


def test_what_a_container_does_not_see_is_only_among_the_layers(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["inspect"])
    for view, names in ((0, True), (1, False), (2, False)):
        browser.js(f"document.getElementById('view-{view}').click()")
        browser.keys("#search", Keys.ESCAPE, "hidden by later layers")
        browser.until(lambda: browser.text("#found"), "something is said")
        time.sleep(0.3)  # the search waits for the last key
        assert (browser.text("#found") != "nothing found") is names


def test_the_trail_leads_back(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["inspect"])
    before = browser.tiles()
    browser.click_tile("1: RUN pip")
    browser.find("#trail button").click()
    assert browser.trail() == ["ml-pipeline-airflow:latest"]
    assert browser.tiles() == before


def test_the_keyboard_zooms_from_layer_to_package_to_file(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["inspect"])
    browser.keys("body", Keys.TAB)
    for _ in range(12):
        if browser.js("return document.activeElement.id") == "outline":
            break
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.js("return document.activeElement.id") == "outline"
    assert browser.active_row().startswith("1: RUN pip install")
    browser.keys("#outline", Keys.ENTER)
    assert browser.trail()[1].startswith("1: RUN pip")
    browser.keys("#outline", Keys.ARROW_DOWN, Keys.ENTER)
    assert browser.trail()[2].startswith("numpy ")
    for _ in range(12):
        if browser.active_row().endswith(", file"):
            break
        browser.keys("#outline", Keys.ARROW_RIGHT)
    browser.keys("#outline", Keys.ENTER)
    assert browser.text("#details strong").startswith("/home/airflow/.local/lib/python3.11/site-packages/numpy/")
    browser.keys("#outline", *[Keys.BACKSPACE] * 6)
    assert browser.trail() == ["ml-pipeline-airflow:latest"]


def test_the_list_moves_as_trees_do(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["inspect"])
    browser.keys("#outline", Keys.END)
    assert browser.active_row().startswith("3: COPY dags")
    browser.keys("#outline", Keys.HOME, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert browser.active_row().startswith("numpy ")
    browser.keys("#outline", Keys.ARROW_LEFT)
    assert browser.active_row().startswith("1: RUN pip")
    row = browser.find("#outline .row[aria-selected=true]")
    assert [row.get_attribute(name) for name in ("role", "aria-level", "aria-expanded", "aria-setsize")] == [
        *("treeitem", "1", "true", "4")
    ]
    browser.keys("#outline", Keys.ARROW_LEFT)
    assert browser.find("#outline .row[aria-selected=true]").get_attribute("aria-expanded") == "false"
    browser.keys("#outline", "0")
    assert browser.active_row().startswith("0: ADD base.tar")


def test_map_and_list_show_the_same_part(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["inspect"])
    browser.keys("#outline", Keys.ARROW_DOWN)
    assert browser.text("#details strong") == "0: ADD base.tar /"
    browser.click_tile("numpy")
    assert browser.active_row().startswith("numpy ")
    assert browser.find("#map").accessible_name.startswith("Treemap of numpy ")


@pytest.mark.parametrize("view", ["Package", "Folder", "Waste"])
def test_other_views_group_the_same_files_otherwise(browser: Browser, pages: dict[str, Path], view: str) -> None:
    browser.open(pages["inspect"])
    browser.js(
        "[...document.querySelectorAll('#views label')].find((l) => l.textContent === arguments[0]).click()", view
    )
    first = browser.active_row()
    starts = {"Package": "numpy ", "Folder": "home/airflow/.local", "Waste": "OB402 "}
    assert first.startswith(starts[view])
    assert len(browser.drawn()) >= 4
    assert browser.said() == []


def test_search_finds_a_file_and_enter_shows_it(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["inspect"])
    browser.keys("body", "/")
    assert browser.js("return document.activeElement.id") == "search"
    browser.keys("#search", "numpy", " ", ".so")
    browser.until(lambda: "found" in browser.text("#found"), "the result is said")
    assert browser.find("#found").aria_role == "status"
    browser.until(lambda: browser.js("return document.querySelectorAll('#results .row').length") > 3, "rows")
    browser.keys("#search", Keys.ARROW_DOWN)
    assert browser.js("return document.activeElement.id") == "results"
    name = browser.active_row("#results")
    assert ".so" in name
    assert "/numpy/" in name
    browser.keys("#results", Keys.ENTER)
    assert browser.text("#details strong").endswith(name.split()[0].split("/")[0]) or "/numpy/" in browser.text(
        "#details"
    )
    assert browser.trail()[-1] != "ml-pipeline-airflow:latest"
    browser.keys("#results", Keys.ESCAPE)
    assert browser.js("return document.getElementById('results').hidden")


def test_search_says_when_nothing_is_found(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["inspect"])
    browser.keys("#search", "no such name anywhere")
    browser.until(lambda: browser.text("#found") == "nothing found", "it is said")


def test_a_row_of_the_tables_leads_to_the_map(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["inspect"])
    browser.js(
        "document.querySelector('button[aria-label=\"Show pip\\'s cache was left in the image on the map\"]').click()"
    )
    assert browser.trail()[1] == "OB402 pip's cache was left in the image"
    assert browser.js("return document.activeElement.id") == "outline"


def test_waste_and_what_is_hidden_are_told_as_the_figures_above_have_them(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["inspect"])
    figures = browser.js(
        "return Object.fromEntries([...document.querySelectorAll('dt')].map("
        "(one) => [one.textContent, one.nextElementSibling.textContent]))"
    )
    wasted, hidden = figures["Waste"].split(" (")[0], figures["Hidden by later layers"]
    assert browser.text("#details").endswith(f", waste {wasted}; hidden {hidden}")


def test_code_in_a_change_looks_like_code(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["inspect"])
    browser.js("document.querySelector('button[aria-label^=\"Show pip\"]').click()")
    for place in ("#details", "td"):
        codes = f"[...document.querySelectorAll('{place} code')].map((one) => one.textContent)"
        assert browser.js(f"return {codes}") == ["--no-cache-dir", "pip install"]
    assert "`" not in browser.js("return document.body.innerText")


def test_tables_sort(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["inspect"])
    head = "[...document.querySelectorAll('th button')].filter((b) => b.textContent === 'Files').at(-2)"
    column = f"[...{head}.closest('table').tBodies[0].rows].map((r) => Number(r.cells[4].dataset.sort))"
    for turn in (True, False):
        browser.js(f"{head}.click()")
        values = browser.js(f"return {column}")
        assert values == sorted(values, reverse=turn)
        assert browser.js(f"return {head}.closest('th').getAttribute('aria-sort')") == (
            "descending" if turn else "ascending"
        )


def test_dark_and_light_differ_by_system_and_by_switch(browser: Browser, pages: dict[str, Path]) -> None:
    browser.emulate(dark=False)
    browser.open(pages["inspect"])
    background = "return getComputedStyle(document.body).backgroundColor"
    light, light_map = browser.js(background), browser.drawn()[0]
    browser.emulate(dark=True)
    browser.until(lambda: browser.js(background) != light, "dark by the system's wish")
    dark = browser.js(background)
    browser.until(lambda: browser.drawn()[0] != light_map, "the map is dark too")
    browser.js("document.querySelector('#themes input[value=light]').click()")
    assert browser.js(background) == light
    browser.js("document.querySelector('#themes input[value=dark]').click()")
    browser.emulate(dark=False)
    assert browser.js(background) == dark


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(browser: Browser, pages: dict[str, Path], kind: str, dark: bool) -> None:
    browser.emulate(dark=dark)
    browser.open(pages[kind])
    assert browser.violations() == []
    browser.keys("#outline", Keys.ENTER)
    browser.keys("#search", "a")
    browser.until(lambda: browser.text("#found"), "something is said")
    assert browser.violations() == []


@pytest.mark.parametrize("kind", KINDS)
def test_fits_a_telephone(browser: Browser, pages: dict[str, Path], kind: str) -> None:
    browser.emulate(NARROW)
    browser.open(pages[kind])
    assert browser.js("return document.documentElement.scrollWidth") == NARROW[0]
    assert browser.violations() == []
    sizes = browser.js(
        "return ['map', 'outline'].map((id) => document.getElementById(id).getBoundingClientRect().width)"
    )
    assert min(sizes) > 300


def test_the_focus_can_be_seen(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["inspect"])
    browser.keys("body", Keys.TAB)
    for _ in range(8):
        outline = browser.js(
            """
            const one = document.activeElement;
            const shown = one.matches("input[type=radio]") ? one.nextElementSibling : one;
            const style = getComputedStyle(shown);
            return [style.outlineStyle, parseFloat(style.outlineWidth)];
            """
        )
        assert outline[0] != "none"
        assert outline[1] >= 2
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)


def test_hostile_names_are_only_text(browser: Browser, pages: dict[str, Path]) -> None:
    """Drawn, listed, searched, hovered; then nothing has run, and no prototype of the page was touched."""
    browser.open(pages["hostile"])
    browser.js("document.getElementById('view-2').click()")
    assert {"__proto__", "constructor", "{a|b}{b}{c}"} <= {tile["name"] for tile in browser.tiles()}
    browser.js("document.getElementById('view-0').click()")
    for _ in range(2):
        browser.keys("#outline", Keys.ENTER, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    for _ in range(len(HOSTILE)):
        browser.keys("#outline", Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    for tile in browser.tiles()[:12]:
        browser.cdp("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": tile["x"], "y": tile["y"]})
        browser.click_tile(tile["name"]) if tile["name"] in {one["name"] for one in browser.tiles()} else None
    browser.keys("#search", "<")
    browser.until(lambda: browser.text("#found"), "something is found")
    assert browser.js("return window.broken") is None
    assert browser.js("return Object.keys(Object.prototype).concat(Object.keys(Array.prototype))") == []
    assert browser.js("return document.querySelectorAll('img, iframe, [onerror], [onmouseover]').length") == 0
    assert browser.said() == []
    browser.keys("#search", Keys.ESCAPE, "__proto__")
    browser.until(lambda: "1 file" in browser.text("#found"), "it is a name like any other")


@pytest.mark.alone
def test_fifty_thousand_files_open_and_search_fast(browser: Browser, pages: dict[str, Path]) -> None:
    started = time.monotonic()
    browser.open(pages["many"])
    opened = time.monotonic() - started
    asked = time.monotonic()
    browser.keys("#search", "numpy")
    browser.until(lambda: browser.text("#found"), "something is found")
    found = time.monotonic() - asked
    sys.stdout.write(
        f"50,000 files: {pages['many'].stat().st_size / 1e6:.1f} MB, open {opened:.1f} s, found {found:.1f} s\n"
    )
    assert opened < MANY_FILES_SECONDS
    assert found < MANY_FILES_SECONDS / 3
    assert browser.js("return document.querySelectorAll('.row').length") < 100
    assert browser.js("return document.querySelectorAll('*').length") < 10_000


def test_an_empty_map_says_so(browser: Browser, pages: dict[str, Path]) -> None:
    browser.driver.get(pages["nothing"].as_uri())
    assert browser.find("#nothing").is_displayed()
    assert browser.said() == []


def test_without_scripts_the_tables_are_there(browser: Browser, pages: dict[str, Path]) -> None:
    browser.cdp("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.driver.get(pages["inspect"].as_uri())
        text: Any = browser.cdp("DOMSnapshot.captureSnapshot", {"computedStyles": []})["strings"]
        assert "pip's cache was left in the image" in text
        assert any("The map and the search need JavaScript" in one for one in text)
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", {"value": False})
