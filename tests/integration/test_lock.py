"""``optbuild lock`` with the real uv, the real apt, and wheels made by hand."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builder.core.debian import RELEASE_PYTHON
from builder.core.errors import ToolFailedError
from builder.core.process import LocalRunner
from builder.image.lock.apt_program import read_machine_sources
from builder.image.lock.debian import PackageListSource, PackageRequest, refresh_package_lists, resolve_packages
from builder.image.lock.document import format_lock, read_lock, write_lock
from builder.image.lock.installed import collect_facts
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


def wheel(folder: Path, name: str, files: dict[str, bytes]) -> LockedFile:
    """``name`` 1.0 as a wheel for this platform in ``folder``."""
    info = f"{name}-1.0.dist-info"
    whole = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_17_x86_64\n",
    }
    rows = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in whole.items()]
    whole[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,\n"]).encode()
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
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
