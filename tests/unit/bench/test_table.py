"""Targets, their ratios, and the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from results import Results
from table import format_attempts, format_markdown, format_table, make_row
from targets import SIX, Line, make_lines, make_lock_targets, make_main_targets

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "airflow.json")


def give(results: Results, key: str, **figures: object) -> None:
    results.record(key, "tree", lambda: figures)


def find(results: Results, what: str) -> Line:
    (line,) = [line for line in make_lines(results, make_main_targets()) if line.what == what]
    return line


def test_every_line_of_an_empty_run_says_that_nothing_was_measured(results: Results) -> None:
    lines = make_lines(results, (*make_main_targets(), *make_lock_targets()))
    assert len(lines) == 30 + 6
    for line in lines:
        assert line.value is None
        assert line.holds is None
        assert make_row(line)[1:4] == ("—", "—", "—")
        assert make_row(line)[5].startswith("not measured: part ")


def test_the_reason_of_a_part_that_cannot_run(results: Results) -> None:
    results.facts["reasons"] = {"zstd": "this engine's store ignores it"}
    assert make_row(find(results, "zstd-10, against its own gzip"))[5] == "not measured: this engine's store ignores it"


def test_one_side_alone_is_no_ratio(results: Results) -> None:
    give(results, "cold/ours/0", cpu=10)
    line = find(results, "cold build, base given, CPU, against (c)")
    assert line.ours is not None
    assert (line.value, line.holds) == (None, None)


@pytest.mark.parametrize(("ours", "holds"), [(11.5, True), (11.6, False)])
def test_a_ratio_of_medians_against_its_limit(results: Results, ours: float, *, holds: bool) -> None:
    for number, cpu in enumerate((9.0, 10.0, 30.0)):
        give(results, f"cold/c/{number}", cpu=cpu)
    give(results, "cold/ours/0", cpu=ours)
    assert find(results, "cold build, base given, CPU, against (c)").holds is holds


def test_the_six_pins_count_only_together(results: Results) -> None:
    give(results, "cold/ours/0", compressed=1000)
    for number, name in enumerate(SIX[:5]):
        give(results, f"transfer/{name}/0", pushed=number, pulled=100 * number)
    assert find(results, "pushed: median of the six pins").value is None
    give(results, f"transfer/{SIX[5]}/0", pushed=5, pulled=500)
    assert find(results, "pushed: median of the six pins").value == 0.0025
    assert find(results, "pushed: the worst of the six pins").value == 0.005
    assert find(results, "pulled on overlay2: mean of the six pins").value == 0.25


def test_one_differing_id_of_ten_is_seen(results: Results) -> None:
    for number in range(3):
        give(results, f"cold/ours/{number}", id="sha256:a")
    for number in range(7):
        give(results, f"same-id/ours/{number}", id="sha256:b" if number == 6 else "sha256:a")
    what = "ten builds, other IDs than the first one's"
    line = find(results, what)
    assert (line.value, line.holds) == (1, False)


def test_a_target_of_nothing_holds_at_nothing(results: Results) -> None:
    give(results, "transfer/identical/0", pushed=0)
    line = find(results, "pushed after an identical rebuild")
    assert line.holds is True
    assert make_row(line) == ("pushed after an identical rebuild", "0 B", "—", "—", "<= 0", "yes")


def test_rounds_show_their_extremes(results: Results) -> None:
    for number, wall in enumerate((20.0, 25.0, 21.0)):
        give(results, f"cold/ours/{number}", wall=wall)
    give(results, "cold/c/0", wall=20.0)
    line = find(results, "cold build, base given, wall, against (c)")
    row = ("21 s (20-25, 3 rounds)", "20 s", "1.0500", "<= 1.05", "yes")
    assert make_row(line)[1:] == row


def test_the_table_has_a_head_and_markdown_leaves_out_what_was_not_measured(results: Results) -> None:
    give(results, "transfer/identical/0", pushed=0)
    lines = make_lines(results, make_main_targets())
    assert format_table(lines).splitlines()[0].split() == ["what", "ours", "baseline", "ratio", "target", "holds"]
    assert len(format_table(lines).splitlines()) == 31
    assert len(format_markdown(lines).splitlines()) == 3


def test_attempts_are_listed_and_the_kept_one_is_marked(results: Results) -> None:
    assert format_attempts(results) == ""
    for name, cpu in (("c1", 25.0), ("c2", 24.0)):
        give(results, f"attempts/{name}/0", unpacked=600_000_000, cpu=cpu, says=f"way {name}")
    results.facts["best"] = {"c": "c2"}
    _, _, one, two = format_attempts(results).splitlines()
    assert one == "c1       way c1          600,000,000 B  25 s"
    assert two.endswith("24 s      kept")
