"""Which other ways to read the files of an edit are asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from project_files import FOLDER, project_of, target

from builder.compose.load.combination_list import MOST_ASKED, describe_left_out, is_for_stack, list_combinations
from builder.compose.load.unread_files import UnreadFile
from builder.compose.model import FileEdit, Project, ProjectFiles

if TYPE_CHECKING:
    from pathlib import Path

MAIN = "services: {init: {build: .}, web: {build: .}}\n"
TARGET = target("init", "web", builder="init")
PROD = FOLDER / "prod.yml"


def a_project(*mains: str, **others: str) -> Project:
    return project_of(*(mains or (MAIN,)), **others)


def list_for(project: Project, *unread: UnreadFile, edited: tuple[Path, ...] | None = None) -> list[str]:
    edits = [FileEdit(path, project.sources[path], b"x") for path in edited or project.files.files]
    asked = list_combinations(project, edits, (TARGET,), unread).asked
    return [one.format_command(FOLDER, "config" if one.stack else "").strip() for one in asked]


def test_one_file_alone_is_the_project_itself() -> None:
    assert list_for(a_project()) == []


def test_a_file_that_names_a_sharer_is_put_on_top() -> None:
    others = [UnreadFile(PROD, frozenset({"web"})), UnreadFile(FOLDER / "mon.yml", frozenset({"grafana"}))]
    assert list_for(a_project(), *others) == ["docker compose -f compose.yml -f prod.yml"]


def test_one_of_another_project_is_not() -> None:
    assert list_for(a_project(), UnreadFile(FOLDER.parent / "b/prod.yml", frozenset({"web"}), beside=False)) == []


def test_what_takes_an_edited_file_over_is_read_alone() -> None:
    main = a_project().files.files[0]
    other = UnreadFile(FOLDER.parent / "b/c.yml", frozenset({"web"}), (main,), beside=False)
    assert list_for(a_project(), other) == ["docker compose -f ../b/c.yml"]


def test_the_default_file_comes_first() -> None:
    assert list_for(a_project(), UnreadFile(FOLDER / "docker-compose.yml", frozenset({"web"}))) == [
        "docker compose -f docker-compose.yml -f compose.yml"
    ]


def test_each_edited_file_alone_and_no_override_beside_another() -> None:
    assert list_for(a_project(MAIN, MAIN), UnreadFile(PROD, frozenset({"web"}))) == [
        "docker compose -f compose.yml -f prod.yml",
        "docker compose -f compose.yml",
        "docker compose -f compose.override.yml",
    ]


def test_a_third_file_comes_on_top_of_one_and_of_all() -> None:
    made = a_project(MAIN, base=MAIN)
    files = (FOLDER / "compose.yml", FOLDER / "base.yml")
    project = Project(ProjectFiles(FOLDER, files), "shop", {}, made.sources, {}, {})
    assert list_for(project, UnreadFile(PROD, frozenset({"web"})), edited=files[:1]) == [
        "docker compose -f compose.yml -f prod.yml",
        "docker compose -f compose.yml -f base.yml -f prod.yml",
        "docker compose -f compose.yml",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('version: "3.8"\nservices: {}\n', True),
        ("services: {web: {deploy: {placement: {}}}}\n", True),
        ("x-a: &a {deploy: {replicas: 1}}\nservices: {web: {<<: *a}}\n", True),
        ("x-a: &a {deploy: {}}\nx-b: &b {<<: *a}\nservices: {web: {<<: [{}, *b]}}\n", True),
        ("x-a: &a {deploy: {replicas: 1}}\nservices: {web: {environment: {<<: *a}, labels: {deploy: a}}}\n", False),
        ('version: "2.4"\nservices: {web: {image: x}}\n', False),
        (MAIN, False),
    ],
)
def test_files_for_a_stack(text: str, *, found: bool) -> None:
    assert is_for_stack(text.encode()) is found
    assert list_for(a_project(text)) == (["docker stack config -c compose.yml"] if found else [])


def test_more_than_enough_are_named() -> None:
    project = a_project()
    unread = [UnreadFile(FOLDER / f"e{number:02}.yml", frozenset({"web"})) for number in range(MOST_ASKED + 2)]
    edits = [FileEdit(project.files.files[0], b"a", b"b")]
    found = list_combinations(project, edits, (TARGET,), unread)
    assert len(found.asked) == MOST_ASKED
    (note,) = describe_left_out(project, found.left_out)
    assert note.startswith("e20.yml and e21.yml name services of the edit too, and Compose was not asked about them")
    assert list(describe_left_out(project, ())) == []
