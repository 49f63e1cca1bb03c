"""OB305: the COPYs that bring the files get the option, and what the command is still needed for is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from edited_text import apply_edits

from builder.compose.model import Build
from builder.dockerfile.analysis import analyze_dockerfile

if TYPE_CHECKING:
    from builder.dockerfile.facts import Advice

AIRFLOW = "FROM apache/airflow:2.8.1\nUSER root\n"


def find_advice(text: str) -> Advice:
    (found,) = (one for one in analyze_dockerfile(text, Build("/project")).advice if one.code == "OB305")
    return found


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        (
            "COPY src 'my conf' /app/\nRUN chown -R airflow:airflow /app\nUSER airflow\n",
            "COPY --chown=airflow:0 src 'my conf' /app/\nUSER airflow\n",
        ),
        (
            "COPY --from=builder --link /root/.local /app\nRUN chown -R 50000:0 /app && ls\nUSER airflow\n",
            "COPY --chown=50000:0 --from=builder --link /root/.local /app\nRUN ls\nUSER airflow\n",
        ),
        (
            "COPY a /app/a\nADD b.tgz /app/b\nRUN x && \\\n  chmod -R 755 /app/a /app/b/* && \\\n  y\n",
            "COPY --chmod=755 a /app/a\nADD --chmod=755 b.tgz /app/b\nRUN x && \\\n  y\n",
        ),
        (
            "COPY --chown=airflow:0 a /app/a\nCOPY b /app/b\nRUN chown -R airflow /app/a /app/b\n",
            "COPY --chown=airflow:0 a /app/a\nCOPY --chown=airflow:0 b /app/b\n",
        ),
        (
            'WORKDIR /app\nCOPY ["src", "./"]\nRUN chgrp -R 1000 .\n',
            'WORKDIR /app\nCOPY --chown=0:1000 ["src", "./"]\n',
        ),
        (
            "ARG WHO=joe\nCOPY \\\n # ours\n src /app\nRUN chown -R ${WHO}: /app\n",
            "ARG WHO=joe\nCOPY --chown=${WHO} \\\n # ours\n src /app\n",
        ),
        ("COPY --chown=airflow:0 a /app\nRUN chown -R airflow /app\n", "COPY --chown=airflow:0 a /app\n"),
    ],
)
def test_the_files_come_with_their_owner(text: str, fixed: str) -> None:
    found = find_advice(AIRFLOW + text)
    assert apply_edits(AIRFLOW + text, found.edits) == AIRFLOW + fixed
    lines = [line for line in fixed.split("\n") if line not in text.split("\n") and line.startswith(("COPY", "ADD"))]
    assert all(line in (found.fix or "") for line in lines)
    assert "then delete this ch" in found.details[-1]


@pytest.mark.parametrize(
    ("text", "fix", "detail"),
    [
        (
            "COPY a /app/a\nRUN mkdir -p /app/logs && chown -R airflow /app\n",
            "COPY --chown=airflow:0 a /app/a",
            "then this chown need not name more than /app/logs, /app itself without -R",
        ),
        (
            "COPY a /app\nRUN mkdir -p /app/logs && chown -R airflow /app\n",
            "COPY --chown=airflow:0 a /app",
            "then this chown need not name more than /app/logs",
        ),
        (
            "COPY a /app\nRUN git clone https://h/x /app/x\nRUN chown -R airflow /app\n",
            "COPY --chown=airflow:0 a /app",
            "then this chown need not name more than what line 4 puts there",
        ),
        (
            "COPY a /app\nRUN useradd joe\nRUN chown -R joe /app\n",
            "COPY --chown=joe a /app",
            "behind line 4, which makes the user: line 3 stands before it",
        ),
        ("COPY a /app\nRUN chmod -R g+w /app\n", None, "bring them with the right mode there"),
        ("COPY a /app\nRUN chown -R $(id -u) /app\n", None, "bring them with the right owner there"),
        ("COPY a /app\nRUN chown -R $WHO /app\n", None, "bring them with the right owner there"),
        ("RUN git clone https://h/x /x\nRUN chown -R joe /x\n", "&& chown -R joe /x", "the RUN in line 3, not here"),
        ("RUN chown -R airflow /opt/airflow\n", None, "files of the base image"),
    ],
)
def test_what_is_left_for_a_person_is_said(text: str, fix: str | None, detail: str) -> None:
    found = find_advice(AIRFLOW + text)
    assert found.fix == fix
    assert any(detail in one for one in found.details), found.details
    assert found.edits == ()
