"""A Dockerfile that installs a project by uv or Poetry, and constraints that a variable names."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Init = Callable[..., tuple[int, str, str]]

AIRFLOW = "FROM apache/airflow:2.8.1-python3.11\n"
PROJECT = '[project]\nname = "x"\nversion = "1"\ndependencies = ["tqdm>=4"]\n'
LOCK = '[[package]]\nname = "tqdm"\nversion = "4.66.1"\n'


def adopt(init: Init, project: Path, dockerfile: str, **files: str) -> tuple[dict[str, object], str]:
    """The tables of the spec, and the report."""
    (project / "Dockerfile").write_text(AIRFLOW + dockerfile)
    for name, text in files.items():
        (project / name.replace("_", ".")).write_text(text)
    code, out, err = init()
    assert code == 0, err
    return tomllib.loads((project / "optbuild.toml").read_text()), out


def list_adopted(init: Init, project: Path, dockerfile: str, pyproject: str) -> tuple[list[str], str]:
    """The requirements, sorted, and what the report leaves open."""
    spec, out = adopt(init, project, dockerfile, pyproject_toml=pyproject)
    assert isinstance(spec["python"], dict)
    points = out.partition("Not carried over:\n")[2].partition("\n\n")[0]
    return sorted(spec["python"].get("requirements", ())), points


@pytest.mark.parametrize(
    "command",
    [
        "uv sync --frozen --no-install-project --no-dev",
        "poetry config virtualenvs.create false && poetry install --no-root",
    ],
)
def test_a_project_s_requirements_are_those_that_are_locked(init: Init, project: Path, command: str) -> None:
    copied = "COPY pyproject.toml uv.lock ./\n"
    spec, out = adopt(init, project, f"{copied}RUN {command}\n", pyproject_toml=PROJECT, uv_lock=LOCK)
    assert spec["python"] == {"version": "3.11", "requirements": ["tqdm==4.66.1"]}
    assert "files" not in spec
    assert "Not carried over" not in out


@pytest.mark.parametrize(
    ("command", "table", "is_open"),
    [
        ("uv sync --frozen", "", False),
        ("uv sync --frozen", '[build-system]\nrequires = ["hatchling"]\n', True),
        ("uv sync --frozen", "[tool.uv]\npackage = true\n", True),
        ("uv sync --frozen", '[build-system]\nrequires = ["hatchling"]\n[tool.uv]\npackage = false\n', False),
        ("poetry install", "", True),
        ("poetry install", "[tool.poetry]\npackage-mode = false\n", False),
        ("poetry install --no-root", "", False),
    ],
)
def test_the_project_itself_stays_open_where_it_is_a_package(
    init: Init, project: Path, command: str, table: str, *, is_open: bool
) -> None:
    _, out = adopt(init, project, f"RUN {command}\n", pyproject_toml=PROJECT + table)
    assert ("! Dockerfile:2: the project itself (.)" in out) is is_open


PARTS = """\
[project]
name = "Shop.ETL"
version = "1"
dependencies = ["tqdm>=4"]
[project.optional-dependencies]
cloud = ["boto3"]
all = ["shop-etl[cloud,more]", "polars"]
more = ["duckdb", "shop-etl[all]"]
[dependency-groups]
dev = ["pytest", {include-group = "lint"}]
lint = ["ruff", {include-group = "dev"}]
docs = ["sphinx"]
"""


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", "tqdm>=4 pytest ruff"),
        ("--no-dev", "tqdm>=4"),
        ("--no-default-groups", "tqdm>=4"),
        ("--no-group dev", "tqdm>=4"),
        ("--no-dev --extra cloud --extra=more", "tqdm>=4 boto3 duckdb polars"),
        ("--no-dev --extra all", "tqdm>=4 boto3 duckdb polars"),
        ("--no-dev --all-extras --no-extra cloud", "tqdm>=4 boto3 duckdb polars"),
        ("--no-dev --group Docs", "tqdm>=4 sphinx"),
        ("--all-groups", "tqdm>=4 pytest ruff sphinx"),
        ("--only-group lint", "ruff pytest"),
        ("--only-dev", "pytest ruff"),
    ],
)
def test_uv_takes_extras_and_groups(init: Init, project: Path, words: str, found: str) -> None:
    requirements, points = list_adopted(init, project, f"RUN uv sync --frozen {words}\n", PARTS)
    assert (requirements, points) == (sorted(found.split()), "")


def test_a_variable_and_the_project_say_which_groups_come_unasked(init: Init, project: Path) -> None:
    other = PARTS + '[tool.uv]\ndefault-groups = ["docs"]\n'
    spec, out = adopt(init, project, "RUN uv sync\n", pyproject_toml=other)
    assert spec["python"] == {"version": "3.11", "requirements": ["tqdm>=4", "sphinx"]}
    assert "the group docs is installed, as uv does unless it is told not to" in " ".join(out.split())
    assert "extras and groups of its own are not installed: all, cloud, more, dev, lint" in " ".join(out.split())
    (project / "optbuild.toml").unlink()
    spec, _ = adopt(init, project, "ENV UV_NO_DEV=1\nRUN uv sync\n", pyproject_toml=PARTS)
    assert spec["python"] == {"version": "3.11", "requirements": ["tqdm>=4"]}


POETRY = """\
[tool.poetry]
name = "shop"
package-mode = false
[tool.poetry.dependencies]
python = "^3.9"
tqdm = "^4.60"
boto3 = { version = "1.34.0", optional = true }
[tool.poetry.extras]
cloud = ["boto3"]
[tool.poetry.group.test.dependencies]
pytest = "8.0.0"
[tool.poetry.group.docs]
optional = true
[tool.poetry.group.docs.dependencies]
sphinx = "7.0.0"
"""


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", "tqdm>=4.60,<5 pytest==8.0.0"),
        ("--only main", "tqdm>=4.60,<5"),
        ("--no-dev", "tqdm>=4.60,<5"),
        ("--without test,docs", "tqdm>=4.60,<5"),
        ("--with docs --without=test", "tqdm>=4.60,<5 sphinx==7.0.0"),
        ("--only=test", "pytest==8.0.0"),
        ("--only main -E cloud", "tqdm>=4.60,<5 boto3==1.34.0"),
        ('--only main --extras "cloud"', "tqdm>=4.60,<5 boto3==1.34.0"),
        ("--all-extras --all-groups", "tqdm>=4.60,<5 boto3==1.34.0 pytest==8.0.0 sphinx==7.0.0"),
    ],
)
def test_poetry_takes_extras_and_groups(init: Init, project: Path, words: str, found: str) -> None:
    requirements, points = list_adopted(init, project, f"RUN poetry install {words}\n", POETRY)
    assert (requirements, points) == (sorted(found.split()), "")


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("RUN pip install .", "tqdm>=4"),
        ('RUN pip install --no-cache-dir -e ".[cloud, more]"', "tqdm>=4 boto3 duckdb polars"),
        ("RUN uv pip install --system -r pyproject.toml --extra cloud --group=docs", "tqdm>=4 boto3 sphinx"),
        ("RUN uv pip install -r pyproject.toml --all-extras", "tqdm>=4 boto3 duckdb polars"),
        ("RUN pip install --group docs --group pyproject.toml:lint", "sphinx ruff pytest"),
        ("RUN uv export --no-dev -o /tmp/list.txt && uv pip install -r /tmp/list.txt", "tqdm>=4"),
        ("RUN uv export --no-emit-project > list.txt\nRUN pip install -r list.txt", "tqdm>=4 pytest ruff"),
        ("RUN poetry export --with docs --output=l.txt && pip install -r l.txt && rm l.txt", "tqdm>=4 sphinx"),
    ],
)
def test_pip_and_lists_take_them_too(init: Init, project: Path, lines: str, found: str) -> None:
    requirements, points = list_adopted(init, project, f"COPY pyproject.toml .\n{lines}\n", PARTS)
    assert requirements == sorted(found.split())
    is_installed = "install ." in lines or " -e " in lines
    assert points.count("  ! ") == points.count(": the project itself (.)") == is_installed, points


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("uv sync --extra none --group gone", "pyproject.toml has no extra none and no group gone"),
        ("uv sync --package other", "no key of the spec does this"),
        ("poetry install --with gone", "pyproject.toml has no group gone"),
        ("pip install .[gone]", "pyproject.toml has no extra gone"),
        ("uv pip install -r pyproject.toml --group gone", "pyproject.toml has no group gone"),
        ("poetry install --directory other", "no key of the spec does this"),
    ],
)
def test_parts_that_are_not_there_and_other_projects_stay_open(
    init: Init, project: Path, command: str, said: str
) -> None:
    _, out = adopt(init, project, f"COPY pyproject.toml .\nRUN {command}\n", pyproject_toml=PARTS)
    assert re.search(rf"! Dockerfile:3: RUN .*\n    {said}", out), out


PIPFILE = {
    "Pipfile": '[packages]\napache-airflow = {version = "*", extras = ["celery"]}\ntqdm = "*"\n',
    "Pipfile.lock": '{"default": {"tqdm": {"version": "==4.66"}, "apache-airflow": {"version": "==2.8.1"}}}',
}
CONDA = {"environment.yml": "dependencies:\n  - xarray=2023.1\n  - pip:\n    - apache-airflow==2.8.1\n"}


@pytest.mark.parametrize(
    ("command", "files", "said"),
    [
        ("pipenv sync --system", PIPFILE, "extras, markers and groups are not read"),
        ("conda env update -f environment.yml", CONDA, "its packages are conda's, and not those of an index: xarray"),
    ],
    ids=["pipenv", "conda"],
)
def test_of_other_programs_the_packages_are_named_and_a_point_stays_open(
    init: Init, project: Path, command: str, files: dict[str, str], said: str
) -> None:
    for name, text in files.items():
        (project / name).write_text(text)
    (project / "Dockerfile").write_text(f"FROM python:3.11-slim\nCOPY . .\nRUN {command}\n")
    code, out, err = init()
    assert code == 0, err
    spec = tomllib.loads((project / "optbuild.toml").read_text())
    assert spec["airflow"] == {"version": "2.8.1"}
    assert spec["python"].get("requirements") == (["tqdm==4.66"] if files is PIPFILE else None)
    assert re.search(rf"! Dockerfile:3: RUN {command}\n    .*{said}", out), out


def test_hashes_of_requirements_are_not_dropped_silently(init: Init, project: Path) -> None:
    """A file that is carried over line by line; one that can stay as it is keeps them."""
    text = f"-i https://index.example/simple\ntqdm==4.66.1 --hash=sha256:{'0' * 64}\n"
    spec, out = adopt(init, project, "COPY r.txt .\nRUN pip install -r r.txt\n", r_txt=text)
    assert spec["python"] == {"version": "3.11", "requirements": ["tqdm==4.66.1"]}
    assert "· r.txt: its hashes: the lock has those of every file" in out


@pytest.mark.parametrize("name", ["lists", "0"])
def test_a_list_of_another_stage_is_read(init: Init, project: Path, name: str) -> None:
    """As FastAPI's documentation has it, for Poetry and for uv."""
    dockerfile = (
        "FROM python:3.11-slim AS Lists\nRUN pip install poetry\nCOPY pyproject.toml ./\n"
        "RUN poetry export --with docs -f requirements.txt -o requirements.txt\n"
        f"{AIRFLOW}COPY --from={name} /requirements.txt /tmp/list.txt\nRUN pip install -r /tmp/list.txt\n"
    )
    (project / "pyproject.toml").write_text(PARTS)
    (project / "Dockerfile").write_text(dockerfile)
    code, out, err = init()
    assert (code, err) == (0, "")
    assert "Not carried over" not in out
    assert "Dockerfile:6: a list of requirements that the other stage makes of the project: it is read" in out
    spec = tomllib.loads((project / "optbuild.toml").read_text())
    assert spec["python"] == {"version": "3.11", "requirements": ["tqdm>=4", "sphinx"]}


