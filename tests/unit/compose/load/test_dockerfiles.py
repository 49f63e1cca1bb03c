"""What is read out of the Dockerfiles of a project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from project_factories import project, service

from builder.compose.load.dockerfiles import LARGEST_FILE, read_dockerfiles
from builder.compose.model import Build
from builder.dockerfile.analysis import analyze_dockerfile

if TYPE_CHECKING:
    from builder.dockerfile.facts import DockerfileAnalysis

IS_LONG = bool(os.environ.get("OPTBUILD_SOAK"))
SEED = Path(__file__).parents[3] / "fixtures" / "seed" / "Dockerfile.airflow"


def facts(text: str, *, files: dict[str, str] | None = None, **build: Any) -> DockerfileAnalysis:
    return analyze_dockerfile(text, Build("/project", **build), (files or {}).get)


def test_the_seed_project() -> None:
    found = facts(SEED.read_text())
    assert (found.base, found.airflow, found.airflow_version) == ("apache/airflow:2.8.1", True, "2.8.1")
    assert found.apt == ("build-essential",)
    assert [pin.name for pin in found.pins][:2] == ["matplotlib", "seaborn"]
    assert {pin.spec for pin in found.pins if pin.name == "pandas"} == {"==2.0.3"}
    assert found.user == "airflow"
    assert found.products == ()


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("FROM apache/airflow:slim-2.9.3-python3.11", "2.9.3"),
        ("FROM docker.io/apache/airflow:3.0.6@sha256:00", "3.0.6"),
        ("ARG V=2.8.1\nFROM apache/airflow:$V", "2.8.1"),
        ("FROM python:3.11\nRUN pip install 'apache-airflow[celery]==2.7.3' --constraint x", "2.7.3"),
        ("FROM debian\nENV AIRFLOW_VERSION=2.6.0\nRUN pip install apache-airflow==${AIRFLOW_VERSION}", "2.6.0"),
        ("FROM registry.example/team/airflow:1.4.0", None),
        ("FROM apache/airflow:latest", None),
    ],
)
def test_the_version_of_airflow(text: str, version: str | None) -> None:
    found = facts(text)
    assert found.airflow
    assert found.airflow_version == version


def test_an_argument_of_the_build_wins() -> None:
    text = "ARG V=2.8.1\nFROM apache/airflow:$V"
    assert facts(text, args=(("V", "3.0.1"),)).airflow_version == "3.0.1"
    assert facts(text, args=(("V", None),)).airflow_version == "2.8.1"


def test_requirements_come_from_the_context() -> None:
    text = "FROM python:3.11\nCOPY deploy/requirements.txt /srv/r.txt\nRUN pip install -r /srv/r.txt\n"
    files = {"deploy/requirements.txt": "Pandas==2.0.3 \\\n  --hash=sha256:0\n# no\nnumpy>=1.2 # why\n-e .\n"}
    assert [(pin.name, pin.spec) for pin in facts(text, files=files).pins] == [
        ("pandas", "==2.0.3"),
        ("numpy", ">=1.2"),
    ]
    assert facts(text).unread == ("/srv/r.txt",)


def test_requirements_of_a_build_argument_are_known_but_not_shown() -> None:
    found = facts("FROM python:3.11\nARG DEPS\nRUN pip install $DEPS scipy\n", args=(("DEPS", "pandas==1 numpy"),))
    assert [(pin.name, pin.from_argument) for pin in found.pins] == [
        ("pandas", True),
        ("numpy", True),
        ("scipy", False),
    ]


@pytest.mark.parametrize(
    "copy",
    ["COPY requirements.txt .", "COPY requirements.txt /app/", "COPY . .", "COPY . /app", "ADD ./requirements.txt ./"],
)
def test_each_way_to_copy_a_requirements_file(copy: str) -> None:
    text = f"FROM python:3.11\nWORKDIR /app\n{copy}\nRUN pip install -r requirements.txt\n"
    found = analyze_dockerfile(
        text, Build("/p"), lambda name: "pandas==1\n" if Path(name) == Path("requirements.txt") else None
    )
    assert [pin.name for pin in found.pins] == ["pandas"]


def test_a_requirements_file_may_name_another_and_itself() -> None:
    text = "FROM python:3.11\nCOPY . .\nRUN pip install -r a.txt\n"
    files = {"./a.txt": "-r b.txt\none", "./b.txt": "-r a.txt\ntwo"}
    assert {pin.name for pin in facts(text, files=files).pins} == {"one", "two"}


def test_a_builder_stage_installs_nothing_into_the_image() -> None:
    text = "FROM python:3.11 AS b\nRUN apt-get install -y gcc postgresql\nFROM python:3.11\nCOPY --from=b /x /x\n"
    assert (facts(text).apt, facts(text).products) == ((), ())
    assert facts(text, target="b").products == ("PostgreSQL",)


@pytest.mark.parametrize(
    ("package", "product"),
    [
        ("postgresql", "PostgreSQL"),
        ("postgresql-15", "PostgreSQL"),
        ("postgresql-client", None),
        ("postgresql-client-15", None),
        ("mariadb-server", "MariaDB"),
        ("mariadb-client", None),
        ("default-mysql-client", None),
        ("redis-server", "Redis"),
        ("redis-tools", None),
        ("libpq-dev", None),
    ],
)
def test_servers_are_told_from_clients(package: str, product: str | None) -> None:
    found = facts(f"FROM apache/airflow:2.8.1\nRUN apt-get update \\\n && apt-get install -y {package}\n")
    assert found.products == ((product,) if product else ())
    assert [one.line for one in found.installed] == ([3] if product else [])


def test_the_base_image_may_be_the_server() -> None:
    found = facts("FROM postgres:13\nRUN pip install apache-airflow==2.8.1\n")
    assert (found.products, found.airflow) == (("PostgreSQL",), True)


def test_what_it_starts() -> None:
    found = facts('FROM a\nCMD ["webserver"]\nENTRYPOINT ["/x"]\nHEALTHCHECK CMD curl x\nVOLUME /data /more\nUSER 1\n')
    assert (found.command, found.entrypoint) == (("webserver",), ("/x",))
    assert (found.has_health_check, found.volumes, found.user) == (True, ("/data", "/more"), "1")
    assert facts("FROM a\nCMD airflow db init\nHEALTHCHECK NONE").command == ("/bin/sh", "-c", "airflow db init")
    assert not facts("FROM a\nHEALTHCHECK NONE").has_health_check


def test_no_secret_is_in_a_repr() -> None:
    text = "FROM a\nARG TOKEN\nENV PASSWORD=hunter2\nRUN pip install x --index-url https://u:$TOKEN@h/\n"
    assert "hunter2" not in repr(facts(text, args=(("TOKEN", "hunter2"),)))


def test_an_additional_context_may_be_the_base() -> None:
    found = facts("FROM base", additional_contexts=(("base", "docker-image://apache/airflow:2.8.1"),))
    assert found.airflow_version == "2.8.1"


class TestReading:
    """From the disk, where anything may lie."""

    def read(self, folder: Path, **build: Any) -> dict[str, DockerfileAnalysis]:
        given = Build(str(folder), **build)
        return dict(read_dockerfiles(project(service("web", build=given), service("db", image="postgres:13"))))

    def test_a_service_without_build_has_no_facts(self, tmp_path: Path) -> None:
        (tmp_path / "Dockerfile").write_text("FROM apache/airflow:2.8.1\n")
        found = self.read(tmp_path)
        assert list(found) == ["web"]
        assert found["web"].path == tmp_path / "Dockerfile"

    def test_inline(self, tmp_path: Path) -> None:
        found = self.read(tmp_path, dockerfile_inline="FROM apache/airflow:2.8.1\n")
        assert (found["web"].path, found["web"].airflow_version) == (None, "2.8.1")

    def test_variables_of_an_inline_one_are_its_own(self, tmp_path: Path) -> None:
        """Compose gives ``$`` as it must be written in its file."""
        found = self.read(tmp_path, dockerfile_inline="FROM apache/airflow:2.8.1\nENV A=1 B=$${A}\n")
        assert found["web"].environment["B"] == "1"

    @pytest.mark.parametrize("what", ["missing", "folder", "large", "pipe", "loop"])
    def test_what_cannot_be_read_is_missing(self, tmp_path: Path, what: str) -> None:
        path = tmp_path / "Dockerfile"
        if what == "folder":
            path.mkdir()
        elif what == "large":
            path.write_bytes(b"#" * (LARGEST_FILE + 1))
        elif what == "pipe":
            os.mkfifo(path)
        elif what == "loop":
            path.symlink_to(path)
        assert self.read(tmp_path) == {}

    def test_rubbish_is_no_crash(self, tmp_path: Path) -> None:
        (tmp_path / "Dockerfile").write_bytes(
            b"\xef\xbb\xbfFROM \xff\nARG A=1 B\nRUN <<\nFROM\n\\\nUSER\nCOPY\nENV\nRUN [\n"
        )
        assert self.read(tmp_path)["web"].base is not None

    @pytest.mark.parametrize("text", ["ENV A=$A$A\n" * 40_000, "RUN pip install -r a.txt\n" * 30_000])
    def test_what_was_made_to_keep_us_busy_is_left_alone(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "Dockerfile").write_text(f"FROM a\n{text}")
        assert self.read(tmp_path) == {}

    @pytest.mark.parametrize("text", ["$(" * 400_000, "a 'b' && " * 90_000, "<<A " * (200_000 if IS_LONG else 40_000)])
    def test_a_run_that_nobody_wrote_is_not_read(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "Dockerfile").write_text(f"FROM a\nRUN {text}\nUSER 1\n")
        assert self.read(tmp_path)["web"].base == "a"

    @pytest.mark.parametrize("copied", ["loop.txt", "x" * 5000, "x/" * 3000 + "y", "\ud800"])
    def test_a_strange_name_is_no_crash(self, tmp_path: Path, copied: str) -> None:
        (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
        text = f"FROM python:3\nCOPY {copied} /r.txt\nRUN pip install -r /r.txt\n"
        (tmp_path / "Dockerfile").write_bytes(text.encode(errors="surrogatepass"))
        assert self.read(tmp_path)["web"].unread == ("/r.txt",)

    def test_a_git_context_has_no_facts(self, tmp_path: Path) -> None:
        given = Build("https://example.org/x.git#main")
        assert read_dockerfiles(project(service("web", build=given))) == {}

    @pytest.mark.parametrize("copied", ["../outside.txt", "link.txt", "/outside.txt"])
    def test_nothing_outside_of_the_context_is_read(self, tmp_path: Path, copied: str) -> None:
        context = tmp_path / "context"
        context.mkdir()
        (tmp_path / "outside.txt").write_text("secret==1\n")
        (context / "link.txt").symlink_to(tmp_path / "outside.txt")
        (context / "Dockerfile").write_text(f"FROM python:3\nCOPY {copied} /r.txt\nRUN pip install -r /r.txt\n")
        found = self.read(context)["web"]
        assert (found.pins, found.unread) == ((), ("/r.txt",))


def test_a_requirements_file_that_powershell_wrote(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM apache/airflow:2.8.1\nCOPY r.txt /\nRUN pip install -r /r.txt\n")
    (tmp_path / "r.txt").write_bytes("\ufeffapache-airflow==2.8.1\r\npandas==2.0.3\r\n".encode("utf-16-le"))
    (found,) = read_dockerfiles(project(service("web", build=Build(str(tmp_path))))).values()
    assert [(pin.name, pin.spec) for pin in found.pins] == [("apache-airflow", "==2.8.1"), ("pandas", "==2.0.3")]
    assert "OB303" not in {one.code for one in found.advice}
