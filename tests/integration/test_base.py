"""base.sh on the real mirror: exactly the locked versions, nothing that does not belong, and the same bytes twice."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.image.lock.document import read_lock
from builder.image.render.context import render_context
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE = Path(__file__).parents[2] / "images/airflow"
LIMIT_BYTES = 118_000_000
"""The unpacked base with Python 3.11, CA certificates, curl, dumb-init, gosu and what the wheels need."""
SETUID_PROGRAMS = {"newgrp", "su", "unix_chkpwd"}


DEBIAN_TARS = ("base.tar", "added.tar")
"""What the image has of Debian: the upper one's entries take the place of the lower one's."""


@pytest.fixture(scope="module")
def members(fresh_base: Path) -> dict[str, tarfile.TarInfo]:
    found: dict[str, tarfile.TarInfo] = {}
    for name in DEBIAN_TARS:
        with tarfile.open(fresh_base / name) as archive:
            found |= {member.name.removeprefix("."): member for member in archive}
    return found


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
    assert names.isdisjoint({"cc", "c++", "gcc", "g++", "cpp", "ld", "ld.bfd", "ld.gold", "as", "clang"})


def test_no_file_gains_rights(members: dict[str, tarfile.TarInfo]) -> None:
    assert [name for name, member in members.items() if member.isreg() and member.mode & 0o6000] == []


def test_no_mirror_is_named(fresh_base: Path) -> None:
    """Whatever hosts this machine's apt uses: none of their names is in a file of the base."""
    sources = subprocess.run(
        ["sh", "-c", "cat /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources 2>/dev/null"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    hosts = {word.split("/")[2].encode() for word in sources.split() if word.startswith("http")}
    assert hosts, "this machine's apt has no source, so base.sh used mmdebstrap's"
    data: dict[str, bytes] = {}
    for tar in DEBIAN_TARS:
        with tarfile.open(fresh_base / tar) as archive:
            files = {member.name: archive.extractfile(member) for member in archive.getmembers() if member.isreg()}
            data |= {name.removeprefix("."): stream.read() for name, stream in files.items() if stream is not None}
    shipped = {path for name, text in data.items() if name.endswith(".list") for path in text.decode().splitlines()}
    for name in data.keys() - shipped:  # what a package ships may speak of its own project's servers
        assert not [host for host in hosts if host in data[name]], name


def describe_tree(*archives: Path) -> dict[str, tuple[object, ...]]:
    """Path → all that a file system keeps of it, once the tars are unpacked one over the other."""
    found: dict[str, tuple[object, ...]] = {}
    for path in archives:
        with tarfile.open(path) as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isreg() else None
                digest = hashlib.sha256(stream.read()).hexdigest() if stream is not None else ""
                rights = (member.mode, member.uid, member.gid, member.mtime)
                found[member.name.rstrip("/")] = (member.type, rights, member.size, member.linkname, digest)
    return found


@pytest.fixture(scope="module")
def other_bases(fresh_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same packages in one root file system; and without the added ones, as a project has them that adds none."""
    whole, plain = (tmp_path_factory.mktemp(name) for name in ("whole", "plain"))
    for folder in (whole, plain):
        for name in ("base.sh", "base.env", "runtime.packages", "builder.packages"):
            shutil.copy(fresh_base / name, folder)
    added = {*(fresh_base / "added.packages").read_text().splitlines()}
    standard = [line for line in (plain / "runtime.packages").read_text().splitlines() if line not in added]
    (plain / "runtime.packages").write_text("".join(f"{line}\n" for line in standard))
    running = [subprocess.Popen([folder / "base.sh"], stderr=subprocess.PIPE, text=True) for folder in (whole, plain)]
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    return whole, plain


def test_two_layers_hold_what_one_root_file_system_holds(fresh_base: Path, other_bases: tuple[Path, Path]) -> None:
    whole, plain = other_bases
    divided = describe_tree(*(fresh_base / name for name in DEBIAN_TARS))
    undivided = describe_tree(whole / "base.tar")
    assert {path: entry for path, entry in divided.items() if undivided.get(path) != entry} == {}
    assert {*undivided} == {*divided}
    assert not (whole / "added.tar").exists()
    assert not (plain / "added.tar").exists()
    added, standard = (fresh_base / name for name in ("added.tar", "base.tar"))
    assert added.stat().st_size < standard.stat().st_size / 20


def test_the_lower_layer_is_the_same_whatever_a_project_adds(fresh_base: Path, other_bases: tuple[Path, Path]) -> None:
    _, plain = other_bases
    lower, alone = (hashlib.sha256((folder / "base.tar").read_bytes()).hexdigest() for folder in (fresh_base, plain))
    assert lower == alone
    assert "./usr/sbin/gosu" not in describe_tree(fresh_base / "base.tar")


def test_the_builder_adds_its_packages_to_the_base_and_repeats_none_of_it(fresh_base: Path) -> None:
    base: set[str] = set()
    for tar in DEBIAN_TARS:
        with tarfile.open(fresh_base / tar) as archive:
            base |= {member.name for member in archive.getmembers() if member.isreg()}
    with tarfile.open(fresh_base / "builder.tar") as archive:
        added = {member.name for member in archive.getmembers() if not member.isdir()}
        status = archive.extractfile("./var/lib/dpkg/status")
        assert status is not None
        installed = {line.removeprefix("Package: ") for line in status.read().decode().splitlines()}
    packages = (fresh_base / "runtime.packages").read_text() + (fresh_base / "builder.packages").read_text()
    assert {line.split()[0] for line in packages.splitlines()} <= installed
    assert any(name.startswith("./usr/share/python-wheels/pip-") for name in added)
    assert not {name for name in added if name.startswith(("./var/lib/apt/", "./etc/apt/preferences.d/", "./var/log/"))}
    of_both = {name for name in added & base if not name.startswith(("./var/lib/dpkg/", "./etc/ld.so.cache"))}
    assert {name.rpartition("/")[2] for name in of_both} <= SETUID_PROGRAMS  # they lose that bit in each root
    assert (fresh_base / "builder.tar").stat().st_size < (fresh_base / "base.tar").stat().st_size / 3


@pytest.mark.parametrize(("file", "package"), [("runtime.packages", "curl"), ("builder.packages", "binutils")])
def test_a_version_that_the_mirror_lacks_is_named(fresh_base: Path, tmp_path: Path, file: str, package: str) -> None:
    for name in ("base.sh", "base.env", "runtime.packages"):
        shutil.copy(fresh_base / name, tmp_path)
    (tmp_path / "builder.packages").touch()  # of the compiler only what the second case needs
    lines = [line for line in (fresh_base / file).read_text().splitlines() if not line.startswith(f"{package} ")]
    (tmp_path / file).write_text("\n".join([*lines, f"{package} 0.0.1-1 amd64 0"]) + "\n")
    done = subprocess.run([tmp_path / "base.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert f"gone from the mirror: {package} 0.0.1-1" in done.stderr
    assert not (tmp_path / "base.tar").exists()


def test_without_mmdebstrap_and_container_the_next_step_is_said(fresh_base: Path, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "sed", "dirname", "cat"):
        (tools / tool).symlink_to(Path("/usr/bin") / tool)
    done = subprocess.run(
        [fresh_base / "base.sh"], env={**os.environ, "PATH": str(tools)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "apt-get install mmdebstrap" in done.stderr


TOOLS = "awk basename cat cp cut date dirname env grep id mkdir mktemp mv paste rm sed sh sleep sort tail tr wc"
ENDLESS_MMDEBSTRAP = """#!/bin/sh
# Like the real one: the first process takes SIGTERM and waits for what it started.
for word; do case $word in *.part) : >"$word" ;; esac; done
sleep 600 & child=$!
trap : TERM
echo $$ $child >>"$PIDS"
while kill -0 $child 2>/dev/null; do wait $child; done
"""
ENDLESS_DOCKER = """#!/bin/sh
echo "$*" >>"$PIDS.docker"
case $1 in run) : >"${0%/*}/../context/base.tar.part"; echo $$ >>"$PIDS"; exec sleep 600 ;; esac
"""


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A context whose base.sh, run with the PATH `bin` beside it, does not end by itself."""
    folder = tmp_path / "context"
    render_context(read_spec(SAMPLE), read_lock(SAMPLE / "optbuild.lock")).write(folder)
    for name in ("bin", "tmp"):
        (tmp_path / name).mkdir()
    for tool in TOOLS.split():
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool, path="/usr/bin:/bin") or tool)
    return tmp_path