@pytest.mark.parametrize(
    "command",
    [
        "pip install --group docs",
        "pip install --group other/pyproject.toml:docs",
        "uv pip install -r other/pyproject.toml --extra cloud",
        "pip install --extra cloud tabulate",
    ],
)
def test_parts_of_another_project_stay_open(init: Init, project: Path, command: str) -> None:
    """The file beside the spec has parts of the same names, and is not where the command looks."""
    (project / "other").mkdir()
    (project / "other/pyproject.toml").write_text(PARTS)
    requirements, points = list_adopted(init, project, f"COPY other other\nRUN {command}\n", PARTS)
    assert requirements == (["tabulate"] if command.endswith("tabulate") else [])
    assert points.count("  ! ") == 1, points
    assert "is not the one beside the spec, and is not read" in points


SETUP = """\
[metadata]
name = shop
[options]
python_requires = >=3.10
install_requires =
    tqdm>=4
[options.extras_require]
cloud =
    boto3
"""


@pytest.mark.parametrize("build", ["", '[build-system]\nrequires = ["setuptools"]\n'])
@pytest.mark.parametrize(("extra", "found"), [("", ["tqdm>=4"]), ("[cloud]", ["boto3", "tqdm>=4"])])
def test_setup_cfg_has_extras_too(init: Init, project: Path, build: str, extra: str, found: list[str]) -> None:
    """Also beside a pyproject.toml that only names the build system."""
    files = {"setup_cfg": SETUP, **({"pyproject_toml": build} if build else {})}
    spec, _ = adopt(init, project, f"COPY . .\nRUN pip install '.{extra}'\n", **files)
    assert isinstance(spec["python"], dict)
    assert sorted(spec["python"]["requirements"]) == found
    assert "  # setup.cfg:6" in (project / "optbuild.toml").read_text()


