"""What an edit does to the other ways in which its files are read, with answers written here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from project_files import FOLDER, project_of, target

from builder.compose.load.combinations import Combination, CombinationAnswer, make_facts
from builder.compose.model import Build, Project, ProjectFiles, Service, SharedTarget
from builder.compose.rewrite.combination_check import (
    CombinationComparison,
    ProblemKind,
    describe_outside_edits,
    is_override,
)

if TYPE_CHECKING:
    from pathlib import Path

MAIN = "services: {init: {build: .}, web: {build: .}}\n"
BUILD, OTHER = Build("/project"), Build("/project", "Dockerfile.prod")
TARGET = target("init", "web", builder="init")
PROD = FOLDER / "prod.yml"


def a_project(*mains: str, **others: str) -> Project:
    made = project_of(*(mains or (MAIN,)), **others)
    services = {name: Service(name, build=BUILD, command=("x",), project="shop") for name in ("init", "web")}
    return Project(made.files, "shop", services, made.sources, {}, {})


def answered(*services: Service, interpolated: bool = True) -> CombinationAnswer:
    return CombinationAnswer(make_facts(services), interpolated, services={one.name: one for one in services})


def refused(said: str = "web has no image") -> CombinationAnswer:
    return CombinationAnswer(complaint=said)


def service(name: str, image: str | None = None, build: Build | None = None, policy: str | None = None) -> Service:
    return Service(name, image, build, pull_policy=policy, project="shop")


INIT = service("init", TARGET.image, BUILD, "never")
WEB = service("web", TARGET.image, None, "never")
BEFORE = answered(service("init", build=BUILD), service("web", build=BUILD))


def compare(
    before: CombinationAnswer,
    after: CombinationAnswer,
    *,
    added: Path | None = PROD,
    stack: bool = False,
    text: str = MAIN,
) -> CombinationComparison:
    project = a_project(text)
    files = (*project.files.files, *([] if added is None else [added]))
    return CombinationComparison(
        project, Combination(ProjectFiles(FOLDER, files), stack, added), (before, after), (TARGET,)
    )


def test_what_stays_as_it_was() -> None:
    found = compare(BEFORE, answered(INIT, WEB))
    assert (list(found.find_problems()), list(found.find_notes()), found.find_rivals()) == ([], [], ())


@pytest.mark.parametrize("after", [refused(), CombinationAnswer(BEFORE.facts, complaint="web has no image")])
def test_what_is_refused_then(after: CombinationAnswer) -> None:
    (problem,) = compare(BEFORE, after).find_problems()
    assert (problem.kind, problem.services) == (ProblemKind.REFUSED, ())
    assert problem.text == (
        "`docker compose -f compose.yml -f prod.yml config --quiet` works today and would be refused: web has no image"
    )
    assert "`optbuild optimize -f compose.yml -f prod.yml`" in problem.hint


@pytest.mark.parametrize("after", [refused(), CombinationAnswer(asked=False)])
def test_what_was_refused_before_is_nobodys_loss(after: CombinationAnswer) -> None:
    found = compare(refused(), after)
    assert (list(found.find_problems()), list(found.find_notes())) == ([], [])


@pytest.mark.parametrize(
    ("before", "after"),
    [(BEFORE, CombinationAnswer(asked=False)), (CombinationAnswer(asked=False), answered(INIT, WEB))],
)
def test_what_was_not_answered_is_named(before: CombinationAnswer, after: CombinationAnswer) -> None:
    found = compare(before, after)
    assert list(found.find_problems()) == []
    (note,) = found.find_notes()
    assert note.startswith("`docker compose -f compose.yml -f prod.yml config` gave no answer that could be compared")
    assert list(compare(before, after, stack=True).find_notes()) == []


@pytest.mark.parametrize(
    "web",
    [
        service("web", "registry.example/team/airflow:1", None, "never"),
        service("web", "registry.example/team/airflow:1", BUILD, "never"),
        service("web", "apache/airflow:2.8.1", None, "never"),
    ],
)
def test_a_foreign_image_that_would_never_be_fetched(web: Service) -> None:
    (problem,) = compare(BEFORE, answered(INIT, web)).find_problems()
    assert (problem.kind, problem.services) == (ProblemKind.NEVER_PULLED, ("web",))
    assert problem.text == (
        "`docker compose -f compose.yml -f prod.yml pull` could not fetch the image of web any more"
    )


@pytest.mark.parametrize(
    "web", [service("web", "registry.example/a:1", None, "always"), service("web", "mine:1", BUILD, "never"), WEB]
)
def test_images_that_are_still_there(web: Service) -> None:
    assert list(compare(BEFORE, answered(INIT, web)).find_problems()) == []


def test_who_never_fetched_before_does_not_lose_it() -> None:
    web = service("web", "registry.example/a:1", None, "never")
    assert list(compare(answered(INIT, web), answered(INIT, web)).find_problems()) == []


@pytest.mark.parametrize(("watched", "builds"), [(True, False), (True, True), (False, False)])
def test_what_is_watched_there_keeps_its_build(watched: bool, builds: bool) -> None:
    web = replace(service("web", TARGET.image, BUILD if builds else None, "never"), is_watched=watched)
    found = list(compare(BEFORE, answered(INIT, web)).find_problems())
    if not watched or builds:
        assert found == []
        return
    (problem,) = found
    assert (problem.kind, problem.services) == (ProblemKind.UNWATCHED, ("web",))
    assert problem.text == "`docker compose -f compose.yml -f prod.yml watch` could not build web any more"


def test_a_build_that_nobody_does_any_more() -> None:
    before = answered(service("init", "r.example/init:1", BUILD), service("web", "r.example/web:1", BUILD))
    found = compare(before, answered(service("init", "r.example/init:1", BUILD), service("web", "r.example/web:1")))
    (note,) = found.find_notes()
    assert note == (
        "`docker compose -f compose.yml -f prod.yml build` builds the image of web today, and no service would build "
        "it any more"
    )


@pytest.mark.parametrize("names", [("web",), ("init", "web")])
def test_another_build_under_the_shared_name(names: tuple[str, ...]) -> None:
    services = {one.name: one for one in (INIT, WEB)} | {
        name: service(name, TARGET.image, OTHER, "never") for name in names
    }
    found = compare(BEFORE, answered(*services.values()))
    assert found.find_rivals() == names
    assert "Plan the files together: `optbuild optimize -f compose.yml -f prod.yml`" in found.format_rival_note(names)


def compare_for(shared: SharedTarget, before: CombinationAnswer, after: CombinationAnswer) -> CombinationComparison:
    project = a_project()
    combination = Combination(ProjectFiles(FOLDER, (*project.files.files, PROD)), added=PROD)
    return CombinationComparison(project, combination, (before, after), (shared,))


def test_a_build_that_goes_on_purpose() -> None:
    alone = target("init", "web")
    found = compare_for(alone, BEFORE, answered(service("init", alone.image), service("web", alone.image)))
    assert list(found.find_notes()) == []


def test_a_name_that_they_had_before_has_no_new_rivals() -> None:
    kept = target("init", "web", builder="init", keeps_name=True)
    rival = service("web", kept.image, OTHER)
    assert compare_for(kept, BEFORE, answered(INIT, rival)).find_rivals() == ()


def test_other_services_that_build_are_no_rivals() -> None:
    assert compare(BEFORE, answered(INIT, WEB, service("grafana", "our-grafana:7", OTHER))).find_rivals() == ()


def test_a_file_for_a_stack() -> None:
    deployed = "services: {init: {build: .}, web: {build: ., deploy: {placement: {}}}}\n"
    said = refused("services.web Additional property pull_policy is not allowed")
    (problem,) = compare(
        CombinationAnswer({}, interpolated=True), said, added=None, stack=True, text=deployed
    ).find_problems()
    assert problem.kind is ProblemKind.STACK
    assert problem.text == (
        "`docker stack deploy -c compose.yml` would be refused: services.web Additional property pull_policy is not "
        "allowed"
    )


def test_an_old_version_alone_is_only_told() -> None:
    said = refused("services.web Additional property pull_policy is not allowed")
    found = compare(
        CombinationAnswer({}, interpolated=True), said, added=None, stack=True, text='version: "3"\n' + MAIN
    )
    assert list(found.find_problems()) == []
    (note,) = found.find_notes()
    assert note.startswith("`docker stack deploy -c compose.yml` accepts this file today, and would refuse its")


def test_an_override_does_not_say_how_services_start() -> None:
    project = a_project()
    whole = answered(Service("web", build=OTHER, command=("webserver",)))
    assert is_override(project, ("web",), answered(service("web", build=OTHER)))
    assert is_override(project, ("web",), refused())
    assert not is_override(project, ("web",), whole)


def test_a_file_outside_may_be_used_elsewhere() -> None:
    base = FOLDER.parent / "common" / "base.yml"
    (note,) = describe_outside_edits(a_project(), (base, *a_project().files.files), {})
    assert note.startswith(
        "/common/base.yml is outside this project's folder: other projects that extend or include it"
    )
    assert list(describe_outside_edits(a_project(), (base,), {base: True})) == []
