"""OB303 is found where pip may replace Airflow, and only there."""

from __future__ import annotations

import pytest

from builder.compose.model import Build
from builder.dockerfile.analysis import analyze_dockerfile

AIRFLOW = "FROM apache/airflow:2.8.1\n"
PIN = "apache-airflow==2.8.1\n"


def lines(text: str, files: dict[str, str] | None = None) -> list[int]:
    advice = analyze_dockerfile(text, Build("/project"), (files or {}).get).advice
    return [one.line for one in advice if one.code == "OB303"]


@pytest.mark.parametrize(
    "words",
    [
        "-c /c.txt -r /r.txt",
        "-c/c.txt -r /r.txt",
        "--constraint=/c.txt -r/r.txt",
        "--constraint /c.txt -qr /r.txt",
        "-qUr /r.txt -c /c.txt",
        "-Ur/r.txt -c /c.txt",
        "pandas -c '/c.txt'",
    ],
)
@pytest.mark.parametrize(("content", "expected"), [(PIN, []), ("pandas==2.0.3\n", [3]), ("# apache-airflow==2\n", [3])])
def test_constraints_of_the_command(words: str, content: str, expected: list[int]) -> None:
    files = {"c.txt": content, "r.txt": "pandas\n"}
    assert lines(f"{AIRFLOW}COPY c.txt r.txt /\nRUN pip install --no-cache-dir {words}\n", files) == expected


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        ("-c c.txt\npandas\n", []),
        ("-cc.txt\npandas\n", []),
        ("--constraint=c.txt\npandas\n", []),
        ("pandas\n--constraint c.txt  # held\n", []),
        ("-r more.txt\n", []),
        ("pandas \\\n  # a comment\n", [3]),
        ("-c none.txt\npandas\n", []),
        ("-c https://example.org/c.txt\npandas\n", []),
        ("-c https://raw.githubusercontent.com/apache/airflow/constraints-2.8.1/constraints-3.11.txt\npandas\n", [3]),
        ("--index-url https://example.org\npandas\n", [3]),
        ("apache-airflow \\\n  ==2.8.1\npandas\n", []),
        ("# -c c.txt\npandas\n", [3]),
    ],
)
def test_constraints_in_requirements_files(requirements: str, expected: list[int]) -> None:
    files = {"req/r.txt": requirements, "req/c.txt": PIN, "req/more.txt": "-c c.txt\npandas\n"}
    assert lines(f"{AIRFLOW}COPY req /req\nRUN pip install --no-cache-dir -r /req/r.txt\n", files) == expected


