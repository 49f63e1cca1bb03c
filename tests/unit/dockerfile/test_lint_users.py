"""OB304: which user is named follows from the file and from what is known of its base."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from edited_text import apply_edits

from builder.compose.model import Build
from builder.dockerfile.analysis import analyze_dockerfile

if TYPE_CHECKING:
    from builder.dockerfile.facts import Advice


def find_advice(text: str) -> Advice | None:
    found = analyze_dockerfile(text, Build("/project")).advice
    return next((one for one in found if one.code == "OB304"), None)


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("FROM apache/airflow:2.8.1\nUSER root\nRUN true\n", "USER airflow"),
        ("FROM mirror.example/apache/airflow:3.0.0\nUSER 0\nRUN true\n", "USER airflow"),
        ("FROM quay.io/astronomer/astro-runtime:12.9.0-base\nUSER root\nRUN true\n", "USER astro"),
        ("FROM astrocrpublic.azurecr.io/runtime:3.1-7-base\nUSER root\nRUN true\n", "USER astro"),
        ("FROM bitnami/airflow:2.8.1\nUSER root\nRUN true\n", "USER 1001"),
        ("FROM apache/airflow:2.8.1\nUSER 50000:0\nRUN a\nUSER root\nRUN true\n", "USER 50000:0"),
        ("FROM registry.example/x:1\nARG WHO=joe\nUSER ${WHO}\nUSER root\nRUN true\n", "USER ${WHO}"),
        ("FROM x AS a\nUSER joe\nFROM a\nUSER root\nRUN true\n", "USER joe"),
        ("FROM python:3.11-slim\nRUN true\n", "RUN useradd --create-home app\nUSER app"),
        ("FROM python:3.11-alpine3.19\nRUN true\n", "RUN adduser -D app\nUSER app"),
        ("FROM alpine:3.19\nRUN true\n", "RUN adduser -D app\nUSER app"),
        ("FROM node:20-alpine\nRUN true\n", "USER node"),
        ("FROM fedora:40\nRUN true\n", "RUN useradd --create-home app\nUSER app"),
        ("FROM python:3.11\nRUN useradd -ms /bin/bash -u 1000 joe\nCOPY . .\n", "USER joe"),
        ("FROM alpine:3\nRUN adduser -S -G www -h /home/joe joe\n", "USER joe"),
        ("FROM python:3.11\nRUN adduser --disabled-password --gecos '' joe sudo\n", "USER joe"),
        ("FROM python:3.11\nARG N=joe\nRUN useradd $N\n", "USER $N"),
    ],
)
def test_the_user_is_one_that_is_there(text: str, fix: str) -> None:
    found = find_advice(text)
    assert found is not None
    assert found.fix == fix
    fixed = apply_edits(text, found.edits)
    assert fixed == f"{text}{fix}\n"
    assert find_advice(fixed) is None


@pytest.mark.parametrize("base", ["registry.example/x:1", "amazonlinux:2023", "ghcr.io/osgeo/gdal:3.8"])
def test_where_nothing_is_known_no_user_is_named(base: str) -> None:
    found = find_advice(f"FROM {base}\nUSER root\nRUN true\n")
    assert found is not None
    assert (found.fix, found.edits) == (None, ())
    assert "Config.User" in found.details[0]


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("USER root\nRUN a\n# start\nCMD x\n", "USER root\nRUN a\nUSER airflow\n# start\nCMD x\n"),
        ("USER root\nRUN a \\\n  && b\nENV A=1\nCMD x", "USER root\nRUN a \\\n  && b\nUSER airflow\nENV A=1\nCMD x"),
        ("USER root\nRUN <<E\nUSER x\nE\nCMD x\n", "USER root\nRUN <<E\nUSER x\nE\nUSER airflow\nCMD x\n"),
        ("USER root\nRUN <<E\nE\n", "USER root\nRUN <<E\nE\nUSER airflow\n"),
        ("RUN a\nUSER root\nCMD x\n", "RUN a\nUSER airflow\nCMD x\n"),
        ("USER root\nRUN a", "USER root\nRUN a\nUSER airflow"),
        ("USER root\r\nRUN a\r\nCMD x\r\n", "USER root\r\nRUN a\r\nUSER airflow\r\nCMD x\r\n"),
    ],
)
def test_it_stands_behind_what_makes_files(text: str, fixed: str) -> None:
    start = "FROM apache/airflow:2.8.1\n"
    found = find_advice(start + text)
    assert found is not None
    if "\r" in text:
        start = start.replace("\n", "\r\n")
    assert apply_edits(start + text, found.edits) == start + fixed


def test_it_stands_in_the_stage_that_is_built() -> None:
    text = "FROM apache/airflow:2.8.1 AS a\nUSER root\nRUN x\n\nFROM a AS b\nRUN y\nUSER airflow\n"
    found = next(one for one in analyze_dockerfile(text, Build("/project", target="a")).advice if one.code == "OB304")
    assert apply_edits(text, found.edits) == text.replace("RUN x\n", "RUN x\nUSER airflow\n")


def test_the_user_of_a_base_that_another_build_makes_is_returned_to() -> None:
    below = analyze_dockerfile("FROM x:1\nUSER joe\n", Build("/project"))
    text = "FROM base\nUSER root\nRUN true\n"
    facts = analyze_dockerfile(text, Build("/project"), find_parent=lambda _name: below)
    (found,) = (one for one in facts.advice if one.code == "OB304")
    assert found.fix == "USER joe"
