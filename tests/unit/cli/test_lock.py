"""``optbuild lock`` from the command line, with everything below it faked."""

from __future__ import annotations

import dataclasses
import errno
import io
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from runtime_factory import make_runtime

from builder.cli import main as cli
from builder.core.progress import LineProgress
from builder.image.lock import make
from builder.image.lock.document import read_lock, write_lock
from builder.image.lock.model import DebianPackage, Distribution, Lock, LockInputs, PackageLayer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHA = "ab" * 32
SPEC = """\
[image]
name = "example"
[base]
debian = "bookworm"
[airflow]
version = "2.8.1"
[python]
version = "3.11"
requirements = [
    "six",
    "Pandas == 2.0.3",
]
[apt]
runtime = ["libgomp1"]
"""


def example() -> Lock:
    return Lock(
        platform="linux/arm64",
        inputs=LockInputs("2.8.1", (), "3.11", ("pandas==2.0.3", "six"), "official", "bookworm", ("libgomp1",), ()),
        constraints=None,
        given_up=(),
        source_date_epoch=1,
        uv=Distribution("uv", "1", "wheel", SHA, 1),
        python=tuple(
            Distribution(name, version, "wheel", SHA, 1)
            for name, version in (("apache-airflow", "2.8.1"), ("pandas", "2.0.3"), ("six", "1.16"))
        ),
        build_requires=(),
        shared_libraries=(),
        runtime=(DebianPackage("libgomp1", "1", "arm64", SHA, 1),),
        build=(),
    )


