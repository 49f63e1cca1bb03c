"""``optbuild lock`` with the real uv, the real apt, and wheels made by hand."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.core.build_packages import _DISTRIBUTIONS, _HEADERS, _LIBRARIES, _MODULES, _PROGRAMS, _SENTENCES
from builder.core.debian import RELEASE_PYTHON, list_runtime_packages
from builder.core.errors import ToolFailedError
from builder.core.process import LocalRunner
from builder.dockerfile.runtime_libraries import find_runtime_library
from builder.image.lock.apt_program import read_machine_sources
from builder.image.lock.debian import PackageListSource, PackageRequest, refresh_package_lists, resolve_packages
from builder.image.lock.document import format_lock, read_lock, write_lock
from builder.image.lock.installed import collect_facts
from builder.image.lock.layers.standard_packages import STANDARD_PACKAGES
from builder.image.lock.pylock import LockedFile
from builder.image.lock.sonames import _ANY_LINUX, find_library_package
from builder.image.lock.target import LockTarget
from builder.image.lock.uv import find_uv

IMAGE = Path(__file__).parents[2] / "images/airflow"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of our own, empty at first: everything is really read and built once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The sample image with its lock, and its pins as constraints: no other file is needed."""
    folder = tmp_path / "image"
    shutil.copytree(IMAGE, folder)
    pins = {one.name: one.version for one in read_lock(IMAGE / "optbuild.lock").python}
    pins |= {"pyparsing": "3.1.1", "never-installed": "1.0"}
    pins.pop("apache-airflow")
    (folder / "constraints.txt").write_text("".join(f"{name}=={version}\n" for name, version in pins.items()))
    return folder


