"""The commands inside of a service's command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from project_factories import service

from builder.compose.services.command_lines import parse_commands


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
    assert parse_commands(service("web", entrypoint=entrypoint, command=command)) == expected


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
    assert parse_commands(service("web", command=("bash", "-c", script))) == expected
