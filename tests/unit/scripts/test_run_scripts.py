"""The script that runs those of the project: what it keeps, with which modes, and what it refuses."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from build_scripts import load_build_script

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

with load_build_script("run_scripts") as script:
    pass
with load_build_script("change", "foundation") as change:
    pass
EPOCH = 1_000_000_000


@pytest.fixture(autouse=True)
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    """Path → user and group that it was given: only root may."""
    found: dict[str, tuple[int, int]] = {}
    monkeypatch.setattr(os, "chown", lambda path, user, group, **_options: found.__setitem__(str(path), (user, group)))
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "opt").mkdir(parents=True)
    (folder / "opt").chmod(0o755)
    return folder


@pytest.fixture
def collect(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], Path]:
    """Calls a function in the place of the scripts, and gives what is kept."""

    def run(call: Callable[[], None]) -> Path:
        monkeypatch.setattr(script, "run_all", lambda *_: call())
        settings = script.Settings(("a.sh", "b.sh"), ("/opt/extra",), False, {})
        script.collect(root, settings, tmp_path, tmp_path / "out", EPOCH)
        return tmp_path / "out"

    return run


def test_what_lies_below_the_folder_is_kept_with_one_owner_and_one_time(
    root: Path, collect: Callable[[Callable[[], None]], Path], owners: dict[str, tuple[int, int]]
) -> None:
    def leave() -> None:
        (root / "opt/extra/sub").mkdir(mode=0o700)
        (root / "opt/extra/sub/tool").write_text("tool")
        (root / "opt/extra/sub/tool").chmod(0o4711)
        (root / "opt/extra/data").write_text("data")
        (root / "opt/extra/link").symlink_to("/nowhere")
        (root / "opt/elsewhere").write_text("lost")

    out = collect(leave)
    kept = {str(path.relative_to(out)): oct(path.lstat().st_mode & 0o7777) for path in out.rglob("*")}
    assert kept == {
        "opt": "0o755",
        "opt/extra": "0o775",
        "opt/extra/sub": "0o775",
        "opt/extra/sub/tool": "0o775",
        "opt/extra/data": "0o664",
        "opt/extra/link": "0o777",
    }
    assert {path.lstat().st_mtime for path in (out, *out.rglob("*"))} == {EPOCH}
    assert {owners[f"{root}/opt/extra{name}"] for name in ("", "/data", "/link", "/sub/tool")} == {(50000, 0)}
    assert str(root / "opt/elsewhere") not in owners


@pytest.mark.parametrize(
    ("leave", "says"),
    [
        (lambda _: None, "nothing lies in /opt/extra after a.sh, b.sh"),
        (lambda folder: os.mkfifo(folder / "pipe"), "neither a file nor a folder"),
        (lambda folder: (folder.rmdir(), folder.symlink_to("/etc")), "something else in the place of /opt/extra"),
    ],
)
def test_what_cannot_be_kept_ends_the_build(
    leave: Callable[[Path], None], says: str, root: Path, collect: Callable[[Callable[[], None]], Path]
) -> None:
    with pytest.raises(SystemExit, match=f"^run_scripts.py: .*{says}.*\nrun_scripts.py: next: "):
        collect(lambda: leave(root / "opt/extra"))


def test_a_folder_in_which_the_image_has_files_is_refused(
    root: Path, collect: Callable[[Callable[[], None]], Path]
) -> None:
    (root / "opt/extra").mkdir()
    (root / "opt/extra/file").touch()
    with pytest.raises(SystemExit, match="the image has files in /opt/extra without the scripts"):
        collect(lambda: None)


def test_a_link_of_the_image_is_not_followed(root: Path, collect: Callable[[Callable[[], None]], Path]) -> None:
    (root / "etc").mkdir()
    (root / "opt/extra").symlink_to("../etc")
    with pytest.raises(SystemExit, match="/opt/extra of run-folders is not a folder"):
        collect(lambda: None)


def test_what_the_image_had_is_watched(root: Path) -> None:
    names = ("opt/same", "opt/changed", "opt/gone", "var/log/dpkg.log")
    for name in names:
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_text("1")
    (root / "srv").mkdir()
    before = change.list_paths(root, frozenset())
    mark = change.mark_time(root)
    (root / "opt/changed").write_text("2")
    (root / "opt/new").write_text("2")
    (root / "opt/gone").unlink()
    (root / "var/log/dpkg.log").write_text("2")  # is emptied anyway
    (root / "srv").chmod(0o700)
    assert script.find_harm(change, before, root, frozenset(), mark) == ["/opt/changed", "/opt/gone", "/srv"]


def test_the_first_line_decides_who_runs_it(tmp_path: Path) -> None:
    own, plain = tmp_path / "own", tmp_path / "plain"
    own.write_text("#!/usr/bin/env python3\n")
    plain.write_text("echo\n")
    assert script.list_words(own) == (str(own),)
    assert script.list_words(plain)[1:] == ("-o", "errexit", "-o", "nounset", "-o", "pipefail", str(plain))


def test_the_settings_are_those_of_the_context(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"scripts": ["a"], "folders": ["/b"], "network": True, "environment": {"PATH": "/c"}}))
    settings = script.read_settings(file)
    assert (settings.scripts, settings.folders, settings.network) == (("a",), ("/b",), True)
    found = script.make_environment(settings, "/home/x")
    assert (found["PATH"], found["HOME"], found["PYTHONDONTWRITEBYTECODE"]) == ("/c", "/home/x", "1")
