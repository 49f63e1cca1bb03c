"""Who starts with whom, and which commands a service starts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import project, service

from builder.compose.commands import started
from builder.compose.startorder import builds_for, is_init_like, is_on_with, reached_from, without_builder


def test_dependencies_are_followed_to_their_end_and_never_back_to_the_start() -> None:
    made = project(
        service("a", depends_on=["b"]), service("b", depends_on=["c", "gone"]), service("c", depends_on=["a"])
    )
    assert reached_from(made, "a") == {"b", "c"}
    assert reached_from(made, "nobody") == frozenset()


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
    assert is_on_with(service("b", profiles=builder), service("s", profiles=sharer)) is on


def test_a_builder_builds_for_itself_and_for_who_starts_it() -> None:
    made = project(service("b"), service("s", depends_on=["b"]), service("alone"))
    assert builds_for(made, "b", "b")
    assert without_builder(made, "b", ("alone", "b", "s")) == ("alone",)


def test_what_looks_like_an_init() -> None:
    waits = {"job": "service_completed_successfully"}
    made = project(
        service("job"),
        service("web", depends_on=waits),
        service("db-migrate"),
        service("first", command=("bash", "-c", "sleep 1 && airflow db upgrade")),
        service("check", command=("airflow", "db", "check")),
    )
    found = [one.name for one in made.services.values() if is_init_like(made, one)]
    assert found == ["db-migrate", "first", "job"]


@pytest.mark.parametrize(
    ("entrypoint", "command", "expected"),
    [
        (None, None, ()),
        (None, ("scheduler",), (("scheduler",),)),
        (("/usr/bin/dumb-init", "--"), ("airflow", "x"), (("airflow", "x"),)),
        (None, ("bash", "-c", "a 1 && b 'x y' || c; d & e"), (("a", "1"), ("b", "x y"), ("c",), ("d",), ("e",))),
        (("/bin/bash",), ("-c", "a\nb \\\n  c\n# no d\n"), (("a",), ("b", "c"))),
        (None, ("bash", "-euxc", "X=1 exec gosu airflow airflow db migrate"), (("airflow", "db", "migrate"),)),
        (None, ("sh", "-c", "bash -c 'a && b'"), (("a",), ("b",))),
        (None, ("sh", "-c", "echo 'a && postgres; b' | tee"), (("echo", "a && postgres; b"), ("tee",))),
        (None, ("bash", "script.sh"), (("bash", "script.sh"),)),
        (None, ("bash", "-c"), ()),
        (None, ("bash", "-c", "echo 'open && a"), (("echo", "'open"), ("a",))),
        (None, ("bash", "-c", "while true; do a; done"), (("while", "true"), ("a",), ("done",))),
    ],
)
def test_the_commands_that_a_service_starts(
    entrypoint: tuple[str, ...] | None, command: tuple[str, ...] | None, expected: tuple[tuple[str, ...], ...]
) -> None:
    assert started(service("web", entrypoint=entrypoint, command=command)) == expected


PIECES = [
    ("airflow db migrate", ("airflow", "db", "migrate")),
    ("exec gosu airflow airflow scheduler", ("airflow", "scheduler")),
    ("FERNET=1 B='x y' env C=2 a", ("a",)),
    ("/usr/bin/dumb-init -- airflow version", ("airflow", "version")),
    ("sudo -u joe a", ("-u", "joe", "a")),
    ("while true", ("while", "true")),
    ("do sleep 5", ("sleep", "5")),
    ("if ! a", ("if", "!", "a")),
    ('echo \'a && b; c\' "d || \\"e\\""', ("echo", "a && b; c", 'd || "e"')),
    ("a\\ b \\\n c#d ''", ("a b", "c#d", "")),
    ('a $X "${Y}" > f', ("a", "$X", "${Y}", ">", "f")),
    ("sh -ec 'nohup b 1'", ("b", "1")),
    ("bash -c", None),
    ("bash script.sh -c a", ("bash", "script.sh", "-c", "a")),
    ("X=1", None),
]
"""What a script may have between two separators, and the one command that is seen in it."""


@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from([" && ", "||", ";", " | ", " & ", "\n", " ;\n"]))))
def test_the_commands_of_a_script_are_those_of_its_pieces(
    pieces: list[tuple[tuple[str, tuple[str, ...]], str]],
) -> None:
    script = "".join(f"{text}{separator}" for (text, _), separator in pieces)
    expected = tuple(words for (_, words), _ in pieces if words)
    assert started(service("web", command=("bash", "-c", script))) == expected