def test_a_range_of_pythons_names_none(init: Init, project: Path) -> None:
    """It may contradict what does."""
    text = PROJECT + 'requires-python = ">=3.10,<3.13"\n'
    spec, _ = adopt(init, project, "RUN uv sync\n", pyproject_toml=text)
    assert spec["python"] == {"version": "3.11", "requirements": ["tqdm>=4"]}
    (project / "optbuild.toml").unlink()
    (project / "pyproject.toml").write_text(text.replace(">=3.10", ">=3.12"))
    code, _, err = init()
    assert code == 2
    assert "contradict each other about Python:\n  3.11: Dockerfile:1\n  requires-python = >=3.12,<3.13: pyproj" in err


def test_the_lock_names_the_airflow_that_a_range_leaves_open(init: Init, project: Path) -> None:
    (project / "Dockerfile").write_text("FROM python:3.11-slim\nRUN uv sync\n")
    (project / "pyproject.toml").write_text(PROJECT.replace('"tqdm>=4"', '"apache-airflow[celery]>=2.8,<3"'))
    (project / "uv.lock").write_text('[[package]]\nname = "apache-airflow"\nversion = "2.9.2"\n')
    assert init()[0] == 0
    spec = tomllib.loads((project / "optbuild.toml").read_text())
    assert spec["airflow"] == {"version": "2.9.2", "extras": ["celery"]}
    assert 'version = "2.9.2"  # uv.lock' in (project / "optbuild.toml").read_text()


