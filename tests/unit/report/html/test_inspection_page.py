"""A page is one file that loads nothing, runs nothing that an image says, and holds every file of the image."""

from __future__ import annotations

import html
import json
import random
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_samples import HOSTILE, Draft, big, hostile, layer

from builder.inspect.model import EntryKind, LayerEntry, PackageKey, Waste, WastedFile
from builder.report.html.embed import escape_html, format_json_block, format_readable
from builder.report.html.inspection import render_inspection_page
from builder.report.html.mapdata import MOST_LEVELS, build_name_tree

LIMIT = 6_000_000
"""Bytes of a page for an image of 50,000 files."""
_LOADING = {"src", "href", "action", "data", "poster", "srcset", "background", "formaction", "ping", "cite"}


class Elements(HTMLParser):
    """Every element with its attributes, and the texts of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.comments: list[str] = []
        self.inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts[-1] += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def count(self) -> dict[str, int]:
        tags = [tag for tag, _ in self.elements]
        return {tag: tags.count(tag) for tag in sorted(set(tags))}


def data_of(page: str) -> Any:
    """What the scripts read."""
    return json.loads(Elements(page).scripts[0])


def leaves(tree: list[Any], above: str = "") -> list[tuple[str, list[Any]]]:
    """Path and columns of each file in a tree of names."""
    found: list[tuple[str, list[Any]]] = []
    for entry in tree[1]:
        path = f"{above}/{entry[0]}"
        found += leaves(entry, path) if isinstance(entry[1], list) else [(path, entry[1:])]
    return found


def test_holds_every_file_with_its_layer_package_and_waste() -> None:
    inspection = big()
    data = data_of(render_inspection_page(inspection))
    found = leaves(data["files"])
    entries = [entry for one in inspection.content.layers for entry in one.entries]
    assert sorted((path, columns[0]) for path, columns in found) == sorted((one.path, one.size) for one in entries)
    assert sum(columns[0] for _, columns in found) == inspection.bytes
    packages = data["dimensions"][1]["groups"]
    assert {packages[columns[2]]["name"] for path, columns in found if "/numpy/" in path and columns[1] != 1} == {
        next(group["name"] for group in packages if group["name"].startswith("numpy "))
    }
    wasted = sum(columns[4] if len(columns) > 4 else columns[0] for _, columns in found if len(columns) > 3)
    assert wasted == inspection.waste_bytes


def test_a_file_that_a_later_layer_replaces_is_hidden() -> None:
    first, second = LayerEntry("/a/f", EntryKind.FILE, 10), LayerEntry("/a/f", EntryKind.FILE, 30)
    gone, mark = LayerEntry("/a/gone", EntryKind.FILE, 5), LayerEntry("/a/gone", EntryKind.WHITEOUT)
    draft = Draft([("one", layer("a", [first, gone])), ("two", layer("b", [second, mark]))])
    data = data_of(render_inspection_page(draft.inspection()))
    groups = data["dimensions"][1]["groups"]
    shown_as = {(path, columns[1]): groups[columns[2]].get("gone", False) for path, columns in leaves(data["files"])}
    assert shown_as == {("/a/f", 0): True, ("/a/f", 1): False, ("/a/gone", 0): True}


def test_a_part_of_a_file_is_waste() -> None:
    draft = Draft([("one", layer("a", [LayerEntry("/lib.so", EntryKind.FILE, 100)]))])
    draft.waste = [
        Waste("OB411", "symbols", "strip", (WastedFile(0, "/lib.so", 30),), 0),
        Waste("OB412", "more", "strip", (WastedFile(0, "/lib.so", 20),), 0),
    ]
    data = data_of(render_inspection_page(draft.inspection()))
    assert [columns for _, columns in leaves(data["files"])] == [[100, 0, 0, 0, 30], [None, 0, 0, 1, 20]]


def test_waste_has_its_severity_and_its_code_looks_like_code() -> None:
    draft = Draft([("one", layer("a", [LayerEntry("/lib.so", EntryKind.FILE, 100)]))])
    draft.waste = [Waste("OB404", "a secret", "give `--mount` <`x`> and ` alone", (WastedFile(0, "/lib.so", 30),), 0)]
    page = render_inspection_page(draft.inspection())
    assert '<td class="word">error</td>' in page
    assert "<p>give <code>--mount</code> &lt;<code>x</code>&gt; and ` alone</p>" in page


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_an_image_leaves_its_place(text: str) -> None:
    for written in (escape_html(text), format_json_block([text, {text: text}])):
        assert not set(written) & {"<", ">"}
        written.encode("utf-8")
    assert '"' not in escape_html(text)
    assert json.loads(format_json_block(text)) == text
    assert html.unescape(escape_html(text)) == format_readable(text)


@given(st.text(st.characters(codec=None), max_size=40))
def test_any_text_comes_back_as_it_was_shown(text: str) -> None:
    assert html.unescape(escape_html(text)) == format_readable(text)
    assert json.loads(format_json_block(text)) == text
    assert not set(escape_html(text)) & set("<>\"'")
    assert not set(format_json_block(text)) & set("<>&")


def test_a_hostile_image_makes_the_same_elements_as_a_harmless_one() -> None:
    """Compared with the same image whose texts are all `name`: the same elements, attributes, comments, scripts."""
    page = Elements(render_inspection_page(hostile()))
    twin = Elements(render_inspection_page(_renamed(hostile())))
    assert page.count() == twin.count()
    assert [sorted(attributes) for _, attributes in page.elements] == [sorted(attrs) for _, attrs in twin.elements]
    assert page.comments == twin.comments == []
    assert page.scripts[1:] == twin.scripts[1:]
    assert len(page.scripts) == 3


def _renamed(inspection: Any) -> Any:
    """The same numbers, other words."""
    one = inspection.content.layers[0]
    entries = tuple(entry._replace(path=f"/opt/a{n}/f{n}") for n, entry in enumerate(one.entries))
    keys = [PackageKey("python", f"p{n}") for n in range(len(HOSTILE))]
    draft = Draft([("RUN x", replace(one, entries=entries))], references=tuple(f"r{n}" for n in range(len(HOSTILE))))
    draft.owners = {entry.path: key for entry, key in zip(entries[::2], keys[::2], strict=True)}
    draft.packages = [
        replace(package, key=key, version="1") for package, key in zip(inspection.packages, keys, strict=True)
    ]
    draft.waste = [
        replace(waste, message="m", fix="f", files=(WastedFile(0, entry.path, 500),))
        for waste, entry in zip(inspection.waste, entries, strict=True)
    ]
    return draft.inspection()


@pytest.mark.parametrize("inspection", [big(300, 8), hostile()], ids=["harmless", "hostile"])
def test_loads_nothing(inspection: Any) -> None:
    page = Elements(render_inspection_page(inspection))
    assert {"html", "style", "script"} <= {tag for tag, _ in page.elements}
    for tag, attributes in page.elements:
        assert tag not in {"iframe", "img", "object", "embed", "base", "form", "video", "audio"}
        loading = {value for name, value in attributes.items() if name in _LOADING}
        assert all(value is not None and value.startswith(("#", "data:,")) for value in loading), (tag, attributes)
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)


def test_its_policy_forbids_the_network_and_any_script_but_its_own() -> None:
    page = Elements(render_inspection_page(hostile()))
    (policy,) = (attrs["content"] for tag, attrs in page.elements if attrs.get("http-equiv"))
    assert policy is not None
    rules = dict(rule.split(" ", maxsplit=1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/=]{44}' 'sha256-[\w+/=]{44}'", rules["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/=]{44}'", rules["style-src"])
    assert rules.keys() == {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"}
    assert rules["img-src"] == "data:"
    first = next(index for index, (tag, _) in enumerate(page.elements) if tag in {"script", "style", "link"})
    assert any(attrs.get("http-equiv") for _, attrs in page.elements[:first])


def test_has_no_address_in_its_scripts_and_styles() -> None:
    """Only names of languages, two prefixes of ECharts for symbols that we do not use, and licences, which are text."""
    page = render_inspection_page(big(100, 4))
    without = re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL)
    assert set(re.findall(r"[a-z]+://[\w./-]*", without)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xhtml",
        "image://",
        "path://",
    }
    assert not re.findall(r"@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|EventSource", without)


def test_the_same_image_gives_the_same_bytes() -> None:
    assert render_inspection_page(big(500, 10)) == render_inspection_page(big(500, 10))


def test_stays_small_for_fifty_thousand_files() -> None:
    inspection = big(50_000, 400)
    assert sum(layer.files for layer in inspection.layers) >= 50_000
    assert len(render_inspection_page(inspection).encode()) < LIMIT


def test_folders_are_written_once_and_nest_no_deeper_than_readers_can_follow() -> None:
    deep = "/".join(["d"] * 3000)
    tree = build_name_tree([(f"/{deep}/f", (1,)), ("/a/b/c", (2,)), ("/a/b/d", (3,))])
    assert tree[1][0] == ["a", [["b", [["c", 2], ["d", 3]]]]]
    levels, at = 0, tree[1][1]
    while isinstance(at[1], list):
        levels, at = levels + 1, at[1][0]
    assert levels == MOST_LEVELS
    assert json.loads(format_json_block(tree)) == tree
    assert leaves(tree)[-1] == (f"/{deep}/f", [1])


def test_any_order_of_files_gives_the_same_tree() -> None:
    files = [(f"/{a}/{b}", (len(a + b),)) for a in ("x", "y/z", "x/y") for b in ("1", "2", "é")]
    mixed = random.Random(1).sample(files, len(files))  # noqa: S311 - the same order each time, no secret
    assert build_name_tree(files) == build_name_tree(mixed)


def test_an_empty_image_has_a_page() -> None:
    page = render_inspection_page(Draft([]).inspection())
    assert "This image has no layers." in page
    assert "Nothing was found that could be left out." in page


def test_a_date_that_no_calendar_has_is_told() -> None:
    inspection = big(50, 4)
    for created in (1e30, float("nan"), -1e18):
        content = replace(inspection.content, created=created)
        assert "at a time that no calendar has" in render_inspection_page(replace(inspection, content=content))


def test_tables_name_waste_layers_and_packages() -> None:
    page = render_inspection_page(big())
    for text in (
        "OB402",
        "pip&#x27;s cache was left in the image",
        "add <code>--no-cache-dir</code>",
        "RUN chown -R airflow:",
        "numpy",
    ):
        assert text in page
