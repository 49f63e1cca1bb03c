"""`--html` and `--output`: refused before any work where they cannot be written; whole or not at all; said where."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from archive_factories import BASE, numpy, save, tar
from runtime_factory import make_runtime

from builder.cli import main as cli
from builder.cli.output import PageFile
from builder.core.errors import NotWrittenError, UnwritableError
from builder.core.progress import LineProgress
from builder.image.lock.document import write_lock
from builder.image.lock.model import Distribution, Lock, LockInputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.core.runtime import Runtime

LOCK = Lock(
    platform="linux/amd64",
    inputs=LockInputs("2.8.1", (), "3.11", (), "none", "bookworm", (), ()),
    constraints=None,
    given_up=(),
    source_date_epoch=0,
    uv=Distribution("uv", "0.9", "wheel", "0" * 64, 1),
    python=(),
    build_requires=(),
    shared_libraries=(),
    runtime=(),
    build=(),
)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    err = io.StringIO()
    env = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "DOCKER_CONTEXT": "none"}
    return make_runtime(tmp_path, env, progress=LineProgress(err), err=err)


@pytest.fixture
def run(runtime: Runtime, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """A whole command line in a folder with two archives: exit code, stdout, stderr."""
    save(tmp_path / "old.tar", tar(BASE), tar(numpy("1.0", 1000)))
    save(tmp_path / "new.tar", tar(BASE), tar(numpy("2.0", 2000)))

    def ran(*words: str) -> tuple[int, str, str]:
        code = cli.run(words, lambda **_: runtime)
        said = runtime.err.getvalue() + capsys.readouterr().err  # type: ignore[attr-defined]  # it is a StringIO
        return code, runtime.out.getvalue(), said  # type: ignore[attr-defined]  # so is this

    return ran


def test_diff_writes_its_page_beside_its_text(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, out, err = run("diff", "old.tar", "new.tar", "--html", "page.html")
    assert code == 0
    assert "numpy" in out
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<h1>old.tar → new.tar</h1>" in page
    assert "wrote page.html (" in err
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".page")] == []


def test_inspect_writes_its_page(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, _, err = run("inspect", "new.tar", "--html", "page.html")
    assert code == 0, err
    assert "<h1>new.tar</h1>" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_lock_has_no_page(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    write_lock(tmp_path / "optbuild.lock", LOCK)
    code, _, err = run("diff", "old.tar", "optbuild.lock", "--html", "page.html")
    assert code == 2
    assert "--html shows two images" in err
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("command", [("diff", "old.tar", "new.tar"), ("inspect", "old.tar"), ("images",)], ids=str)
def test_a_place_that_is_not_there_is_refused_before_the_work(
    run: Callable[..., tuple[int, str, str]], command: tuple[str, ...]
) -> None:
    code, out, err = run(*command, "--html", "none/page.html")
    assert (code, out) == (2, "")
    assert "cannot write none/page.html:" in err
    assert "next: name a file in a folder" in err


@pytest.mark.parametrize("words", [("plan",), ("plan", "--explain", "beliefs"), ("verify", "app:1")], ids=" ".join)
def test_no_report_is_lost_after_minutes_of_work(run: Callable[..., tuple[int, str, str]], words: tuple[str]) -> None:
    """No project, no engine: whoever looks for either before the place says something else."""
    code, out, err = run(*words, "--output", "gone/report.txt")
    assert (code, out) == (2, "")
    assert "gone/report.txt" in err
    assert "does not exist" in err


def test_says_why_a_place_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    for name, why in (
        ("folder", "it is a folder"),
        ("pipe", "it is not an ordinary file"),
        ("file/page", "is not a folder"),
        ("none/page", "does not exist"),
        ("loop", "loop"),
        ("x" * 300, "too long"),
        ("-", "it is a stream"),
        ("/dev/stdout", "it is a stream"),
        ("/dev/full", "it is not an ordinary file"),
    ):
        with pytest.raises(UnwritableError, match=why):
            PageFile(runtime, Path(name))


def test_a_folder_of_somebody_else_is_refused(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write everywhere, so the answer is made up."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UnwritableError, match="you may not write to"):
        PageFile(runtime, Path("page"))


def test_a_write_protected_file_is_refused(runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page").write_text("mine")
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path / "page")
    with pytest.raises(UnwritableError, match="it is write-protected"):
        PageFile(runtime, Path("page"))


@pytest.mark.parametrize("words", [("backup", "app:1", "--output"), ("clean", "--backup")], ids=" ".join)
@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("old.tar", "old.tar is not a folder"),
        ("old.tar/below", "old.tar is not a folder"),
        ("-", "it is a stream"),
        ("/dev/full", "is not a folder"),
    ],
)
def test_a_folder_for_a_backup_is_looked_at_before_the_engine_is(
    run: Callable[..., tuple[int, str, str]], words: tuple[str, ...], place: str, why: str
) -> None:
    code, out, err = run(*words, place)
    assert (code, out) == (2, "")
    assert f"cannot write {place}: " in err
    assert why in err
    assert "next: name a folder that you may write to" in err


@pytest.mark.parametrize("command", [("diff", "old.tar", "new.tar"), ("inspect", "new.tar")], ids=" ".join)
@pytest.mark.parametrize("option", ["--html", "--output"])
def test_what_cannot_be_written_after_all_is_no_lost_result(
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    option: str,
) -> None:
    """The disk filled up meanwhile: exit code 3, the text on stdout, the file as it was."""

    def full(path: Path, *_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    (tmp_path / "there").write_text("before")
    monkeypatch.setattr("builder.core.files.write_atomically", full)
    code, out, err = run(*command, option, "there")
    assert code == 3
    assert "numpy" in out
    assert "error: there was not written: No space left on device\n  next: " in err
    assert (tmp_path / "there").read_text() == "before"


def test_a_full_disk_leaves_the_page_that_was_there(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "page").write_text("before")
    file = PageFile(runtime, Path("page"))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotWrittenError, match="No space left on device"):
        file.write("after")
    assert (tmp_path / "page").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["page"]


def test_a_link_stays_a_link(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to("real")
    PageFile(runtime, Path("link")).write("after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "after"
