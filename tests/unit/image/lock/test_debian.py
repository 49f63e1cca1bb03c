"""The Debian closure, with an apt that answers from a recording."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builder.airflow.releases import find_release
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
from builder.image.lock.debian import (
    PackageListSource,
    PackageRequest,
    list_requested_packages,
    refresh_package_lists,
    resolve_packages,
    select_kept_versions,
)
from builder.image.lock.foundation import Foundation, InstalledPackage
from builder.image.lock.model import Lock, LockInputs

if TYPE_CHECKING:
    from collections.abc import Callable

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


STATUS = "Package: netbase\nStatus: install ok installed\nVersion: 6.4\nArchitecture: all\n"


class InstalledDebian(Debian):
    """An image that has netbase; ``removes`` is what apt would take away for anything else."""

    def __init__(self, removes: str = "") -> None:
        super().__init__()
        self.removes = removes
        self.status: list[str] = []

    def __call__(self, command: Command) -> tuple[int, str, str]:
        words = command.argv
        if "install" in words and "--option" in words:
            key, path = words[words.index("--option") + 1].split("=")
            assert key == "Dir::State::status"
            self.status.append(Path(path).read_text())
            if self.removes:
                plan = f"Inst curl (1 Debian [amd64])\nRemv {self.removes} [1]\n"
                return (0, plan, "") if "--simulate" in words else (100, "", "E: Packages need to be removed\n")
        return super().__call__(command)


def resolve_additions(fake_runner: Any, tmp_path: Path, target: LockTarget, debian: Debian, *wanted: str) -> Any:
    apt = refresh_package_lists(target, archive(fake_runner, tmp_path, debian))
    return resolve_packages(apt, target, PackageRequest(wanted, ("curl",), {}, installed=STATUS)), apt


def test_on_a_foundation_apt_reads_what_is_installed_and_asks_for_nothing_essential(
    fake_runner: Any, tmp_path: Path, target: LockTarget
) -> None:
    debian = InstalledDebian()
    packages, apt = resolve_additions(fake_runner, tmp_path, target, debian, "libgomp1")
    assert [one.name for one in packages.runtime] == ["libgomp1"]
    assert [one.name for one in packages.build] == ["binutils", "curl", "python3-pip-whl"]
    assert debian.status == [STATUS, STATUS]
    for argv in apt.runner.argvs:
        assert ("--no-upgrade" in argv and "--no-remove" in argv) or "install" not in argv
    assert (apt.root / "status").read_text() == "", "a base of our own starts from nothing"


def test_each_foundation_has_a_status_file_of_its_own_and_the_last_one_stays(
    fake_runner: Any, tmp_path: Path, target: LockTarget
) -> None:
    _, apt = resolve_additions(fake_runner, tmp_path, target, InstalledDebian(), "curl")
    first = list(apt.root.glob("status-*"))
    apt.resolve_additions(["curl"], STATUS.replace("6.4", "6.5"))
    second = list(apt.root.glob("status-*"))
    assert (len(first), len(second)) == (1, 1)
    assert first != second


def test_a_foundation_that_lacks_nothing_gets_nothing_and_apt_is_not_asked(
    fake_runner: Any, tmp_path: Path, target: LockTarget
) -> None:
    apt = refresh_package_lists(target, archive(fake_runner, tmp_path, InstalledDebian("netbase")))
    assert apt.resolve_additions([], STATUS) == ()


def test_a_package_of_the_foundation_is_never_removed(fake_runner: Any, tmp_path: Path, target: LockTarget) -> None:
    with pytest.raises(LockError, match="the base image would lose netbase, which") as caught:
        resolve_additions(fake_runner, tmp_path, target, InstalledDebian("netbase"), "curl")
    assert "another base image" in str(caught.value)


def test_a_foundation_that_does_not_hold_together_is_blamed_itself(
    fake_runner: Any, tmp_path: Path, target: LockTarget
) -> None:
    def answer(command: Command) -> tuple[int, str, str]:
        if "check" in command.argv:
            said = "Reading...\nThe following packages have unmet dependencies:\n curl : Depends: libcurl4\n"
            return 100, said, "E: Unmet dependencies."
        return (100, "", "E: Unmet dependencies.") if "install" in command.argv else (0, "", "")

    apt = refresh_package_lists(target, archive(fake_runner, tmp_path, answer))
    with pytest.raises(LockError, match=r"do not hold together by themselves:\n curl : Depends: libcurl4") as caught:
        apt.resolve_additions(["gosu"], STATUS)
    assert "mend that image" in str(caught.value)


def test_an_unknown_name_is_said_on_a_foundation_too(fake_runner: Any, tmp_path: Path, target: LockTarget) -> None:
    with pytest.raises(UnknownPackageError, match="bookworm has no package libgomp2"):
        resolve_additions(fake_runner, tmp_path, target, InstalledDebian(), "libgomp2")


def requested(foundation: Foundation | None, *runtime: str) -> set[str]:
    inputs = LockInputs("2.8.1", (), "3.11", (), "none", "", runtime, ())
    return set(list_requested_packages(inputs, find_release("2.8.1"), ["libpq5"], foundation))


def test_an_image_gets_the_contract_but_no_second_python(foundation: Foundation) -> None:
    contract = {"ca-certificates", "curl", "dumb-init", "gosu", "libpq5", "netbase", "tzdata"}
    assert requested(foundation) == contract | {"usr-is-merged"}
    assert requested(None) == contract | {"python3", "python3.11", "usr-is-merged"}
    merged = replace(foundation, packages=(*foundation.packages, InstalledPackage("usrmerge", "35", "all")))
    assert requested(merged) == contract
    assert requested(merged, "python3") == {*contract, "python3"}, "a person asked for it"
    debians = replace(merged, python_path="/usr/bin/python3.11")
    assert requested(debians) == {*contract, "python3", "python3.11"}


def test_an_image_of_airflow_gets_only_what_is_asked_for(foundation: Foundation) -> None:
    assert requested(replace(foundation, kind="airflow"), "git") == {"git", "libpq5"}
    assert requested(replace(foundation, contract="optbuild"), "git") == {"git", "libpq5"}


def test_versions_are_kept_only_on_the_same_foundation(lock: Lock, founded: Lock, foundation: Foundation) -> None:
    versions = {"libgomp1": "12.2.0-14+deb12u1", "binutils": "2.40-2"}
    assert select_kept_versions(founded, ["zlib1g"], foundation) == versions
    assert select_kept_versions(lock, ["zlib1g"]) == versions
    assert select_kept_versions(founded, (), replace(foundation, digest=f"sha256:{SHA}")) == {}
    assert select_kept_versions(lock, (), foundation) == {}
    assert select_kept_versions(None, (), foundation) == {}
