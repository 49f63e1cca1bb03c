"""Every fix of a Dockerfile, applied: what it is for is gone, nothing else has changed."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from edited_text import apply_edits
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.compose.model import Build
from builder.dockerfile.analysis import analyze_dockerfile
from builder.dockerfile.parse import read_instructions
from builder.dockerfile.stages import parse_flags, parse_run_commands

if TYPE_CHECKING:
    from builder.dockerfile.facts import Advice

ROOT = Path(__file__).parents[3]
PUBLIC = ROOT.parent / "shared"
"""Files of other projects, where they lie beside the checkout."""
DOCKERFILES = sorted(
    path
    for folder in (ROOT / "tests" / "fixtures", PUBLIC / "corpus", PUBLIC / "cases")
    for path in folder.rglob("*")
    if "dockerfile" in path.name.lower() and path.is_file()
)
FILES = {"r.txt": "numpy\n", "c.txt": "flask==3.0.0\n"}


def find_advice(text: str, folder: Path | None = None) -> tuple[Advice, ...]:
    def read(name: str) -> str | None:
        path = None if folder is None else folder / name.lstrip("/")
        return path.read_text(errors="replace") if path and path.is_file() else FILES.get(name)

    return analyze_dockerfile(text, Build("/project"), read).advice


Words = tuple[str, ...]


def list_commands(text: str, first: int = 0) -> list[tuple[str, Words | str]]:
    """What each instruction says: of a RUN its commands word by word."""
    found: list[tuple[str, Words | str]] = []
    for one in read_instructions(text):
        if one.name == "RUN":
            found += [("RUN", (*command.words, *command.assignments)) for command in parse_run_commands(one)]
        elif one.name in ("COPY", "ADD"):
            value = one.value
            for flag in parse_flags(one):
                value = value if not flag.startswith(("--chown=", "--chmod=")) else value.replace(f"{flag} ", "", 1)
            found.append((one.name, value))
        else:
            found.append((one.name, one.value))
    return found


PIN = "apache-airflow=="
NEW = ("--no-cache-dir", "--find-links=/wheels", "--find-links=/wheels2")
COMPILERS = ("gcc", "build-essential", "libpq-dev", "libpq5")


def forget_planned(commands: list[tuple[str, Words | str]]) -> list[tuple[str, Words | str]]:
    """Without what fixes put in or take out."""
    kept: list[tuple[str, Words | str]] = []
    for name, words in commands:
        if isinstance(words, str):
            kept += [(name, words)] * (name != "USER")
            continue
        plain = tuple(word for word in words if word not in NEW and not word.startswith(PIN) and word not in COMPILERS)
        users = plain[:1] in (("useradd",), ("adduser",))
        housekeeping = plain[:1] in (("apt-get",), ("chown",), ("chmod",)) or " ".join(plain).startswith(
            "rm -rf /var/lib/apt/lists"
        )
        kept += [(name, plain)] * (not users and not housekeeping)
    return kept


def check_fixes(text: str, folder: Path | None = None) -> None:
    advice = find_advice(text, folder)
    edits = [edit for one in advice for edit in one.edits]
    fixed = apply_edits(text, edits)
    left = Counter((one.code, one.message) for one in find_advice(fixed, folder))
    assert left <= Counter((one.code, one.message) for one in advice if not one.edits)
    two_stages = [one for one in advice if one.code == "OB301" and one.edits]
    after = list_commands(fixed)
    if two_stages:
        stages = [number for number, (name, _) in enumerate(after) if name == "FROM"]
        before_it = len([name for name, _ in list_commands(text) if name == "FROM"]) - 1
        after = after[: stages[before_it]] + after[stages[before_it + 1] :]
    assert forget_planned(after) == forget_planned(list_commands(text))
    for one in advice:
        alone = apply_edits(text, one.edits)
        assert (alone != text) == bool(one.edits)
        read_instructions(alone)


def test_there_are_files_to_try() -> None:
    assert len(DOCKERFILES) >= 8


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_fixes_of_real_files(path: Path) -> None:
    check_fixes(path.read_bytes().decode(), path.parent)


BASES = (
    "apache/airflow:2.8.1",
    "bitnami/airflow:2.8.1",
    "python:3.11-slim",
    "astronomer/astro-runtime:12.9.0",
    "own:1",
)
LINES = (
    "USER root",
    "USER airflow",
    "WORKDIR /app",
    "ENV PIP_X=1",
    "ARG DEPS='pandas numpy'",
    "# a comment",
    "",
    "COPY r.txt c.txt /app/",
    "COPY --from=other /x /app/x",
    "COPY --chown=1001 src /app/src",
    "ADD src.tgz /app/src",
    "RUN apt-get update && apt-get install -y gcc curl",
    "RUN apt-get update \\\n && apt-get install -y -q \\\n    build-essential \\\n    curl \\\n && apt-get clean",
    "RUN apt-get update && apt-get install -y build-essential && rm -rf /var/lib/apt/lists/*",
    "RUN apt-get update && apt-get install -y libpq-dev git # why",
    "RUN (apt-get update; apt-get install -y x)",
    "RUN <<EOF\napt-get update\napt-get install -y gcc\nEOF",
    "RUN bash -c 'apt-get update && apt-get install -y gcc'",
    "RUN useradd -m joe",
    "RUN mkdir -p /app/logs && chown -R airflow /app",
    "RUN chown -R 1001:0 /app/src && true",
    "RUN true && \\\n  chmod -R 755 /app/x",
    "RUN chown -R airflow: /app",
    "RUN pip install flask",
    "RUN pip install --no-cache-dir -r /app/r.txt 'pandas>=2'",
    "RUN pip install --user -U ./{a,b}.whl $DEPS > /tmp/log 2>&1",
    "RUN cd /app && pip install -r r.txt -c c.txt && rm -rf /tmp/*",
    "RUN pip install \\\n    # first\n    flask==3.0 \\\n    numpy",
    "RUN pip install apache-airflow==2.8.1",
    "EXPOSE 8080",
    'CMD ["webserver"]',
)
dockerfile = st.builds(
    lambda base, lines, end, last: (f"FROM other AS other\nFROM {base}\n" + "\n".join(lines) + last).replace("\n", end),
    st.sampled_from(BASES),
    st.lists(st.sampled_from(LINES), min_size=1, max_size=8),
    st.sampled_from(("\n", "\n", "\r\n")),
    st.sampled_from(("\n", "")),
)


@settings(max_examples=5_000 if os.environ.get("OPTBUILD_SOAK") else 80, deadline=None)
@given(dockerfile)
def test_the_fixes_of_any_file(text: str) -> None:
    check_fixes(text)
