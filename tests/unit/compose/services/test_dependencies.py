"""Who starts with whom, and which commands a service starts."""

from __future__ import annotations

import pytest
from project_factories import project, service

from builder.compose.services.dependencies import (
    find_all_dependencies,
    find_sharers_without_builder,
    is_active_with,
    is_builder_started,
    is_init_like,
)


def test_dependencies_are_followed_to_their_end_and_never_back_to_the_start() -> None:
    made = project(
        service("a", depends_on=["b"]), service("b", depends_on=["c", "gone"]), service("c", depends_on=["a"])
    )
    assert find_all_dependencies(made, "a") == {"b", "c"}
    assert find_all_dependencies(made, "nobody") == frozenset()


@pytest.mark.parametrize(
    ("builder", "sharer", "on"),
    [
        ((), (), True),
        ((), ("debug",), True),
        (("debug",), (), False),
        (("debug",), ("debug",), True),
        (("debug", "all"), ("debug",), True),
        (("debug",), ("debug", "all"), False),
    ],
)
def test_profiles_switch_services_off(builder: tuple[str, ...], sharer: tuple[str, ...], *, on: bool) -> None:
    assert is_active_with(service("b", profiles=builder), service("s", profiles=sharer)) is on


def test_a_builder_builds_for_itself_and_for_who_starts_it() -> None:
    made = project(service("b"), service("s", depends_on=["b"]), service("alone"))
    assert is_builder_started(made, "b", "b")
    assert find_sharers_without_builder(made, "b", ("alone", "b", "s")) == ("alone",)


def test_what_looks_like_an_init() -> None:
    waits = {"job": "service_completed_successfully"}
    made = project(
        service("job"),
        service("web", depends_on=waits),
        service("db-migrate"),
        service("first", command=("bash", "-c", "sleep 1 && airflow db upgrade")),
        service("check", command=("airflow", "db", "check")),
        service("bare", command=("db", "migrate")),
        service("both", command=("bash", "-c", "airflow db migrate && exec airflow webserver")),
        service("init-and-web", command=("bash", "-c", "airflow db init; airflow scheduler & airflow webserver")),
        service("setup", command=("webserver",)),
    )
    found = [one.name for one in made.services.values() if is_init_like(made, one)]
    assert found == ["bare", "db-migrate", "first", "job"]
