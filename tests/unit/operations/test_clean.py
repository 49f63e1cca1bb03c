"""What stands between a judgement about images and their removal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from builder.compose.model import ProjectFiles
from builder.core.errors import EngineFailedError
from builder.core.progress import SilentProgress
from builder.operations.clean import check_same, forget
from builder.report.rollback import to_do
from builder.rollout.journal import FileRecord, Journal, Phase, Replaced
from builder.rollout.journal_file import journal_path, read_journal, write_journal


def test_another_engine_than_the_one_that_was_judged_loses_nothing() -> None:
    check_same("one", "one")
    with pytest.raises(EngineFailedError, match="nothing was removed"):
        check_same("one", "two")


FILES = ProjectFiles(Path("/p"), (Path("/p/c.yaml"),))
EDIT = FileRecord(Path("/p/c.yaml"), b"a", b"b", 0o644, Path("/p/c.yaml.bak"), Path("/p/t"))
REWRITE = Journal(
    "0000aaaa", FILES, "demo", "engine", Phase.COMMITTED, 1.0, edits=(EDIT,), replaced=(Replaced("old"), Replaced("x"))
)
REBUILD = replace(REWRITE, run="0000bbbb", edits=(), replaced=(Replaced("stale"),), previous=REWRITE)


def test_each_run_knows_which_of_its_old_images_are_gone(tmp_path: Path) -> None:
    """The rollback of a rebuild does not build what the first optimize replaced; the one after it does."""
    path = journal_path(tmp_path, FILES)
    write_journal(path, REBUILD)
    runtime = cast("Any", SimpleNamespace(state_folder=tmp_path, progress=SilentProgress()))
    forget(runtime, "another", frozenset({"old"}))
    assert read_journal(path) == REBUILD
    forget(runtime, "engine", frozenset({"old", "stale"}))
    journal = read_journal(path)
    assert journal == replace(REBUILD, cleaned=("stale",), previous=replace(REWRITE, cleaned=("old",)))
    assert "build " not in to_do(REBUILD)
    assert journal is not None
    assert "build " not in to_do(journal)
    assert journal.previous is not None
    assert "build    the old images again, which were removed since\n" in to_do(journal.previous)
