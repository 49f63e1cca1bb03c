"""What an answer depends on, and what of it is kept."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from builder.compose.load.answer_cache import make_key, read_answers, resolve_cache_path, write_answers
from builder.compose.load.combinations import Combination, CombinationAnswer, ServiceFacts
from builder.compose.model import ProjectFiles, Service

if TYPE_CHECKING:
    from pathlib import Path

MAIN = "include: [inner/more.yml]\nservices: {web: {image: '$IMAGE', env_file: [web.env, {path: b.env}]}}\n"
SECRET = "hunter2-canary"


@pytest.fixture
def files(tmp_path: Path) -> ProjectFiles:
    (tmp_path / "inner").mkdir()
    (tmp_path / "compose.yml").write_text(MAIN)
    (tmp_path / "inner" / "more.yml").write_text("services: {db: {extends: {file: base.yml, service: x}}}\n")
    (tmp_path / "inner" / "base.yml").write_text("services: {x: {image: a}}\n")
    (tmp_path / "web.env").write_text(f"PASSWORD={SECRET}\n")
    (tmp_path / ".env").write_text("IMAGE=a\n")
    return ProjectFiles(tmp_path, (tmp_path / "compose.yml",))


def key(files: ProjectFiles, version: str = "2.26.1", **env: str) -> str | None:
    return make_key(Combination(files), version, env)


@pytest.mark.parametrize(
    "name", ["compose.yml", "inner/more.yml", "inner/base.yml", "web.env", "b.env", ".env", "inner/.env"]
)
def test_every_file_that_compose_reads_counts(files: ProjectFiles, name: str) -> None:
    before = key(files)
    assert before == key(files)
    path = files.directory / name
    path.write_text((path.read_text() if path.exists() else "") + "# more\n")
    assert key(files) != before


def test_a_file_that_is_missing_counts(files: ProjectFiles) -> None:
    before = key(files)
    (files.directory / "web.env").unlink()
    assert key(files) != before


def test_variables_count_that_the_files_name(files: ProjectFiles) -> None:
    assert key(files, IMAGE="b") != key(files)
    assert key(files, COMPOSE_DISABLE_ENV_FILE="1") != key(files)
    assert key(files, OTHER="b") == key(files)


def test_the_version_counts(files: ProjectFiles) -> None:
    assert key(files, "2.30.0") != key(files)


def test_other_files_are_nothing(files: ProjectFiles) -> None:
    before = key(files)
    (files.directory / "prod.yml").write_text("services: {}\n")
    assert key(files) == before


def test_what_cannot_be_read_is_not_kept(files: ProjectFiles) -> None:
    (files.directory / "inner" / "base.yml").write_bytes(b"\xff")
    assert key(files) is None


def test_only_facts_are_kept(files: ProjectFiles) -> None:
    path = resolve_cache_path(files.directory / "cache", files)
    service = Service("web", SECRET, environment={"A": SECRET})
    facts = {"web": ServiceFacts(builds=True, never=False)}
    given = CombinationAnswer(facts, interpolated=True, complaint=SECRET, services={"web": service})
    write_answers(path, {"k": given, "l": CombinationAnswer(complaint=SECRET)})
    assert read_answers(path) == {"k": CombinationAnswer(facts, interpolated=True), "l": CombinationAnswer()}
    assert SECRET not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("data", [b"", b"{}", b'{"schema_version": 1, "answers": [{"key": 1}]}'])
def test_a_broken_cache_is_empty(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.json").write_bytes(data)
    assert read_answers(tmp_path / "x.json") == read_answers(tmp_path / "none.json") == {}


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    write_answers(tmp_path / "file" / "x.json", {"k": CombinationAnswer()})
