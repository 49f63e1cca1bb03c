"""What the real files are made of: their groups, read by eye and written down by hand, and checked against Compose."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from real_files import CORPUS_FILES, FILES, copy_project, name_of, read, write

from builder.compose.load.dockerfiles import read_dockerfiles
from builder.compose.rewrite.locate import locate_key
from builder.compose.rules import RULES
from builder.compose.rules.context import RuleContext
from builder.compose.sharing.groups import group_services
from builder.compose.sharing.options import SharingOptions
from builder.compose.sharing.targets import choose_targets

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import Project

CODES = ("OB101", "OB102", "OB103", "OB105", "OB106", "OB107")
ENV_FILES = (".env", "secrets.env", "catalog/.env", "docker/local_postgres/.env", "docker/minio/.env")


@dataclass(frozen=True)
class Expected:
    """``airflow``: the one Airflow group; ``codes``: about groups; ``keeps``: who keeps the build once it is shared."""

    airflow: str
    codes: tuple[str, ...] = ()
    keeps: str | None = None
    """None: the group is left as it is."""
    others: str = ""
    """Services of other products (OB104)."""
    alone: str = ""
    """Services with an Airflow image of their own."""
    early: str = ""
    """Sharers that do not reach the one that keeps the build (OB106)."""


TABLE = {
    "anchors": Expected(
        "airflow-init airflow-scheduler airflow-webserver airflow-worker",
        ("OB101",),
        "airflow-init",
        "postgres redis",
    ),
    "crlf": Expected("airflow-init airflow-scheduler airflow-webserver", ("OB102",), "airflow-init", "zeiten"),
    "dockerfiles": Expected(
        "airflow-scheduler airflow-webserver",
        ("OB101", "OB103"),
        "airflow-scheduler",
        "api db models",
        "airflow-test",
    ),
    "extends": Expected("migrate scheduler triggerer webserver", ("OB101",), "migrate", "ledger"),
    "include": Expected(
        "airflow-init airflow-scheduler airflow-webserver", ("OB101",), "airflow-init", "dashboard warehouse"
    ),
    "merges": Expected("scheduler webserver", ("OB101",), "scheduler", "db"),
    "shared": Expected("init scheduler webserver", ("OB105",), None, "db"),
    "02": Expected(
        "airflow-apiserver airflow-cli airflow-dag-processor airflow-init airflow-scheduler airflow-triggerer "
        "airflow-worker flower",
        ("OB101", "OB106"),
        "airflow-init",
        "postgres redis",
        early="airflow-cli",
    ),
    "05": Expected(
        "airflow-init airflow-scheduler airflow-webserver",
        ("OB101", "OB106"),
        "airflow-init",
        "minio postgres",
        early="airflow-scheduler airflow-webserver",
    ),
    "06": Expected(
        "airflow-init airflow-scheduler airflow-webserver airflow-worker flower",
        ("OB101", "OB106"),
        "airflow-init",
        "postgres redis",
        early="airflow-scheduler airflow-webserver airflow-worker flower",
    ),
    "07": Expected(
        "airflow-init airflow-scheduler airflow-triggerer airflow-webserver airflow-worker",
        ("OB101",),
        "airflow-init",
        "postgres redis",
    ),
    "08": Expected(
        "airflow-api-server airflow-dag-processor airflow-init airflow-scheduler airflow-triggerer airflow-worker",
        ("OB102",),
        "airflow-init",
        "statsd-exporter",
    ),
    "13": Expected("airflow-init airflow-scheduler airflow-webserver", ("OB101",), "airflow-init"),
    "17": Expected(
        "airflow-cli airflow-init airflow-scheduler airflow-triggerer airflow-webserver airflow-worker flower",
        ("OB102", "OB106"),
        "airflow-init",
        "postgres redis",
        early="airflow-cli",
    ),
    "22": Expected("scheduler webserver", ("OB101",), "scheduler", "postgres"),
    "24": Expected(
        "airflow-apiserver airflow-cli airflow-dag-processor airflow-init airflow-scheduler airflow-triggerer flower",
        ("OB101", "OB106"),
        "airflow-init",
        "postgres",
        early="airflow-cli",
    ),
    "26": Expected(
        "airflow-init airflow-scheduler airflow-webserver", ("OB101",), "airflow-init", "airflow-postgres dbt streamlit"
    ),
    "28": Expected(
        "airflow-scheduler airflow-webserver",
        ("OB101", "OB106"),
        "airflow-webserver",
        "api_service grafana node_exporter postgres prometheus streamlit",
        early="airflow-scheduler",
    ),
    "30": Expected("scheduler webserver", ("OB102",), "scheduler", "load_to_s3 postgres s3"),
    "32": Expected(
        "airflow-init airflow-scheduler airflow-webserver",
        ("OB105", "OB105"),  # Airflow's, and Superset's two services
        None,
        "apisix apisix-dashboard dashboard etcd grafana keycloak loki minio minio-init oauth2-proxy pgadmin postgres "
        "prometheus promtail redis superset superset-init vault",
    ),
    "34": Expected("webserver", (), None, "postgres"),
    "42": Expected(
        "airflow-scheduler airflow-webserver airflow-worker",
        ("OB101", "OB106"),
        "airflow-webserver",
        "airflow-postgres airflow-redis",
        early="airflow-scheduler airflow-worker",
    ),
    "46": Expected("airflow", ("OB105",), None, "adminer postgres-airflow postgres-dbt"),
}


@pytest.fixture(params=["as-it-is", "with-env-files"])
def furnished(request: pytest.FixtureRequest) -> bool:
    """Without its env files Compose gives some a raw answer only; with them most give both."""
    return bool(request.param == "with-env-files")


def project_of(path: Path, folder: Path, *, furnished: bool) -> Project:
    folder = copy_project(path, folder / "shop").parent
    if furnished:
        write(folder, dict.fromkeys(ENV_FILES, ""))
    return read(cwd=folder)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_groups_of_real_files(path: Path, tmp_path: Path, *, furnished: bool) -> None:
    expected = TABLE[name_of(path)]
    project = project_of(path, tmp_path, furnished=furnished)
    facts = read_dockerfiles(project)
    groups = group_services(project, facts)
    chosen = choose_targets(project, groups, SharingOptions())
    look = RuleContext(project, groups, facts, chosen, locate_key)

    airflow, *alone = sorted((group for group in groups if group.airflow), key=lambda group: -len(group.services))
    assert " ".join(airflow.names) == expected.airflow
    assert " ".join(name for group in alone for name in group.names) == expected.alone
    found = [finding for code in CODES for finding in RULES[code](look)]
    assert tuple(finding.code for finding in found) == expected.codes
    assert " ".join(name for one in found if one.code == "OB106" for name in one.services) == expected.early
    assert " ".join(sorted(one.services[0] for one in RULES["OB104"](look))) == expected.others
    assert [finding for finding in (*found, *RULES["OB104"](look)) if not finding.where.line] == []

    targets = {services: choice.target for services, choice in chosen.items() if choice.target is not None}
    assert list(targets) == ([] if expected.keeps is None else [airflow.names])
    for target in targets.values():
        assert target.builder == expected.keeps
        assert target.pull_policy == "never"
        assert target.note is None


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_compose_says_the_same_of_equal_builds(path: Path, tmp_path: Path, *, furnished: bool) -> None:
    project = project_of(path, tmp_path, furnished=furnished)
    groups = group_services(project, read_dockerfiles(project))
    ours = {tuple(one.name for one in group.builders) for group in groups} - {()}
    for answer in (project.resolved, project.raw):
        if answer is not None:
            by_build = defaultdict(list)
            for name, service in sorted(answer["services"].items()):
                if "build" in service:
                    by_build[json.dumps(service["build"], sort_keys=True)].append(name)
            assert {tuple(names) for names in by_build.values()} == ours


def test_every_file_is_in_the_table() -> None:
    assert {name for name in TABLE if CORPUS_FILES or not name.isdigit()} == set(map(name_of, FILES))