def lock(folder: Path, cache: Path, *argv: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does."""
    command = [sys.executable, "-c", "from builder.cli.main import main; main()", "lock", str(folder), *argv]
    if "--check" not in argv and "--refresh-debian" not in argv:
        command += ["--constraints", str(folder / "constraints.txt")]
    whole = {**os.environ, "XDG_CACHE_HOME": str(cache), **env}
    done = subprocess.run(command, env=whole, capture_output=True, text=True, check=False, cwd=IMAGE.parents[1])
    assert done.returncode == code, done.stderr
    return done


def edit(folder: Path, old: str, new: str) -> None:
    text = (folder / "optbuild.toml").read_text()
    assert old in text
    (folder / "optbuild.toml").write_text(text.replace(old, new))


def test_the_sample_image_locks_from_nothing_and_again_to_the_same_bytes(project: Path, cache: Path) -> None:
    (project / "optbuild.lock").unlink()
    done = lock(project, cache)
    made = read_lock(project / "optbuild.lock")
    versions = {one.name: one.version for one in made.python}
    assert versions == {one.name: one.version for one in read_lock(IMAGE / "optbuild.lock").python}
    assert [one.forced_by for one in made.given_up] == ["matplotlib 3.7.2 needs pyparsing<3.1,>=2.3.1"]
    assert "pyparsing 3.1.1 -> 3.0.9" in done.stdout
    assert "=> resolve Python distributions" in done.stderr
    assert {one.name for one in made.python if one.kind == "sdist"} <= {
        "cron-descriptor",
        "dill",
        "python-nvd3",
        "unicodecsv",
    }
    assert {"setuptools", "wheel"} <= {one.name for one in made.build_requires}
    assert dict(made.shared_libraries)["libstdc++.so.6"] == "libstdc++6"
    before = (project / "optbuild.lock").read_bytes()
    lock(project, cache)
    assert (project / "optbuild.lock").read_bytes() == before
    lock(project, cache, "--check")
    assert not re.search(rb"https?://", before)


def test_the_committed_lock_is_current() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from builder.cli.main import main; main()", "lock", str(IMAGE), "--check"],
        env={"HOME": "/nonexistent", "PATH": "/nonexistent"},  # neither a tool nor a cache is asked
        capture_output=True,
        check=False,
        cwd=IMAGE.parents[1],
    )
    assert done.returncode == 0, done.stderr


def test_the_committed_lock_is_just_what_is_written_today() -> None:
    text = (IMAGE / "optbuild.lock").read_text()
    assert format_lock(read_lock(IMAGE / "optbuild.lock")) == text


def test_pins_that_contradict_each_other_are_named_with_their_lines(project: Path, cache: Path) -> None:
    edit(project, '"matplotlib==3.7.2",', '"matplotlib==3.7.2",\n    "pyparsing==3.1.1",')
    before = (project / "optbuild.lock").read_bytes()
    done = lock(project, cache, code=2)
    assert "matplotlib==3.7.2 depends on pyparsing>=2.3.1,<3.1" in done.stderr
    assert re.search(r"optbuild.toml:\d+: python.requirements\[1\]: pyparsing==3.1.1", done.stderr)
    assert (project / "optbuild.lock").read_bytes() == before


def test_only_the_asked_distribution_moves(project: Path, cache: Path) -> None:
    old = read_lock(project / "optbuild.lock")
    rows = [replace(one, version="1.15.0") if one.name == "six" else one for one in old.python]
    sha256 = hashlib.sha256((project / "constraints.txt").read_bytes()).hexdigest()
    assert old.constraints is not None
    write_lock(
        project / "optbuild.lock",
        replace(old, python=tuple(rows), constraints=replace(old.constraints, sha256=sha256)),
    )
    lock(project, cache)
    kept = {one.name: one.version for one in read_lock(project / "optbuild.lock").python}
    assert kept["six"] == "1.15.0"
    done = lock(project, cache, "--upgrade-package", "six")
    moved = {one.name: one.version for one in read_lock(project / "optbuild.lock").python}
    assert {name for name in moved if moved[name] != kept[name]} == {"six"}
    assert "six 1.15.0 -> " in done.stdout


def test_other_constraints_beat_the_lock_before(project: Path, cache: Path) -> None:
    old = read_lock(project / "optbuild.lock")
    rows = [replace(one, version="1.15.0") if one.name == "six" else one for one in old.python]
    write_lock(project / "optbuild.lock", replace(old, python=tuple(rows)))  # of the official file, not of ours
    lock(project, cache)
    now = {one.name: one.version for one in read_lock(project / "optbuild.lock").python}
    assert now["six"] == next(one.version for one in old.python if one.name == "six")


def test_a_version_that_the_release_dropped_is_replaced_and_said(project: Path, cache: Path) -> None:
    old = read_lock(project / "optbuild.lock")
    rows = [replace(one, version="7.0-1") if one.name == "curl" else one for one in old.runtime]
    write_lock(project / "optbuild.lock", replace(old, runtime=tuple(rows)))
    done = lock(project, cache, "--refresh-debian")
    new = read_lock(project / "optbuild.lock")
    assert re.search(r"curl 7.0-1 -> \S+: bookworm no longer offers 7.0-1", done.stdout)
    assert new.python == old.python
    assert "7.0-1" not in {one.version for one in new.runtime}


def test_a_debian_package_that_does_not_exist(project: Path, cache: Path) -> None:
    (project / "optbuild.toml").write_text((project / "optbuild.toml").read_text() + '[apt]\nruntime = ["libgomp7"]\n')
    done = lock(project, cache, code=2)
    assert re.search(r"optbuild.toml:\d+: apt.runtime\[0\]: Debian bookworm has no package libgomp7", done.stderr)
    assert "libgomp1" in done.stderr


# -- wheels made by hand ----------------------------------------------------------------------------------------------


def elf_file(needed: str) -> bytes:
    """A shared object for x86-64 that needs one library, and that a loader would read."""
    strings = b"\0" + needed.encode() + b"\0"
    dynamic_at = 64 + 2 * 56
    strings_at = dynamic_at + 4 * 16
    tags = [(1, 1), (5, strings_at), (10, len(strings)), (0, 0)]
    dynamic = b"".join(struct.pack("<qQ", *pair) for pair in tags)
    size = strings_at + len(strings)
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 0x1000)
    table = struct.pack("<IIQQQQQQ", 2, 6, dynamic_at, dynamic_at, 0, len(dynamic), len(dynamic), 8)
    return header + load + table + dynamic + strings


def wheel(
    folder: Path,
    name: str,
    files: dict[str, bytes],
    *,
    tag: str = "cp311-cp311-manylinux_2_17_x86_64",
    requires: str = "",
) -> LockedFile:
    """``name`` 1.0 as a wheel in ``folder``, for this platform if ``tag`` names no other."""
    info, needs = f"{name}-1.0.dist-info", f"Requires-Dist: {requires}\n" if requires else ""
    whole = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
    }
    rows = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in whole.items()]
    whole[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,\n"]).encode()
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, data in whole.items():
            archive.writestr(inside, data)
    return LockedFile(name, "1.0", "wheel", hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size, None)


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def test_a_wheel_that_needs_a_library_nobody_listed(project: Path, cache: Path, tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "optbuild_odd", {"optbuild_odd/_odd.so": elf_file("libpq.so.5")})
    edit(project, '"matplotlib==3.7.2",', '"matplotlib==3.7.2",\n    "optbuild-odd==1.0",')
    done = lock(project, cache, code=2, UV_FIND_LINKS=str(tmp_path / "wheels"))
    assert "optbuild_odd/_odd.so of optbuild-odd needs the shared library libpq.so.5" in done.stderr
    assert "runtime of [apt] (by Debian's naming rule libpq5)" in done.stderr
    (project / "optbuild.toml").write_text((project / "optbuild.toml").read_text() + '[apt]\nruntime = ["libpq5"]\n')
    lock(project, cache, UV_FIND_LINKS=str(tmp_path / "wheels"))
    assert ("libpq.so.5", "libpq5") in read_lock(project / "optbuild.lock").shared_libraries


def test_a_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    good = wheel(tmp_path / "wheels", "optbuild_good", {"optbuild_good.py": b"x = 1\n"})
    env = {**os.environ, "UV_FIND_LINKS": str(tmp_path / "wheels")}
    uv = find_uv(LocalRunner(), env, sys.executable)
    target = LockTarget("3.11", "bookworm")
    file = replace(good, name="optbuild-good")
    assert collect_facts(uv, target, [file], (), tmp_path / "one", say=print).facts["optbuild-good"].elf == ()
    with pytest.raises(ToolFailedError, match=r"(?i)hash mismatch"):
        collect_facts(uv, target, [replace(file, sha256="00" * 32)], (), tmp_path / "two", say=print)


# -- sources that cannot be built here --------------------------------------------------------------------------------


def ask_for(folder: Path, *requirements: str) -> None:
    """Also of these; nothing of ``[apt]``."""
    edit(folder, '"matplotlib==3.7.2",', "".join(f'"{line}",\n    ' for line in ("matplotlib==3.7.2", *requirements)))


def source(folder: Path, name: str, setup: str, *, pyproject: str = "") -> None:
    """``name`` 1.0 as an sdist in ``folder``, whose setup.py starts with ``setup``."""
    folder.mkdir(exist_ok=True)
    call = f"setuptools.setup(name={name!r}, version='1.0', install_requires=['six'])"
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "setup.py": f"{setup}\nimport setuptools\n{call}\n",
    }
    if pyproject:
        files["pyproject.toml"] = pyproject
    with tarfile.open(folder / f"{name}-1.0.tar.gz", "w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"{name}-1.0/{path}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))


NO_ENGINE = "unix:///nonexistent/docker.sock"
FAILS = "raise SystemExit('acme.c:1:10: fatal error: ffi.h: No such file or directory')"
ONLY_COMPILES = f"import sys\nif 'bdist_wheel' in sys.argv: {FAILS}"
STATIC = '[project]\nname = "optbuild-static"\nversion = "1.0"\ndependencies = ["click"]\n'
STATIC += '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'


def test_metadata_of_what_cannot_be_built_here(project: Path, cache: Path, tmp_path: Path) -> None:
    """Static in the sdist, then of a wheel for another system, then what the build backend says: no engine is asked."""
    index = tmp_path / "index"
    source(index, "optbuild_static", FAILS, pyproject=STATIC)
    source(index, "optbuild_other", FAILS)
    other = wheel(index, "optbuild_other", {}, tag="cp311-cp311-win_amd64", requires="pytz")
    assert other.kind == "wheel"
    source(index, "optbuild_backend", ONLY_COMPILES)
    ask_for(project, "optbuild-static==1.0", "optbuild-other==1.0", "optbuild-backend==1.0")
    done = lock(project, cache, UV_FIND_LINKS=str(index), DOCKER_HOST=NO_ENGINE)
    made = {one.name: one for one in read_lock(project / "optbuild.lock").python}
    assert {name: (made[name].kind, made[name].dependencies) for name in made if name.startswith("optbuild")} == {
        "optbuild-static": ("sdist", ("click",)),
        "optbuild-other": ("sdist", ("pytz",)),
        "optbuild-backend": ("sdist", ("six",)),
    }
    assert "optbuild-static 1.0 has no wheel, and its source cannot be built on this machine:" in done.stderr
    assert "its metadata is that of its own source" in done.stderr
    assert "of its wheel optbuild_other-1.0-cp311-cp311-win_amd64.whl" in done.stderr
    assert "of its own build backend" in done.stderr
    assert done.stderr.count("acme.c:1:10: fatal error: ffi.h: No such file or directory") == 3
    assert '[apt] build = ["libffi-dev"]' in done.stderr


def test_what_only_a_build_can_tell_needs_an_engine(project: Path, cache: Path, tmp_path: Path) -> None:
    """uv cannot resolve with it either."""
    source(tmp_path / "index", "optbuild_mute", FAILS)
    ask_for(project, "optbuild-mute==1.0")
    before = (project / "optbuild.lock").read_bytes()
    (project / "optbuild.toml").write_text((project / "optbuild.toml").read_text() + '[apt]\nbuild = ["libffi-dev"]\n')
    done = lock(project, cache, code=3, UV_FIND_LINKS=str(tmp_path / "index"), DOCKER_HOST=NO_ENGINE)
    assert "optbuild-mute 1.0 has no wheel, and its source cannot be built on this machine:" in done.stderr
    assert (
        "it must be built in the builder stage, and that cannot be done here: no Docker engine answers" in done.stderr
    )
    assert "apt-get install libffi-dev" in done.stderr
    assert (project / "optbuild.lock").read_bytes() == before


def test_drivers_of_databases_lock_without_their_headers(project: Path, cache: Path) -> None:
    """The real ones. What their builds and the image lack is told at once, with a line to copy."""
    ask_for(project, "mysqlclient==2.2.4", "python-ldap==3.4.4", "psycopg2==2.9.9")
    done = lock(project, cache, DOCKER_HOST=NO_ENGINE)
    made = {one.name: one for one in read_lock(project / "optbuild.lock").python}
    assert made["mysqlclient"].dependencies == ()
    assert made["python-ldap"].dependencies == ("pyasn1-modules>=0.1.5", "pyasn1>=0.3.7")
    assert "psycopg2-binary has the same modules as a wheel" in done.stderr
    (build,) = re.findall(r"\[apt\] build = (\[.*\])", done.stderr)
    assert {"gcc", "libc6-dev", "python3-dev", "libpq-dev", "libldap2-dev", "pkg-config"} <= set(json.loads(build))
    (runtime,) = re.findall(r"\[apt\] runtime = (\[.*\])", done.stderr)
    assert json.loads(runtime) == ["libmariadb3", "libpq5"]  # the base has OpenLDAP for curl


@pytest.mark.parametrize(
    ("requirement", "said", "other"),
    [
        ("scikit-learn==0.24.2", "scikit-learn 0.24.2 has no wheel for Python 3.11 (it has wheels for 3.7, ", "1.1.3"),
        (
            "pandas==1.0.0",
            "its source needs numpy 1.14.5 to be built, which has no wheel for Python 3.11 either",
            "1.5.0",
        ),
    ],
)
def test_a_version_that_is_too_old_for_this_python(
    project: Path, cache: Path, requirement: str, said: str, other: str
) -> None:
    name = requirement.partition("==")[0]
    for line in ("pandas==2.0.3", "scikit-learn==1.3.0", "seaborn==0.12.2", "numpy==1.24.3"):
        edit(project, f'"{line}"', f'"{requirement if line.startswith(name) else line.partition("==")[0]}"')
    done = lock(project, cache, code=2, DOCKER_HOST=NO_ENGINE)
    assert said in done.stderr
    assert f"ask for {name}=={other}, which has a wheel for Python 3.11" in done.stderr


def test_a_source_that_does_not_speak_is_built_in_the_builder_stage(project: Path, cache: Path) -> None:
    """The real one, whose setup.py says nothing at all without curl-config; on the engine, said before it begins."""
    ask_for(project, "pycurl==7.45.2")
    done = lock(project, cache, code=2)
    (line,) = re.findall(r"write (\[apt\] build = \[.*\]), then: optbuild lock", done.stderr)
    key = line.removeprefix("[apt] ")
    (project / "optbuild.toml").write_text(f"{(project / 'optbuild.toml').read_text()}[apt]\nruntime = []\n{key}\n")
    done = lock(project, cache)
    assert done.stderr.index("it is built in the builder stage now, on the Docker engine") < done.stderr.index(
        "=> base:"
    )
    assert {one.name: one.kind for one in read_lock(project / "optbuild.lock").python}["pycurl"] == "sdist"
    assert "pycurl 7.45.2 loads libcurl4" not in done.stderr  # the base has it for curl
    again = lock(project, cache, DOCKER_HOST=NO_ENGINE)
    assert "builder stage" not in again.stderr  # what was found out stays in the cache


# -- Debian -----------------------------------------------------------------------------------------------------------


RELEASES = [
    (release, python)
    for release, python in RELEASE_PYTHON.items()
    if release == "bookworm" or read_machine_sources(Path("/etc/apt"), release)
]
"""The sample image's own, and whatever else this machine has a source of."""


@pytest.mark.parametrize(("release", "python"), RELEASES)
def test_the_table_of_libraries_names_packages_of_the_release(release: str, python: str, cache: Path) -> None:
    archive = PackageListSource(LocalRunner(), dict(os.environ), cache / "optbuild", Path("/etc/apt"))
    apt = refresh_package_lists(LockTarget(python, release), archive)
    names = apt.list_names()
    wanted: dict[str, Any] = {soname: find_library_package(soname, release, python) for soname in _ANY_LINUX}
    wanted["libpython"] = find_library_package(f"libpython{python}.so.1.0", release, python)
    assert not {soname: package for soname, package in wanted.items() if package not in names}


@pytest.mark.parametrize(("release", "python"), RELEASES)
def test_the_tables_about_sources_name_packages_of_the_release(release: str, python: str, cache: Path) -> None:
    archive = PackageListSource(LocalRunner(), dict(os.environ), cache / "optbuild", Path("/etc/apt"))
    names = set(refresh_package_lists(LockTarget(python, release), archive).list_names())
    rows = (*_HEADERS, *_LIBRARIES, *_MODULES, *_SENTENCES)
    build = {name for _, packages in rows for name in packages}
    build |= {name for packages in (*_DISTRIBUTIONS.values(), *_PROGRAMS.values()) for name in packages}
    assert build - names == set()
    found = {name: (find_runtime_library("apt", name, release) or "").split() for name in build}
    assert {name: libraries for name, libraries in found.items() if not set(libraries) <= names} == {}


@pytest.mark.parametrize(("release", "python"), RELEASES)
def test_the_table_of_standard_packages_is_what_every_image_gets(release: str, python: str, cache: Path) -> None:
    target = LockTarget(python, release)
    archive = PackageListSource(LocalRunner(), dict(os.environ), cache / "optbuild", Path("/etc/apt"))
    names = list_runtime_packages(python, gosu=False, extra=("libstdc++6",))
    found = resolve_packages(refresh_package_lists(target, archive), target, PackageRequest(names, (), {}))
    assert {one.name for one in found.runtime} == STANDARD_PACKAGES[release]


def test_the_closure_is_small(cache: Path) -> None:
    lock_of_sample = read_lock(IMAGE / "optbuild.lock")
    names = {one.name for one in lock_of_sample.runtime}
    assert not names & {"apt", "usrmerge", "perl", "python3-pip", "python3-pip-whl", "gcc-12", "binutils"}
    assert {"libc6", "libstdc++6", "zlib1g", "python3.11", "ca-certificates", "curl", "dumb-init", "gosu"} <= names
    assert sum(one.size for one in lock_of_sample.runtime) < 45_000_000
    assert len(format_lock(lock_of_sample)) < 100_000
    target = LockTarget("3.11", "bookworm")
    apt = refresh_package_lists(
        target, PackageListSource(LocalRunner(), dict(os.environ), cache / "optbuild", Path("/etc/apt"))
    )
    bare = resolve_packages(apt, target, PackageRequest((), (), {}))
    assert "gosu" not in {one.name for one in bare.runtime}
    assert "dpkg" in {one.name for one in bare.runtime}
