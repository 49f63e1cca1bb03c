"""A RUN that no key carries over: reported, and offered as a script of the project."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DOCKERFILE = """FROM apache/airflow:2.8.1-python3.11
RUN pip install pandas==2.0.3
{}"""
LEFT = "RUN make -C /src install\nRUN curl -o /opt/x https://example.org/x\n"


def test_it_is_reported_and_offered(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    (project / "Dockerfile").write_text(DOCKERFILE.format(LEFT))
    code, out, _ = init()
    assert code == 0
    text = (project / "optbuild.toml").read_text()
    assert "# For what no key says (Dockerfile:3, Dockerfile:4), a script of the project:\n# [build]\n" in text
    assert "name it in run of [build]" in " ".join((out + text).replace("#", "").split())
    assert read_spec(project).build.run == ()


def test_the_comments_become_keys(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    (project / "Dockerfile").write_text(DOCKERFILE.format(LEFT))
    init()
    (project / "scripts").mkdir()
    (project / "scripts/extra.sh").write_text("#!/bin/sh\n")
    file = project / "optbuild.toml"
    file.write_text(file.read_text().replace("# [build]", "[build]").replace("# run", "run"))
    assert tomllib.loads(file.read_text())["build"]["run"] == ["scripts/extra.sh"]
    assert read_spec(project).build.run_network


def test_nothing_is_offered_where_nothing_is_left(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    (project / "Dockerfile").write_text(DOCKERFILE.format(""))
    init()
    assert "[build]" not in (project / "optbuild.toml").read_text()


def test_what_fills_a_database_is_no_script_of_the_image(
    init: Callable[..., tuple[int, str, str]], project: Path
) -> None:
    lines = "RUN airflow db init && airflow users create --password hunter2 && make -C /src\n"
    (project / "Dockerfile").write_text(DOCKERFILE.format(lines))
    _, out, _ = init()
    assert "! Dockerfile:3: RUN airflow db init (and 1 more of this RUN)\n    it fills a database" in out
    assert "! Dockerfile:3: RUN make -C /src\n    no key" in out
    assert "hunter2" not in out + (project / "optbuild.toml").read_text()


def test_only_that_is_not_offered_as_a_script(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    (project / "Dockerfile").write_text(DOCKERFILE.format("RUN airflow variables import /x.json\n"))
    init()
    assert "[build]" not in (project / "optbuild.toml").read_text()


def test_a_repository_of_packages_is_named_as_such(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    lines = (
        "USER root\nRUN echo deb https://repo.example stable main > /etc/apt/sources.list.d/x.list && apt-get update"
        " && apt-get install -y jq=1.6-2.1 odbc-x && rm -rf /var/lib/apt/lists/*\nUSER airflow\n"
    )
    (project / "Dockerfile").write_text(DOCKERFILE.format(lines))
    _, out, _ = init()
    assert "! Dockerfile:4: RUN echo deb https://repo.example stable main > /etc/apt/sources" in out
    assert "a lock has those of Debian's mirror alone" in " ".join(out.split())
    assert out.count("  ! ") == 1
    assert "the versions that apt is asked for (jq=1.6-2.1): the lock has those of the mirror" in " ".join(out.split())
    spec = tomllib.loads((project / "optbuild.toml").read_text())
    assert spec["apt"] == {"runtime": ["jq", "odbc-x"]}
