"""The Debian closure, with an apt that answers from a recording."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import (
    ExitCode,
    LockError,
    NoPackageListsError,
    SourcesFileError,
    ToolFailedError,
    UnknownPackageError,
    Where,
)
from builder.core.files import hold_lock
from builder.image.lock.apt import format_apt_conf, parse_uris
from builder.image.lock.debian import PackageListSource, PackageRequest, refresh_package_lists, resolve_packages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.core.process import Command
    from builder.image.lock.target import LockTarget

SOURCES = "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n"
SHA = "cd" * 32
URIS = f"""\
'http://mirror.example/debian/pool/main/s/shadow/login_4.13%2bdfsg1-1_amd64.deb' login_1%3a4.13+dfsg1-1_amd64.deb 616 SHA256:{SHA}
'http://mirror.example/debian/pool/main/t/tzdata/tzdata_2025b-0_all.deb' tzdata_2025b-0_all.deb 259740 SHA256:{SHA}
"""  # noqa: E501 - as apt 2.6 writes it
NAMES = ("base-files", "curl", "libgomp1", "binutils", "python3-pip-whl")


class Debian:
    """Answers for apt-get and apt-cache; ``broken`` fails the call that has that word."""

    def __init__(self, broken: str = "") -> None:
        self.broken = broken

    def __call__(self, command: Command) -> tuple[int, str, str]:
        words = command.argv
        if self.broken and self.broken in words:
            return 100, "", f"E: {self.broken} went wrong"
        if "pkgnames" in words:
            return 0, "\n".join(NAMES), ""
        return self.install(words[words.index("install") + 1 :]) if "install" in words else (0, "", "")

    def install(self, names: tuple[str, ...]) -> tuple[int, str, str]:
        missing = [name for name in names if name not in (*NAMES, "?essential")]
        if missing:
            return 100, "", f"E: Unable to locate package {missing[0]}\n"
        files = [f"{'base-files' if name == '?essential' else name}_1%3a1.0-1_amd64.deb" for name in names]
        return 0, "".join(f"'http://mirror.example/{file}' {file} 7 SHA256:{SHA}\n" for file in files), ""


def archive(fake_runner: Any, tmp_path: Path, answer: Any, sources: str = SOURCES) -> PackageListSource:
    etc = tmp_path / "etc"
    (etc / "sources.list.d").mkdir(parents=True, exist_ok=True)
    (etc / "sources.list.d/debian.sources").write_text(sources)
    return PackageListSource(fake_runner(answer), {"HOME": "/h"}, tmp_path / "cache", etc)


def resolve(fake_runner: Any, tmp_path: Path, target: LockTarget, wishes: PackageRequest, broken: str = "") -> Any:
    place = archive(fake_runner, tmp_path, Debian(broken))
    return resolve_packages(refresh_package_lists(target, place), target, wishes), place


def test_the_closure_has_the_essential_packages_and_the_builders_are_apart(
    fake_runner: Any, tmp_path: Path, target: LockTarget
) -> None:
    packages, _ = resolve(fake_runner, tmp_path, target, PackageRequest(("curl",), (), {}))
    assert [one.name for one in packages.runtime] == ["base-files", "curl"]
    assert [one.name for one in packages.build] == ["binutils", "python3-pip-whl"]
    assert packages.runtime[1].version == "1:1.0-1"
    assert (packages.runtime[1].sha256, packages.runtime[1].size) == (SHA, 7)


def test_locked_versions_are_pinned_and_nothing_else(fake_runner: Any, tmp_path: Path, target: LockTarget) -> None:
    resolve(fake_runner, tmp_path, target, PackageRequest(("curl",), (), {"curl": "7.88.1-10", "base-files": "12.4"}))
    preferences = (tmp_path / "cache/apt/bookworm-amd64/preferences").read_text()
    assert preferences.count("Package: ") == 2
    assert "Package: curl\nPin: version 7.88.1-10\nPin-Priority: 1001\n" in preferences


def test_a_second_run_says_whom_it_waits_for(fake_runner: Any, tmp_path: Path, target: LockTarget) -> None:
    place = archive(fake_runner, tmp_path, Debian())
    said: list[str] = []
    holding, free = threading.Event(), threading.Event()

    def hold() -> None:
        with hold_lock(tmp_path / "cache/apt/bookworm-amd64.lock", "reading lists of another run"):
            holding.set()
            free.wait(10)

    def say(text: str) -> None:
        said.append(text)
        free.set()

    def while_held(action: Callable[[], Any]) -> Any:
        holding.clear()
        free.clear()
        holder = threading.Thread(target=hold)
        holder.start()
        holding.wait(10)
        result = action()
        holder.join()
        return result

    apt = while_held(lambda: refresh_package_lists(target, replace(place, say=say)))
    while_held(lambda: resolve_packages(apt, target, PackageRequest(("curl",), (), {}), say))
    assert len(said) == 2
    assert all(re.fullmatch(r"waiting for process \d+: reading lists of another run, since \d+ s", one) for one in said)


def test_an_unknown_name_gets_near_ones_and_its_line(fake_runner: Any, tmp_path: Path, target: LockTarget) -> None:
    wishes = PackageRequest(("libgomp2",), (), {}, {"libgomp2": Where("optbuild.toml", 9, "apt.runtime[0]")})
    with pytest.raises(UnknownPackageError, match="bookworm has no package libgomp2") as caught:
        resolve(fake_runner, tmp_path, target, wishes)
    assert str(caught.value).startswith("optbuild.toml:9: apt.runtime[0]: ")
    assert "did you mean libgomp1" in str(caught.value)


@pytest.mark.parametrize(("broken", "error"), [("update", ToolFailedError), ("install", LockError)])
def test_what_apt_says_is_passed_on(
    fake_runner: Any, tmp_path: Path, target: LockTarget, broken: str, error: type[Exception]
) -> None:
    with pytest.raises(error, match=f"E: {broken} went wrong"):
        resolve(fake_runner, tmp_path, target, PackageRequest(("curl",), (), {}), broken)


def test_apt_changes_nothing_of_the_machine(fake_runner: Any, tmp_path: Path, target: LockTarget) -> None:
    _, place = resolve(fake_runner, tmp_path, target, PackageRequest(("curl",), (), {}))
    root = tmp_path / "cache/apt/bookworm-amd64"
    for argv in place.runner.argvs:
        if argv[1:] != ("--version",):
            assert argv[1:3] == ("--config-file", str(root / "apt.conf"))
        assert "install" not in argv or "--print-uris" in argv
    assert (root / "status").read_text() == ""
    written = format_apt_conf(root, "amd64")
    for key in ("Dir::State", "Dir::State::status", "Dir::Cache", "Dir::Etc::sourceparts", "Dir::Etc::preferences"):
        assert f'{key} "{root}' in written


def test_without_a_source_of_the_release_a_container_is_asked(
    fake_runner: Any, tmp_path: Path, target: LockTarget
) -> None:
    def answer(command: Command) -> tuple[int, str, str]:
        if "cat" in command.argv:
            return 0, SOURCES, ""
        return Debian()(command)

    place = archive(fake_runner, tmp_path, answer, sources="")
    refresh_package_lists(target, place)
    runner: Any = place.runner
    assert runner.argvs
    assert all(argv[:3] == ("docker", "run", "--rm") and "debian:bookworm-slim" in argv for argv in runner.argvs)
    written = tmp_path / "cache/apt/bookworm-amd64/etc/sources.list.d/debian.sources"
    assert "Suites: bookworm" in written.read_text()


@pytest.mark.parametrize(
    "text", [SOURCES.replace("mirror", "named"), "deb http://named.example/debian bookworm main\n"]
)
def test_a_named_sources_file_is_used_instead(fake_runner: Any, tmp_path: Path, target: LockTarget, text: str) -> None:
    (tmp_path / "mine.txt").write_text(text)
    place = replace(
        archive(fake_runner, tmp_path, Debian()), env={"OPTBUILD_DEBIAN_SOURCES": str(tmp_path / "mine.txt")}
    )
    apt = refresh_package_lists(target, place)
    (written,) = (apt.root / "etc/sources.list.d").iterdir()
    assert "http://named.example/debian" in written.read_text()
    assert written.suffix == (".sources" if "Types" in text else ".list")


@pytest.mark.parametrize(
    ("text", "message"), [(None, "cannot be read: No such file"), ("# none", "no source of bookworm")]
)
def test_a_named_sources_file_that_is_of_no_use(
    fake_runner: Any, tmp_path: Path, target: LockTarget, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / "mine.list").write_text(text)
    env = {"OPTBUILD_DEBIAN_SOURCES": str(tmp_path / "mine.list")}
    with pytest.raises(SourcesFileError, match=message):
        refresh_package_lists(target, replace(archive(fake_runner, tmp_path, Debian()), env=env))


def test_where_neither_works_it_says_what_to_do(fake_runner: Any, tmp_path: Path, target: LockTarget) -> None:
    place = archive(fake_runner, tmp_path, lambda _c: (125, "", "x\npull access denied\n"), sources="")
    with pytest.raises(NoPackageListsError, match=r"has no apt source of bookworm.*pull access denied") as caught:
        refresh_package_lists(target, place)
    assert caught.value.exit_code is ExitCode.ENGINE
    assert "/etc/apt/sources.list.d" in str(caught.value)


def test_names_versions_and_hashes_are_read_and_no_mirror() -> None:
    login, tzdata = parse_uris(URIS)
    assert (login.name, login.version, login.architecture) == ("login", "1:4.13+dfsg1-1", "amd64")
    assert (tzdata.architecture, tzdata.size, tzdata.sha256) == ("all", 259740, SHA)


@pytest.mark.parametrize(
    "line", ["'http://m/x_1_all.deb' x_1_all.deb 5 MD5Sum:00", "W: something", "'u' x_1.deb 5 SHA256:" + SHA]
)
def test_a_package_without_a_sha256_is_refused(line: str) -> None:
    with pytest.raises(LockError, match="not a package with a sha256"):
        parse_uris(line + "\n")
