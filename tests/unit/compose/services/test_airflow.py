"""Whether services run Airflow, where what they are built on cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from project_factories import build, facts, project, service

from builder.compose.sharing.groups import group_services

if TYPE_CHECKING:
    from builder.compose.model import Project
    from builder.dockerfile.facts import DockerfileAnalysis

UNSET = build(context="${CTX:?say where}")


def shared(*commands: str | None) -> Project:
    """Services with these commands, of one build that cannot be read."""
    words = [None if one is None else tuple(one.split()) for one in commands]
    return project(*(service(f"s{number}", build=UNSET, command=one) for number, one in enumerate(words)))


def judge(made: Project, known: DockerfileAnalysis | None = None) -> tuple[bool, bool]:
    (group,) = group_services(made, {} if known is None else dict.fromkeys(made.services, known))
    return group.airflow, group.unclear


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (("db migrate", "scheduler", "webserver"), (True, False)),
        (("scheduler", "triggerer"), (True, False)),
        (("celery worker", "api-server"), (True, False)),
        (("airflow scheduler", "sleep 1"), (True, False)),
        (("scheduler", "scheduler"), (False, True)),
        (("npm start", "npm test"), (False, True)),
        ((None, None), (False, True)),
    ],
)
def test_the_commands_say_it(commands: tuple[str | None, ...], expected: tuple[bool, bool]) -> None:
    assert judge(shared(*commands)) == expected


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("registry.example/data/base:1", (True, False)),
        ("${BASE}", (True, False)),
        ("python:3.11", (False, False)),
        ("docker.io/library/debian:12", (False, False)),
    ],
)
def test_a_base_that_only_its_owner_knows(base: str, expected: tuple[bool, bool]) -> None:
    assert judge(shared("scheduler", "webserver"), facts(base=base)) == expected


def test_one_word_makes_it_unclear_and_none_does_not() -> None:
    private = facts(base="registry.example/data/base:1")
    assert judge(shared("scheduler", "scheduler --now"), private) == (False, True)
    assert judge(shared("serve", "work"), private) == (False, False)
    assert judge(shared("serve", "work"), facts(base="${BASE}")) == (False, True)


def test_behind_an_entrypoint_of_its_own_the_words_mean_something_else() -> None:
    made = project(
        *(service(one, build=UNSET, command=(one,), entrypoint=("/run",)) for one in ("scheduler", "triggerer"))
    )
    assert judge(made) == (False, True)
