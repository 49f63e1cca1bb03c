"""A comparison of images as text, JSON and Markdown."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from image_factories import Image, Owned, file
from markdown_it import MarkdownIt

from builder.inspect.diff import compare_images
from builder.inspect.model import Waste, WastedFile
from builder.report.imagediff import format_amount_change, format_image_diff_text
from builder.report.imagediff_json import format_image_diff_json
from builder.report.imagediff_markdown import MARK, format_code, format_image_diff_markdown, format_markdown_table

NAMES = ("shop:1", "shop:2")
BASE = ("ADD base.tar /", [file("/bin/sh", 100_000)])
BEFORE = Image([BASE, ("RUN pip install numpy==1.24.3", [file("/lib/numpy/core.so", 4_000_000)])])
AFTER = Image(
    [
        BASE,
        (
            "RUN pip install numpy==1.25.0",
            [
                file("/lib/numpy/core.so", 4_500_000),
                *(file(f"/lib/numpy/{number:02}.py", 1000 + number) for number in range(30)),
            ],
        ),
        ("COPY dags /dags", [file("/dags/one.py", 3000)]),
    ],
    waste=[Waste("OB999", "m", "f", (WastedFile(1, "/x", 700),))],
)
OLD = replace(BEFORE, packages=[Owned("python", "numpy", "1.24.3", "/lib/numpy")]).inspected()
NEW = replace(AFTER, packages=[Owned("python", "numpy", "1.25.0", "/lib/numpy")]).inspected()


def test_text_has_the_figures_and_what_they_come_from() -> None:
    shown = format_image_diff_text(compare_images(OLD, NEW), NAMES)
    assert "unpacked  4.1 MB -> 4.63 MB (+533 kB, +13.0 %)" in shown
    assert "waste     0 B -> 700 B (+700 B, " not in shown
    assert "waste     0 B -> 700 B (+700 B); without a base in both, so every layer counts" in shown
    assert "1 layer of 100 kB in both; 4.53 MB more to store and pull for the second" in shown
    assert re.search(r"changed +4 MB +4\.53 MB +\+530 kB +RUN pip install numpy==1\.25\.0", shown)
    assert re.search(r"added +— +3 kB +\+3 kB +COPY dags /dags", shown)
    assert re.search(r"python +numpy +1\.24\.3 +1\.25\.0 +\+530 kB +changed", shown)
    assert re.search(r"files of no package +\+3 kB", shown)
    assert re.search(r"OB999 +0 B +700 B +\+700 B", shown)


@pytest.mark.parametrize(
    ("layers", "name", "words"),
    [
        (1, "debian:12", "; not counted in the base debian:12, the lowest layer of both"),
        (3, "", "; not counted in the base, the lowest 3 layers of both"),
    ],
)
def test_it_says_which_base_both_were_judged_with(layers: int, name: str, words: str) -> None:
    found = replace(compare_images(OLD, NEW), base_layers=layers, base_name=name)
    assert words in format_image_diff_text(found, NAMES)
    assert json.loads(format_image_diff_json(found, NAMES))["base"] == {"name": name or None, "layers": layers}


def test_text_says_what_it_leaves_out() -> None:
    found = compare_images(OLD, NEW)
    shown = format_image_diff_text(found, NAMES, top=5)
    assert "Files: 31 added, 1 changed" in shown
    (number, amount) = re.findall(r"and (\d+) more files, \+([\d.]+) kB together \(--top 0 shows all\)", shown)[0]
    assert int(number) == 27
    assert float(amount) == pytest.approx(sum(one.growth for one in found.files[5:]) / 1000, rel=0.01)
    assert "more files" not in format_image_diff_text(found, NAMES, top=0)
    assert format_image_diff_text(found, NAMES, top=0).count("/lib/numpy/") == 31


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (5, 5, "5 B"),
        (0, 5, "0 B -> 5 B (+5 B)"),
        (10, 5, "10 B -> 5 B (-5 B, -50.0 %)"),
        (10, 99, "10 B -> 99 B (+89 B, +890.0 %)"),
        (10, 21_900_000, "10 B -> 21.9 MB (+21.9 MB)"),
    ],
)
def test_a_share_is_told_where_it_says_something(before: int, after: int, shown: str) -> None:
    assert format_amount_change(before, after) == shown


def test_text_of_an_image_and_itself() -> None:
    assert format_image_diff_text(compare_images(OLD, OLD), NAMES).splitlines()[1:] == [
        "  nothing changed: both have the same layers"
    ]


def test_text_of_layers_made_again() -> None:
    again = replace(BEFORE, stamps={1: "another day"}).inspected()
    shown = format_image_diff_text(compare_images(BEFORE.inspected(), again), NAMES)
    assert "the files are the same" in shown
    assert "4 MB more to store and pull" in shown


def test_foreign_text_steers_no_terminal() -> None:
    hostile = Image([("RUN \x1b[2J\nx", [file("/a\x1b]0;t\x07\udc80", 5)])]).inspected()
    shown = format_image_diff_text(compare_images(OLD, hostile), ("a\x1b[1m", "b"))
    assert "\x1b" not in shown
    assert "/a\\x1b]0;t\\x07\\udc80" in shown


def test_color_only_where_asked() -> None:
    assert "\x1b[1mLayers" in format_image_diff_text(compare_images(OLD, NEW), NAMES, color=True)


def test_json_is_complete_and_adds_up() -> None:
    found = json.loads(format_image_diff_json(compare_images(OLD, NEW), NAMES))
    assert found["schema_version"] == 1
    assert (found["changed"], found["content_changed"]) == (True, True)
    assert found["growth"]["bytes"] == found["after"]["bytes"] - found["before"]["bytes"]
    assert sum(row["growth"] for row in found["layers"]) == found["growth"]["bytes"]
    assert sum(row["growth"] for row in found["files"]) == found["growth"]["visible_bytes"]
    packages = sum(row["growth"] for row in found["packages"])
    assert packages + found["growth"]["no_package_bytes"] == found["growth"]["visible_bytes"]
    assert found["packages"][0]["before"]["version"] == "1.24.3"
    assert len(found["files"]) == 32
    changed = next(row for row in found["files"] if row["change"] == "changed")
    assert changed["after"]["sha256"] != changed["before"]["sha256"]
    assert changed["after"]["mode"] == "0644"
    assert found["waste"] == [{"code": "OB999", "title": "", "growth": 700, "before": 0, "after": 700}]


def test_json_holds_names_that_are_no_unicode() -> None:
    odd = Image([("RUN x", [file("/a\udc80", 5)])]).inspected()
    text = format_image_diff_json(compare_images(OLD, odd), NAMES)
    text.encode("ascii")
    assert "/a\udc80" in [row["path"] for row in json.loads(text)["files"]]


def test_markdown_is_silent_where_nothing_changed() -> None:
    assert format_image_diff_markdown(compare_images(OLD, OLD), NAMES) == ""
    again = replace(BEFORE, stamps={1: "another day"}).inspected()
    assert format_image_diff_markdown(compare_images(BEFORE.inspected(), again), NAMES) == ""


def test_markdown_is_short() -> None:
    shown = format_image_diff_markdown(compare_images(OLD, NEW), NAMES)
    assert shown.startswith(f"{MARK}\n### Image: 4.1 MB -> 4.63 MB (+533 kB, +13.0 %)\n")
    assert "| `numpy` (python) | `1.24.3` | `1.25.0` | +530 kB |" in shown
    assert "<summary>files: 31 added, 1 changed</summary>" in shown
    assert re.search(r"\| 22 more files \| +\| +\| \+[\d.]+ kB \|", shown)
    assert shown.count("\n") < 60


def test_markdown_tells_packages_with_other_bytes_only_in_one_row() -> None:
    one = replace(BEFORE, packages=[Owned("python", "numpy", "1", "/lib/numpy")]).inspected()
    other = replace(AFTER, packages=[Owned("python", "numpy", "1", "/lib/numpy")]).inspected()
    shown = format_image_diff_markdown(compare_images(one, other), NAMES)
    assert "| 1 other package |  |  | +530 kB |" in shown
    assert "`numpy`" not in shown


HOSTILE = [
    "a|b",
    "a`b",
    "@team <b>x</b>",
    "a\nb",
    "[x](http://y)",
    "a\\|b",
    "\\",
    "`" * 5,
    "",
    " ",
    "</details>",
    "$x$ #1",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_foreign_text_is_no_markup(name: str) -> None:
    """Read by a Markdown parser, a cell holds one code span: what is in one is neither linked nor makes a mention."""
    text = format_markdown_table(("h", "i"), [(format_code(name), "1 B")])
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    cells = [token.children or [] for token in tokens if token.type == "inline"]
    assert [[one.type for one in cell] for cell in cells] == [["text"], ["text"], ["code_inline"], ["text"]]


def test_a_comment_with_hostile_names_keeps_its_shape() -> None:
    layers = [(name, [file(f"/{name}/x", 5)]) for name in HOSTILE]
    packages = [Owned("python", name, name, f"/{name}") for name in HOSTILE]
    text = format_image_diff_markdown(
        compare_images(OLD, Image(layers, packages).inspected()), ("a`|b", "</summary>"), top=0
    )
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    html = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert [one for one in html if not one.startswith(("<!-- optbuild", "<details><summary>", "</details>"))] == []
    assert sum(one.startswith("<details>") for one in html) == sum(one == "</details>" for one in html) == 2
    inline = {one.type for token in tokens for one in token.children or ()}
    assert inline <= {"text", "code_inline", "softbreak"}


def test_a_long_name_keeps_its_end() -> None:
    shown = format_code("/a" * 200 + "/name.py")
    assert len(shown) == 122
    assert shown.endswith("/name.py`")
