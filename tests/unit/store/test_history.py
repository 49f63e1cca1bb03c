"""State and journals as what they say about images: of this engine, of every run, and doubts where they are broken."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from builder.compose.model import ProjectFiles
from builder.rollout.journal import ContainerRecord, FileRecord, Journal, Phase, ReplacedImage, ServiceRecord, TagRecord
from builder.rollout.journal_file import (
    FOLDER,
    dump_journal,
    parse_journal,
    resolve_journal_path,
    resolve_open_path,
    write_journal,
)
from builder.state import FormerImage, ProjectState, PromotionJournal, State, TagMove
from builder.store.history import (
    JournalSet,
    collect_used_images,
    find_last_optimize,
    make_state_snapshot,
    read_journals,
)
from builder.store.model import UnfinishedRun

FILES = ProjectFiles(Path("/p"), (Path("/p/compose.yaml"),))
JOURNAL = Journal(
    "0000aaaa",
    FILES,
    "demo",
    "engine",
    Phase.COMMITTED,
    1000.0,
    tags=(TagRecord("demo-airflow:latest", "before", "new"),),
    services=(ServiceRecord("web", (ContainerRecord("c", "running", True),), start=True),),
    made=("new",),
    known=(),
    replaced=(ReplacedImage("old", ("demo-web:latest",)), ReplacedImage("new", ("demo-init:latest",))),
)


def test_what_is_promoted_and_what_was(tmp_path: Path) -> None:
    mine = ProjectState("engine", "ml", {"ml-web:latest": "now", "ml:latest": "now"}, (FormerImage("was", "", 7.0),))
    other = replace(mine, engine="another", references={"x:latest": "x"}, superseded=(FormerImage("y", "", 1.0),))
    found = make_state_snapshot("engine", State(projects=(mine, other)), JournalSet())
    assert found.promoted == {"now": "ml:latest"}
    assert found.superseded == {"ml": ("was",)}
    assert found.since == {"was": 7.0}


def test_what_an_optimize_replaced_but_for_what_it_points_to_now() -> None:
    found = make_state_snapshot("engine", State(), JournalSet((JOURNAL,))).replaced
    assert found.keys() == {"old"}
    assert found["old"].names == {"demo-web:latest"}
    assert "the optimize of demo at 1970-01-01 00:16 UTC replaced it" in found["old"].reason


REWRITE = replace(
    JOURNAL,
    edits=(FileRecord(Path("/p/compose.yaml"), b"a", b"b", 0o644, Path("/p/compose.yaml.bak"), Path("/p/t")),),
    tags=(TagRecord("demo-airflow:latest", None, "new"),),
    replaced=(ReplacedImage("old", ("demo-web:latest",)),),
)
REBUILD = replace(
    REWRITE,
    edits=(),
    tags=(TagRecord("demo-airflow:latest", "new", "newer"),),
    made=("newer",),
    replaced=(ReplacedImage("new", ("demo-airflow:latest",)), ReplacedImage("stale", ())),
    previous=REWRITE,
)


def test_what_only_a_rollback_can_bring_back_is_kept_for_it() -> None:
    memory = make_state_snapshot("engine", State(), JournalSet((REBUILD,)))
    replaced_it = "the optimize of demo at 1970-01-01 00:16 UTC replaced it"
    assert memory.kept == {"new": f"{replaced_it}; `optbuild rollback` returns to it, and could not build it again"}
    assert memory.replaced["old"].reason == f"{replaced_it}; a rollback would build it again"
    assert memory.replaced["stale"].reason == f"{replaced_it}; no rollback returns to it"
    assert not make_state_snapshot("engine", State(), JournalSet((REWRITE,))).kept
    assert not make_state_snapshot("another", State(), JournalSet((REBUILD,))).kept


def test_every_run_before_it_counts() -> None:
    later = replace(
        JOURNAL, at=2000.0, replaced=(ReplacedImage("old", ("demo-x:latest",)), ReplacedImage("mid")), previous=JOURNAL
    )
    memory = make_state_snapshot("engine", State(), JournalSet((later,)))
    assert memory.replaced.keys() == {"old", "mid"}
    assert memory.replaced["old"].names == {"demo-web:latest", "demo-x:latest"}
    assert memory.since == {"old": 2000.0, "mid": 2000.0, "new": 1000.0}


def test_another_engines_journal_says_nothing_of_this_one() -> None:
    assert not make_state_snapshot("another", State(), JournalSet((JOURNAL,))).replaced


def test_what_an_unfinished_run_may_need_or_have_made() -> None:
    run = replace(JOURNAL, phase=Phase.TAGGING, known=("old", "before"))
    found = make_state_snapshot("engine", State(), JournalSet(unfinished=(run,)))
    assert found.busy.keys() == {"old", "new", "before", "running"}
    assert found.unfinished == (UnfinishedRun("an optimize of demo", frozenset({"old", "before"})),)
    assert not found.replaced


def test_open_runs_of_projects_of_one_name_are_two() -> None:
    """Both folders are called so; what was made since the first began may be the first one's."""
    first = replace(JOURNAL, phase=Phase.BUILT, known=("old",))
    second = replace(first, files=ProjectFiles(Path("/q"), (Path("/q/compose.yaml"),)), known=("old", "made since"))
    found = make_state_snapshot("engine", State(), JournalSet(unfinished=(first, second)))
    assert [one.known for one in found.unfinished] == [{"old"}, {"old", "made since"}]


