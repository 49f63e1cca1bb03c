from __future__ import annotations

import os
from pathlib import Path

from builder.compose.journalfile import FOLDER, journal_path
from builder.compose.model import ProjectFiles


def files(name: bytes) -> ProjectFiles:
    folder = Path("/srv/shop")
    return ProjectFiles(folder, (folder / os.fsdecode(name),), (), None)


def test_a_project_has_one_journal_whatever_bytes_its_files_names_are() -> None:
    names = [b"compose.yml", b"caf\xe9.yml", b"caf\xea.yml", "café.yml".encode()]
    paths = [journal_path(Path("/state"), files(name)) for name in names]
    assert len(set(paths)) == len(names)
    assert paths == [journal_path(Path("/state"), files(name)) for name in names]
    assert {path.parent for path in paths} == {Path("/state") / FOLDER}