@pytest.fixture
def optbuild(tmp_path: Path) -> Callable[..., int]:
    (tmp_path / "optbuild.toml").write_text(SPEC)

    def run(*argv: str) -> int:
        runtime = make_runtime(tmp_path, {"HOME": str(tmp_path)}, out=sys.stdout, err=sys.stderr)
        return cli.run(("lock", *argv), lambda **_: runtime)

    return run


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the stage was called with; it gives ``example()``."""
    seen: dict[str, Any] = {}

    def fake(*args: Any, **kwargs: Any) -> Lock:
        seen.update(kwargs, args=args)
        return example()

    monkeypatch.setattr(make, "make_lock", fake)
    monkeypatch.setattr(make, "refresh_debian", fake)
    return seen


def test_it_writes_the_lock_and_says_what_is_in_it(
    optbuild: Callable[..., int], made: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert optbuild() == 0
    assert read_lock(tmp_path / "optbuild.lock") == example()
    assert "3 Python distributions" in capsys.readouterr().out
    assert made["previous"] is None


@pytest.mark.parametrize(("machine", "platform"), [("x86_64", "linux/amd64"), ("aarch64", "linux/arm64")])
def test_the_first_lock_is_for_this_machine(
    optbuild: Callable[..., int],
    made: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    machine: str,
    platform: str,
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert optbuild() == 0
    assert made["options"].platform == platform


def test_a_platform_that_is_asked_for_wins(optbuild: Callable[..., int], made: dict[str, Any], tmp_path: Path) -> None:
    write_lock(tmp_path / "optbuild.lock", example())
    assert optbuild("--platform", "linux/amd64") == 0
    assert made["options"].platform == "linux/amd64"
    assert optbuild("--platform", "linux/riscv64") == 2


def test_a_file_that_says_the_same_in_an_older_form_is_written_again(
    optbuild: Callable[..., int], made: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "optbuild.lock"
    write_lock(path, example())
    current = path.read_bytes()
    path.write_bytes(b"# an older header\n" + current)
    assert optbuild() == 0
    assert path.read_bytes() == current


@pytest.mark.parametrize("mode", ["--check", "--refresh-debian"])
@pytest.mark.parametrize("option", [("--constraints", "c.txt"), ("--platform", "linux/amd64")])
def test_an_option_that_would_be_ignored_is_refused(
    optbuild: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    mode: str,
    option: tuple[str, str],
) -> None:
    write_lock(tmp_path / "optbuild.lock", example())
    assert optbuild(mode, *option) == 2
    assert f"it takes no {option[0]}" in capsys.readouterr().err


def test_a_stale_lock_is_not_refreshed(
    optbuild: Callable[..., int], made: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = dataclasses.replace(example(), inputs=dataclasses.replace(example().inputs, apt_build=("gcc",)))
    write_lock(tmp_path / "optbuild.lock", stale)
    assert optbuild("--refresh-debian") == 1
    assert made == {}
    assert f"next: optbuild lock {tmp_path}" in capsys.readouterr().err


def test_it_knows_where_a_person_wrote_things(
    optbuild: Callable[..., int], made: dict[str, Any], tmp_path: Path
) -> None:
    optbuild()
    places = made["options"].places
    assert str(places["pandas==2.0.3"]) == f"{tmp_path / 'optbuild.toml'}:11: python.requirements[1]"
    assert str(places["libgomp1"]) == f"{tmp_path / 'optbuild.toml'}:14: apt.runtime[0]"


def test_an_unchanged_lock_is_not_written_again(
    optbuild: Callable[..., int], made: dict[str, Any], tmp_path: Path
) -> None:
    write_lock(tmp_path / "optbuild.lock", example())
    before = (tmp_path / "optbuild.lock").stat().st_mtime_ns
    assert optbuild("--upgrade-package", "Six", "--constraints", "c.txt", "--format", "json") == 0
    assert (tmp_path / "optbuild.lock").stat().st_mtime_ns == before
    assert made["options"].upgrade_packages == ("Six",)
    assert made["options"].constraints == tmp_path / "c.txt"
    assert made["options"].platform == "linux/arm64"  # a lock keeps its platform


def test_a_damaged_lock_is_replaced(optbuild: Callable[..., int], made: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "optbuild.lock").write_text("lock-version = 99\n")
    assert optbuild() == 0
    assert made["previous"] is None
    assert read_lock(tmp_path / "optbuild.lock") == example()


def test_check_passes_without_a_word_to_anyone(
    optbuild: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lock(tmp_path / "optbuild.lock", example())
    assert optbuild("--check") == 0
    assert capsys.readouterr().out == "optbuild.lock belongs to optbuild.toml.\n"


def test_check_of_a_stale_lock_fails_with_the_reason(
    optbuild: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = dataclasses.replace(example(), inputs=dataclasses.replace(example().inputs, apt_build=("gcc",)))
    write_lock(tmp_path / "optbuild.lock", stale)
    assert optbuild("--check") == 1
    said = capsys.readouterr().err
    assert f"{tmp_path / 'optbuild.lock'}: does not belong" in said
    assert "apt.build: gcc was removed" in said
    assert f"next: optbuild lock {tmp_path}" in said
    assert optbuild("--check", "--format", "json") == 1
    assert json.loads(capsys.readouterr().out)["differences"] == ["apt.build: gcc was removed"]


def test_check_without_a_lock(optbuild: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert optbuild("--check") == 2
    assert f"make it: optbuild lock {tmp_path}" in capsys.readouterr().err


def test_refresh_needs_a_lock(
    optbuild: Callable[..., int], made: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert optbuild("--refresh-debian") == 2
    write_lock(tmp_path / "optbuild.lock", example())
    assert optbuild("--refresh-debian") == 0
    assert made["args"][2] == example()


@pytest.mark.parametrize("argv", [("--check", "--upgrade"), ("--refresh-debian", "--upgrade-package", "six")])
def test_flags_that_exclude_each_other(
    optbuild: Callable[..., int], argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert optbuild(*argv) == 2
    assert "exclude each other" in capsys.readouterr().err


@pytest.mark.parametrize("before", [None, b"old and broken\n"])
def test_a_dry_run_says_what_it_would_write_and_leaves_the_file(
    optbuild: Callable[..., int],
    made: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    before: bytes | None,
) -> None:
    path = tmp_path / "optbuild.lock"
    if before is not None:
        path.write_bytes(before)
    assert optbuild("--dry-run") == 0
    assert "3 Python distributions" in capsys.readouterr().out
    assert (path.read_bytes() if path.exists() else None) == before


def test_check_takes_no_dry_run(optbuild: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert optbuild("--check", "--dry-run") == 2
    assert "--check writes nothing anyway" in capsys.readouterr().err


def test_a_misspelt_name_is_told(
    optbuild: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lock(tmp_path / "optbuild.lock", example())
    assert optbuild("--upgrade-package", "pandaz") == 2
    assert "did you mean pandas?" in capsys.readouterr().err


def test_a_lock_that_cannot_be_written_is_told_before_anything_is_resolved(
    optbuild: Callable[..., int], made: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "optbuild.lock").mkdir()
    assert optbuild() == 2
    assert "optbuild.lock: it is a folder\n  next: correct what is there, " in capsys.readouterr().err
    assert made == {}


def test_a_disk_that_fills_up_meanwhile_leaves_the_old_lock(
    optbuild: Callable[..., int],
    made: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "optbuild.lock").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    assert optbuild() == 3
    assert "optbuild.lock was not written: No space left on device\n  next: " in capsys.readouterr().err
    assert (tmp_path / "optbuild.lock").read_text() == "old"
    assert made


def test_layers_that_join_the_lock_are_told_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "optbuild.toml").write_text(SPEC)
    write_lock(tmp_path / "optbuild.lock", example())
    layers = tuple(PackageLayer(one.name, (one.name,), 1) for one in example().python)
    monkeypatch.setattr(make, "make_lock", lambda *_, **__: dataclasses.replace(example(), layers=layers))
    said = []
    for _ in range(2):
        err = io.StringIO()
        runtime = make_runtime(tmp_path, {"HOME": str(tmp_path)}, progress=LineProgress(err), out=io.StringIO())
        assert cli.run(("lock",), lambda **_: runtime) == 0  # noqa: B023 - called here
        said.append(err.getvalue())
    assert "this one plans 3 layers" in said[0]
    assert "plans" not in said[1]


@pytest.mark.parametrize("mode", ["--check", "--refresh-debian"])
def test_a_mode_that_leaves_the_base_takes_no_refresh_of_it(
    optbuild: Callable[..., int], capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    assert optbuild(mode, "--refresh-base") == 2
    assert f"{mode} leaves the base as it is" in capsys.readouterr().err


def test_a_debian_base_has_no_tag_that_could_move(
    optbuild: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert optbuild("--refresh-base") == 2
    assert "next: for a Debian base: --refresh-debian" in capsys.readouterr().err


@pytest.mark.parametrize("refresh", [False, True])
def test_a_base_image_is_read_before_anything_is_resolved(
    optbuild: Callable[..., int],
    made: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refresh: bool,
) -> None:
    """For the platform of the lock; `make_lock` gets what was found in it."""
    asked: dict[str, Any] = {}
    found = object()

    def read(_runtime: Any, spec: Any, previous: Any, platform: str, *, refresh: bool) -> object:
        asked.update(base=spec.base.image, previous=previous, platform=platform, refresh=refresh)
        return found

    monkeypatch.setattr("builder.cli.lock.read_base_image", read)
    (tmp_path / "optbuild.toml").write_text(SPEC.replace('debian = "bookworm"', 'image = "python:3.11-slim"'))
    assert optbuild("--platform", "linux/arm64", *(["--refresh-base"] if refresh else [])) == 0
    assert asked == {"base": "python:3.11-slim", "previous": None, "platform": "linux/arm64", "refresh": refresh}
    assert made["options"].foundation is found
