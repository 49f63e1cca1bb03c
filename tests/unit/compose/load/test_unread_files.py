"""Compose files that a run does not read, and where they are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.compose.load import unread_files
from builder.compose.load.unread_files import UnreadFile, find_unread_files
from builder.compose.model import Project, ProjectFiles

WEB = "services: {web: {image: x}}\n"


def put(path: Path, text: str = WEB) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def find(folder: Path, *changed: Path) -> tuple[UnreadFile, ...]:
    main = folder / "compose.yml"
    if not main.exists():
        put(main)
    project = Project(ProjectFiles(folder, (main,)), "p", {}, dict.fromkeys((main, *changed), b""), None, None)
    return find_unread_files(project, changed or (main,))


def names(found: tuple[UnreadFile, ...], folder: Path) -> list[str]:
    return [str(one.path.relative_to(folder)) for one in found]


@pytest.mark.parametrize("name", ["compose.prod.yaml", "prod.yml", "deploy/compose.prod.yaml", "deploy/prod.YML"])
def test_files_in_the_projects_folder_and_below(tmp_path: Path, name: str) -> None:
    put(tmp_path / "p" / name)
    (found,) = find(tmp_path / "p")
    assert (found.path, found.services, found.beside) == (tmp_path / "p" / name, frozenset({"web"}), True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("compose.yml.bak", WEB),
        ("notes.yml", "webs: {}\n"),
        ("broken.yml", "services: {web: [\n"),
        (".github/compose.yml", WEB),
        ("a/b/compose.yml", WEB),
    ],
)
def test_what_is_none(tmp_path: Path, name: str, text: str) -> None:
    put(tmp_path / "p" / name, text)
    assert find(tmp_path / "p") == ()


def test_other_projects_are_not_beside(tmp_path: Path) -> None:
    put(tmp_path / "q" / "compose.yml")
    put(tmp_path / "compose.yml")
    put(tmp_path / "q" / "other.yml")
    found = find(tmp_path / "p")
    assert names(found, tmp_path) == ["compose.yml", "q/compose.yml"]
    assert not any(one.beside for one in found)


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
def test_a_file_that_a_neighbour_takes_over(tmp_path: Path, text: str) -> None:
    base = put(tmp_path / "common" / "base.yml")
    put(tmp_path / "b" / "compose.yml", text)
    (found,) = find(tmp_path / "a", base)
    assert (found.path.parent.name, found.uses) == ("b", (base,))


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {extends: {file: ../other/base.yml, service: airflow}}}\n",
        "services: {web: {command: ../common/base.yml}}\n",
        "include: [../common/base.yml.old]\n",
        "services: {}\n",
    ],
)
def test_who_names_another_file_does_not(tmp_path: Path, text: str) -> None:
    base = put(tmp_path / "common" / "base.yml")
    put(tmp_path / "b" / "compose.yml", text)
    assert [one.uses for one in find(tmp_path / "a", base)] == [()]


def test_a_file_that_was_read_under_another_name(tmp_path: Path) -> None:
    main = put(tmp_path / "p" / "compose.yml")
    (tmp_path / "p" / "docker-compose.yml").symlink_to(main)
    assert find(tmp_path / "p") == ()


def test_unreadable_and_huge_ones_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "p" / "compose.huge.yml", WEB + "#" * 100)
    (tmp_path / "p" / "compose.lost.yml").symlink_to(tmp_path / "nowhere")
    monkeypatch.setattr(unread_files, "MAX_BYTES", 100)
    assert find(tmp_path / "p") == ()


def test_the_root_of_the_machine_has_nothing_above(tmp_path: Path) -> None:
    base = put(tmp_path / "p" / "compose.yml")
    project = Project(ProjectFiles(Path("/"), (base,)), "p", {}, {base: b""}, None, None)
    assert isinstance(find_unread_files(project, (base,)), tuple)
