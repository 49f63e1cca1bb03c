"""The command `restore --check`, which needs no engine: what it prints and how it ends."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from fake_archive_engine import LAYER, SavingEngine
from runtime_factory import make_runtime

from builder.cli import main as cli
from builder.core.progress import SilentProgress
from builder.store.backup import save_images

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Exit code, stdout, stderr."""
    engine = SavingEngine()
    save_images(engine, [engine.add(LAYER, names=("app:1",))], tmp_path / "saved", SilentProgress())

    def call(*words: str) -> tuple[int, str, str]:
        out = io.StringIO()
        runtime = make_runtime(tmp_path, {"HOME": str(tmp_path), "DOCKER_HOST": "unix:///nowhere"}, out=out)
        code = cli.run(["restore", *words], lambda **_: runtime)
        return code, out.getvalue(), capsys.readouterr().err

    return call


def test_a_whole_backup(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("saved", "--check")
    assert (code, out.splitlines()[-1]) == (0, "1 archive whole; nothing was loaded")
    assert json.loads(run("saved", "app:1", "--check", "--format", "json")[1])["images"][0]["whole"] is True


def test_a_damaged_one(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (archive,) = (tmp_path / "saved").glob("*.tar.zst")
    archive.write_bytes(archive.read_bytes()[:-1])
    code, out, _ = run("saved", "--check")
    assert (code, out.splitlines()[-1]) == (1, "1 archive of 1 damaged; nothing was loaded")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nowhere",), "there is no "),
        (("saved", "--check", "postgres:13"), "has no image postgres:13"),
        (("saved/other.tar.zst",), "is not one of the archives"),
    ],
)
def test_what_cannot_be_meant(run: Callable[..., tuple[int, str, str]], words: tuple[str, ...], says: str) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert says in err
    assert "next:" in err
