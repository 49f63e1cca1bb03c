"""An edit is only written when Compose says that it means what was planned. Each promise is broken once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from project_files import FOLDER, IMAGE, project_of, target

from builder.compose.load.config import ConfigResult
from builder.compose.model import FileEdit, Project
from builder.compose.rewrite.check import find_differences, prove_edits
from builder.compose.rewrite.rewrite import rewrite_files
from builder.core.errors import ComposeError, UnprovenEditError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SECRET = "hunter2"
TARGET = target("init", "web", builder="init")
SERVICE = {"environment": {"PASSWORD": SECRET}, "image": "old", "ports": [{"target": 80}]}
BEFORE: dict[str, Any] = {
    "name": "shop",
    "services": {
        "init": {**SERVICE, "build": {"context": "/project", "args": {"KEY": SECRET}}},
        "web": {**SERVICE, "build": {"context": "/project"}},
        "db": {"image": "postgres", "build": None},
    },
    "volumes": {"db": {"name": "shop_db"}},
    "x-common": {"build": ".", "user": "me"},
}


def answered() -> dict[str, Any]:
    """A copy of which nothing is shared with another."""
    found: dict[str, Any] = json.loads(json.dumps(BEFORE))
    return found


def planned() -> dict[str, Any]:
    """What Compose should answer afterwards."""
    answer = answered()
    for name in ("init", "web"):
        answer["services"][name] |= {"image": IMAGE, "pull_policy": "never"}
    del answer["services"]["web"]["build"]
    answer["x-common"] = {"image": IMAGE, "pull_policy": "never", "user": "me"}
    return answer


def test_what_was_planned_is_no_difference() -> None:
    assert find_differences(BEFORE, planned(), (TARGET,)) == ()
    assert find_differences(BEFORE, BEFORE, ()) == ()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("services.web.environment.PASSWORD", "other", "services.web.environment.PASSWORD changes"),
        ("services.web.environment.NEW", "", "services.web.environment.NEW changes"),
        ("services.web.environment.EMPTY", None, "services.web.environment.EMPTY is new"),
        ("services.web.ports.0.target", 81, "services.web.ports.0.target changes"),
        ("services.web.ports", [], "services.web.ports changes"),
        ("services.web.image", "old", "services.web.image is not as planned"),
        ("services.web.pull_policy", "always", "services.web.pull_policy is not as planned"),
        ("services.web.build", {"context": "/project"}, "services.web.build is still there"),
        ("services.init.build", None, "services.init.build changes"),
        ("services.init.build.args.KEY", "other", "services.init.build.args.KEY changes"),
        ("services.init.image", "old", "services.init.image is not as planned"),
        ("services.db.image", IMAGE, "services.db.image changes"),
        ("services.db.pull_policy", "never", "services.db.pull_policy changes"),
        ("services.more", {}, "services.more is new"),
        ("volumes.db.name", "other", "volumes.db.name changes"),
        ("name", "other", "name changes"),
        ("x-common.user", "you", "x-common.user changes"),
    ],
)
def test_everything_else_is_named_and_no_value_shown(path: str, value: object, words: str) -> None:
    answer = planned()
    *above, last = path.split(".")
    place: Any = answer
    for key in above:
        place = place[int(key) if key.isdecimal() else key]
    place[last] = value
    assert find_differences(BEFORE, answer, (TARGET,)) == (words,)


def test_a_service_that_vanishes_is_named() -> None:
    answer = planned()
    del answer["services"]["db"]
    assert find_differences(BEFORE, answer, (TARGET,)) == ("services.db is missing",)


def test_a_builder_without_a_build_is_named() -> None:
    before = answered()
    del before["services"]["init"]["build"]
    answer = planned()
    del answer["services"]["init"]["build"]
    assert find_differences(before, answer, (TARGET,)) == ("services.init.build should be kept, but is missing",)


def test_a_name_that_stays_and_a_pull_policy_that_is_not_planned_must_stay() -> None:
    kept = replace(TARGET, keeps_name=True, pull_policy=None)
    now = answered()
    del now["services"]["web"]["build"]
    assert find_differences(BEFORE, now, (kept,)) == ()
    assert find_differences(BEFORE, planned(), (kept,)) == (
        "services.init.image is not as planned",
        "services.init.pull_policy is not as planned",
        "services.web.image is not as planned",
        "services.web.pull_policy is not as planned",
    )


def project() -> Project:
    written = project_of("services:\n  init:\n    build: .\n  web:\n    build: .\n")
    return replace(written, resolved=BEFORE, raw=BEFORE)


def edits() -> tuple[FileEdit, ...]:
    return rewrite_files(project(), (TARGET,))


def answering(answers: ConfigResult) -> Callable[[Mapping[Path, bytes]], ConfigResult]:
    def ask_again(overlay: Mapping[Path, bytes]) -> ConfigResult:
        assert list(overlay) == [FOLDER / "compose.yml"]
        return answers

    return ask_again


def refused(given: Project, answers: ConfigResult, written: tuple[FileEdit, ...] | None = None) -> str:
    with pytest.raises(UnprovenEditError) as caught:
        prove_edits(given, edits() if written is None else written, (TARGET,), answering(answers))
    assert SECRET not in str(caught.value)
    assert caught.value.where is not None
    assert caught.value.where.file.endswith("compose.yml")
    return caught.value.message


def test_a_proven_edit_passes_and_no_edit_asks_nobody() -> None:
    prove_edits(project(), edits(), (TARGET,), answering(ConfigResult(planned(), planned())))
    prove_edits(project(), (), (TARGET,), answering(ConfigResult(None, None)))


def test_one_answer_is_enough_where_the_other_was_refused_before() -> None:
    for missing in ("resolved", "raw"):
        words = ('service "web": env file /project/.env not found',)
        given = replace(project(), complaints=words, **{missing: None})  # type: ignore[arg-type] # either of two keys
        other = ('service "init": env file /tmp/mirror/.env not found',)
        prove_edits(
            given,
            edits(),
            (TARGET,),
            answering(replace(ConfigResult(planned(), planned(), other), **{missing: None})),  # type: ignore[arg-type] # either of two keys
        )
        assert "complains about something else" in refused(
            given,
            replace(ConfigResult(planned(), planned(), ("too many colons",)), **{missing: None}),  # type: ignore[arg-type] # either of two keys
        )


def test_a_missing_variable_may_be_missed_at_the_place_that_its_build_moved_to() -> None:
    text = "error while interpolating {}: required variable TOKEN is missing a value: need token"
    given = replace(project(), resolved=None, complaints=(text.format("x-c.build.args.[]"),))
    now = ConfigResult(None, planned(), (text.format("services.init.build.args.[]"),))
    prove_edits(given, edits(), (TARGET,), answering(now))


def test_either_answer_can_refute_it() -> None:
    assert "services.web.image is not as planned" in refused(project(), ConfigResult(planned(), BEFORE))
    assert "services.web.image is not as planned" in refused(project(), ConfigResult(BEFORE, planned()))


def test_an_answer_that_comes_or_goes_refutes_it() -> None:
    assert "refuses what it accepted" in refused(project(), ConfigResult(None, planned()))
    assert "accepts what it refused" in refused(replace(project(), raw=None), ConfigResult(planned(), planned()))
    assert "no answer" in refused(replace(project(), raw=None), ConfigResult(None, planned()))


def test_files_that_compose_refuses_are_not_written() -> None:
    def ask_again(_overlay: Mapping[Path, bytes]) -> ConfigResult:
        raise ComposeError("services.web must be a mapping")

    with pytest.raises(UnprovenEditError, match="must be a mapping"):
        prove_edits(project(), edits(), (TARGET,), ask_again)


def test_an_edit_that_a_second_run_would_change_is_not_written() -> None:
    (edit,) = edits()
    half = FileEdit(edit.path, edit.before, edit.after.replace(b"    pull_policy: never\n", b"", 1))
    assert "second rewrite" in refused(project(), ConfigResult(planned(), planned()), (half,))


def test_a_long_list_is_cut() -> None:
    answer = planned()
    answer["services"]["web"]["environment"] = {f"K{number}": "" for number in range(20)}
    assert "and 16 more" in refused(project(), ConfigResult(answer, planned()))
