"""The command `render --output`: which places it refuses, and that nothing of a person is replaced."""

from __future__ import annotations

import errno
import io
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from render_forms import make_single_stage
from runtime_factory import make_runtime

from builder.cli import main as cli
from builder.core.progress import LineProgress
from builder.image.lock.document import read_lock, write_lock
from builder.image.render.folder import RECORD
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE = str(Path(__file__).parents[3] / "images/airflow")


@pytest.fixture
def render(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """``render(*words)`` of the project's own image: exit code, stdout, stderr."""

    def run(*words: str, image: str = IMAGE) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        env = {"HOME": str(tmp_path / "home")}
        runtime = make_runtime(tmp_path, env, progress=LineProgress(err), out=out, err=err)
        code = cli.run(("render", image, *words), lambda **_: runtime)
        return code, out.getvalue(), err.getvalue() + capsys.readouterr().err

    return run


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_folder_is_made_and_can_be_written_again(render: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    for _ in range(2):
        code, out, err = render("--output", "new/context")
        assert (code, out) == (0, ""), err
        assert "files to new/context\nnext: new/context/base.sh && docker build" in err
    assert {"Dockerfile", "base.sh", "docker-bake.json", RECORD} <= names(tmp_path / "new/context")


def test_a_person_s_dockerfile_stays(render: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM mine\n")
    code, _, err = render("--output", ".")
    assert code == 2
    assert "error: " in err
    assert "has files that no `optbuild render` wrote, or that were changed since: Dockerfile" in err
    assert names(tmp_path) == {"Dockerfile"}
    assert (tmp_path / "Dockerfile").read_text() == "FROM mine\n"
    assert render("--output", ".", "--force")[0] == 0
    assert (tmp_path / "Dockerfile").read_text().startswith("# Made by optbuild")
    assert render("--output", ".")[0] == 0


def test_force_alone_says_what_it_belongs_to(render: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = render("--force")
    assert (code, out) == (2, "")
    assert "--force needs --output" in err


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("file", "file is not a folder"),
        ("file/sub", "file is not a folder"),
        ("gone", "gone is not a folder"),
        ("-", "it is a stream"),
        ("/dev/full", "/dev/full is not a folder"),
        ("blocked", "scripts is not a folder"),
        ("taken", "it is a folder"),
    ],
)
@pytest.mark.parametrize("force", [(), ("--force",)], ids=["", "forced"])
def test_a_place_that_cannot_be_written_is_refused(
    render: Callable[..., tuple[int, str, str]], tmp_path: Path, place: str, why: str, force: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked/scripts").write_text("mine")
    (tmp_path / "taken/Dockerfile").mkdir(parents=True)
    code, out, err = render("--output", place, *force)
    assert (code, out) == (2, "")
    assert f"error: cannot write {place}" in err
    assert why in err
    assert "next: name a folder that you may write to" in err
    assert (tmp_path / "file").read_text() == "mine"
    assert names(tmp_path) == {"file", "gone", "blocked", "taken"}
    assert names(tmp_path / "blocked") == {"scripts"}
    assert names(tmp_path / "taken") == {"Dockerfile"}


def test_a_full_disk_is_told_with_the_folder(
    render: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = render("--output", "context")
    assert code == 3
    assert "error: context was not written: No space left on device" in err
    assert [path for path in (tmp_path / "context").rglob("*") if path.is_file()] == []


def test_explain_says_of_each_layer_what_it_holds_and_moves(render: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = render("--explain")
    assert (code, err) == (0, "")
    assert out.startswith("30 layers of 154 Python packages, 163 MB, made by 10 build stages\nLowest first")
    assert (
        "seaborn: pushes 791 kB, pulls 7.57 MB (stage python-12)\n  why: small; pinned by projects\n  seaborn\n" in out
    )
    assert out.index("\nbabel: ") < out.index("\nseaborn: ")


def test_explain_says_what_of_the_project_lies_above(
    render: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    text = (Path(IMAGE) / "optbuild.toml").read_text()
    (tmp_path / "optbuild.toml").write_text(
        f'{text}\n[build]\nrun = ["extra.sh"]\nrun-folders = ["/opt/extra"]\n[files]\n"extra.sh" = "/opt/extra.sh"\n'
    )
    (tmp_path / "extra.sh").write_text("#!/bin/sh\n")
    shutil.copyfile(Path(IMAGE) / "optbuild.lock", tmp_path / "optbuild.lock")
    code, out, err = render("--explain", image=str(tmp_path))  # the lock fits: it knows nothing of scripts
    assert (code, err) == (0, "")
    scripts = "above them: Scripts of [build] run: what extra.sh leaves in /opt/extra\n"
    assert out.endswith(f"\n\n{scripts}\nabove them: Entry 1 of [files]: extra.sh\n")


def test_explain_says_what_one_stage_costs(render: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    """In figures of the same lock: those of the layers that several stages would make."""
    assert "One stage" not in render("--explain")[1]
    text = (Path(IMAGE) / "optbuild.toml").read_text()
    (tmp_path / "optbuild.toml").write_text(f"{text}\n[build]\nmulti-stage = false\n")
    one = make_single_stage(read_spec(Path(IMAGE)), read_lock(Path(IMAGE) / "optbuild.lock"), "")
    write_lock(tmp_path / "optbuild.lock", one.lock)
    code, out, err = render("--explain", image=str(tmp_path))
    assert (code, err) == (0, "")
    said = " ".join(out.split())
    assert "a new version of any of the 154 packages installs all of them again, because the build cache" in said
    assert "and pushes 163 MB. Several stages would make 30 layers in 10 build stages: a new version runs one" in said


@pytest.mark.parametrize("other", [("--output", "x"), ("--format", "bake")])
def test_explain_writes_no_context(render: Callable[..., tuple[int, str, str]], other: tuple[str, str]) -> None:
    code, out, err = render("--explain", *other)
    assert (code, out) == (2, "")
    assert "--explain writes no context" in err
