"""OB201 to OB219 on real files: every finding was looked at by eye, so a new one is a false alarm until it is, too."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from real_files import CORPUS_FILES, FILES, name_of

from builder.compose.load.discover import discover_project
from builder.compose.load.dockerfiles import read_dockerfiles
from builder.compose.load.project import read_project
from builder.compose.rewrite.locate import locate_key
from builder.compose.rules import RULES
from builder.compose.rules.context import RuleContext
from builder.compose.sharing.groups import group_services
from builder.core.process import LocalRunner
from builder.engine.compose import guess_compose

if TYPE_CHECKING:
    from pathlib import Path

CODES = tuple(code for code in RULES if code.startswith("OB2"))
EXPECTED = {
    "anchors": {
        "OB202 airflow-scheduler",
        "OB202 airflow-worker",
        "OB202 redis",
        "OB209 airflow-webserver airflow-worker",
        "OB215 airflow-scheduler airflow-webserver airflow-worker",
    },
    "crlf": {
        "OB202 airflow-scheduler",
        "OB202 airflow-webserver",
        "OB202 zeiten",
        "OB204 zeiten",
        "OB209 airflow-webserver airflow-scheduler",
        "OB211 airflow-scheduler airflow-webserver",
        "OB215 airflow-scheduler airflow-webserver",
    },
    "dockerfiles": {
        "OB202 airflow-scheduler",
        "OB202 airflow-webserver",
        "OB202 db",
        "OB209 airflow-webserver airflow-scheduler",
        "OB211 airflow-webserver",
        "OB215 airflow-scheduler airflow-webserver",
    },
    "extends": {
        "OB202 ledger",
        "OB202 scheduler",
        "OB202 triggerer",
        "OB202 webserver",
        "OB204 ledger",
        "OB209 webserver scheduler",
        "OB211 scheduler triggerer webserver",
        "OB215 scheduler triggerer webserver",
    },
    "include": {
        "OB201 airflow-init",
        "OB202 airflow-scheduler",
        "OB202 airflow-webserver",
        "OB202 warehouse",
        "OB203 warehouse",
        "OB204 warehouse",
        "OB205",
        "OB209 airflow-webserver airflow-scheduler",
        "OB211 airflow-scheduler airflow-webserver",
        "OB215 airflow-scheduler airflow-webserver",
    },
    "merges": {"OB202 scheduler", "OB202 webserver", "OB204 db"},
    "shared": {
        "OB202 db",
        "OB202 scheduler",
        "OB202 webserver",
        "OB209 webserver scheduler",
        "OB215 scheduler webserver",
    },
    "02": {"OB203 redis"},
    "05": {"OB203 minio", "OB204 postgres", "OB205"},
    "06": {"OB202 airflow-scheduler", "OB202 airflow-worker", "OB203 redis", "OB205"},
    "07": set(),
    "08": {
        "OB214",
        "OB219 airflow-dag-processor airflow-triggerer",
    },
    "13": {"OB202 airflow-scheduler", "OB202 airflow-webserver"},
    "17": set(),
    "22": {"OB202 scheduler", "OB205"},
    "24": {"OB216 flower"},
    "26": {
        "OB201 airflow-init",
        "OB202 airflow-scheduler",
        "OB202 airflow-webserver",
        "OB203 dbt",
        "OB205",
        "OB210 streamlit",
    },
    "28": {
        "OB201 airflow-webserver",
        "OB202 airflow-scheduler",
        "OB202 airflow-webserver",
        "OB202 postgres",
        "OB203 grafana",
        "OB203 node_exporter",
        "OB203 prometheus",
    },
    "30": {"OB202 scheduler", "OB202 webserver", "OB203 load_to_s3", "OB203 s3", "OB205"},
    "32": {
        "OB203 dashboard",
        "OB203 grafana",
        "OB203 loki",
        "OB203 minio",
        "OB203 minio-init",
        "OB203 pgadmin",
        "OB203 prometheus",
        "OB203 promtail",
        "OB203 vault",
        "OB210 airflow-init",
    },
    "34": {"OB202 postgres", "OB204 postgres", "OB205"},
    "42": {
        "OB202 airflow-scheduler",
        "OB202 airflow-worker",
        "OB205",
        "OB215 airflow-scheduler airflow-webserver airflow-worker",
    },
    "46": {
        "OB202 postgres-airflow postgres-dbt",
        "OB203 adminer",
        "OB203 postgres-airflow postgres-dbt",
        "OB204 postgres-airflow",
        "OB204 postgres-dbt",
        "OB205",
    },
}
"""Name of the file → code and services."""


def test_every_file_is_in_the_table() -> None:
    assert {name for name in EXPECTED if CORPUS_FILES or not name.isdigit()} == set(map(name_of, FILES))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_findings_of_a_file(path: Path) -> None:
    files = discover_project((str(path),), env=os.environ, cwd=path.parent)
    project = read_project(files, guess_compose(os.environ), LocalRunner(), os.environ)
    facts = read_dockerfiles(project)
    look = RuleContext(project, group_services(project, facts), facts, line=locate_key)
    found = [finding for code in CODES for finding in RULES[code](look)]
    assert {" ".join((one.code, *one.services)) for one in found} == EXPECTED[name_of(path)]
    names = {str(source.relative_to(path.parent)) for source in project.sources}
    assert [one for one in found if one.where.file not in names or not one.where.line] == []
