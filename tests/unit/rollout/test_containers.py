"""What is restarted, in which order, with which words to Compose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.compose.model import Project, ProjectFiles, Service
from builder.core.limits import BUILD_LIMIT, STACK_LIMIT, TimeLimit
from builder.engine.compose_containers import Container
from builder.rollout.containers import (
    UpCall,
    check_undisturbed,
    collect_service_records,
    find_dependencies,
    make_compose_command,
    make_up_command,
    parse_hashes,
    plan_up_calls,
    split_into_steps,
)

FILES = ProjectFiles(Path("/p"), (Path("/p/compose.yaml"),), name="demo")


def project(**needs: dict[str, str]) -> Project:
    services = {name: Service(name, depends_on=depends) for name, depends in needs.items()}
    return Project(FILES, "demo", services, {}, {}, {})


NOW = 1_700_000_000.0


def container(service: str, number: int = 1, **other: Any) -> Container:
    values = {"status": "running", "image_name": f"{service}:1", "config_hash": f"hash of {service}", **other}
    name = f"demo-{service}-{number}"
    return Container(f"{service}{number}", name, service, number, f"id of {service}", **values)


SEED = project(
    db={},
    init={"db": "service_healthy"},
    web={"init": "service_completed_successfully"},
    scheduler={"init": "service_completed_successfully"},
    proxy={"web": "service_started"},
    flower={"proxy": "service_started"},
)


def test_what_others_need_comes_first() -> None:
    assert split_into_steps(SEED, ("web", "scheduler", "init")) == (("init",), ("scheduler", "web"))


def test_the_order_holds_over_services_that_are_not_restarted() -> None:
    assert split_into_steps(SEED, ("flower", "web")) == (("web",), ("flower",))
    assert find_dependencies(SEED, "flower") == ("db", "init", "proxy", "web")


def test_a_circle_ends() -> None:
    circle = project(a={"b": "service_started"}, b={"a": "service_started"})
    assert split_into_steps(circle, ("a", "b")) == (("a", "b"),)


@pytest.mark.parametrize(
    ("status", "code", "completes", "starts"),
    [
        ("running", 0, False, True),
        ("restarting", 1, False, True),
        ("exited", 0, True, True),
        ("exited", 1, True, False),
        ("exited", 0, False, False),
        ("exited", 137, False, False),
        ("created", 0, False, False),
        ("created", 0, True, False),
    ],
)
def test_only_what_ran_or_did_its_work_starts_again(status: str, code: int, completes: bool, starts: bool) -> None:
    (record,) = collect_service_records(
        [container("web", status=status, exit_code=code)], ["web"], ["web"] if completes else [], NOW
    )
    assert record.start is starts


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"health": "unhealthy"}, False),
        ({"status": "restarting"}, False),
        ({"restarts": 7, "started": NOW - 2}, False),
        ({"restarts": 7, "started": NOW - 2, "health": "healthy"}, True),
        ({"restarts": 2, "started": NOW - 86400}, True),
    ],
)
def test_nobody_waits_for_what_did_not_work_before(change: dict[str, Any], expected: bool) -> None:
    (record,) = collect_service_records([container("web", **change)], ["web"], [], NOW)
    assert record.expects_health is expected


def test_services_without_containers_and_those_of_others_are_left_out() -> None:
    assert [
        one.name for one in collect_service_records([container("db"), container("web")], ["web", "init"], [], NOW)
    ] == ["web"]


def test_calls_that_leave_a_whole_definition_behind() -> None:
    records = {
        one.name: one for one in collect_service_records([container("web"), container("web", 2)], ["web"], [], NOW)
    }
    assert plan_up_calls(("web",), records, others={"db": 1, "redis": 3}) == (
        UpCall(("web",), start=False, scale=(("web", 2), ("db", 1), ("redis", 3)), alone=False),
        UpCall(("web",), scale=(("web", 2),), recreate=False),
    )


def test_calls_that_must_not_touch_what_they_depend_on() -> None:
    found = [container("web"), container("init", status="exited", exit_code=137)]
    records = {one.name: one for one in collect_service_records(found, ["web", "init"], [], NOW)}
    assert plan_up_calls(("init", "web"), records) == (
        UpCall(("web",), scale=(("web", 1),)),
        UpCall(("init",), start=False, scale=(("init", 1),)),
    )


def test_no_call_starts_what_stood_still() -> None:
    records = {one.name: one for one in collect_service_records([container("web", status="exited")], ["web"], [], NOW)}
    made = UpCall(("web",), start=False, scale=(("web", 1),))
    assert plan_up_calls(("web",), records) == (made,)
    assert plan_up_calls(("web",), records, others={}) == (replace(made, alone=False),)


@pytest.mark.parametrize(
    ("change", "disturbed"),
    [
        ({}, False),
        ({"config_hash": "older"}, True),
        ({"image_name": "moved:1"}, True),
    ],
)
def test_a_dependency_that_compose_would_make_anew_is_noticed(change: dict[str, Any], disturbed: bool) -> None:
    images = {"db:1": "id of db", "moved:1": "another"}
    found = check_undisturbed(["db"], [container("db", **change)], {"db": "hash of db"}, images.get)
    assert found == ("db" if disturbed else {"db": 1})


def test_a_dependency_without_container_would_be_made() -> None:
    assert check_undisturbed(["db"], [], {"db": "hash of db"}, lambda _name: None) == "db"


def test_hashes_are_read() -> None:
    assert parse_hashes("db 12ab\nweb 34cd\n\nwarning: three words here\n") == {"db": "12ab", "web": "34cd"}


def test_the_command_names_the_project_and_asks_no_registry() -> None:
    up = UpCall(("web",), scale=(("web", 3),))
    command = make_up_command(("docker", "compose"), FILES, up, {"COMPOSE_REMOVE_ORPHANS": "1", "A": "b"}, "0000aaaa")
    assert command.argv == (
        *("docker", "compose", "--project-directory", "/p", "--file", "/p/compose.yaml", "--project-name", "demo"),
        *("--profile", "*"),
        *("up", "--detach", "--no-deps", "--pull", "never", "--no-build", "--scale", "web=3", "--", "web"),
    )
    assert command.env == {"A": "b", "OPTBUILD_RUN": "0000aaaa"}
    assert command.cwd == Path("/p")


def test_an_overlay_counts_most() -> None:
    overlay = Path("/s/o.json")
    command = make_compose_command(
        ("docker", "compose"), FILES, ("build",), {}, "r", limit=BUILD_LIMIT, overlay=overlay
    )
    assert command.argv[-5:] == ("--file", "/s/o.json", "--profile", "*", "build")


@pytest.mark.parametrize(("build", "limit"), [(False, STACK_LIMIT), (True, BUILD_LIMIT)])
def test_a_start_that_builds_may_take_as_long_as_a_build(build: bool, limit: TimeLimit) -> None:
    up = UpCall(("web",), build=build)
    assert make_up_command(("docker", "compose"), FILES, up, {}, "r").timeout == limit.read({})
    waiting = make_up_command(("docker", "compose"), FILES, up, {limit.variable: "7"}, "r")
    assert waiting.seconds == 7
