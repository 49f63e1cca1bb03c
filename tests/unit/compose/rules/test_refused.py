"""OB214: files that Compose cannot start anywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from project_factories import FOLDER, project, service

from builder.compose.rules.context import RuleContext
from builder.compose.rules.refused import find_refused_projects

UNDEFINED = 'service "web" refers to undefined network back: invalid compose project'
FORMAT = 'invalid interpolation format for services.web.environment.X: "…"; You may need to escape any $ with another $'


def messages(said: str, *, unset: str = "", refused: bool = True) -> list[tuple[str | None, str]]:
    made = replace(
        project(service("web", image="x:1")),
        resolved=None if refused else {},
        complaints=(said,),
        unset_variables=frozenset(unset.split()),
        sources={FOLDER / "docker-compose.yml": b""},
    )
    return [(one.where.key, one.message) for one in find_refused_projects(RuleContext(made))]


@pytest.mark.parametrize(
    ("said", "unset", "key"),
    [
        (UNDEFINED, "", "services.web.networks"),
        ('service "web" refers to undefined secret s: invalid compose project', "", "services.web.secrets"),
        ('service "web" depends on undefined service "x": invalid compose project', "", "services.web.depends_on"),
        ('service "web" has neither an image nor a build context specified', "", "services.web"),
        ("dependency cycle detected: web -> b -> web", "", "services.web.depends_on"),
        ('service "other" refers to undefined network back', "", None),
        (FORMAT, "", "services.web.environment.X"),
        (FORMAT, "TAG", "services.web.environment.X"),
        ("services.web.ports.0: invalid proto: xyz", "", "services.web.ports.0"),
        ("dependency cycle detected: a -> b -> a", "", None),
    ],
)
def test_the_files_are_to_blame(said: str, unset: str, key: str | None) -> None:
    words = said.removesuffix(": invalid compose project")
    assert messages(said, unset=unset) == [(key, f"Compose cannot start this: {words}")]


@pytest.mark.parametrize(
    ("behind", "fix"),
    [
        ("", "correct it until `docker compose config --quiet` prints nothing"),
        (
            "; a.yml has the service web: if b.yml belongs to it, name all, in this order: `-f a.yml -f b.yml`",
            "name the other file too: a.yml has",
        ),
    ],
)
def test_the_file_that_has_what_is_missing_is_the_next_step(behind: str, fix: str) -> None:
    said = 'service "web" has neither an image nor a build context specified: invalid compose project'
    made = replace(project(service("web")), resolved=None, complaints=(said + behind,))
    (found,) = find_refused_projects(RuleContext(made))
    assert found.message.endswith("nor a build context specified")
    assert (found.fix or "").startswith(fix)


@pytest.mark.parametrize(
    ("said", "unset"),
    [
        ("env file /home/ada/shop/.env not found: stat /home/ada/shop/.env: no such file or directory", ""),
        ("required variable TAG is missing a value: set it", ""),
        ('service "web" has neither an image nor a build context specified: invalid compose project', "TAG"),
        ('services.web.ports.0: invalid hostPort: ""', "PORT"),
    ],
)
def test_this_machine_may_lack_something(said: str, unset: str) -> None:
    assert messages(said, unset=unset) == []


def test_what_compose_takes_is_not_refused() -> None:
    assert messages(UNDEFINED, refused=False) == []