INSTALLERS = {
    "image": "COPY --from=ghcr.io/astral-sh/uv:0.4.20 /uv /uvx /bin/\n",
    "pipe": "RUN curl -LsSf https://astral.sh/uv/install.sh | sh\n",
    "poetry": "RUN curl -sSL https://install.python-poetry.org | python3 -\n",
    "file": "ADD https://astral.sh/uv/0.9.2/install.sh /uv.sh\nRUN sh /uv.sh && rm /uv.sh\n",
    "download": "WORKDIR /tmp\nRUN curl -O https://x.example/get-pip.py && python get-pip.py && rm get-pip.py\n"
    "WORKDIR /opt/airflow\n",
    "environment": "RUN python -m venv /opt/venv\nENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH\n",
    "named": 'ENV VIRTUAL_ENV=/srv/env\nENV PATH="${VIRTUAL_ENV}/bin:/root/.local/bin:$PATH"\n',
    "variables": "ENV UV_LINK_MODE=copy POETRY_VIRTUALENVS_CREATE=0 PIP_DEFAULT_TIMEOUT=100\n",
    "requirement": "RUN pip install poetry==2.1 pipx\n",
}


@pytest.mark.parametrize("name", INSTALLERS)
def test_what_only_installs_packages_is_noted(init: Init, project: Path, name: str) -> None:
    spec, out = adopt(init, project, INSTALLERS[name])
    assert "Not carried over:" not in out
    assert "Carried over in another form, or not needed:\n  · Dockerfile:" in out
    assert spec.keys() == {"image", "base", "airflow", "python"}
    assert (spec["image"], spec["python"]) == ({"name": "project"}, {"version": "3.11"})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("RUN curl -LsSf https://astral.sh/uv/install.sh | sh && curl -O https://x.example/a", "RUN curl -O https"),
        ("RUN python setup.py install", "RUN python setup.py install"),
        ("RUN sh /uv.sh", "RUN sh /uv.sh"),
        ("ENV PATH=/opt/tool/bin:$PATH", "ENV PATH=/opt/tool/bin:$PATH"),
        ("ENV PATH=/opt/venv/bin", "ENV PATH=/opt/venv/bin"),
        ("ENV PIP_EXTRA_INDEX_URL=https://x.example/simple", "ENV PIP_EXTRA_INDEX_URL"),
        ("COPY --from=ghcr.io/other/uv-tool /uv /bin/", "COPY --from=ghcr.io/other/uv-tool"),
    ],
)
def test_what_does_more_stays_open(init: Init, project: Path, line: str, said: str) -> None:
    _, out = adopt(init, project, f"{line}\n")
    assert "Not carried over:" in out
    assert f"! Dockerfile:2: {said}" in out


def test_constraints_of_a_variable_count(init: Init, project: Path) -> None:
    dockerfile = "ENV PIP_CONSTRAINT=/c.txt\nCOPY c.txt /\nRUN pip install pandas\n"
    spec, out = adopt(init, project, dockerfile, c_txt="pandas==2.0.3\n")
    assert spec["python"] == {"version": "3.11", "requirements": ["pandas", "pandas==2.0.3"]}
    assert "env" not in spec["image"]  # type: ignore[operator]  # a table
    assert "Not carried over" not in out
