"""What rollback says at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from builder.compose.model import ProjectFiles
from builder.report.rollback import format_rollback_preview, format_rollback_report
from builder.rollout.journal import FileRecord, Journal, Phase
from builder.rollout.restart import Downtime
from builder.rollout.undo import UndoResult

FILE = Path("/p/compose.yaml")
EDIT = FileRecord(FILE, b"old", b"new", 0o644, Path("/p/compose.yaml.bak"), Path("/p/.compose.yaml.0"))
EARLIER = Journal("0000aaaa", ProjectFiles(Path("/p"), (FILE,)), "demo", "engine", Phase.COMMITTED, 1_700_000_000.0)


def test_all_that_was_put_back_is_named() -> None:
    downtime = {"init": Downtime(), "web": Downtime(0.31, 6.04)}
    assert format_rollback_report(UndoResult((FILE,), ("demo:latest",), downtime), None).splitlines() == [
        "restored /p/compose.yaml",
        "demo:latest is again the image that it was",
        "restarted init",
        "restarted web, stopped for 0.3 s, up after 6.0 s",
    ]


def test_what_is_done_is_said_before() -> None:
    """Of a run that used no engine, that containers stay; else which ones start again."""
    alone = replace(EARLIER, edits=(EDIT,), steps=(("init",), ("web",)), engine="")
    assert format_rollback_preview(alone).splitlines() == [
        "  restore  /p/compose.yaml, byte for byte",
        "  leave    images and containers as they are: that optimize changed none",
    ]
    assert format_rollback_preview(replace(alone, engine="engine")).splitlines() == [
        "  restore  /p/compose.yaml, byte for byte",
        "  restart  init, web, as far as they have containers, from their old images",
    ]


def test_a_rollback_that_finds_everything_in_its_place_says_so() -> None:
    assert format_rollback_report(UndoResult(), None).startswith("nothing had to be put back")


def test_the_next_rollback_is_offered() -> None:
    text = format_rollback_report(UndoResult((FILE,)), EARLIER)
    assert "the optimize of 2023-11-1" in text
    assert "`optbuild rollback` again" in text
