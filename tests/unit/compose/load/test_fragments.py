"""An override that is named alone: the file that it belongs to lies beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.compose.load.fragments import add_suggestion, split_suggestion, suggest_other_file

if TYPE_CHECKING:
    from pathlib import Path

MAIN = """\
services:
  db: {image: postgres:13}
  web: {build: .}
  both: {<<: {image: x}}
  bare: {ports: ["1:1"]}
networks: {front: }
secrets: {key: {file: x}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docker-compose.yml").write_text(MAIN)
    (tmp_path / "docker-compose.prod.yml").write_text("services: {db: {ports: ['1:1']}}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ('service "db" has neither an image nor a build context specified: invalid compose project', "service db"),
        ('service "web" has neither an image nor a build context specified: invalid compose project', "service web"),
        ('service "both" has neither an image nor a build context specified', "service both"),
        ('service "api" depends on undefined service "db": invalid compose project', "service db"),
        ('service "api" depends on undefined service db: invalid compose project', "service db"),
        ('cannot extend service "api" in /x/y.yml: service "db" not found', "service db"),
        ('service "api" refers to undefined network front: invalid compose project', "network front"),
        ('service "api" refers to undefined secret key: invalid compose project', "secret key"),
    ],
)
def test_the_file_that_has_what_is_missing_is_named(folder: Path, said: str, what: str) -> None:
    found = suggest_other_file(said, (folder / "docker-compose.prod.yml",))
    assert found == (
        f"docker-compose.yml has the {what}: if docker-compose.prod.yml belongs to it, name all, in this order: "
        "`-f docker-compose.yml -f docker-compose.prod.yml`"
    )


@pytest.mark.parametrize(
    "said",
    [
        'service "bare" has neither an image nor a build context specified: invalid compose project',
        'service "api" depends on undefined service "nobody": invalid compose project',
        "services.db.ports must be a list",
    ],
)
def test_nothing_is_said_where_no_file_has_it(folder: Path, said: str) -> None:
    assert suggest_other_file(said, (folder / "docker-compose.prod.yml",)) is None


@pytest.mark.parametrize("said", ['service "db" has neither an image nor a build', "services.db.ports must be; a list"])
def test_what_is_put_behind_is_found_again(folder: Path, said: str) -> None:
    files = (folder / "docker-compose.prod.yml",)
    assert split_suggestion(add_suggestion(said, files)) == (said, suggest_other_file(said, files))


def test_a_file_that_was_read_is_not_proposed(folder: Path) -> None:
    said = 'service "api" depends on undefined service "db"'
    (folder / "docker-compose.prod.yml").unlink()
    assert suggest_other_file(said, (folder / "docker-compose.yml",)) is None


def test_other_folders_are_reached_by_their_path(folder: Path) -> None:
    (folder / "a b").mkdir()
    override = folder / "a b/compose.dev.yaml"
    assert suggest_other_file('depends on undefined service "db"', (override,)) is None
    (folder / "a b/my-compose.yml").write_text(MAIN)
    assert "`-f my-compose.yml -f compose.dev.yaml`" in (
        suggest_other_file('depends on undefined service "db"', (override,)) or ""
    )


def test_what_cannot_be_read_is_passed_over(folder: Path) -> None:
    (folder / "compose.yaml").mkdir()
    (folder / "compose.yml").write_bytes(b"\xff" * 10)
    said = 'service "db" has neither an image nor a build context specified'
    assert "docker-compose.yml has the service db" in (
        suggest_other_file(said, (folder / "docker-compose.prod.yml",)) or ""
    )