@pytest.mark.parametrize(
    ("before", "run", "expected"),
    [
        ("ENV PIP_CONSTRAINT=/c.txt", "pip install pandas", []),
        ("ENV PIP_CONSTRAINT='/other.txt /c.txt'", "pip install pandas", []),
        ("ARG PIP_CONSTRAINT=/c.txt", "pip install pandas", []),
        ("ENV DIR=/", "PIP_CONSTRAINT=${DIR}c.txt pip install pandas", []),
        ("USER 50000", "export PIP_CONSTRAINT=/c.txt && pip install pandas", []),
        ("ENV UV_CONSTRAINT=/c.txt", "uv pip install pandas", []),
        ("RUN pip config set global.constraint /c.txt", "pip install pandas", []),
        ("COPY pip.conf /etc/pip.conf", "pip install pandas", []),
        ("COPY pip.conf /home/airflow/.config/pip/", "pip install pandas", []),
        ("COPY pip.conf /app/pip.conf", "pip install pandas", [4]),
        ("COPY pip.conf /app/pip.conf", "PIP_CONFIG_FILE=/app/pip.conf pip install pandas", []),
        ("ENV PIP_CONSTRAINT=/c.txt", "pip install --isolated pandas", [4]),
        ("ENV PIP_CONSTRAINT=/c.txt", "PIP_CONSTRAINT= pip install pandas", [4]),
        ("ENV PIP_CONSTRAINT=/other.txt", "pip install pandas", [4]),
        ("ENV UV_CONSTRAINT=/c.txt", "pip install pandas", [4]),
        ("ENV PIP_CONSTRAINT=/c.txt", "uv pip install pandas", [4]),
        ("RUN pip config set global.timeout 60", "pip install pandas", [4]),
        ("USER 50000", "uv pip install --override /c.txt pandas", []),
    ],
)
def test_constraints_of_the_environment(before: str, run: str, expected: list[int]) -> None:
    files = {"c.txt": PIN, "other.txt": "pandas==2.0.3\n", "pip.conf": "[install]\nconstraint =\n    /c.txt\n"}
    assert lines(f"{AIRFLOW}COPY c.txt other.txt /\n{before}\nRUN {run}\n", files) == expected


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("pip install --target=/x pandas", []),
        ("pip install --target /x pandas", []),
        ("pip install -t /x pandas", []),
        ("pip install -t/x pandas", []),
        ("pip install --prefix /x pandas", []),
        ("pip install --root=/x pandas", []),
        ("PIP_TARGET=/x pip install pandas", []),
        ("pip install --dry-run pandas", []),
        ("pip install --user pandas", [2]),
        ("pip install --trusted-host x pandas", [2]),
        ("pip --python /opt/v/bin/python install pandas", []),
        ("pip --disable-pip-version-check install pandas", [2]),
        ("uv --no-cache pip install pandas", [2]),
        ("uv pip install --system --python /usr/local/bin/python pandas", [2]),
    ],
)
def test_where_an_install_goes(run: str, expected: list[int]) -> None:
    assert lines(f"{AIRFLOW}RUN {run}\n") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN python -m venv /opt/v\nENV PATH=/opt/v/bin:$PATH\nRUN pip install dbt-core\n", []),
        ('RUN uv venv --python 3.11 /opt/v\nENV PATH="/opt/v/bin:${PATH}"\nRUN uv pip install dbt-core\n', []),
        ("ENV VIRTUAL_ENV=/opt/v\nENV PATH=$VIRTUAL_ENV/bin:$PATH\nRUN pip install dbt-core\n", []),
        ("RUN virtualenv /opt/v && export PATH=/opt/v/bin:$PATH && pip install dbt-core\n", []),
        ("COPY --from=x /app/.venv /app/.venv\nENV PATH=/app/.venv/bin:$PATH\nRUN pip install dbt-core\n", []),
        ("WORKDIR /app\nRUN uv venv && uv pip install dbt-core\n", []),
        ("WORKDIR /app\nRUN uv venv && uv pip install --system pandas\n", [3]),
        ("ENV V=/opt/v\nRUN python -m venv $V && $V/bin/pip install dbt-core\n", []),
        ("RUN pip install pandas\nRUN python -m venv /opt/v\nENV PATH=/opt/v/bin:$PATH\n", [2]),
        ("ENV PATH=/usr/lib/jvm/bin:$PATH\nRUN pip install pandas\n", [3]),
        ("RUN python -m venv /opt/v\nENV PATH=$PATH:/opt/v/bin\nRUN pip install pandas\n", [4]),
        ("ENV PATH=/home/airflow/.local/bin:$PATH\nRUN pip install pandas\n", [3]),
        ("RUN virtualenv /v\nRUN /v/bin/pip install apache-airflow==2.8.1\nRUN /v/bin/pip install pandas\n", [4]),
    ],
)
def test_a_virtual_environment_has_no_airflow_until_somebody_puts_it_there(text: str, expected: list[int]) -> None:
    assert lines(AIRFLOW + text) == expected


def test_bitnami_keeps_airflow_in_a_virtual_environment() -> None:
    text = "FROM bitnami/airflow:2.8.1\nRUN /opt/bitnami/airflow/venv/bin/pip install pandas\n"
    assert lines(text) == [2]
    assert lines(text.replace("bitnami/airflow:", "apache/airflow:")) == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": '[project]\ndependencies = ["apache-airflow[celery]==2.8.1"]\n'}, []),
        ({"setup.cfg": "[options]\ninstall_requires =\n    apache-airflow~=2.8.1\n"}, []),
        ({"setup.py": "setup(install_requires=['apache_airflow==2.8.1'])"}, []),
        ({"pyproject.toml": '[project]\ndependencies = ["pandas"]\n'}, [4]),
        ({"pyproject.toml": '[project]\ndependencies = ["apache-airflow-providers-ssh==1"]\n'}, [4]),
    ],
)
def test_a_project_that_is_installed_may_name_airflow(files: dict[str, str], expected: list[int]) -> None:
    copied = {f"./{name}": text for name, text in files.items()}
    assert lines(f"{AIRFLOW}WORKDIR /app\nCOPY . .\nRUN pip install -e .\n", copied) == expected
