"""`optbuild init` where there is nothing to take over, too much of it, or something that must not be taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AIRFLOW = "FROM apache/airflow:2.8.1-python3.11\n"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("files", "words", "says"),
    [
        ({}, (), ("there is no project of Airflow", "requirements.txt")),
        ({"pyproject.toml": '[project]\nname = "x"\n'}, (), ("pyproject.toml", "has no dependencies")),
        ({"Dockerfile": AIRFLOW, "other/Dockerfile": AIRFLOW}, (), ("Dockerfile, other/Dockerfile", "--dockerfile")),
        ({"Dockerfile": AIRFLOW}, ("--dockerfile", "missing"), ("there is no Dockerfile missing",)),
        ({"Dockerfile": AIRFLOW}, ("--dockerfile", "../x"), ("there is no Dockerfile ../x",)),
        ({"Dockerfile": "FROM nginx:1\n"}, ("--dockerfile", "Dockerfile"), ("Dockerfile:1 begins with nginx:1",)),
        ({"requirements.txt": "apache-airflow==2.8.1\napache-airflow==2.8.2\n"}, (), ("requirements.txt:1", ":2")),
        ({"Dockerfile": f"{AIRFLOW}RUN pip install a==1 a==2\n"}, (), ("contradicts a==1",)),
        (
            {"Dockerfile": f"{AIRFLOW}COPY r.txt /\nRUN pip install -r /r.txt a==1\n", "r.txt": "a==2\n"},
            (),
            ("a==2 contradicts a==1", "does not fit together"),
        ),
        ({"pyproject.toml": "["}, (), ("pyproject.toml", "not valid TOML")),
        ({"Dockerfile": "FROM apache/airflow:3.2.1\n"}, (), ("--python", "3.14")),
        (
            {"Dockerfile": "FROM quay.io/astronomer/astro-runtime:12.1.0\n"},
            (),
            ("tells 2.10, not which version", "--airflow-version", "astro-runtime:12.1.0 version` prints it"),
        ),
        ({"Dockerfile": "FROM apache/airflow:1.9.9-python3.11\n"}, (), ("1.9.9", "next: ")),
        (
            {"Dockerfile": "ARG TAG\nFROM apache/airflow:$TAG\n"},
            (),
            ("Dockerfile:2", "FROM apache/airflow:$TAG: a variable in it has no value", "args:"),
        ),
        (
            {"Dockerfile": f"FROM apache/airflow@sha256:{'a' * 64}\n"},
            ("--airflow-version", "2.8.1", "--python", "3.11"),
            ("FROM apache/airflow@sha256:aaaaaaaaaaaa... has no tag", "apache/airflow:TAG@sha256:aaaaaaaaaaaa..."),
        ),
    ],
)
def test_what_is_refused(
    init: Callable[..., tuple[int, str, str]],
    project: Path,
    files: dict[str, str],
    words: tuple[str, ...],
    says: tuple[str, ...],
) -> None:
    write(project, files)
    code, out, err = init(*words)
    assert (code, out) == (2, "")
    assert not [one for one in says if one not in err], err
    assert "next: " in err
    assert not (project / "optbuild.toml").exists()


def test_a_folder_that_is_not_there(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    project.rmdir()
    assert "there is no folder" in init()[2]


def test_nothing_is_overwritten(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    write(project, {"Dockerfile": AIRFLOW, "optbuild.toml": "mine\n"})
    code, _, err = init()
    assert code == 2
    assert "project/optbuild.toml describes the image already, and is not overwritten" in err
    assert (project / "optbuild.toml").read_text() == "mine\n"
    code, out, _ = init("--dry-run")
    assert code == 0
    assert 'airflow = "apache/airflow:2.8.1-python3.11"  # Dockerfile:1' in out
    assert "Would write project/optbuild.toml" in out
    assert (project / "optbuild.toml").read_text() == "mine\n"


def test_a_choice_settles_a_contradiction(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    write(project, {"Dockerfile": f"{AIRFLOW}RUN pip install apache-airflow==2.8.4\n", "other/Dockerfile": AIRFLOW})
    code, _, err = init("--dockerfile", "Dockerfile")
    assert (code, "2.8.1: Dockerfile:1" in err, "2.8.4: Dockerfile:2" in err) == (2, True, True)
    assert init("--dockerfile", "Dockerfile", "--airflow-version", "2.8.4")[0] == 0
    assert 'version = "2.8.4"  # the command line' in (project / "optbuild.toml").read_text()


def test_a_base_of_debian_s_packages_takes_the_place(init: Callable[..., tuple[int, str, str]], project: Path) -> None:
    write(project, {"Dockerfile": "FROM apache/airflow:2.10.3\n"})
    code, out, _ = init("--base", "debian")
    assert code == 0
    assert 'debian = "bookworm"' in (project / "optbuild.toml").read_text()
    assert "! Dockerfile:1: Python 3.12" in out


def test_links_out_of_the_folder_are_reported(
    init: Callable[..., tuple[int, str, str]], project: Path, tmp_path: Path
) -> None:
    write(tmp_path, {"outside/a.py": ""})
    write(project, {"Dockerfile": f"{AIRFLOW}COPY dags /opt/airflow/dags\n"})
    (project / "dags").symlink_to(tmp_path / "outside")
    code, out, _ = init()
    assert code == 0
    assert "dags is a link that leads out of the project" in out
    assert "[files]" not in (project / "optbuild.toml").read_text().partition("# Not carried over")[0]


def test_a_requirements_file_that_cannot_be_read_is_reported(
    init: Callable[..., tuple[int, str, str]], project: Path
) -> None:
    write(project, {"Dockerfile": f"{AIRFLOW}COPY . .\nRUN pip install -r missing.txt\n"})
    code, out, _ = init()
    assert code == 0
    assert "Dockerfile:3: -r missing.txt" in out


def test_a_compose_file_that_cannot_be_read_is_reported(
    init: Callable[..., tuple[int, str, str]], project: Path
) -> None:
    write(project, {"Dockerfile": AIRFLOW, "compose.yaml": "services: [\n"})
    code, out, _ = init()
    assert code == 0
    assert "! compose.yaml" in out


def test_every_instruction_is_carried_over_or_reported(
    init: Callable[..., tuple[int, str, str]], project: Path
) -> None:
    """Nothing is dropped silently: each of these lines is in the report."""
    lines = (
        "RUN curl -o /usr/local/bin/tool https://example.com/tool",
        'RUN if [ -n "$X" ]; then apt-get install -y jq; fi',
        "RUN useradd other",
        "COPY --from=golang:1.22 /usr/local/go /usr/local/go",
        "ADD files.tar.gz /opt",
        "ENV PATH=/x:$PATH",
        'ENTRYPOINT ["/start.sh"]',
        'CMD ["webserver"]',
        "HEALTHCHECK CMD true",
        "STOPSIGNAL SIGINT",
        "VOLUME /data",
        "ONBUILD RUN true",
        "USER root",
        "WORKDIR /srv",
        "RUN pip install --index-url https://example.com/simple a==1",
        "RUN pip install ./package",
        "RUN npm install",
        "RUN apt-get install -y ./x.deb",
        "LABEL optbuild.content=x",
        "ENV QUOTED='a\"b'",
    )
    write(project, {"Dockerfile": AIRFLOW + "".join(f"{line}\n" for line in lines), "files.tar.gz": ""})
    code, out, _ = init()
    assert code == 0
    text = (project / "optbuild.toml").read_text()
    for number, line in enumerate(lines, 2):
        assert f"! Dockerfile:{number}: " in out, line
        assert f"# - Dockerfile:{number}: " in text, line
