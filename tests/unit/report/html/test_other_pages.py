"""The pages of two images and of an engine: their bytes add up, and they are as inert as the first."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from inventory_samples import inventory, layer, row, shelf
from page_samples import HOSTILE, big, changed, hostile

from builder.inspect.diff import compare_images
from builder.report.html import render_diff_page, render_images_page
from builder.store.model import ImageUser, LastOptimize, RetentionReason, Volume

BEFORE = big(600, 12)


def data_of(page: str) -> Any:
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(block)


def leaves(tree: list[Any]) -> list[list[Any]]:
    return [leaf for entry in tree[1] for leaf in (leaves(entry) if isinstance(entry[1], list) else [entry])]


def texts(page: str) -> str:
    """What a person reads of the tables."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page[page.index("<main>") : page.index("</main>")]))


def test_the_files_of_a_difference_add_up_to_what_a_container_sees_of_it() -> None:
    found = compare_images(BEFORE, changed(BEFORE))
    data = data_of(render_diff_page(found))
    assert data["signed"]
    assert sum(leaf[1] for leaf in leaves(data["files"])) == found.after.visible_bytes - found.before.visible_bytes
    assert len(leaves(data["files"])) == len(found.files)
    packages = [group["name"] for group in data["dimensions"][0]["groups"]]
    assert "polars 1.2" in packages
    assert any(re.fullmatch(r"numpy 1\.\d+ → 2\.0", name) for name in packages)


def test_a_difference_names_its_images_as_they_were_named() -> None:
    page = render_diff_page(compare_images(BEFORE, changed(BEFORE)), ("main.tar", "branch.tar"))
    assert "<h1>main.tar → branch.tar</h1>" in page
    assert "<h1>ml-pipeline-airflow:latest → ml-pipeline-airflow:next</h1>" in render_diff_page(
        compare_images(BEFORE, changed(BEFORE))
    )


def test_no_difference_is_said() -> None:
    page = render_diff_page(compare_images(BEFORE, BEFORE))
    for words in ("Both images have the same layers.", "Every package has the same version and the same bytes."):
        assert words in page
    assert data_of(page)["files"] == ["", []]


def test_each_layer_counts_once_and_says_who_shares_it() -> None:
    found = shelf()
    data = data_of(render_images_page(found))
    groups = data["dimensions"][0]["groups"]
    by_name = {leaf[0].split()[1]: (leaf[1], groups[leaf[2]]["name"]) for leaf in leaves(data["files"])}
    assert by_name == {
        "ba5e00000000": (100_000_000, "shared by a:1, b:1"),
        "aa0000000000": (5_000_000, "a:1"),
        "bb0000000000": (7_000_000, "b:1"),
        "cc0000000000": (50_000_000, "<none> c00000000000"),
        "dd0000000000": (None, "<none> c00000000000"),
    }
    assert sum(leaf[1] or 0 for leaf in leaves(data["files"])) == found.totals.real.known


def test_a_shared_layer_stays_as_long_as_the_strongest_of_its_images() -> None:
    data = data_of(render_images_page(shelf()))
    standings = data["dimensions"][1]["groups"]
    by_name = {leaf[0].split()[1][:2]: standings[leaf[3]]["name"] for leaf in leaves(data["files"])}
    assert by_name == {
        "ba": "in use",
        "aa": "in use",
        "bb": "superseded",
        "cc": "kept for rollback",
        "dd": "kept for rollback",
    }


def test_images_are_told_with_who_uses_them_and_why_they_stay() -> None:
    text = texts(render_images_page(shelf()))
    for words in (
        *("web-1 (running); web-2 (running); project stack", "superseded a:1 took its place", "2023-11-14 22:13 UTC"),
        *("data 5 B db-1 stack", "old — no container"),
    ):
        assert words in text
    assert "a note" in render_images_page(shelf())
    assert "1 layer whose bytes the engine does not report" in render_images_page(shelf())


def test_an_image_whose_layers_are_all_shared_is_found_on_the_map_too() -> None:
    base, own = layer("ba5e"), layer("aa")
    rows = (row("a", [base], "a:1"), row("b", [base, own], "b:1"), row("c", [], "c:1"))
    page = render_images_page(inventory(*rows))
    assert page.count('aria-label="Show a:1 on the map"') == 1


def test_an_engine_is_not_named_by_its_id() -> None:
    found = type(shelf())(**{**vars(shelf()), "engine": "f1191d5b-1"})
    assert "f1191d5b-1" not in render_images_page(found)


def test_an_engine_without_images_has_a_page() -> None:
    assert "There is no image on this engine." in render_images_page(inventory(volumes=None))
    filtered = render_images_page(inventory(hidden=3))
    assert "No image fits the filter." in filtered
    assert "the filter leaves out 3 images" in filtered


def test_the_last_optimize_is_told() -> None:
    found = inventory(row("a", [layer("aa")], "a:1"))
    with_it = type(found)(**{**vars(found), "last_optimize": LastOptimize("stack", 1_700_000_000.0, 3_000_000, None)})
    assert "last optimize (stack, 2023-11-14 22:13 UTC): 3 MB before, — after" in render_images_page(with_it)


def _hostile_shelf() -> str:
    users = tuple(ImageUser("id", name, "sha256:a", name, name, name) for name in HOSTILE)
    rows = [
        row(
            f"{number:x}",
            [layer(f"{number:x}", 10, name)],
            name,
            name,
            reason=name,
            standing=RetentionReason.IN_USE,
            users=users,
        )
        for number, name in enumerate(HOSTILE)
    ]
    return render_images_page(inventory(*rows, volumes=tuple(Volume(name, 1, HOSTILE, HOSTILE) for name in HOSTILE)))


def _hostile_diff() -> str:
    return render_diff_page(compare_images(big(50, 4), hostile()), (HOSTILE[0], HOSTILE[3]))


@pytest.mark.parametrize("page", [_hostile_shelf, _hostile_diff], ids=["images", "diff"])
def test_hostile_names_stay_inert(page: Any) -> None:
    text = page()
    assert text.count("<script") == text.count("</script>") == 3
    tags = re.findall(r"<[a-zA-Z!/][^>]*>", text[: text.index('<script type="application/json"')])
    assert not [tag for tag in tags if "broken" in tag and not re.search(r'(aria-label|title|content)="[^"<>]*"', tag)]
    assert "<img" not in text
    assert "<!--" not in text
    text.encode("utf-8")
    data_of(text)


@pytest.mark.parametrize("page", [_hostile_shelf, _hostile_diff], ids=["images", "diff"])
def test_the_same_values_give_the_same_bytes(page: Any) -> None:
    assert page() == page()
