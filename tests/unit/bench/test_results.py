"""A run that is stopped goes on where it stood, and never with figures of something else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from results import Results, hash_files, load_results

if TYPE_CHECKING:
    from pathlib import Path


def measure_once(value: float) -> Any:
    calls = iter([{"cpu": value}])
    return lambda: next(calls)


def forbid() -> dict[str, Any]:
    raise AssertionError("measured again")


def test_what_is_on_disk_is_not_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "results/airflow.json"
    load_results(path).record("cold/c/0", "tree", measure_once(2.0))
    assert load_results(path).record("cold/c/0", "tree", forbid) == {"cpu": 2.0}


def test_another_tree_is_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "airflow.json"
    load_results(path).record("cold/c/0", "tree", measure_once(2.0))
    again = load_results(path)
    assert again.record("cold/c/0", "other tree", measure_once(3.0)) == {"cpu": 3.0}
    assert again.list_values("cold", "c", "cpu") == (3.0,)


def test_figures_of_another_tree_are_forgotten(tmp_path: Path) -> None:
    results = Results(tmp_path / "airflow.json")
    results.record("cold/c/0", "old", measure_once(2.0))
    results.record("cold/c/1", "new", measure_once(3.0))
    results.keep({"new"})
    assert results.list_values("cold", "c", "cpu") == (3.0,)


def test_what_failed_is_not_recorded_and_what_came_before_stays(tmp_path: Path) -> None:
    path = tmp_path / "airflow.json"
    results = load_results(path)
    results.record("cold/c/0", "tree", measure_once(2.0))
    with pytest.raises(AssertionError):
        results.record("cold/c/1", "tree", forbid)
    assert load_results(path).list_values("cold", "c", "cpu") == (2.0,)


def test_rounds_and_figures_are_kept_apart(tmp_path: Path) -> None:
    results = Results(tmp_path / "airflow.json")
    results.record("cold/c/0", "tree", lambda: {"cpu": 1, "bump_cpu": 9})
    results.record("cold/c/1", "tree", lambda: {"cpu": 2})
    results.record("cold/c2/0", "tree", lambda: {"cpu": 7})
    assert results.list_values("cold", "c", "cpu") == (1.0, 2.0)
    assert results.list_values("cold", "c", "bump_cpu") == (9.0,)


def test_results_of_another_schema_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "airflow.json"
    path.write_text(json.dumps({"schema_version": 0, "records": {"cold/c/0": {}}, "facts": {}}))
    assert load_results(path).records == {}


def test_the_fingerprint_is_of_contents_and_names(tmp_path: Path) -> None:
    for folder in ("one", "two", "three"):
        (tmp_path / folder / "__pycache__").mkdir(parents=True)
        (tmp_path / folder / "__pycache__/a.pyc").write_text(folder)
        (tmp_path / folder / ("b.py" if folder == "three" else "a.py")).write_text("same")
    one, two, three = (hash_files([tmp_path / folder], "text") for folder in ("one", "two", "three"))
    assert one == two
    assert len({one, three, hash_files([tmp_path / "one"], "other text")}) == 3
