"""Files that a build does not see: by the .dockerignore that Docker obeys, which [files] may not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AIRFLOW = "FROM apache/airflow:2.8.1-python3.11\nCOPY dags /opt/airflow/dags\n"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_patterns_of_the_project_s_own_folder_need_nothing(
    init: Callable[..., tuple[int, str, str]], project: Path
) -> None:
    write(project, {"Dockerfile": AIRFLOW, "dags/a.py": "", "dags/b.tmp": "", ".dockerignore": "**/*.tmp\n"})
    assert "every point is carried over" in init()[1]


def test_patterns_of_another_folder_are_reported_where_they_matter(
    init: Callable[..., tuple[int, str, str]], project: Path
) -> None:
    write(project, {"airflow/Dockerfile": AIRFLOW, "airflow/dags/a.py": "", "airflow/.dockerignore": "**/*.tmp\n"})
    assert "every point is carried over" in init("--dry-run")[1]
    write(project, {"airflow/dags/b.tmp": ""})
    _, out, _ = init("--dry-run")
    assert "! airflow/.dockerignore: its patterns" in out
    assert "airflow/dags/b.tmp" in out
    write(project, {".dockerignore": "airflow/dags/*.tmp\n"})
    assert "every point is carried over" in init("--dry-run")[1]


def test_a_dockerfile_s_own_patterns_win(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    write(project, {"Dockerfile": AIRFLOW, "dags/a.py": "", "dags/b.tmp": "", "Dockerfile.dockerignore": "**/*.tmp\n"})
    assert "! Dockerfile.dockerignore: its patterns" in init()[1]
