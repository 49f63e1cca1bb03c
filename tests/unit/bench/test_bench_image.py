"""The program: its options, and that no part keeps another one from being measured."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from bench import Bench, PartSkippedError
from bench_image import PARTS, main, run_part
from results import Results
from targets import make_lines, make_lock_targets, make_main_targets

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    """Only what records."""
    anything: Any = SimpleNamespace()
    return Bench(anything, Results(tmp_path / "airflow.json"), anything, 3, "tree", "baselines", {}, tmp_path)


def raise_error(error: Exception) -> Any:
    def run(_bench: Bench) -> None:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PartSkippedError("there is no [slim] yet"), "there is no [slim] yet"),
        (RuntimeError("docker push failed with 1:\nmore"), "failed: docker push failed with 1:"),
        (OSError(28, "No space left on device"), "failed: [Errno 28] No space left on device"),
    ],
    ids=["skipped", "failed", "disk"],
)
def test_a_part_that_ends_badly_leaves_its_reason(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    monkeypatch.setitem(PARTS, "slim", raise_error(error))
    run_part(bench, "slim")
    assert bench.results.facts["reasons"] == {"slim": reason}
    monkeypatch.setitem(PARTS, "slim", lambda _bench: None)
    run_part(bench, "slim")
    assert bench.results.facts["reasons"] == {}


def test_a_mistake_of_ours_is_not_hidden(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PARTS, "slim", raise_error(KeyError("cpu")))
    with pytest.raises(KeyError):
        run_part(bench, "slim")


def test_every_target_is_measured_by_a_part_that_there_is() -> None:
    assert {target.part for target in (*make_main_targets(), *make_lock_targets())} <= set(PARTS)


def test_an_unknown_part_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--parts", "cold,warm"])
    assert stop.value.code == 2
    assert "there is no part warm; there are base, attempts, cold" in capsys.readouterr().err


def test_no_results_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--table", "--folder", str(tmp_path)]) == 2
    assert "`make bench` writes it" in capsys.readouterr().err


def test_tables_come_from_the_results_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = Results(tmp_path / "airflow.json")
    results.record("transfer/identical/0", "tree", lambda: {"pushed": 0})
    assert main(["--markdown", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "| pushed after an identical rebuild | 0 B | — | — | <= 0 | yes |"
    )
    assert main(["--table", "--folder", str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(make_lines(results, make_main_targets()))


def test_rounds_that_the_budget_has_no_room_for_are_not_begun(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 50))
    monkeypatch.setattr("bench.time.monotonic", lambda: next(clock))
    bench.repeat("cold", ("c", "ours"), 120, lambda _subject: {"cpu": 1.0})
    assert sorted(bench.results.records) == ["cold/c/0", "cold/ours/0"]
    monkeypatch.undo()
    bench.spent.clear()
    bench.repeat("cold", ("c", "ours"), 120, lambda _subject: {"cpu": 1.0})
    assert len(bench.results.records) == 6
