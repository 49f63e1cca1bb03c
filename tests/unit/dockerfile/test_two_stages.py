"""OB301's two stages are the Dockerfile's own instructions: its files, its user, its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from edited_text import apply_edits

from builder.compose.model import Build
from builder.dockerfile.analysis import analyze_dockerfile

if TYPE_CHECKING:
    from builder.dockerfile.facts import Advice

MOUNT = "RUN --mount=type=bind,from=wheels,source=/tmp/wheels,target=/wheels \\\n   "


def find_advice(text: str) -> list[Advice]:
    return [one for one in analyze_dockerfile(text, Build("/project")).advice if one.code == "OB301"]


def apply_advice(text: str) -> str:
    return apply_edits(text, (edit for one in find_advice(text) for edit in one.edits))


def test_the_requirements_are_those_that_the_file_copies_and_airflow_stays_in_it() -> None:
    text = (
        "FROM python:3.11-slim\nARG AIRFLOW=2.8.1\nENV A=1\nWORKDIR /app\n"
        "RUN apt-get update && apt-get install -y gcc && rm -rf /var/lib/apt/lists/*\n"
        "COPY docker/airflow/airflow.txt docker/more.txt ./\nCOPY . .\n"
        'RUN pip install --no-cache-dir "apache-airflow==${AIRFLOW}" -r airflow.txt\n'
        "RUN pip install --no-cache-dir --no-deps -r more.txt\nCMD x\n"
    )
    (found,) = find_advice(text)
    first, second = (found.fix or "").split("\n\n")
    assert first == (
        "FROM python:3.11-slim AS wheels\nARG AIRFLOW=2.8.1\nWORKDIR /app\n"
        "RUN apt-get update && apt-get install -y gcc && rm -rf /var/lib/apt/lists/*\n"
        "COPY docker/airflow/airflow.txt docker/more.txt ./\nCOPY . .\n"
        'RUN pip wheel --wheel-dir /tmp/wheels --no-cache-dir "apache-airflow==${AIRFLOW}" -r airflow.txt\n'
        "RUN pip wheel --wheel-dir /tmp/wheels --no-cache-dir --no-deps -r more.txt"
    )
    assert second == (
        "FROM python:3.11-slim\nARG AIRFLOW=2.8.1\nENV A=1\nWORKDIR /app\n"
        "COPY docker/airflow/airflow.txt docker/more.txt ./\nCOPY . .\n"
        f'{MOUNT} pip install --find-links=/wheels --no-cache-dir "apache-airflow==${{AIRFLOW}}" '
        "-r airflow.txt\n"
        f"{MOUNT} pip install --find-links=/wheels --no-cache-dir --no-deps -r more.txt"
    )
    assert apply_advice(text) == f"{found.fix}\nCMD x\n"


@pytest.mark.parametrize(
    ("base", "user"),
    [("quay.io/astronomer/astro-runtime:12.9.0", "astro"), ("bitnami/airflow:2.8.1", "1001"), ("x:1", "joe")],
)
def test_the_users_are_those_of_the_file(base: str, user: str) -> None:
    text = f"FROM {base}\nUSER root\nRUN apt-get install -y gcc\nUSER {user}\nRUN pip install --no-cache-dir x\n"
    first = (find_advice(text)[0].fix or "").split("\n\n")[0]
    assert [line for line in first.split("\n") if line.startswith("USER")] == ["USER root", f"USER {user}"]


def test_where_the_file_names_no_user_none_is_made_up() -> None:
    (found,) = find_advice("FROM osgeo/gdal:3.8\nRUN apt-get install -y gcc\nRUN pip install --no-cache-dir x\n")
    assert "USER" not in (found.fix or "")


@pytest.mark.parametrize(
    ("install", "left"),
    [
        ("apt-get install -y libpq-dev gcc", "apt-get install -y libpq5"),
        ("apt-get install -y gcc default-libmysqlclient-dev git", "apt-get install -y libmariadb3 git"),
        (
            "apt-get install -y \\\n    git \\\n    # why\n    build-essential \\\n    vim",
            "apt-get install -y \\\n    git \\\n    vim",
        ),
        ("apk add --no-cache gcc musl-dev postgresql-dev", "apk add --no-cache libpq"),
        ("apt-get install -y gcc=4:12.2.0-3 'g++' git", "apt-get install -y git"),
        ("apt-get update && apt-get install -y gcc && curl x", "apt-get update && apt-get install -y && curl x"),
        ("apt-get update && apt-get install -y gcc && apt-get clean && rm -rf /var/lib/apt/lists/* /tmp/*", None),
    ],
)
def test_headers_give_way_to_their_library(install: str, left: str | None) -> None:
    text = f"FROM python:3.11-slim\nUSER joe\nRUN {install}\nRUN pip install --no-cache-dir x\n"
    second = apply_advice(text).split("\n\n")[1]
    run = "" if left is None else f"RUN {left}\n"
    assert second == (
        f"FROM python:3.11-slim\nUSER joe\n{run}{MOUNT} pip install --find-links=/wheels --no-cache-dir x\n"
    )


def test_several_installs_are_one_text_without_repetition() -> None:
    text = (
        "FROM x:1\nRUN apt-get install -y gcc\nRUN pip install --no-cache-dir pandas\n"
        "RUN apt-get install -y make\nRUN pip install --no-cache-dir 'pandas<3' numpy\n"
    )
    first, second = find_advice(text)
    assert first.fix == second.fix
    assert first.edits == second.edits
    assert (first.fix or "").count("numpy") == 2, "once in each stage"


@pytest.mark.parametrize(
    ("words", "wheel"),
    [
        ("--user -U --upgrade-strategy eager --break-system-packages x", "x"),
        ("--root-user-action=ignore --pre -c c.txt x", "--pre -c c.txt x"),
        ("./{a,b}.whl $X 'y>2' > log 2>&1", "./{a,b}.whl $X 'y>2' > log 2>&1"),
    ],
)
def test_options_that_pip_wheel_does_not_have_are_left_out(words: str, wheel: str) -> None:
    text = f"FROM x:1\nCOPY . .\nRUN apt-get install -y gcc\nRUN pip install {words}\n"
    first = (find_advice(text)[0].fix or "").split("\n\n")[0]
    assert first.endswith(f"\nRUN pip wheel --wheel-dir /tmp/wheels {wheel}")


@pytest.mark.parametrize(
    "rest",
    [
        "RUN make all\n",
        "RUN pip install --no-cache-dir -r /from/the/base.txt\n",
        "RUN pip install --no-cache-dir --require-hashes -r r.txt\n",
        "RUN uv pip install x\n",
        'RUN ["pip", "install", "x"]\n',
        'RUN P="pip install x"; $P\n',
    ],
)
def test_where_too_little_is_known_the_way_is_said_in_words(rest: str) -> None:
    (found,) = find_advice(f"FROM x:1\nRUN apt-get install -y gcc\n{rest}")
    assert (found.fix, found.edits) == (None, ())
    assert "a stage of its own" in found.details[-1]


def test_headers_without_a_row_are_named() -> None:
    (found,) = find_advice("FROM x:1\nRUN apt-get install -y libldap2-dev\nRUN pip install --no-cache-dir x\n")
    assert any("the library of libldap2-dev" in one for one in found.details)


def test_a_password_in_the_file_is_shown_nowhere() -> None:
    text = "FROM x:1\nRUN apt-get install -y gcc\nRUN pip install -i https://joe:hunter2@h.example/ x\n"
    assert "hunter2" not in repr(find_advice(text))


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ("COPY dist/ /wheels/\nRUN pip install --no-cache-dir /wheels/*.whl x\n", "wheels2"),
        ("COPY dist /tmp/wheels\nRUN pip install --no-cache-dir --find-links /tmp/wheels x\n", "wheels2"),
        ("COPY dist /wheels\nCOPY --from=x /tmp/wheels2 /y\nRUN pip install --no-cache-dir /wheels/a.whl\n", "wheels3"),
        ("COPY dist /wheelsmith\nRUN pip install --no-cache-dir /wheelsmith/*.whl\n", "wheels"),
    ],
)
def test_the_mounted_folder_hides_none_that_the_file_has(lines: str, name: str) -> None:
    fix = find_advice(f"FROM python:3.11-slim\nRUN apt-get install -y gcc\n{lines}")[0].fix or ""
    assert f"from={name},source=/tmp/{name},target=/{name} " in fix
    assert f"pip wheel --wheel-dir /tmp/{name} " in fix
    assert f"pip install --find-links=/{name} " in fix
