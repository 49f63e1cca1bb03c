"""Stages, the chain of a target, and what arguments make of their words."""

from __future__ import annotations

import pytest

from builder.dockerfile import read_instructions
from builder.dockerfile.stages import (
    Stage,
    find_stage_chain,
    parse_assignments,
    parse_exec_form,
    parse_run_commands,
    parse_stages,
    substitute_variables,
)

THREE = """\
ARG VERSION=2.8.1
FROM python:3.11 AS Wheels
RUN apt-get install gcc
FROM apache/airflow:${VERSION}-python3.11 AS base
ARG EXTRA=one
ENV HOW="a $EXTRA" WHY=b
FROM --platform=linux/amd64 base AS last
COPY --from=wheels /w /w
"""


def stages(text: str, **arguments: str) -> tuple[Stage, ...]:
    return parse_stages(read_instructions(text), arguments)


def test_only_stages_that_give_layers_are_in_the_chain() -> None:
    found = stages(THREE)
    assert [stage.name for stage in find_stage_chain(found, None)] == ["base", "last"]
    assert [stage.name for stage in find_stage_chain(found, "wheels")] == ["Wheels"], "letter case does not matter"
    assert [stage.index for stage in find_stage_chain(found, "1")] == [1]
    assert find_stage_chain(found, "nowhere") == ()


def test_arguments_reach_from_and_what_is_behind_it() -> None:
    assert find_stage_chain(stages(THREE), None)[0].base == "apache/airflow:2.8.1-python3.11"
    assert find_stage_chain(stages(THREE, VERSION="3.0.1"), None)[0].base == "apache/airflow:3.0.1-python3.11"
    known = dict(find_stage_chain(stages(THREE, EXTRA="two"), None)[-1].arguments)
    assert known == {"EXTRA": "two", "HOW": "a two", "WHY": "b"}


def test_an_argument_without_value_stays_as_it_is_written() -> None:
    assert stages("ARG TAG\nFROM a:$TAG\n")[0].base == "a:$TAG"
    assert stages("ARG TAG\nFROM a:$TAG\n", TAG="1")[0].base == "a:1"
    assert stages("FROM a:$TAG\n", TAG="1")[0].base == "a:$TAG", "FROM sees only what is declared before it"


def test_no_value_of_an_argument_is_in_a_repr() -> None:
    assert "hunter2" not in repr(stages("FROM a\nARG TOKEN\n", TOKEN="hunter2"))


def test_a_stage_cannot_be_based_on_itself() -> None:
    assert [stage.base for stage in find_stage_chain(stages("FROM a AS a\n"), None)] == ["a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}-$A", "1-1"),
        ("${B:-x}${E:-y}${E-z}", "xy"),
        ("${A:+yes}${B:+no}", "yes"),
        ("${B:-${A}}", "1"),
        ("$B", "$B"),
    ],
)
def test_substitute(text: str, expected: str) -> None:
    assert substitute_variables(text, {"A": "1", "E": ""}) == expected


def test_values_that_double_end_somewhere() -> None:
    text = "FROM a\nENV A=xxxxxxxx\n" + "ENV A=$A$A\n" * 60
    assert len(dict(stages(text)[0].arguments)["A"]) < 20_000


def test_pairs() -> None:
    text = 'FROM a\nENV A=1 B=\'2 3\' C="4\\"5" D\\ x=6\nENV OLD one two\nARG X\nARG Y=1 Z\n'
    found = [parse_assignments(one) for one in read_instructions(text)[1:]]
    assert found == [
        {"A": "1", "B": "2 3", "C": '4"5', "D x": "6"},
        {"OLD": "one two"},
        {"X": None},
        {"Y": "1", "Z": None},
    ]


def test_exec_form() -> None:
    assert parse_exec_form('["a", "b c"]') == ("a", "b c")
    assert parse_exec_form("[ -f x ]") is None
    assert parse_exec_form("a b") is None


def run(text: str) -> list[tuple[str, int]]:
    stage = stages(f"FROM a\n{text}")[0]
    return [(" ".join(one.words), one.line) for one in parse_run_commands(stage.instructions[0])]


def test_each_command_of_a_run_has_its_own_line() -> None:
    assert run("RUN --mount=type=cache,target=/x one \\\n # why\n\n && two \\\n && three\n") == [
        ("one", 2),
        ("two", 5),
        ("three", 6),
    ]


def test_a_run_in_exec_form_and_heredocs() -> None:
    assert run('RUN ["apt-get", "update"]') == [("apt-get update", 2)]
    assert run("RUN <<EOF\napt-get update\npip install x\nEOF\n")[-2:] == [("apt-get update", 3), ("pip install x", 4)]
    assert ("pip install x", 3) not in run("RUN cat <<EOF > /x\npip install x\nEOF\n"), "a file, no script"
    assert ("import x", 4) not in run("RUN <<EOF\n#!/usr/bin/env python3\nimport x\nEOF\n")
    assert run("RUN bash -e <<EOF\npip install x\nEOF\n")[-1] == ("pip install x", 3)
