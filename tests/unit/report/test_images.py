"""How images, and what clean would do to them, are shown: aligned, within the terminal, nothing invented."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_image_store import Shelf, identity, image, user

from builder.report import clean as clean_report
from builder.report.html import render_images_page
from builder.report.images import format_age, format_images_json, format_images_text
from builder.report.table import Column, format_table
from builder.store.bytes import LayerUsage
from builder.store.clean import CleanOptions, execute_clean_plan, make_clean_plan
from builder.store.inventory import make_image_rows
from builder.store.model import BuildCache, CacheCleanup, Inventory, LastOptimize, Volume
from builder.store.select import SortKey, sort_rows

NOW = 1_000_000.0
SIZES = {"base": 2_000_000, "app": 500_000, "old": 300_000}


def shelf() -> Shelf:
    made = Shelf(users=[user(identity("app"), "web", "running", project="shop")])
    made.add(
        image("app", ("base", "app"), "shop-web:latest", "app:1", sizes=SIZES, created=NOW - 7200),
        image("old", ("base", "old"), sizes=SIZES, created=NOW - 90 * 86400),
        image("dark", ("dark",), "dark\x1b[31m:1", sizes={"dark": None}, created=0),
    )
    return made


def inventory(**changes: Any) -> Inventory:
    snapshot = shelf().snapshot()
    made = Inventory(
        "engine",
        make_image_rows(snapshot),
        LayerUsage(snapshot.images).count_totals(),
        (Volume("data", 1_500_000, ("web",), ("shop",)), Volume("lost", None)),
        BuildCache(3_000_000, 1_000_000, 2_000_000, 4),
        LastOptimize("shop", NOW, 5_000_000, 2_800_000),
        ("mind this",),
    )
    return replace(made, **changes)


def test_the_table() -> None:
    lines = format_images_text(inventory(), now=NOW).splitlines()
    assert " ".join(lines[0].split()) == "image ID created unpacked unique shared frees standing why"
    assert " ".join(lines[1].split()).startswith("app:1 617070000000 2 hours 2.5 MB 500 kB 2 MB 500 kB in use")
    assert lines[1].endswith("in use    container web (running) uses it")
    assert lines[2] == "shop-web:latest"
    assert lines[3].startswith("—")
    assert "300 kB  dangling  it has no name, and nothing uses it" in lines[3]
    assert "dark\\x1b[31m:1" in lines[4]
    assert lines[4].count("—") == 4, "no age, and no bytes that were not measured"


def dated(named_at: float, created: float = 0.0) -> Inventory:
    """One image whose date was set."""
    one = image("app", ("base",), "app:1", sizes=SIZES, created=created)
    here = Shelf()
    here.add(replace(one, named_at=named_at, has_set_date=True))
    return inventory(rows=make_image_rows(here.snapshot()))


def test_an_image_whose_date_was_set_shows_since_when_it_has_its_name_here_and_says_so() -> None:
    text = format_images_text(dated(NOW - 7200, created=NOW - 400 * 86400), now=NOW)
    assert " ".join(text.splitlines()[1].split()).startswith("app:1 617070000000 named 2 hours 2 MB")
    assert "named: since the image got its name on this engine" in text
    page = render_images_page(dated(NOW - 7200, created=NOW - 400 * 86400))
    assert "named 1970-01-12" in page


def test_one_without_a_name_and_one_with_a_true_date_show_when_they_were_made() -> None:
    never = format_images_text(dated(0.0, created=NOW - 7200), now=NOW)
    true = format_images_text(inventory(), now=NOW)
    for text in (never, true):
        assert " 2 hours " in text
        assert "named" not in text


def test_json_has_both_times() -> None:
    (one,) = json.loads(format_images_json(dated(NOW, created=3600.0)))["images"]
    assert (one["created"], one["created_is_set"]) == ("1970-01-01T01:00:00Z", True)
    assert one["named"] == "1970-01-12T13:46:40Z"
    assert {row["named"] for row in json.loads(format_images_json(inventory()))["images"]} == {None}


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = Volume("a-volume-of-a-project-with-a-long-name", 1, ("a-container-with-a-long-name",) * 4, ("shop",))
    lines = format_images_text(inventory(volumes=(long,), notes=("mind " * 50,)), width=width, now=NOW).splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(lines).count("617070000000") == 1
    unknown = format_images_text(inventory(volumes=None, build_cache=None), width=width, now=NOW).splitlines()
    assert max(map(len, unknown)) <= width


def test_what_nothing_keeps_stands_out() -> None:
    plain, colored = (format_images_text(inventory(), color=color, now=NOW) for color in (False, True))
    assert "\x1b[33mdangling" in colored
    assert "\x1b[33min use" not in colored
    assert re.sub(r"\x1b\[\d*m", "", colored) == plain


def test_the_totals() -> None:
    text = format_images_text(inventory(), now=NOW)
    words = " ".join(text.split())
    assert "3 images: at least 2.8 MB on disk = at least 800 kB unique + 2 MB shared" in words
    assert "(`docker images` adds up to at least 4.8 MB); and 1 image whose layers the engine does not report" in words
    assert "5 MB before it, 2.8 MB after it, at least 2.8 MB now" in words
    assert "2 volumes: —, 1 used by containers; optbuild never touches one" in text
    assert "  data  1.5 MB, used by web (project shop)" in text
    assert "  lost  —, used by no container" in text
    assert "3 MB beside the images, 2 MB of it idle" in text
    assert "note: mind this" in text


def test_an_image_has_the_same_name_wherever_one_has_to_do() -> None:
    """The alphabet would take another one than what the table says first."""
    here = Shelf()
    here.add(
        image("low", ("base",), sizes=SIZES),
        image("top", ("base", "app"), "a-long-name:1", "z:1", sizes=SIZES),
        image("mid", ("old",), "m:1", sizes=SIZES),
    )
    snapshot = here.snapshot()
    rows = {row.image.id: row for row in make_image_rows(snapshot)}
    found = inventory(rows=sort_rows(rows.values(), SortKey.NAME))
    assert [line.split()[0] for line in format_images_text(found).splitlines()[1:4]] == ["m:1", "z:1", "a-long-name:1"]
    assert json.loads(format_images_json(found))["images"][1]["names"] == ["z:1", "a-long-name:1"]
    assert "z:1 uses all of its layers" in clean_report.format_clean_text(
        make_clean_plan(snapshot, CleanOptions(), now=NOW), None
    )
    page = render_images_page(found)
    assert page.index(">z:1<") < page.index(">a-long-name:1<")
    assert rows[identity("low")].image.title == identity("low").removeprefix("sha256:")[:12]


def test_what_the_engine_does_not_say_is_not_zero() -> None:
    text = format_images_text(inventory(volumes=None, build_cache=None), now=NOW)
    assert "volumes: — (" in text
    assert "build cache: — (" in text


def test_nothing_to_show() -> None:
    assert format_images_text(inventory(rows=(), hidden=3)).startswith("No image fits the filter.\n")
    assert format_images_text(inventory(rows=())).startswith("There is no image on this engine.\n")


def test_the_lines_fit_the_terminal() -> None:
    for width in (72, 80, 100, 160):
        for found in (inventory(), wide_inventory()):
            lines = format_images_text(found, width=width, now=NOW).splitlines()
            assert max(map(len, lines)) <= width
    narrow = format_images_text(inventory(), width=90, now=NOW)
    assert "    in use: container web (running) uses it" in narrow.splitlines()


LONG = ("optbuild-test-inspect:1234567890ab", "optbuild-test-inspect:1234567890cd")


def wide_inventory() -> Inventory:
    here = shelf()
    here.add(*(image(f"i{number}", ("base", "app"), name, sizes=SIZES) for number, name in enumerate(LONG)))
    return inventory(rows=make_image_rows(here.snapshot()))


def test_names_stay_whole_on_a_narrow_terminal_and_before_the_reason() -> None:
    lines = format_images_text(wide_inventory(), width=80, now=NOW).splitlines()
    assert set(LONG) <= set(lines)
    at = lines.index("app:1")
    assert lines[at + 1] == "shop-web:latest"
    assert lines[at + 2].startswith("    617070000000  2 hours")
    assert lines[at + 3] == "    in use: container web (running) uses it"


def test_a_pipe_gets_names_whole_and_a_line_for_each_image() -> None:
    text = format_images_text(wide_inventory(), width=0, now=NOW)
    assert all(f"\n{name}  " in text for name in LONG)


def test_the_json() -> None:
    document = json.loads(format_images_json(inventory()))
    assert document["schema_version"] == 1
    first = document["images"][0]
    assert (first["unique_bytes"], first["frees_bytes"], first["standing"]) == (500_000, 500_000, "in use")
    assert first["containers"] == [{"id": "id-web", "name": "web", "state": "running"}]
    assert first["projects"] == ["shop"]
    assert first["created"] == "1970-01-12T11:46:40Z"
    assert (document["images"][2]["unpacked_bytes"], document["images"][2]["created"]) == (None, None)
    totals = document["totals"]
    assert (totals["real_bytes"], totals["real_at_least_bytes"], totals["images_untold"]) == (None, 2_800_000, 1)
    assert (totals["shared_bytes"], totals["shared_at_least_bytes"]) == (2_000_000, 2_000_000)
    assert document["volumes"][1] == {"name": "lost", "bytes": None, "containers": [], "projects": []}
    assert document["build_cache"] == {
        "bytes": 3_000_000,
        "shared_bytes": 1_000_000,
        "idle_bytes": 2_000_000,
        "records": 4,
    }
    assert json.loads(format_images_json(inventory(volumes=None, build_cache=None)))["volumes"] is None


def test_ages() -> None:
    assert [format_age(NOW - old, NOW) for old in (90, 3600, 3 * 86400)] == ["1 minute", "1 hour", "3 days"]
    assert (format_age(NOW - 59, NOW), format_age(NOW, NOW)) == ("just now", "just now")
    assert format_age(NOW, NOW + 90 * 86400) == "1970-01-12"
    assert format_age(NOW + 5, NOW) == "—"
    assert format_age(0, NOW) == "—"


def test_a_preview_says_what_would_go_and_why_the_rest_stays() -> None:
    planned = make_clean_plan(shelf().snapshot(), CleanOptions(), now=NOW)
    text = clean_report.format_clean_text(planned, None)
    assert text.startswith("would be removed: 1 image, 300 kB on disk\n")
    assert "stays: 1 in use, 1 unused" in text
    assert "(`--unused` takes such images too)" in text
    assert "saved" not in text
    assert "\n  each is saved in /b first" in clean_report.format_clean_text(planned, None, backup=Path("/b"))
    assert "`optbuild clean --yes` does exactly this" in text
    assert json.loads(clean_report.format_clean_json(planned, None))["preview"] is True


def test_a_layer_of_unknown_size_takes_no_other_figure_away() -> None:
    planned = make_clean_plan(shelf().snapshot(), CleanOptions(unused=True), now=NOW)
    text = clean_report.format_clean_text(planned, None)
    assert text.startswith(
        "would be removed: 2 images, at least 300 kB on disk; and 1 image whose layers the engine does not\n  report\n"
    )
    document = json.loads(clean_report.format_clean_json(planned, None))
    assert (document["frees_bytes"], document["frees_at_least_bytes"]) == (None, 300_000)


def test_every_name_is_shown_of_what_goes_or_went() -> None:
    here = Shelf()
    here.add(image("app", ("base",), "mine:1", "somebody/else:prod", sizes=SIZES))
    planned = make_clean_plan(here.snapshot(), CleanOptions(unused=True), now=NOW)
    assert "\n  somebody/else:prod" in clean_report.format_clean_text(planned, None)
    done = execute_clean_plan(planned, here, here.snapshot)
    assert len(done.removed) == 1
    assert "\n  somebody/else:prod" in clean_report.format_clean_text(planned, done)


def test_a_preview_of_nothing_offers_nothing() -> None:
    planned = make_clean_plan(Shelf().snapshot(), CleanOptions(), now=NOW)
    assert clean_report.format_clean_text(planned, None) == "nothing would be removed\n"


def test_what_was_done_is_measured(tmp_path: Path) -> None:
    runtime = shelf()
    planned = make_clean_plan(runtime.snapshot(), CleanOptions(unused=True), now=NOW)

    def starts(words: str) -> None:
        if words == f"remove {identity('dark')}":
            runtime.users.append(user(identity("dark"), "late", "created"))

    runtime.before_step = starts
    done = execute_clean_plan(planned, runtime, runtime.snapshot)
    text = clean_report.format_clean_text(planned, done, backup=tmp_path)
    assert "removed 1 image, 300 kB freed" in text
    assert f"`optbuild restore {tmp_path}` brings them back" in text
    assert "left alone after all: 1 image" in text
    assert "the engine says that something uses it" in text
    blank = tmp_path / "bk 1"
    assert f"saved in {blank}: `optbuild restore '{blank}'` brings" in clean_report.format_clean_text(
        planned, done, backup=blank
    )
    document = json.loads(clean_report.format_clean_json(planned, done))
    assert document["freed_bytes"] == 300_000
    assert [one["id"] for one in document["removed"]] == [identity("old")]
    assert document["skipped"][0]["reason"] == "the engine says that something uses it"


def test_the_build_cache_is_named_with_its_bytes() -> None:
    planned = make_clean_plan(Shelf().snapshot(), CleanOptions(), now=NOW)
    cache = CacheCleanup("default", 2_000_000, exact=True)
    assert "build cache of default: 2 MB idle would be removed" in clean_report.format_clean_text(
        planned, None, cache=cache
    )
    done = replace(cache, done=True, freed=1_500_000)
    assert json.loads(clean_report.format_clean_json(planned, None, cache=done))["build_cache"] == {
        "builder": "default",
        "idle_bytes": 2_000_000,
        "exact": True,
        "done": True,
        "freed_bytes": 1_500_000,
    }
    text = clean_report.format_clean_text(planned, execute_clean_plan(planned, Shelf(), Shelf().snapshot), cache=done)
    assert "nothing was removed" in text
    assert "1.5 MB freed, of 2 MB idle" in text
    rounded = clean_report.format_clean_text(planned, None, cache=replace(cache, exact=False))
    assert "(as buildx rounds it, of any age)" in rounded


def test_a_table_cuts_what_may_be_cut_and_nothing_else() -> None:
    columns = (Column("name"), Column("n", right=True))
    rows = [("x" * 50, "12"), ("short", "1")]
    assert list(format_table(columns, rows, width=48, indent=""))[1] == f"{'x' * 21}…{'x' * 22}  12"
    assert list(format_table(columns, rows, width=0, indent=""))[2] == f"short{' ' * 45}   1"
    assert list(format_table(columns, rows, width=40, indent=""))[2:4] == [f"{'x' * 19}…{'x' * 20}", "    12"]
