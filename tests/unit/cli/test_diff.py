"""The command `diff` on archives as `docker save` writes them; no engine."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from archive_factories import BASE, SITE, numpy, save, save_several, tar
from runtime_factory import make_runtime

from builder.cli import main as cli
from builder.image.lock.document import write_lock
from builder.image.lock.model import Distribution, Lock, LockInputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


LOCK = Lock(
    platform="linux/amd64",
    inputs=LockInputs("2.8.1", (), "3.11", (), "none", "bookworm", (), ()),
    constraints=None,
    given_up=(),
    source_date_epoch=0,
    uv=Distribution("uv", "0.9", "wheel", "0" * 64, 1),
    python=(Distribution("numpy", "1.0", "wheel", "0" * 64, 1),),
    build_requires=(),
    shared_libraries=(),
    runtime=(),
    build=(),
)


class Ran:
    """One run of the command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path / "old.tar", tar(BASE), tar(numpy("1.0", 1000)))
    save(tmp_path / "new.tar", tar(BASE), tar(numpy("2.0", 2000)))
    save(tmp_path / "again.tar", tar(BASE), tar(numpy("1.0", 1000), time=5))
    (tmp_path / "image").mkdir()
    (tmp_path / "empty").mkdir()
    write_lock(tmp_path / "image" / "optbuild.lock", LOCK)
    return tmp_path


