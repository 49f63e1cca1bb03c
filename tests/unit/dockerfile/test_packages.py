"""What the RUNs of a Dockerfile install, wherever the names stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.compose.model import Build
from builder.dockerfile.analysis import analyze_dockerfile

if TYPE_CHECKING:
    from builder.dockerfile.facts import DockerfileAnalysis


def analyze(text: str, files: dict[str, str]) -> DockerfileAnalysis:
    return analyze_dockerfile(text, Build("/project"), files.get)


@pytest.mark.parametrize(
    "run",
    [
        "xargs -a /packages.txt apt-get install -y",
        "xargs --arg-file=/packages.txt apt-get install -y",
        "xargs apt-get install -y < /packages.txt",
        "cat /packages.txt | xargs apt-get install -y --no-install-recommends",
        "grep -v '^#' /packages.txt | xargs -r apt-get install -y",
        "apt-get install -y $(cat /packages.txt)",
        "apt-get install -y $(grep -vE '^#' /packages.txt)",
        'apt-get update && apt-get install -y "$(< /packages.txt)"',
    ],
)
def test_packages_that_a_file_lists(run: str) -> None:
    found = analyze(
        f"FROM debian:12\nCOPY packages.txt /\nRUN {run}\n", {"packages.txt": "# mine\ngit=1:2\npostgresql-15 # db\n"}
    )
    assert found.apt == ("git", "postgresql-15")
    assert [(one.product, one.line) for one in found.installed] == [("PostgreSQL", 3)]


def test_a_list_that_is_not_at_hand_names_nothing() -> None:
    assert analyze("FROM debian:12\nRUN xargs -a /p.txt apt-get install -y curl\n", {}).apt == ("curl",)


@pytest.mark.parametrize(
    "text",
    [
        "RUN --mount=type=bind,source=requirements.txt,target=requirements.txt pip install -r requirements.txt",
        "RUN --mount=type=bind,source=requirements.txt,target=/tmp/r.txt pip install -r /tmp/r.txt",
        "RUN --mount=source=requirements.txt,dst=r.txt pip install -r r.txt",
        "WORKDIR /app\nRUN --mount=type=bind,target=. pip install -r requirements.txt",
        "RUN --mount=type=bind,target=/src pip install -r /src/requirements.txt",
        "COPY <<EOF /r.txt\npandas==2.0.3\nEOF\nRUN pip install -r /r.txt",
        "COPY <<r.txt /req/\npandas==2.0.3\nr.txt\nRUN pip install -r /req/r.txt",
        "RUN cat <<EOF > /r.txt\npandas==2.0.3\nEOF\nRUN pip install -r /r.txt",
        'WORKDIR /app\nRUN tee r.txt <<"EOF"\npandas==2.0.3\nEOF\nRUN pip install -r r.txt',
        "FROM python:3.11 AS final\nCOPY --from=0 /in/requirements.txt /r.txt\nRUN pip install -r /r.txt",
        "FROM python:3.11\nRUN --mount=type=bind,from=reqs,source=/in/requirements.txt,target=/r pip install -r /r",
    ],
)
def test_requirements_wherever_they_come_from(text: str) -> None:
    head = "FROM python:3.11 AS reqs\nCOPY requirements.txt /in/\n"
    found = analyze(f"{head}{text}\n", {"requirements.txt": "pandas==2.0.3\n", "./requirements.txt": "pandas==2.0.3\n"})
    assert [(pin.name, pin.spec) for pin in found.pins] == [("pandas", "==2.0.3")]
    assert found.unread == ()


def test_airflow_of_a_builder_stage_counts_where_its_files_arrive() -> None:
    builder = "FROM python:3.11 AS b\nRUN pip install --prefix=/i apache-airflow==2.8.1\nFROM python:3.11-slim\n"
    found = analyze(f"{builder}COPY --from=b /i /usr/local\n", {})
    assert (found.airflow, found.airflow_version, found.pins) == (True, "2.8.1", ())
    assert not analyze(f"{builder}COPY x /usr/local\n", {}).airflow


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ENTRYPOINT ["sh", "-c"]\nCMD ["airflow webserver"]', ("sh", "-c", "airflow webserver")),
        ('ENTRYPOINT ["bash", "-lc"]\nCMD ["exec airflow scheduler"]', ("bash", "-lc", "exec airflow scheduler")),
    ],
)
def test_a_shell_as_the_entrypoint(text: str, expected: tuple[str, ...]) -> None:
    found = analyze(f"FROM apache/airflow:2.8.1\n{text}\n", {})
    assert (*(found.entrypoint or ()), *(found.command or ())) == expected
