"""An inspection as text and JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from layer_factories import (
    SITE,
    content,
    debian,
    distribution,
    dpkg_status,
    file,
    gone,
    inspected,
    layer,
    secret,
    status,
)

from builder.inspect.analyse import analyze_image
from builder.inspect.model import BudgetResult, PrunedFiles
from builder.report.inspect import TOP, format_inspection_json, format_inspection_text

if TYPE_CHECKING:
    from builder.inspect.model import Inspection


def image() -> Inspection:
    return inspected(
        layer(dpkg_status(status("bash")), debian("bash", file("/usr/bin/bash", 1_200_000))),
        layer(distribution("pandas", file(f"{SITE}/pandas/core.so", 4_000_000)), secret("/root/.netrc", 500)),
        layer(gone("/root/.netrc"), file("/root/.cache/pip/x", 300_000)),
        base=1,
    )


def test_the_head_says_what_it_is_and_how_much() -> None:
    first, second, third = format_inspection_text(image(), "shop:latest").splitlines()[:3]
    assert first == "shop:latest (aaaaaaaaaaaa, linux/amd64): 5.5 MB unpacked"
    assert second == "  3 layers; a container sees 5.5 MB; 300 kB is waste (5.5 %)"
    assert third == "  the lowest layer is the base's below: 1.2 MB, in which only secrets count as waste"


def test_bytecode_is_counted_apart() -> None:
    parts = (file("/b/x.py", 900_000), file("/b/__pycache__/x.cpython-311.pyc", 600_000))
    layers = layer(file("/a/__pycache__/y.cpython-311.pyc", 250_000)), layer(*parts)
    assert "\n  850 kB of it is bytecode\n" in format_inspection_text(inspected(*layers), "x")
    based = inspected(*layers, base=1)
    assert "\n  1.5 MB are above the base, 600 kB of them bytecode\n" in format_inspection_text(based, "x")
    document = json.loads(format_inspection_json(based))
    assert document["bytecode_bytes"] == sum(one["bytecode_bytes"] for one in document["layers"]) == 850_000
    assert "bytecode" not in format_inspection_text(image(), "x")


def test_it_says_why_an_image_counts_as_the_base() -> None:
    made = content(layer(file("/a")), layer(file("/b")), base=1)
    text = format_inspection_text(analyze_image(replace(made, base_why="--base says so")), "x")
    assert "  it counts as the base because --base says so\n" in text
    assert "it counts as the base" not in format_inspection_text(analyze_image(made), "x")
    none = format_inspection_text(analyze_image(replace(made, base_layers=0, base_why="--base says so")), "x")
    assert "  there is no base, because --base says so: every layer counts\n" in none


def test_without_a_base_it_says_how_to_name_one() -> None:
    assert "no base is known, so every layer counts; `--base IMAGE` names one" in format_inspection_text(
        inspected(), "x"
    )


def test_each_layer_has_its_bytes_and_its_instruction() -> None:
    lines = format_inspection_text(image(), "x").splitlines()
    start = lines.index("Layers, lowest first")
    assert lines[start + 1].split() == ["bytes", "hidden", "files", "instruction"]
    assert lines[start + 2].endswith("RUN step 0 [base]")
    assert lines[start + 3].split() == ["1", "4", "MB", "500", "B", "4", "RUN", "step", "1"]


def test_packages_come_largest_first_and_the_rest_is_summed() -> None:
    text = format_inspection_text(image(), "x", top=1)
    assert "Packages (1 Python, 1 Debian)" in text
    assert "pandas 1.0" in text
    assert "bash 1.2-3 (Debian)" not in text
    assert "  and 1 more: 1.2 MB" in text
    assert "bash 1.2-3 (Debian)" in format_inspection_text(image(), "x", top=0)


def test_a_folder_that_is_all_in_one_below_it_is_left_out() -> None:
    text = format_inspection_text(inspected(layer(file("/a/b/c", 950), file("/d", 50))), "x")
    rows = text.split("Folders, each with everything below it\n")[1].split("\n\n")[0].splitlines()
    assert [row.split()[-1] for row in rows] == ["/a/b"]
    mixed = format_inspection_text(inspected(layer(file("/a/b/c", 50), file("/d/e", 50))), "x")
    rows = mixed.split("Folders, each with everything below it\n")[1].split("\n\n")[0].splitlines()
    assert [row.split()[-1] for row in rows] == ["/", "/a/b", "/d"]


def test_waste_says_what_where_and_how_to_avoid_it_errors_first() -> None:
    text = format_inspection_text(image(), "x")
    assert "Waste: 300 kB that a better Dockerfile would save" in text
    assert text.index("OB404") < text.index("OB405")
    assert "    500 B  OB404  layer 1: /root/.netrc (a private key) can still be read" in text
    assert "fix: give it to the one step that needs it" in text
    assert "`optbuild inspect --explain OB404` says more" in text


def test_what_is_left_out_of_the_waste_is_counted() -> None:
    parts = [file(f"/root/.cache/{tool}/x", 1000) for tool in ("pip", "uv", "yarn")]
    text = format_inspection_text(inspected(layer(*parts)), "x", top=2)
    assert "  and 1 more: 1 kB; `--top 0` shows all" in text


def test_an_image_without_waste_says_so() -> None:
    assert "Waste: none was found" in format_inspection_text(inspected(layer(file("/a"))), "x")


def test_a_budget_says_what_is_kept_and_what_is_not() -> None:
    verdicts = (BudgetResult("budget.image-bytes", passed=False, actual=2, limit=1, text="2 bytes, at most 1"),)
    kept = BudgetResult("budget.waste-bytes", passed=True, actual=0, limit=1, text="0 bytes, at most 1")
    text = format_inspection_text(image(), "x", (*verdicts, kept))
    assert "\nBudget\n  exceeded  budget.image-bytes: 2 bytes, at most 1\n  ok        budget.waste-bytes" in text
    assert "Budget" not in format_inspection_text(image(), "x")


@pytest.mark.parametrize("colored", [False, True])
def test_colours_only_where_they_are_asked_for(colored: bool) -> None:
    assert ("\x1b[" in format_inspection_text(image(), "x", color=colored)) is colored


def test_nothing_that_an_image_says_moves_the_cursor() -> None:
    parts = distribution("evil\x1b[2J", file(f"{SITE}/a\x1b]0;x.py"), version="1\r2")
    made = replace(content(layer(parts), layer(file("/b\u202ex"))), instructions=("RUN \x1b[31m", "COPY \x07"))
    found = analyze_image(
        replace(made, references=("x\x1b",), platform="linux\x1b/amd64", base_name="\x1b", base_layers=1)
    )
    text = format_inspection_text(found, "na\x1bme", top=0)
    assert not {"\x1b", "\r", "\x07", "\u202e"} & set(text)


def test_a_long_instruction_is_cut_and_an_unknown_one_says_so() -> None:
    made = replace(content(layer(file("/a")), layer(file("/b"))), instructions=("RUN " + "x" * 500, ""))
    text = format_inspection_text(analyze_image(made), "x")
    assert "x…" in text
    assert "(its instruction is not known)" in text


def test_json_has_everything_and_adds_up() -> None:
    found = image()
    document = json.loads(format_inspection_json(found, (BudgetResult("a", passed=True, actual=1, limit=2, text="t"),)))
    assert document["schema_version"] == 1
    assert document["image"]["base"] == {"name": "below", "layers": 1, "why": None}
    assert document["bytes"] == sum(one["bytes"] for one in document["layers"]) == found.bytes
    owned = sum(one["bytes"] for one in document["packages"])
    assert owned + document["nobody"]["bytes"] == document["visible_bytes"]
    assert sum(one["bytes"] for one in document["waste"]) == document["waste_bytes"]
    assert document["folders"][0] == {
        "path": "/",
        "bytes": found.visible_bytes,
        "files": len(found.owners) + found.unowned.files,
    }
    secret = next(one for one in document["waste"] if one["code"] == "OB404")
    assert (secret["severity"], secret["layer"]) == ("error", 1)
    assert secret["files"] == [{"layer": 1, "path": "/root/.netrc", "bytes": 500}]
    budget = {"name": "a", "passed": True, "actual": 1, "limit": 2, "unit": "bytes", "text": "t"}
    assert document["budget"] == [budget]


def test_top_has_a_default() -> None:
    parts = [distribution(f"p{number:02}") for number in range(TOP + 2)]
    assert "  and 2 more: " in format_inspection_text(inspected(layer(*parts)), "x")


PRUNED = (
    PrunedFiles("tests", "pandas", 900, 20_000_000),
    PrunedFiles("tests", "numpy", 300, 3_000_000),
    PrunedFiles("dpkg-symbols", None, 54, 1_300_000),
)


def test_what_was_left_out_is_shown_by_rule_with_the_packages_that_had_most() -> None:
    text = format_inspection_text(replace(image(), pruned=PRUNED), "x")
    lines = text.splitlines()
    start = lines.index("Left out when it was built: 24.3 MB ([slim] in optbuild.toml)")
    assert lines[start + 2].split(maxsplit=4) == ["23", "MB", "1,200", "tests", "pandas 20 MB, numpy 3 MB"]
    assert lines[start + 3].split(maxsplit=4) == ["1.3", "MB", "54", "dpkg-symbols", "Debian 1.3 MB"]
    assert "Left out" not in format_inspection_text(image(), "x")


def test_json_has_what_was_left_out_by_rule_and_package() -> None:
    document = json.loads(format_inspection_json(replace(image(), pruned=PRUNED)))
    assert document["pruned"][0] == {
        "rule": "tests",
        "bytes": 23_000_000,
        "files": 1200,
        "packages": [
            {"name": "pandas", "bytes": 20_000_000, "files": 900},
            {"name": "numpy", "bytes": 3_000_000, "files": 300},
        ],
    }
    assert document["pruned"][1]["packages"] == [{"name": None, "bytes": 1_300_000, "files": 54}]
    assert json.loads(format_inspection_json(image()))["pruned"] == []