@pytest.fixture
def diff(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """``diff(*words)``: the whole command line, in the folder of the archives."""
    env = {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "DOCKER_CONTEXT": "none"}

    def run(*words: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()

        runtime = make_runtime(folder, env, out=out, err=err)
        code = cli.run(("diff", *words), lambda **_: runtime)
        return Ran(code, out.getvalue(), err.getvalue() + capsys.readouterr().err)

    return run


def test_two_archives(diff: Callable[..., Ran]) -> None:
    ran = diff("old.tar", "new.tar")
    assert (ran.code, ran.err) == (0, "")
    assert "old.tar (" in ran.out
    assert "+3 kB" in ran.out
    assert "numpy  1.0      2.0" in ran.out
    assert f"/{SITE}/numpy/core.so" in ran.out


def test_json_adds_up(diff: Callable[..., Ran]) -> None:
    found = json.loads(diff("old.tar", "new.tar", "--format", "json").out)
    assert found["growth"]["bytes"] == sum(row["growth"] for row in found["layers"]) == 3000
    assert [row["name"] for row in found["packages"]] == ["numpy"]


@pytest.mark.parametrize("other", ["old.tar", "again.tar"])
def test_markdown_is_silent_where_nothing_changed(diff: Callable[..., Ran], other: str) -> None:
    ran = diff("old.tar", other, "--format", "markdown", "--max-growth", "0B")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_markdown_goes_to_a_file(diff: Callable[..., Ran], folder: Path) -> None:
    ran = diff("old.tar", "new.tar", "--format", "markdown", "-o", "comment.md")
    assert (ran.code, ran.out) == (0, "")
    assert "| `numpy` (python) | `1.0` | `2.0` |" in (folder / "comment.md").read_text()


@pytest.mark.parametrize(
    ("allowed", "code"), [("3kB", 0), ("2.9kB", 1), ("0B", 1), ("5%", 1), ("95 %", 1), ("97%", 0), ("1000%", 0)]
)
def test_growth_beyond_what_is_allowed_fails(diff: Callable[..., Ran], allowed: str, code: int) -> None:
    """3104 bytes became 6104."""
    ran = diff("old.tar", "new.tar", "--max-growth", allowed)
    assert ran.code == code
    assert "+3 kB" in ran.out, "it is shown in any case"
    assert (f"new.tar is 3 kB larger than old.tar; {allowed} is allowed" in ran.err) == bool(code)


def test_which_image_of_archives_with_several(diff: Callable[..., Ran], folder: Path) -> None:
    layers = {"shop:1": (tar(BASE),), "worker:1": (tar(BASE), tar(numpy("1.0", 1000)))}
    save_several(folder / "a.tar", layers)
    save_several(folder / "b.tar", {**layers, "worker:1": (tar(BASE), tar(numpy("2.0", 1000)))})
    unsaid = diff("a.tar", "b.tar")
    assert (unsaid.code, unsaid.out) == (2, "")
    assert "holds several images" in unsaid.err
    assert "nothing changed" in diff("a.tar", "b.tar", "--image", "shop:1").out
    assert "numpy  1.0      2.0" in diff("a.tar", "b.tar", "--image", "worker:1").out
    assert "the image has exactly these" in diff("a.tar", "image", "--image", "worker:1").out


def test_waste_of_an_image_that_the_other_was_made_from_does_not_go_away(
    diff: Callable[..., Ran], folder: Path
) -> None:
    lower = (tar({"big": b"1" * 5000}), tar({"big": b"2" * 6000}))
    save_several(folder / "a.tar", {"web:1": lower})
    save_several(folder / "b.tar", {"lower:1": lower, "web:1": (*lower, tar({"more": b"x"}))})
    for words in (("a.tar", "b.tar"), ("b.tar", "a.tar")):
        found = json.loads(diff(*words, "--image", "web:1", "--format", "json").out)
        assert (found["waste"], found["before"]["waste_bytes"], found["after"]["waste_bytes"]) == ([], 5000, 5000)
        assert found["base"] == {"name": None, "layers": 0}
    same = json.loads(diff("b.tar", "b.tar", "--image", "web:1", "--format", "json").out)
    assert same["base"] == {"name": "lower:1", "layers": 2}


def test_no_file_of_a_budget_is_read(diff: Callable[..., Ran], folder: Path) -> None:
    (folder / ".dive-ci").write_text("rules: [")
    (folder / "optbuild.toml").write_text("[image")
    assert diff("old.tar", "new.tar").code == 0
    assert diff("old.tar", "image").code == 0


@pytest.mark.parametrize("words", [("old.tar", "none.tar"), ("none.tar", "old.tar"), ("old.tar", ""), (" ", "old.tar")])
def test_both_are_looked_for_before_one_is_read(
    diff: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]
) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("an archive was read")

    monkeypatch.setattr("builder.inspect.read.read_archive_file", read)
    ran = diff(*words)
    assert ran.code == 2
    assert ("there is no archive" if "none.tar" in words else "which image?") in ran.err


def test_shrinking_never_fails(diff: Callable[..., Ran]) -> None:
    assert diff("new.tar", "old.tar", "--max-growth", "0B").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("old.tar", "new.tar", "--max-growth", "much"), "--max-growth much is not a size", id="growth"),
        pytest.param(("old.tar", "new.tar", "--top", "-1"), "--top -1 is not a number of rows", id="top"),
        pytest.param(("image", "old.tar"), "name the image first", id="lock first"),
        pytest.param(("old.tar", "./empty"), "there is no lock yet", id="a folder without lock"),
        pytest.param(("old.tar", "image", "--max-growth", "1B"), "--max-growth compares two images", id="growth, lock"),
        pytest.param(("old.tar", "none/optbuild.lock"), "there is no lock yet", id="no lock there"),
        pytest.param(("old.tar",), "Missing argument", id="one"),
        pytest.param(("none.tar", "new.tar"), "there is no archive", id="no archive there"),
        pytest.param(("none.tar", "new.tar", "--max-growth", "1"), "--max-growth 1 is not a size", id="before reading"),
    ],
)
def test_what_it_cannot_do_is_told(diff: Callable[..., Ran], words: tuple[str, ...], said: str) -> None:
    ran = diff(*words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_an_archive_that_ends_early_is_an_error(diff: Callable[..., Ran], folder: Path) -> None:
    whole = (folder / "new.tar").read_bytes()
    (folder / "new.tar").write_bytes(whole[: len(whole) // 2])
    ran = diff("old.tar", "new.tar")
    assert (ran.code, ran.out) == (3, "")


def test_no_engine_where_an_image_is_named(diff: Callable[..., Ran]) -> None:
    ran = diff("old.tar", "shop:latest")
    assert (ran.code, ran.out) == (3, "")
    assert "none" in ran.err


def test_an_image_may_be_called_like_a_folder_here(diff: Callable[..., Ran]) -> None:
    """So the engine is asked."""
    assert diff("empty", "old.tar").code == 3
    assert diff("old.tar", "empty").code == 3


@pytest.mark.parametrize("name", ["image", "image/", "./image", "image/optbuild.lock"])
def test_an_image_that_is_what_the_lock_says(diff: Callable[..., Ran], name: str) -> None:
    ran = diff("old.tar", name)
    assert ran.code == 0
    assert "the image has exactly these" in ran.out
    assert diff("old.tar", name, "--format", "markdown").out == ""


def test_an_image_that_is_not_what_the_lock_says(diff: Callable[..., Ran], folder: Path) -> None:
    write_lock(folder / "image" / "optbuild.lock", replace(LOCK, platform="linux/amd64"))
    ran = diff("new.tar", "image")
    assert ran.code == 1
    assert "numpy  1.0   2.0    other version" in ran.out
    (row,) = json.loads(diff("new.tar", "image", "--format", "json").out)["differences"]
    assert (row["name"], row["locked"], row["found"]) == ("numpy", "1.0", "2.0")


def test_a_place_where_nothing_can_be_written_is_said_before_the_work(diff: Callable[..., Ran]) -> None:
    done = diff("missing.tar", "new.tar", "-o", "none/found.md")
    assert done.code == 2
    assert "cannot write none/found.md" in done.err


def test_two_locks_say_what_a_bump_will_move(diff: Callable[..., Ran], folder: Path) -> None:
    (folder / "bumped").mkdir()
    bumped = replace(LOCK, python=(replace(LOCK.python[0], version="2.0", sha256="1" * 64),))
    write_lock(folder / "bumped" / "optbuild.lock", bumped)
    ran = diff("image", "bumped/optbuild.lock")
    assert (ran.code, ran.err) == (0, "")
    assert "1 of 3 layers changes" in ran.out
    assert "numpy 1.0 -> 2.0" in ran.out
    assert "nothing to push" in diff("image", "image/").out


@pytest.mark.parametrize("option", [("--max-growth", "1B"), ("--html", "x.html")])
def test_two_locks_take_no_option_of_images(diff: Callable[..., Ran], option: tuple[str, str]) -> None:
    ran = diff("image", "image", *option)
    assert (ran.code, ran.out) == (2, "")
    assert option[0] in ran.err
