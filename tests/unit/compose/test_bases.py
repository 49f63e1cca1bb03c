"""Where the Dockerfiles of a project are looked for, and what is said of those that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from barred import bar

from builder.compose.bases import built_on
from builder.compose.told import Told

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_dockerfile_in_a_folder_that_one_may_not_enter_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is not there is none."""
    told = Told()
    told.contexts |= {"mine", "../other", "gone"}
    for name in ("mine", "../other"):
        (tmp_path / "p" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / name / "Dockerfile").write_text("FROM base:1\n")
    assert built_on([tmp_path / "p"], told, {}).problem == ""
    bar(monkeypatch, tmp_path / "other")
    found = built_on([tmp_path / "p"], told, {})
    assert found.names == {"base:1"}
    assert found.problem.endswith("other/Dockerfile cannot be read: Permission denied")
