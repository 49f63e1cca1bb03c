"""Rewriting, judged by the real Compose: real files, and generated ones in all styles."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from compose_file_strategies import Composed, composed
from hypothesis import HealthCheck, Phase, given, settings
from project_files import target
from real_files import FILES as REAL_FILES
from real_files import copy_project, name_of

from builder.compose.load.config import load_config
from builder.compose.load.discover import discover_project
from builder.compose.load.project import read_project
from builder.compose.rewrite.check import find_differences, prove_edits
from builder.compose.rewrite.rewrite import make_edited_project, rewrite_files
from builder.core.errors import ComposeError, UnprovenEditError
from builder.core.process import LocalRunner
from builder.engine.compose import ComposeCli, find_compose

if TYPE_CHECKING:
    from builder.compose.model import Build, FileEdit, Project, SharedTarget

RUNNER = LocalRunner()
ENV = {key: value for key, value in os.environ.items() if not key.startswith("COMPOSE_")}
SHARED_BUILDS = {
    *("02", "05", "06", "07", "08", "13", "17", "22", "24", "26", "28", "30", "42"),
    *("anchors", "crlf", "dockerfiles", "extends", "include", "merges"),
}
"""The files in which several services share a build, by hand (README.md of the corpus)."""


@pytest.fixture(scope="session")
def cli() -> ComposeCli:
    return find_compose(RUNNER, ENV)


def read(folder: Path, names: list[str], cli: ComposeCli) -> Project:
    files = discover_project(tuple(str(folder / name) for name in names), env=ENV, cwd=folder)
    return read_project(files, cli, RUNNER, ENV)


def check(project: Project, targets: tuple[SharedTarget, ...], cli: ComposeCli) -> tuple[FileEdit, ...]:
    """Rewrite, prove, and prove it once more by writing the files and reading them anew."""
    edits = rewrite_files(project, targets)
    prove_edits(project, edits, targets, lambda overlay: load_config(project.files, cli, RUNNER, ENV, overlay=overlay))
    for edit in edits:
        edit.path.write_bytes(edit.after)
    written = read_project(project.files, cli, RUNNER, ENV)
    for old, new in ((project.resolved, written.resolved), (project.raw, written.raw)):
        assert (old is None) == (new is None)
        assert old is None or new is None or find_differences(old, new, targets) == ()
    assert rewrite_files(written, targets) == ()
    return edits


@pytest.mark.parametrize("file", REAL_FILES, ids=name_of)
def test_a_real_file_changes_only_as_planned_whoever_keeps_the_build(
    file: Path, tmp_path: Path, cli: ComposeCli
) -> None:
    copy_project(file, tmp_path)
    project = read(tmp_path, ["docker-compose.yml"], cli)
    groups: dict[Build, list[str]] = {}
    for service in project.services.values():
        if service.build is not None:
            groups.setdefault(service.build, []).append(service.name)
    shared = [tuple(names) for names in groups.values() if len(names) > 1]
    assert bool(shared) == (name_of(file) in SHARED_BUILDS)
    for builder in (None, 0, -1):
        targets = tuple(
            target(*names, builder=None if builder is None else names[builder], image=f"shop-{number}:latest")
            for number, names in enumerate(shared)
        )
        check(project, targets, cli)
        for path, data in project.sources.items():
            path.write_bytes(data)


def prove_generated(case: Composed, cli: ComposeCli) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "shop"
        folder.mkdir()
        for name, data in case.files.items():
            (folder / name).write_bytes(data)
        project = read(folder, list(case.files), cli)
        try:
            check(project, case.targets, cli)
        except UnprovenEditError:
            raise
        except ComposeError:
            if not case.may_refuse:
                raise


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(case=composed())
def test_a_generated_file_changes_only_as_planned(case: Composed, cli: ComposeCli) -> None:
    prove_generated(case, cli)


@pytest.mark.soak
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=composed())
def test_many_generated_files_change_only_as_planned(case: Composed, cli: ComposeCli) -> None:
    prove_generated(case, cli)


FILES = {
    "compose.yml": "include: [more/inner.yml]\nservices:\n  web:\n    extends: {file: lib/base.yml, service: base}\n"
    "  init:\n    extends: {file: lib/base.yml, service: base}\n    environment: {A: '${X:-y}'}\n",
    "lib/base.yml": "services:\n  base:\n    build:\n      context: ..  # up\n    user: me\n",
    "more/inner.yml": "services:\n  inner:\n    build: ..\n",
    "compose.override.yml": "services:\n  web:\n    image: dev:1\n",
}


@pytest.mark.parametrize("builder", [None, "init", "web", "inner"])
def test_extended_included_and_override_files_change_only_as_planned(
    builder: str | None, tmp_path: Path, cli: ComposeCli
) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    project = read(tmp_path, ["compose.yml", "compose.override.yml"], cli)
    edits = check(project, (target("web", "init", "inner", builder=builder),), cli)
    assert {edit.path.name for edit in edits} >= {"base.yml", "inner.yml", "compose.override.yml"}


@pytest.mark.parametrize("builder", ["base", "web", "last"])
def test_reset_does_over_extends_what_it_is_used_for(builder: str, tmp_path: Path, cli: ComposeCli) -> None:
    (tmp_path / "compose.yml").write_text(
        "services:\n  base:\n    build: .\n  web:\n    extends: base\n  last:\n    extends: {service: web}\n"
    )
    check(read(tmp_path, ["compose.yml"], cli), (target("base", "web", "last", builder=builder),), cli)


def test_reset_does_not_take_a_merged_build_away(tmp_path: Path, cli: ComposeCli) -> None:
    """Why a builder whose mapping others merge is refused: Compose 2.26 keeps the merged build."""
    (tmp_path / "compose.yml").write_text(
        "services:\n  a: &a\n    build: .\n  b:\n    <<: *a\n    image: x\n    build: !reset null\n"
    )
    assert read(tmp_path, ["compose.yml"], cli).services["b"].build is not None


def test_an_edit_that_means_something_else_is_found_by_compose(tmp_path: Path, cli: ComposeCli) -> None:
    (tmp_path / "compose.yml").write_text("services:\n  a:\n    build: .\n    user: me\n  b:\n    build: .\n")
    project = read(tmp_path, ["compose.yml"], cli)
    targets = (target("a", "b"),)
    (edit,) = rewrite_files(project, targets)
    wrong = replace(edit, after=edit.after.replace(b"user: me", b"user: you"))
    with pytest.raises(UnprovenEditError, match=r"services\.a\.user changes"):
        prove_edits(
            project, (wrong,), targets, lambda overlay: load_config(project.files, cli, RUNNER, ENV, overlay=overlay)
        )
    assert make_edited_project(project, (wrong,)).sources[edit.path] == wrong.after
