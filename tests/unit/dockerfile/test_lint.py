"""Advice about a Dockerfile: each rule has a file that it is for, and the good twin about which it is silent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from edited_text import apply_edits

from builder.compose.model import Build
from builder.dockerfile.analysis import analyze_dockerfile

if TYPE_CHECKING:
    from builder.dockerfile.facts import Advice

SEED = Path(__file__).parents[2] / "fixtures" / "seed" / "Dockerfile.airflow"
AIRFLOW = "FROM apache/airflow:2.8.1\n"
PYTHON = "FROM python:3.11\nUSER 1000\n"


def advice(text: str, files: dict[str, str] | None = None) -> tuple[Advice, ...]:
    return analyze_dockerfile(text, Build("/project"), (files or {}).get).advice


def found(text: str, code: str, files: dict[str, str] | None = None) -> list[int]:
    return [one.line for one in advice(text, files) if one.code == code]


def test_the_seed_project_gets_what_it_deserves() -> None:
    assert [(one.code, one.line) for one in advice(SEED.read_text())] == [("OB301", 4), ("OB303", 8)]


def test_what_people_write() -> None:
    text = (
        "FROM apache/airflow:2.8.1\nUSER root\nRUN apt-get update && apt-get install -y build-essential\n"
        "COPY . /opt/airflow/app\nRUN chown -R airflow /opt/airflow/app\nRUN pip install pandas\n"
    )
    codes = [(one.code, one.line) for one in advice(text)]
    assert codes == [("OB304", 2), ("OB301", 3), ("OB306", 3), ("OB305", 5), ("OB302", 6), ("OB303", 6)]


@pytest.mark.parametrize(
    ("run", "fires"),
    [
        ("apt-get install -y build-essential", True),
        ("apt-get install -y gcc-12 libpq-dev", True),
        ("apt-get install -y libpq-dev", True),
        ("apk add build-base", True),
        ("dnf install -y gcc-c++", True),
        ("apt-get install -y libgomp1 libpq5 python3", False),
        ("apt-get install -y gcc && pip install x && apt-get purge -y gcc", False),
        ("apt-get install -y gcc && pip install x && apt-get purge -y --auto-remove g++", True),
        ("apt-get install -y gcc && apt-get autoremove -yqq --purge && apt-get clean", True),
        ("d='gcc libc6-dev'; apt-get install -y $d && pip install x && apt-get purge -y $d", False),
        ("d='gcc libc6-dev'; apt-get install -y $d && pip install x", True),
        ("apt-get install -y gcc && apt-get purge -y $(cat /list)", False),
        ("apk add --virtual .build gcc && pip install x && apk del .build", False),
    ],
)
def test_compiler(run: str, fires: bool) -> None:
    assert found(f"{PYTHON}RUN {run}\n", "OB301") == ([3] if fires else [])


def test_a_compiler_in_a_builder_stage_is_right() -> None:
    text = f"FROM python:3.11 AS b\nRUN apt-get install -y gcc\n{PYTHON}COPY --from=b /wheels /wheels\n"
    assert found(text, "OB301") == []


def test_purging_in_a_later_run_frees_nothing() -> None:
    assert found(f"{PYTHON}RUN apt-get install -y gcc\nRUN apt-get purge -y gcc\n", "OB301") == [3]


def test_the_fix_of_a_compiler_holds_the_projects_own_pins_and_needs_no_second_look() -> None:
    fix = next(one.fix for one in advice(SEED.read_text()) if one.code == "OB301") or ""
    assert "pandas==2.0.3" in fix
    assert found(fix, "OB301") == found(fix, "OB302") == found(fix, "OB303") == []


def test_the_fix_of_a_compiler_has_the_requirements_file_in_both_stages() -> None:
    text = f"{PYTHON}RUN apt-get install -y gcc\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    fix = next(one.fix for one in advice(text) if one.code == "OB301") or ""
    stages = fix.split("\n\n")
    assert [stage.index("COPY requirements.txt") < stage.index("-r requirements.txt") for stage in stages] == [True] * 2


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("RUN pip install pandas", True),
        ("RUN python3 -m pip install pandas", True),
        ("RUN <<EOF\npip install pandas\nEOF", True),
        ("RUN pip install --no-cache-dir pandas", False),
        ("RUN pip --no-cache-dir install pandas", False),
        ("ENV PIP_NO_CACHE_DIR=1\nRUN pip install pandas", False),
        ("ENV PIP_NO_CACHE_DIR=off\nRUN pip install pandas", False),
        ("ARG PIP_NO_CACHE_DIR=1\nRUN pip install pandas", False),
        ("RUN PIP_NO_CACHE_DIR=1 pip install pandas", False),
        ("RUN export PIP_NO_CACHE_DIR=1 && pip install pandas", False),
        ("RUN --mount=type=cache,target=/root/.cache/pip pip install pandas", False),
        ("RUN --mount=type=cache,target=/root/.cache pip install pandas", False),
        ("RUN --mount=type=cache,target=/var/cache/apt pip install pandas", True),
        ("RUN pip install pandas && rm -rf /root/.cache/pip", False),
        ("RUN pip install pandas && rm -rf ~/.cache", False),
        ("RUN pip install pandas && pip cache purge", False),
        ("RUN pip config set global.no-cache-dir true\nRUN pip install pandas", False),
        ("RUN uv pip install pandas", False),
        ("RUN pip wheel pandas", False),
        ("RUN echo pip install pandas", False),
    ],
)
def test_pip_cache(text: str, fires: bool) -> None:
    assert bool(found(PYTHON + text, "OB302")) is fires


def test_the_fix_of_a_cache_is_the_command_with_the_option() -> None:
    (one,) = (one for one in advice(f'{PYTHON}RUN pip install "pandas>=2" -r r.txt $MORE\n') if one.code == "OB302")
    assert one.fix == 'pip install --no-cache-dir "pandas>=2" -r r.txt $MORE'


def test_no_password_of_an_address_is_in_an_advice() -> None:
    text = f"{AIRFLOW}RUN pip install --index-url https://joe:hunter2@example.org/ pandas\n"
    assert advice(text)
    assert "hunter2" not in repr(advice(text))


@pytest.mark.parametrize(
    "run",
    [
        "pip install $TOKEN",
        "pip install --proxy $TOKEN pandas",
        "pip install 'x @ https://joe:$TOKEN@example.org/x.whl'",
        "apt-get update && apt-get install -y gcc && pip install x --index-url https://$TOKEN@h/",
        "chown -R $TOKEN /app",
        "apt-get install -y g++ $TOKEN",
    ],
)
def test_no_value_of_a_build_argument_is_in_an_advice(run: str) -> None:
    text = f"{AIRFLOW}ARG TOKEN\nUSER root\nCOPY src /app\nRUN apt-get install gcc && {run}\n"
    facts = analyze_dockerfile(text, Build("/project", args=(("TOKEN", "hunter2"),)))
    assert facts.advice
    assert "hunter2" not in repr(facts.advice)


def test_packages_that_an_argument_names_are_seen() -> None:
    assert found(f"{PYTHON}ARG DEPS='gcc g++'\nRUN apt-get install -y $DEPS\n", "OB301") == [4]


@pytest.mark.parametrize(
    ("run", "fires"),
    [
        ("pip install pandas", True),
        ("pip install -r r.txt", True),
        ("pip install -r r.txt -c constraints.txt", True),
        ('pip install "apache-airflow==${AIRFLOW_VERSION}" pandas', False),
        ("pip install 'apache-airflow[celery]==2.8.1' -r r.txt", False),
        ("pip install -r pinned.txt", False),
        ("pip install -r generated.txt", False),
        ("pip install --no-deps -r r.txt", False),
        ("pip install --upgrade pip setuptools", False),
        ("pip install --target /other pandas", False),
        ("pip install apache-airflow pandas", True),
        ("uv pip install pandas", True),
        ("/home/airflow/.local/bin/pip install pandas", True),
        ("uv venv dbt && source dbt/bin/activate && uv pip install dbt-postgres && deactivate", False),
        ("python -m venv /dbt && /dbt/bin/pip install dbt-postgres", False),
        ("python -m venv /dbt && . /dbt/bin/activate && pip install x && deactivate && pip install pandas", True),
        ("uv pip install --python /dbt/bin/python dbt-postgres", False),
        ("pip download pandas", False),
    ],
)
def test_airflow_pinned_again(run: str, fires: bool) -> None:
    files = {
        "./constraints.txt": "pandas==2.0.3\n",
        "./r.txt": "pandas\n",
        "./pinned.txt": "apache_airflow==2.8.1\npandas\n",
    }
    assert found(f"{AIRFLOW}COPY . .\nRUN {run}\n", "OB303", files) == ([3] if fires else [])


def test_without_airflow_there_is_nothing_to_pin_again() -> None:
    assert found(f"{PYTHON}RUN pip install pandas\n", "OB303") == []
    later = f"{PYTHON}RUN pip install apache-airflow==2.8.1\nRUN pip install pandas\n"
    assert found(later, "OB303") == [4], "Airflow is there by the second install"


@pytest.mark.parametrize(
    ("base", "lines"),
    [
        ("quay.io/astronomer/astro-runtime:12.9.0-base", []),
        ("astrocrpublic.azurecr.io/runtime:3.1-7-base", []),
        ("quay.io/astronomer/ap-airflow:2.2.4", []),
        ("bitnami/airflow:2.8.1", [2]),
        ("apache/airflow:2.8.1", [2]),
    ],
)
def test_a_base_whose_own_pip_holds_airflow(base: str, lines: list[int]) -> None:
    assert found(f"FROM {base}\nRUN pip install --no-cache-dir pandas\n", "OB303") == lines


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM apache/airflow:2.8.1\nUSER root\n", 2),
        ("FROM apache/airflow:2.8.1\nUSER 0:0\n", 2),
        ("FROM apache/airflow:2.8.1\nARG WHO=root\nUSER $WHO\n", 3),
        ("FROM apache/airflow:2.8.1\nUSER root\nUSER ${AIRFLOW_UID}\n", None),
        ("FROM python:3.11-slim\nRUN true\n", 1),
        ("FROM docker.io/library/python:3.11\n", 1),
        ("FROM python:3.11 AS a\nUSER 1\nFROM python:3.11\n", 3),
        ("FROM apache/airflow:2.8.1\nUSER root\nRUN true\nUSER airflow\n", None),
        ("FROM apache/airflow:2.8.1\nUSER root\nUSER 50000\n", None),
        ("FROM apache/airflow:2.8.1\n", None),
        ("FROM postgres:13\n", None),
        ("FROM registry.example/base:1\n", None),
        ("FROM python:3.11\nUSER 1000\n", None),
        ("FROM a AS a\nUSER root\nFROM a\nUSER 1\n", None),
        ('FROM debian:12\nRUN apt-get install -y gosu\nENTRYPOINT ["/start"]\n', None),
    ],
)
def test_root(text: str, line: int | None) -> None:
    assert found(text, "OB304") == ([line] if line else [])


@pytest.mark.parametrize(
    ("run", "fires"),
    [
        ("chown -R airflow /app", True),
        ("chmod -Rv 777 /app", True),
        ("chown --recursive airflow:0 /app", True),
        ("mkdir -p /app/logs && chown -R airflow /app", True),
        ("chown airflow /app", False),
        ("mkdir -p /data && chown -R airflow /data", False),
        ("mkdir -p /data && chown -R airflow /data/logs", False),
        ("git clone https://example.org/x /opt/x && chown -R airflow /opt/x", False),
    ],
)
def test_recursive_change(run: str, fires: bool) -> None:
    assert found(f"{AIRFLOW}USER root\nCOPY src /app\nRUN {run}\nUSER airflow\n", "OB305") == ([4] if fires else [])


def test_the_fix_of_a_chown_is_the_copy_with_it() -> None:
    text = f"{AIRFLOW}USER root\nCOPY src conf /app/\nRUN chown -R airflow:airflow /app\nUSER airflow\n"
    (one,) = (one for one in advice(text) if one.code == "OB305")
    assert one.fix == "COPY --chown=airflow:0 src conf /app/"
    assert "line 3" in one.details[0]


@pytest.mark.parametrize(
    ("run", "fires"),
    [
        ("apt-get update && apt-get install -y x", True),
        ("apt-get update && apt-get install -y x && apt-get clean", True),
        ("apt-get update && apt-get install -y x && rm -rf /var/lib/apt/lists/*", False),
        ("apt-get update && apt-get install -y x && rm -rf /tmp/* /var/lib/apt/lists", False),
        ("apt-get update && apt-get install -y x && apt-get dist-clean", False),
        ("--mount=type=cache,target=/var/lib/apt apt-get update && apt-get install -y x", False),
        ("--mount=type=tmpfs,target=/var/lib/apt/lists apt-get update && apt-get install -y x", False),
        ("apt-get install -y x", False),
        ("apk update", False),
    ],
)
def test_package_lists(run: str, fires: bool) -> None:
    assert found(f"{PYTHON}RUN {run}\n", "OB306") == ([3] if fires else [])


def test_lists_deleted_in_a_later_run_stay() -> None:
    assert found(f"{PYTHON}RUN apt-get update\nRUN rm -rf /var/lib/apt/lists/*\n", "OB306") == [3]


@pytest.mark.parametrize(
    ("run", "fixed"),
    [
        ("apt-get update", "apt-get update{}"),
        ("apt-get update && apt-get install -y x # why", "apt-get update && apt-get install -y x{} # why"),
        (
            "apt-get update \\\n  && apt-get install -y \\\n    x",
            "apt-get update \\\n  && apt-get install -y \\\n    x{}",
        ),
        ("(apt-get update; apt-get install -y x)", "(apt-get update; apt-get install -y x){}"),
        ("bash -c 'apt-get update && y'", "bash -c 'apt-get update && y{}'"),
        ("<<E\napt-get update\napt-get install -y x\nE", "<<E\napt-get update\napt-get install -y x{}\nE"),
        ("apt-get update; x;", None),
        ('["apt-get", "update"]', None),
    ],
)
def test_the_lists_are_deleted_at_the_end_of_the_same_run(run: str, fixed: str | None) -> None:
    text = f"{PYTHON}RUN {run}\nCMD x\n"
    (one,) = (one for one in advice(text) if one.code == "OB306")
    wanted = text if fixed is None else f"{PYTHON}RUN {fixed.format(' && rm -rf /var/lib/apt/lists/*')}\nCMD x\n"
    assert apply_edits(text, one.edits) == wanted
    assert (found(wanted, "OB306") == []) is (fixed is not None)
    assert (one.fix or "").startswith("&& ") is (fixed is not None)
    last = text[: text.index("\nE\n") if "<<E" in run else text.index("\nCMD")].count("\n") + 1
    assert one.details[0].startswith(
        "as the last command of the same RUN;"
        if fixed is None
        else f"behind the last command of the same RUN, in line {last};"
    )


def test_what_an_onbuild_of_the_base_runs_has_no_line_to_change_here() -> None:
    text = (
        f"{AIRFLOW.replace('2.8.1', '2.8.1 AS a')}USER root\nONBUILD COPY src /app\nONBUILD RUN pip install x\n"
        "FROM a\nRUN chown -R airflow /app\nUSER airflow\n"
    )
    assert [(one.code, one.fix, one.edits) for one in advice(text)] == [("OB305", None, ())]