def test_what_a_rollback_that_was_stopped_needs() -> None:
    found = make_state_snapshot("engine", State(), JournalSet((replace(JOURNAL, phase=Phase.UNDOING),)))
    assert "old" in found.busy


def test_what_a_promotion_that_goes_on_moves() -> None:
    promotion = PromotionJournal(
        "engine", "ml", "next", "tag", (TagMove("ml:latest", "now"), TagMove("ml-x:1", None)), 1.0
    )
    found = make_state_snapshot("engine", State(journals=(promotion,)), JournalSet())
    assert found.busy == dict.fromkeys(("next", "now"), "a promotion of ml has not ended")


def test_everything_that_a_project_ever_used() -> None:
    found = collect_used_images(JournalSet((replace(JOURNAL, replaced=(), made=("newer",), previous=JOURNAL),)), "demo")
    assert found >= {"old", "new", "newer", "before", "running", "demo-web:latest", "demo-airflow:latest"}
    assert not collect_used_images(JournalSet((JOURNAL,)), "another")


def test_journals_are_read_as_they_lie_there(tmp_path: Path) -> None:
    path = resolve_journal_path(tmp_path, FILES)
    write_journal(path, JOURNAL)
    write_journal(resolve_open_path(path), replace(JOURNAL, phase=Phase.BUILT))
    (tmp_path / FOLDER / f"{'0' * 64}.json").write_text("{")
    (tmp_path / FOLDER / f"{path.stem}.overlay.json").write_text("{}")
    found = read_journals(tmp_path)
    assert found.committed == (JOURNAL,)
    assert [one.phase for one in found.unfinished] == [Phase.BUILT]
    assert len(found.broken) == 1
    assert "is broken" in found.broken[0]
    assert make_state_snapshot("engine", State(), found).doubts == found.broken


def test_no_folder_means_no_journal(tmp_path: Path) -> None:
    assert read_journals(tmp_path) == JournalSet()


def test_the_last_optimize_of_this_engine() -> None:
    later = replace(JOURNAL, project="later", at=3000.0, bytes_before=90, bytes_after=40)
    found = find_last_optimize("engine", JournalSet((later, JOURNAL)))
    assert found is not None
    assert (found.project, found.at, found.before, found.after) == ("later", 3000.0, 90, 40)
    assert find_last_optimize("another", JournalSet((later,))) is None


def test_a_journal_from_before_the_bytes_were_recorded_is_read() -> None:
    document = json.loads(dump_journal(JOURNAL))
    del document["bytes_before"], document["bytes_after"], document["previous"]
    assert parse_journal(json.dumps(document).encode()) == JOURNAL