def script(folder: Path, name: str, text: str) -> None:
    (folder / "bin" / name).write_text(text)
    (folder / "bin" / name).chmod(0o755)


def start(folder: Path, processes: int, **env: str) -> subprocess.Popen[str]:
    """Start base.sh and wait until so many processes wrote their ids down."""
    pids = folder / "pids"
    environment = {"PATH": str(folder / "bin"), "TMPDIR": str(folder / "tmp"), "PIDS": str(pids), **env}
    # a job that a script started in the background ignores SIGINT, one of nohup SIGHUP, and no shell can trap that back
    command = ["/usr/bin/env", "--default-signal=INT,HUP", str(folder / "context/base.sh")]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not pids.exists() or len(pids.read_text().split()) < processes:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def runs(pid: str) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def check_nothing_is_left(folder: Path) -> None:
    assert [pid for pid in (folder / "pids").read_text().split() if runs(pid)] == []
    assert list((folder / "tmp").iterdir()) == []
    assert list((folder / "context").glob("*.part")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_job_and_leaves_nothing(endless: Path, number: signal.Signals) -> None:
    script(endless, "mmdebstrap", ENDLESS_MMDEBSTRAP)
    process = start(endless, 2)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 128 + number
    check_nothing_is_left(endless)


def test_a_signal_ends_the_container(endless: Path) -> None:
    script(endless, "docker", ENDLESS_DOCKER)
    process = start(endless, 1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    check_nothing_is_left(endless)
    said = (endless / "pids.docker").read_text()
    assert " --init " in said
    name = said.partition("--name ")[2].split()[0]
    assert f"rm --force {name}" in said.splitlines()


def test_the_container_is_given_the_sources_file_and_its_key(endless: Path) -> None:
    key, sources = endless / "company.gpg", endless / "company.sources"
    key.touch()
    sources.write_text(f"Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nSigned-By: {key}\n")
    script(endless, "docker", '#!/bin/sh\necho "$*" >"$PIDS.docker"\n')
    env = {"PATH": str(endless / "bin"), "PIDS": str(endless / "pids"), "OPTBUILD_DEBIAN_SOURCES": sources.name}
    subprocess.run([endless / "context/base.sh"], cwd=endless, env=env, check=True, capture_output=True)
    run = (endless / "pids.docker").read_text()
    assert f"--volume {sources}:/optbuild/company.sources:ro" in run
    assert "--env OPTBUILD_DEBIAN_SOURCES=/optbuild/company.sources" in run
    assert f"--volume {key}:{key}:ro" in run


def test_a_sources_file_that_is_not_there_is_named(endless: Path) -> None:
    script(endless, "mmdebstrap", ENDLESS_MMDEBSTRAP)
    env = {"PATH": str(endless / "bin"), "OPTBUILD_DEBIAN_SOURCES": "/nowhere.sources"}
    done = subprocess.run([endless / "context/base.sh"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "OPTBUILD_DEBIAN_SOURCES names /nowhere.sources, which is not a file" in done.stderr


@pytest.fixture
def debian_image(tmp_path: Path) -> Iterator[None]:
    """debian:bookworm-slim; where it is not, a stand-in from Debian's packages, removed afterwards."""
    image = "debian:bookworm-slim"
    here = subprocess.run(("docker", "image", "inspect", image), capture_output=True, check=False).returncode == 0
    if not here:
        tar = tmp_path / "debian.tar"
        mirror = ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")
        source = [next(path for path in mirror if Path(path).exists() and "bookworm" in Path(path).read_text())]
        subprocess.run(("mmdebstrap", "--quiet", "--variant=apt", "bookworm", tar, *source), check=True)
        subprocess.run(("docker", "import", tar, image), check=True, capture_output=True)
    yield
    if not here:
        subprocess.run(("docker", "image", "rm", image), check=True, capture_output=True)


@pytest.mark.soak
def test_a_container_makes_the_same_bytes(fresh_base: Path, debian_image: None, endless: Path) -> None:
    """Where the machine has no mmdebstrap. Four minutes."""
    for name in ("runtime.packages", "builder.packages"):  # versions that the mirror has today
        shutil.copyfile(fresh_base / name, endless / "context" / name)
    docker = shutil.which("docker")
    assert docker
    (endless / "bin/docker").symlink_to(docker)
    done = subprocess.run(
        [endless / "context/base.sh"],
        env={**os.environ, "PATH": str(endless / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "using a container" in done.stderr
    for tar in ("base.tar", "added.tar", "builder.tar"):
        host, container = (folder / tar for folder in (fresh_base, endless / "context"))
        assert hashlib.sha256(host.read_bytes()).digest() == hashlib.sha256(container.read_bytes()).digest()
