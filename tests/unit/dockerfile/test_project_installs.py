"""Python requirements that other programs than pip install."""

from __future__ import annotations

import pytest

from builder.compose.model import Build
from builder.dockerfile.analysis import analyze_dockerfile

PROJECT = '[project]\ndependencies = ["apache-airflow[celery]>=2.8", "pandas", "bad @ https://u:p@x/y"]\n'
LOCK = (
    'version = 1\n[[package]]\nname = "apache-airflow"\nversion = "2.8.1"\n'
    '[[package]]\nname = "pandas"\nversion = "2.0.3"\n[[package]]\nname = "numpy"\nversion = "1.24.3"\n'
)
POETRY = (
    '[tool.poetry.dependencies]\npython = "^3.11"\n'
    'apache-airflow = {version = "^2.8", extras = ["celery"]}\npandas = "*"\n'
)
PIPFILE = '[packages]\napache-airflow = "==2.8.1"\npandas = "*"\n'
PIPFILE_LOCK = '{"default": {"apache-airflow": {"version": "==2.8.1"}, "pandas": {"version": "==2.0.3"}}}'
CONDA = "channels: [conda-forge]\ndependencies:\n  - python=3.11\n  - airflow=2.8.1\n  - pip:\n    - pandas==2.0.3\n"


def pins(run: str, files: dict[str, str]) -> dict[str, str]:
    copied = {f"./{name}": text for name, text in files.items()}
    text = f"FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN {run}\n"
    facts = analyze_dockerfile(text, Build("/project"), copied.get)
    assert facts.airflow == any(pin.name == "apache-airflow" for pin in facts.other_pins)
    return {pin.name: pin.spec for pin in facts.other_pins}


@pytest.mark.parametrize(
    ("run", "files"),
    [
        ("uv sync --frozen --no-dev", {"pyproject.toml": PROJECT, "uv.lock": LOCK}),
        ("pip install uv && uv sync --locked", {"pyproject.toml": PROJECT, "uv.lock": LOCK}),
        ("poetry install --no-root", {"pyproject.toml": POETRY, "poetry.lock": LOCK}),
        ("poetry config virtualenvs.create false && poetry install", {"pyproject.toml": PROJECT, "poetry.lock": LOCK}),
        ("pdm sync --prod", {"pyproject.toml": PROJECT, "pdm.lock": LOCK}),
        ("pipenv sync --system", {"Pipfile": PIPFILE, "Pipfile.lock": PIPFILE_LOCK}),
        ("pipenv install --system --deploy", {"Pipfile": PIPFILE, "Pipfile.lock": PIPFILE_LOCK}),
        ("conda install -y -c conda-forge airflow=2.8.1 pandas==2.0.3", {}),
        ("mamba env update -n base -f environment.yml", {"environment.yml": CONDA}),
        ("conda env create --file=environment.yml", {"environment.yml": CONDA}),
        ("micromamba install -y conda-forge::apache-airflow=2.8.1 'pandas=2.0.3'", {}),
    ],
)
def test_what_is_installed(run: str, files: dict[str, str]) -> None:
    found = pins(run, files)
    assert (found["apache-airflow"], found["pandas"]) == ("==2.8.1", "==2.0.3")
    assert not {"python", "numpy"} & found.keys()


@pytest.mark.parametrize(
    ("run", "files", "expected"),
    [
        ("uv sync", {"pyproject.toml": PROJECT}, {"apache-airflow": ">=2.8", "pandas": "", "bad": "@address"}),
        ("uv sync", {"uv.lock": LOCK}, {"apache-airflow": "==2.8.1"}),
        ("uv add pandas==2.0.3 scipy", {}, {"pandas": "==2.0.3", "scipy": ""}),
        ("poetry add pandas@2.0.3", {}, {"pandas": "==2.0.3"}),
        ("uv sync", {}, {}),
        ("uv sync", {"pyproject.toml": "[project\n", "uv.lock": "= ["}, {}),
        ("uv lock", {"pyproject.toml": PROJECT, "uv.lock": LOCK}, {}),
        ("poetry export -o r.txt", {"pyproject.toml": POETRY, "poetry.lock": LOCK}, {}),
        ("conda env create", {"environment.yml": "a: [\n"}, {}),
        ("conda install -y --file requirements.txt", {}, {}),
        ("conda clean --all", {}, {}),
        ("pipenv sync", {"Pipfile.lock": "[]", "Pipfile": "packages = 1"}, {}),
    ],
)
def test_what_the_files_do_not_say_is_not_guessed(run: str, files: dict[str, str], expected: dict[str, str]) -> None:
    assert pins(run, files) == expected


def test_a_project_that_uv_installs_is_not_told_to_pin_airflow() -> None:
    text = "FROM apache/airflow:2.8.1\nCOPY pyproject.toml uv.lock ./\nRUN uv sync --frozen\nRUN poetry install\n"
    assert analyze_dockerfile(text, Build("/project"), {"pyproject.toml": PROJECT, "uv.lock": LOCK}.get).advice == ()
