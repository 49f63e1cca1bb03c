"""Compose files that were not read, and that an edit concerns all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.compose.model import FileEdit, Project, ProjectFiles
from builder.compose.rewrite.other_files import collect_edit_notes

if TYPE_CHECKING:
    from pathlib import Path

BUILT = "services: {web: {build: .}}\n"


def project(folder: Path, *others: Path) -> Project:
    main = folder / "compose.yml"
    if not main.exists():
        put(main, BUILT)
    sources = dict.fromkeys((main, *others), b"")
    return Project(ProjectFiles(folder, (main,)), "shop", {}, sources, None, None)


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def notes(made: Project, *changed: Path) -> tuple[str, ...]:
    return collect_edit_notes(made, [FileEdit(path, b"a", b"b") for path in changed])


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {extends: {file: ../common/base.yml, service: airflow}}}\n",
        "services:\n  web:\n    extends:\n      file: '../common/base.yml'\n      service: airflow\n",
        "include:\n  - ../common/base.yml\n",
        'include: ["../common/base.yml"]\n',
        "include:\n  - path: ../common/base.yml  # shared\n",
        "include: [{path: $COMMON/base.yml}]\n",
        '{"include": ["../common/base.yml"]}\n',
    ],
)
def test_a_file_that_a_neighbour_takes_over_too(tmp_path: Path, text: str) -> None:
    base = put(tmp_path / "common" / "base.yml", BUILT)
    put(tmp_path / "b" / "compose.yml", text)
    (note,) = notes(project(tmp_path / "a", base), base)
    assert note == (
        "the edit of ../common/base.yml also changes what ../b/compose.yml takes over from it: check that it still "
        "builds its image"
    )


def test_a_main_file_that_another_in_its_folder_takes_over(tmp_path: Path) -> None:
    for name in ("compose.ci.yml", "compose.dev.yaml"):
        put(tmp_path / name, "services: {test: {extends: {file: compose.yml, service: web}}}\n")
    (note,) = notes(project(tmp_path), tmp_path / "compose.yml")
    assert "what compose.ci.yml and compose.dev.yaml take over from it: check that they still build their image" in note


def test_the_folder_above_counts(tmp_path: Path) -> None:
    put(tmp_path / "compose.yml", "include: [a/compose.yml]\n")
    (note,) = notes(project(tmp_path / "a"), tmp_path / "a" / "compose.yml")
    assert "../compose.yml takes over" in note


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {extends: {file: ../other/base.yml, service: airflow}}}\n",
        "services: {web: {command: ../common/base.yml}}\n",
        "include: [../common/base.yml.old]\n",
        "services: {}\n",
    ],
)
def test_who_names_another_file_is_not_concerned(tmp_path: Path, text: str) -> None:
    base = put(tmp_path / "common" / "base.yml", BUILT)
    put(tmp_path / "b" / "compose.yml", text)
    (note,) = notes(project(tmp_path / "a", base), base)
    assert note == (
        "../common/base.yml is outside this project's folder: other projects that extend or include it get the edit too"
    )


def test_a_file_of_the_project_alone_is_not_told(tmp_path: Path) -> None:
    base = put(tmp_path / "common" / "base.yml", BUILT)
    assert notes(project(tmp_path, base), base, tmp_path / "compose.yml") == ()


def test_a_file_that_was_not_read_and_builds(tmp_path: Path) -> None:
    put(tmp_path / "docker-compose.prod.yml", "services:\n  web:\n    build:\n      target: prod\n")
    put(tmp_path / "docker-compose.mail.yml", "services:\n  mail: {image: mail} # build: .\n")
    put(tmp_path / "other.yml", BUILT)
    (tmp_path / "docker-compose.link.yml").symlink_to("compose.yml")
    (note,) = notes(project(tmp_path), tmp_path / "compose.yml")
    assert note == (
        "docker-compose.prod.yml was not read, and has a `build` too: together with compose.yml it could build another "
        "image under the shared name. Name all files that belong together: `optbuild optimize -f compose.yml -f "
        "docker-compose.prod.yml`"
    )


def test_a_file_of_a_neighbour_that_builds_is_his(tmp_path: Path) -> None:
    put(tmp_path / "b" / "compose.yml", BUILT)
    assert notes(project(tmp_path / "a"), tmp_path / "a" / "compose.yml") == ()


def test_without_an_edit_nothing_is_looked_for(tmp_path: Path) -> None:
    put(tmp_path / "compose.prod.yml", BUILT)
    same = FileEdit(tmp_path / "compose.yml", b"a", b"a")
    assert collect_edit_notes(project(tmp_path), ()) == collect_edit_notes(project(tmp_path), (same,)) == ()


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "compose.prod.yml").mkdir()
    (tmp_path / "compose.gone.yml").symlink_to("nowhere")
    assert notes(project(tmp_path), tmp_path / "compose.yml") == ()
