"""A stage that makes wheels of what another one installs, and an AIRFLOW_HOME of the project's own."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DOCKERFILE = """\
FROM python:3.11-slim-bookworm AS build
RUN apt-get update && apt-get install -y gcc
COPY requirements.txt constraints.txt /
RUN MAKE -r /requirements.txt -c /constraints.txt
FROM python:3.11-slim-bookworm
ENV AIRFLOW_HOME=/srv/airflow
COPY --from=build /wheels /wheels
RUN pip install INSTALL
COPY dags /srv/airflow/dags
COPY extra /srv/extra
"""


@pytest.mark.parametrize(
    "make",
    ["pip wheel -w /wheels", "pip3 download --dest=/wheels", "python -m pip wheel --wheel-dir /wheels --no-cache-dir"],
)
@pytest.mark.parametrize(
    "install", ["/wheels/*.whl", "--no-index --find-links=/wheels -r /requirements.txt", "--no-index -f /wheels pandas"]
)
def test_what_a_stage_makes_wheels_of_is_asked_for(
    init: Callable[..., tuple[int, str, str]], project: Path, make: str, install: str
) -> None:
    for name, text in {
        "Dockerfile": DOCKERFILE.replace("MAKE", make).replace("INSTALL", install),
        "requirements.txt": "apache-airflow[postgres]==2.9.3\npandas\n",
        "constraints.txt": "pandas==2.1.4\n",
        "dags/a.py": "",
        "extra/b.txt": "",
    }.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    code, out, err = init()
    assert code == 0, err
    spec = tomllib.loads((project / "optbuild.toml").read_text())
    assert spec["base"] == {"image": "python:3.11-slim-bookworm"}
    assert spec["airflow"] == {"version": "2.9.3", "extras": ["postgres"]}
    assert "pandas==2.1.4" in spec["python"]["requirements"]
    assert spec["apt"] == {"build": ["gcc"]}
    assert spec["files"] == {"dags": "/opt/airflow/dags", "extra": "/srv/extra"}
    assert "what was copied below /srv/airflow lies below /opt/airflow" in " ".join((out + err).split())
    assert "wheels" not in (project / "optbuild.toml").read_text()


def test_a_dockerfile_that_is_not_read_is_named(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    (project / "Dockerfile").write_text("FROM node:20\nRUN npm ci\n")
    (project / "requirements.txt").write_text("apache-airflow==2.9.3\n")
    code, out, err = init()
    assert code == 0, err
    assert "Dockerfile: the whole file" in " ".join((out + err).split())
    assert "--dockerfile Dockerfile" in " ".join((out + err).split())
