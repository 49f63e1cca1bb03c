"""The folders of a command: where they are, and what is said where they cannot be."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builder.cli.runtime import make_local_runtime
from builder.core.errors import ExitCode, StateError
from builder.core.process import LocalRunner
from builder.core.progress import SilentProgress
from builder.core.runtime import Runtime
from builder.engine.buildx import BuildOptions
from builder.image.verify.run import verify_image
from builder.operations.build import BuildFlow

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDERS: dict[str, Callable[[Runtime], Path]] = {
    "XDG_STATE_HOME": lambda runtime: runtime.state_folder,
    "XDG_CACHE_HOME": lambda runtime: runtime.cache_folder,
}


def runtime(**env: str) -> Runtime:
    return Runtime(env, Path(), io.StringIO(), io.StringIO(), LocalRunner(), SilentProgress(), color=False)


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under a number of its own."""

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)


@pytest.mark.parametrize("variable", FOLDERS)
@pytest.mark.usefixtures("nobody")
def test_a_user_without_a_home_is_told_what_to_set(variable: str, tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"no home folder.*\n  next: set HOME") as error:
        FOLDERS[variable](runtime())
    assert variable in str(error.value)
    assert error.value.exit_code is ExitCode.ENGINE
    assert FOLDERS[variable](runtime(**{variable: str(tmp_path)})) == tmp_path / "optbuild"
    assert FOLDERS[variable](runtime(HOME=str(tmp_path))).is_relative_to(tmp_path)


@pytest.mark.parametrize("variable", FOLDERS)
def test_a_file_where_the_folder_should_be_is_told(variable: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "optbuild").write_text("")
    for given in ("file", "file/below", "nowhere", "."):
        with pytest.raises(StateError, match=rf"is not a folder.*\n  next: .*{variable}") as error:
            FOLDERS[variable](runtime(**{variable: str(tmp_path / given)}))
        assert error.value.exit_code is ExitCode.ENGINE


@pytest.mark.parametrize("variable", FOLDERS)
def test_long_work_is_refused_before_it_begins(variable: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folders = dict.fromkeys(FOLDERS, str(tmp_path))
    runtime(**folders).check_folders()
    plan: Any = None
    broken = runtime(**{**folders, variable: str(tmp_path / "file")})
    for work in (
        BuildFlow(broken, tmp_path, BuildOptions(), verify=True, refresh_base=False).run,
        lambda: verify_image(broken, "image:1", plan),
    ):
        with pytest.raises(StateError, match=variable):
            work()


@pytest.mark.parametrize("variable", FOLDERS)
def test_a_folder_need_not_be_there_yet(variable: str, tmp_path: Path) -> None:
    wanted = tmp_path / "not" / "yet"
    assert FOLDERS[variable](runtime(**{variable: str(wanted)})) == wanted / "optbuild"
    (tmp_path / "link").symlink_to(tmp_path)
    assert FOLDERS[variable](runtime(**{variable: str(tmp_path / "link")})) == tmp_path / "link/optbuild"


def test_a_runtime_does_not_show_its_environment() -> None:
    assert "geheim" not in repr(runtime(TOKEN="geheim"))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("env", "color"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"CI": "1"}, False)],
)
def test_who_wants_no_colors_gets_none(monkeypatch: pytest.MonkeyPatch, env: dict[str, str], color: bool) -> None:
    """https://no-color.org: the variable counts where it is not empty."""
    for name in ("NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm", **env}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stderr", Terminal())
    assert make_local_runtime(quiet=True).color == color
