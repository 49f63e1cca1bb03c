"""What a journal says of its run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from builder.compose.model import ProjectFiles
from builder.rollout.journal import Journal, Phase, TagRecord, mark_undoing

JOURNAL = Journal(
    "0123abcd", ProjectFiles(Path("/p"), (Path("/p/compose.yml"),)), "shop", "engine", Phase.PREPARED, 1.0
)


@pytest.mark.parametrize(
    ("phase", "restarted"),
    [
        (Phase.PREPARED, False),
        (Phase.BUILT, False),
        (Phase.TAGGING, False),
        (Phase.WRITING, False),
        (Phase.RESTARTING, True),
        (Phase.COMMITTED, True),
    ],
)
def test_an_undoing_that_is_killed_knows_how_far_the_run_came(phase: Phase, *, restarted: bool) -> None:
    journal = replace(JOURNAL, phase=phase)
    once = mark_undoing(journal)
    assert (once.phase, once.reached) == (Phase.UNDOING, phase)
    assert journal.restarted is once.restarted is restarted
    assert mark_undoing(once) == once


def test_an_undoing_of_an_older_optbuild_may_have_touched_containers() -> None:
    assert replace(JOURNAL, phase=Phase.UNDOING).restarted


def test_images_that_got_names_or_were_built_are_those_that_moved() -> None:
    tags = (TagRecord("a:1", None), TagRecord("b:1", "sha256:old", "sha256:b"))
    journal = replace(JOURNAL, tags=tags, made=("sha256:made",))
    assert journal.moved == {"sha256:made", "sha256:b"}
    assert journal.with_tag("a:1", "sha256:a").moved == {"sha256:made", "sha256:a", "sha256:b"}
    assert journal.with_tag("other:1", "sha256:a") == journal


def test_a_phase_is_a_word_for_people() -> None:
    assert f"{Phase.RESTARTING}" == "restarting"
