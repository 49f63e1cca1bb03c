"""Making a base: once per content, and each way in which it fails says what to do."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from runtime_factory import make_runtime

from builder.core.errors import ToolFailedError, ToolMissingError, VanishedPackagesError
from builder.core.process import Command, ProcessResult
from builder.image.base.leftovers import make_scratch_folder
from builder.image.base.make import hash_base_inputs, make_base, make_base_anew, make_base_environment
from builder.image.render.model import BuildContext, ContextFile

if TYPE_CHECKING:
    from collections.abc import Callable


def context_of(packages: bytes = b"curl 1 amd64 00\n") -> BuildContext:
    names = dict.fromkeys(("base.env", "builder.packages", "added.packages"), b"")
    names |= {"base.sh": b"#!/bin/sh\n", "runtime.packages": packages}
    files = (ContextFile(name, data, executable=name == "base.sh") for name, data in sorted(names.items()))
    return BuildContext(tuple(files), "linux/amd64", 1)


class FakeRunner:
    """Does what base.sh does: two tars beside it, or an exit code and a message."""

    def __init__(self, code: int = 0, err: str = "") -> None:
        self.code, self.err, self.runs = code, err, 0

    def run(
        self,
        command: Command,
        *,
        on_out: Callable[[str], None] | None = None,
        on_err: Callable[[str], None] | None = None,
    ) -> ProcessResult:
        self.runs += 1
        assert command.cwd is not None
        (command.cwd / "base.tar").write_bytes(b"base")
        if self.code == 0:
            (command.cwd / "builder.tar").write_bytes(b"builder")
            if added := (command.cwd / "added.packages").read_bytes():
                (command.cwd / "added.tar").write_bytes(added)
        return ProcessResult(command, self.code, "", self.err)


def make(runner: FakeRunner, tmp_path: Path, context: BuildContext | None = None, out: str = "out") -> Path:
    folder = tmp_path / out
    folder.mkdir(exist_ok=True)
    (tmp_path / "tmp").mkdir(exist_ok=True)
    runtime = make_runtime(tmp_path, {"HOME": "/", "TMPDIR": str(tmp_path / "tmp")}, runner=runner)
    make_base(runtime, context or context_of(), folder)
    return folder


def test_made_once_per_content(tmp_path: Path) -> None:
    runner = FakeRunner()
    for out in ("one", "two"):
        folder = make(runner, tmp_path, out=out)
        assert (folder / "base.tar").read_bytes() == b"base"
        assert (folder / "builder.tar").read_bytes() == b"builder"
    assert runner.runs == 1


def test_a_base_made_anew_is_not_taken_from_the_cache_and_leaves_it_as_it_was(tmp_path: Path) -> None:
    runner = FakeRunner()
    make(runner, tmp_path)
    bases = tmp_path / "cache/optbuild/base"
    before = {path: path.stat().st_ino for path in bases.rglob("*")}
    folder = tmp_path / "anew"
    folder.mkdir()
    runtime = make_runtime(tmp_path, {"HOME": "/", "TMPDIR": str(tmp_path / "tmp")}, runner=runner)
    make_base_anew(runtime, context_of(), folder)
    assert runner.runs == 2
    assert sorted(path.name for path in folder.iterdir()) == ["base.tar", "builder.tar"]
    assert {path: path.stat().st_ino for path in bases.rglob("*")} == before
    assert all(path.stat().st_nlink == 1 for path in folder.iterdir()), "what is appended to it reaches no cache"


def test_a_base_made_anew_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    runtime = make_runtime(tmp_path, {"HOME": "/", "TMPDIR": str(tmp_path / "tmp")}, runner=FakeRunner(1, "no"))
    with pytest.raises(ToolFailedError, match="no"):
        make_base_anew(runtime, context_of(), tmp_path)
    assert [path.name for path in (tmp_path / "cache/optbuild/base").iterdir()] == [".lock"]


def test_another_package_list_makes_another_base(tmp_path: Path) -> None:
    runner = FakeRunner()
    make(runner, tmp_path)
    make(runner, tmp_path, context_of(b"curl 2 amd64 00\n"))
    assert runner.runs == 2
    assert hash_base_inputs(context_of()) != hash_base_inputs(context_of(b"curl 2 amd64 00\n"))


def add_packages(context: BuildContext, packages: bytes) -> BuildContext:
    files = (replace(file, data=packages) if file.path == "added.packages" else file for file in context.files)
    return replace(context, files=tuple(files))


def test_what_is_added_is_made_beside_the_base_and_names_it(tmp_path: Path) -> None:
    runner = FakeRunner()
    for number, name in enumerate((b"gosu", b"libgomp1"), 1):
        folder = make(runner, tmp_path, add_packages(context_of(), name))
        assert (folder / "added.tar").read_bytes() == name
        assert runner.runs == number
    assert not (make(runner, tmp_path, context_of(), "other") / "added.tar").exists()


def test_half_a_result_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match="mmdebstrap says no"):
        make(FakeRunner(1, "mmdebstrap says no"), tmp_path)
    assert [path.name for path in (tmp_path / "cache/optbuild/base").iterdir()] == [".lock"]
    runner = FakeRunner()
    make(runner, tmp_path)
    assert runner.runs == 1


def test_vanished_versions_are_named(tmp_path: Path) -> None:
    said = "base.sh: gone from the mirror: libssl3 3.0.1\nbase.sh: the mirror has now: libssl3 3.0.2\n"
    with pytest.raises(VanishedPackagesError) as caught:
        make(FakeRunner(4, said), tmp_path)
    assert "libssl3 3.0.1" in str(caught.value)
    assert "--refresh-base" in str(caught.value)


def test_no_tool_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ToolMissingError, match="apt-get install mmdebstrap"):
        make(FakeRunner(3), tmp_path)


def test_cache_keeps_the_last_few(tmp_path: Path) -> None:
    runner = FakeRunner()
    for number in range(7):
        make(runner, tmp_path, context_of(f"curl {number} amd64 00\n".encode()))
    kept = [path for path in (tmp_path / "cache/optbuild/base").iterdir() if path.is_dir()]
    assert len(kept) == 4


class LookingRunner(FakeRunner):
    """Keeps what base.sh would see of its environment."""

    def run(self, command: Command, **callbacks: Callable[[str], None] | None) -> ProcessResult:
        assert command.env is not None
        self.env = dict(command.env)
        self.scratch = Path(self.env["TMPDIR"])
        self.mode = self.scratch.stat().st_mode & 0o777
        (self.scratch / "root").mkdir()
        return super().run(command, **callbacks)


@pytest.mark.parametrize("code", [0, 1], ids=["made", "failed"])
def test_temporary_files_are_open_to_other_users_and_go_with_the_base(tmp_path: Path, code: int) -> None:
    runner = LookingRunner(code)
    with contextlib.suppress(ToolFailedError):
        make(runner, tmp_path)
    assert runner.mode == 0o755  # apt's own user must get in, whatever the umask
    assert runner.scratch.parent == tmp_path / "tmp"
    assert list((tmp_path / "tmp").iterdir()) == []
    left = sorted(path.name for path in (tmp_path / "cache/optbuild/base").rglob("*"))
    assert [name for name in left if name.startswith(".making") or name == "tmp"] == []


def test_what_a_killed_run_left_is_swept_before_the_next(tmp_path: Path) -> None:
    half = tmp_path / "cache/optbuild/base/.making-dead"
    half.mkdir(parents=True)
    (half / "base.tar.part").write_bytes(b"x")
    scratch = make_scratch_folder(half, tmp_path)
    (scratch / "root").mkdir()
    make(FakeRunner(), tmp_path)
    assert not half.exists()
    assert not scratch.exists()


def test_a_link_to_something_else_is_not_followed(tmp_path: Path) -> None:
    half = tmp_path / "cache/optbuild/base/.making-dead"
    half.mkdir(parents=True)
    (tmp_path / "precious").mkdir()
    (half / "tmp").symlink_to(tmp_path / "precious")
    make(FakeRunner(), tmp_path)
    assert (tmp_path / "precious").is_dir()
    assert not half.exists()


@pytest.mark.parametrize(("given", "passed"), [("a.sources", "/home/me/a.sources"), ("/b.sources", "/b.sources")])
def test_a_debian_sources_file_is_named_from_where_the_person_is(tmp_path: Path, given: str, passed: str) -> None:
    runtime = replace(make_runtime(tmp_path, {"OPTBUILD_DEBIAN_SOURCES": given, "HOME": "/"}), cwd=Path("/home/me"))
    assert make_base_environment(runtime) == {**runtime.env, "OPTBUILD_DEBIAN_SOURCES": passed}


def test_without_a_debian_sources_file_none_is_named(tmp_path: Path) -> None:
    runtime = make_runtime(tmp_path, {"HOME": "/"})
    assert make_base_environment(runtime) == runtime.env


DEBS_SAID = "debs.sh: gone from the mirror: curl 1\ndebs.sh: the mirror has now: curl 2\n"


def debs_context(packages: bytes = b"curl 1 amd64 00\n") -> BuildContext:
    files = (replace(file, path="debs.sh") if file.path == "base.sh" else file for file in context_of(packages).files)
    return BuildContext(tuple(files), "linux/amd64", 1)


class DebsRunner(FakeRunner):
    """Does what debs.sh does: two folders beside it."""

    def run(self, command: Command, **callbacks: Callable[[str], None] | None) -> ProcessResult:
        self.runs += 1
        assert command.cwd is not None
        assert command.argv == (str(command.cwd / "debs.sh"),)
        if self.code == 0:
            for name in ("debs", "builder-debs"):
                (command.cwd / name).mkdir()
                (command.cwd / name / "curl_1_amd64.deb").write_text(name)
        return ProcessResult(command, self.code, "", self.err)


def test_debs_are_made_once_per_content_and_replace_what_lies_there(tmp_path: Path) -> None:
    runner = DebsRunner()
    (tmp_path / "two/debs").mkdir(parents=True)
    (tmp_path / "two/debs/older_1_amd64.deb").touch()
    for out in ("one", "two"):
        folder = make(runner, tmp_path, debs_context(), out)
        found = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.deb")}
        assert found == {"debs/curl_1_amd64.deb": "debs", "builder-debs/curl_1_amd64.deb": "builder-debs"}
    assert runner.runs == 1
    make(runner, tmp_path, debs_context(b"curl 2 amd64 00\n"))
    assert runner.runs == 2
    assert [path.name for path in (tmp_path / "cache/optbuild").iterdir() if path.is_dir()] == ["debs"]


def test_debs_made_anew_leave_the_cache_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "out").mkdir()
    runner = DebsRunner()
    runtime = make_runtime(tmp_path, {"HOME": "/", "TMPDIR": str(tmp_path / "tmp")}, runner=runner)
    for _ in range(2):
        make_base_anew(runtime, debs_context(), tmp_path / "out")
        assert (tmp_path / "out/debs/curl_1_amd64.deb").stat().st_nlink == 1
        shutil.rmtree(tmp_path / "out/debs")
        shutil.rmtree(tmp_path / "out/builder-debs")
    assert runner.runs == 2
    assert [path.name for path in (tmp_path / "cache/optbuild/debs").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("code", "said", "error", "expected"),
    [
        (4, DEBS_SAID, VanishedPackagesError, "no longer has what the lock names: curl 1"),
        (3, "", ToolMissingError, "apt-get"),
        (100, "E: no route", ToolFailedError, "no route"),
    ],
)
def test_debs_that_cannot_be_had_say_why_and_leave_nothing(
    tmp_path: Path, code: int, said: str, error: type[Exception], expected: str
) -> None:
    with pytest.raises(error, match=expected):
        make(DebsRunner(code, said), tmp_path, debs_context())
    assert [path.name for path in (tmp_path / "cache/optbuild/debs").iterdir()] == [".lock"]
