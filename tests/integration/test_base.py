"""base.sh on the real mirror: exactly the locked versions, nothing that does not belong, and the same bytes twice."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from builder.lock.document import read_lock
from builder.render.context import render_context
from builder.spec.reader import read_spec

LIMIT_BYTES = 118_000_000
"""The unpacked base with Python 3.11, CA certificates, curl, dumb-init, gosu and what the wheels need."""


@pytest.fixture(scope="module")
def context(airflow_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample image's context, its base made."""
    folder = tmp_path_factory.mktemp("context")
    render_context(read_spec(airflow_folder), read_lock(airflow_folder / "optbuild.lock")).write(folder)
    done = subprocess.run([folder / "base.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def members(context: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(context / "base.tar") as archive:
        return {member.name.removeprefix("."): member for member in archive}


def test_is_small(members: dict[str, tarfile.TarInfo]) -> None:
    assert sum(member.size for member in members.values() if member.isreg()) <= LIMIT_BYTES


@pytest.mark.parametrize(
    "path",
    [
        "/usr/bin/python3.11",
        "/usr/bin/curl",
        "/usr/bin/dumb-init",
        "/usr/sbin/gosu",
        "/etc/ssl/certs/ca-certificates.crt",
    ],
)
def test_has(path: str, members: dict[str, tarfile.TarInfo]) -> None:
    assert path in members


@pytest.mark.parametrize(
    "prefix",
    [
        *("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/info/", "/usr/share/perl/"),
        *(
            "/var/lib/apt/lists/",
            "/var/cache/apt/",
            "/etc/apt/sources.list",
            "/var/log/",
        ),
    ],
)
def test_has_nothing_below(prefix: str, members: dict[str, tarfile.TarInfo]) -> None:
    below = [name for name, member in members.items() if name.startswith(prefix) and not member.isdir()]
    assert below == []


def test_has_no_linker_and_no_compiler(members: dict[str, tarfile.TarInfo]) -> None:
    names = {Path(name).name for name, member in members.items() if not member.isdir() and "/bin/" in name}
    assert names.isdisjoint({"cc", "c++", "gcc", "g++", "cpp", "ld", "ld.bfd", "ld.gold", "as", "clang", "perl5.36.0"})


def test_no_file_gains_rights(members: dict[str, tarfile.TarInfo]) -> None:
    assert [name for name, member in members.items() if member.isreg() and member.mode & 0o6000] == []


def test_no_mirror_is_named(context: Path) -> None:
    """Whatever hosts this machine's apt uses: none of their names is in a file of the base."""
    sources = subprocess.run(
        ["sh", "-c", "cat /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources 2>/dev/null"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    hosts = {word.split("/")[2].encode() for word in sources.split() if word.startswith("http")}
    assert hosts, "this machine's apt has no source, so base.sh used mmdebstrap's"
    with tarfile.open(context / "base.tar") as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers() if member.isreg()}
        data = {name.removeprefix("."): stream.read() for name, stream in files.items() if stream is not None}
    shipped = {path for name, text in data.items() if name.endswith(".list") for path in text.decode().splitlines()}
    for name in data.keys() - shipped:  # what a package ships may speak of its own project's servers
        assert not [host for host in hosts if host in data[name]], name


def test_a_version_that_the_mirror_lacks_is_named(context: Path, tmp_path: Path) -> None:
    for name in ("base.sh", "base.env", "builder.packages"):
        (tmp_path / name).write_bytes((context / name).read_bytes())
    (tmp_path / "base.sh").chmod(0o755)
    lines = (context / "runtime.packages").read_text().splitlines()
    wrong = [f"curl 0.0.1-1 {line.split(' ', 2)[2]}" if line.startswith("curl ") else line for line in lines]
    (tmp_path / "runtime.packages").write_text("\n".join(wrong) + "\n")
    done = subprocess.run([tmp_path / "base.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "gone from the mirror: curl 0.0.1-1" in done.stderr
    assert not (tmp_path / "base.tar").exists()


def test_without_mmdebstrap_and_container_the_next_step_is_said(context: Path, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "sed", "dirname", "cat"):
        (tools / tool).symlink_to(Path("/usr/bin") / tool)
    done = subprocess.run(
        [context / "base.sh"], env={**os.environ, "PATH": str(tools)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "apt-get install mmdebstrap" in done.stderr
