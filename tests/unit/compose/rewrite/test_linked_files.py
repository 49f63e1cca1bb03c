"""What is said of files that have another name than the one at hand."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from builder.compose.model import FileEdit
from builder.compose.rewrite.linked_files import describe_linked_files, find_linked_target

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project/sub").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/shared.yml").write_bytes(b"a")
    (tmp_path / "project/plain.yml").write_bytes(b"a")
    return tmp_path / "project"


def describe(path: Path, folder: Path) -> tuple[str, ...]:
    return describe_linked_files((FileEdit(path, b"a", b"b"),), folder)


def test_a_plain_file_needs_no_words(folder: Path) -> None:
    assert describe(folder / "plain.yml", folder) == ()


def test_a_link_out_of_the_project_is_named_by_its_real_path(folder: Path) -> None:
    (folder / "compose.yml").symlink_to("../elsewhere/shared.yml")
    (text,) = describe(folder / "compose.yml", folder)
    assert f"compose.yml is reached by a symbolic link: the file that is edited is {folder.parent}/elsewhere" in text
    assert "outside of this project" in text
    assert describe_linked_files((FileEdit(folder / "compose.yml", b"a", b"a"),), folder) == ()


def test_a_link_over_a_link_is_followed_to_its_end(folder: Path) -> None:
    (folder / "one.yml").symlink_to("two.yml")
    (folder / "two.yml").symlink_to("../elsewhere/shared.yml")
    assert find_linked_target(folder / "one.yml", folder) == folder.parent / "elsewhere/shared.yml"


def test_a_link_within_the_project_is_named_too(folder: Path) -> None:
    (folder / "compose.yml").symlink_to("plain.yml")
    (text,) = describe(folder / "compose.yml", folder)
    assert str(folder / "plain.yml") in text
    assert "outside" not in text


def test_a_folder_on_the_way_may_be_the_link(folder: Path) -> None:
    (folder / "linked").symlink_to("../elsewhere")
    assert find_linked_target(folder / "linked/shared.yml", folder) == folder.parent / "elsewhere/shared.yml"


def test_a_project_that_is_reached_by_a_link_is_nothing_to_speak_of(folder: Path) -> None:
    (folder.parent / "short").symlink_to("project")
    assert describe(folder.parent / "short/plain.yml", folder.parent / "short") == ()


def test_links_in_a_circle_lead_nowhere(folder: Path) -> None:
    (folder / "a.yml").symlink_to("b.yml")
    (folder / "b.yml").symlink_to("a.yml")
    assert describe(folder / "a.yml", folder) == ()


def test_a_second_name_keeps_the_old_bytes(folder: Path) -> None:
    os.link(folder / "plain.yml", folder / "sub/second.yml")
    (text,) = describe(folder / "plain.yml", folder)
    assert "2 names (hard links)" in text
