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
from builder.operations.clean import check_same_engine, forget_images
from builder.report.rollback import format_rollback_preview
from builder.rollout.journal import FileRecord, Journal, Phase, ReplacedImage
from builder.rollout.journal_file import read_journal, resolve_journal_path, write_journal


def test_another_engine_than_the_one_that_was_judged_loses_nothing() -> None:
    check_same_engine("one", "one")
    with pytest.raises(EngineFailedError, match="nothing was removed"):
        check_same_engine("one", "two")


FILES = ProjectFiles(Path("/p"), (Path("/p/c.yaml"),))
EDIT = FileRecord(Path("/p/c.yaml"), b"a", b"b", 0o644, Path("/p/c.yaml.bak"), Path("/p/t"))
REWRITE = Journal(
    "0000aaaa",
    FILES,
    "demo",
    "engine",
    Phase.COMMITTED,
    1.0,
    edits=(EDIT,),
    replaced=(ReplacedImage("old"), ReplacedImage("x")),
)
REBUILD = replace(REWRITE, run="0000bbbb", edits=(), replaced=(ReplacedImage("stale"),), previous=REWRITE)


def test_each_run_knows_which_of_its_old_images_are_gone(tmp_path: Path) -> None:
    """The rollback of a rebuild does not build what the first optimize replaced; the one after it does."""
    path = resolve_journal_path(tmp_path, FILES)
    write_journal(path, REBUILD)
    runtime = cast("Any", SimpleNamespace(state_folder=tmp_path, progress=SilentProgress()))
    forget_images(runtime, "another", frozenset({"old"}))
    assert read_journal(path) == REBUILD
    forget_images(runtime, "engine", frozenset({"old", "stale"}))
    journal = read_journal(path)
    assert journal == replace(REBUILD, cleaned=("stale",), previous=replace(REWRITE, cleaned=("old",)))
    assert "build " not in format_rollback_preview(REBUILD)
    assert journal is not None
    assert "build " not in format_rollback_preview(journal)
    assert journal.previous is not None
    assert "build    the old images again, which were removed since\n" in format_rollback_preview(journal.previous)
