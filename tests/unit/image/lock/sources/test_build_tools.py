"""Build requirements that cannot be had are told as those of the source that asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import UnbuildableSourceError, UnsatisfiableError
from builder.image.lock.pylock import LockedFile
from builder.image.lock.sources import build_tools
from builder.image.lock.sources.build_tools import check_build_tools, explain_conflict
from builder.image.lock.uv import Uv

if TYPE_CHECKING:
    from pathlib import Path

    from builder.image.lock.target import LockTarget

PANDAS = LockedFile("pandas", "1.0.0", "sdist", "11" * 32, 5, None)
DILL = LockedFile("dill", "0.3.1.1", "sdist", "22" * 32, 5, None)
REQUIRES = {DILL: ("setuptools", "wheel"), PANDAS: ("Cython", "NumPy==1.14.5")}


def make_tool(name: str, kind: Any) -> LockedFile:
    return LockedFile(name, "1.14.5", kind, "33" * 32, 5, None)


@pytest.fixture
def uv(fake_runner: Any, monkeypatch: pytest.MonkeyPatch) -> Uv:
    wheels = ("pandas-1.0.0-cp37-cp37m-win32.whl", "pandas-1.0.0-cp38-cp38-win32.whl")
    monkeypatch.setattr(build_tools, "list_wheels", lambda _uv, file, _s: wheels if file == PANDAS else ())
    monkeypatch.setattr(build_tools, "advise_another_version", lambda _uv, _t, file, _s: f"another {file.name}")
    return Uv("uv", "1", "py", fake_runner(lambda _c: (0, "", "")), {})


@pytest.mark.parametrize(
    "case",
    [
        ("numpy", r"pandas 1\.0\.0 has no wheel for Python 3\.11 \(it has wheels for 3\.7 and 3\.8\)"),
        ("wheel", r"dill 0\.3\.1\.1 has no wheel"),
        ("needed-by-those", r"dill 0\.3\.1\.1 has no wheel"),
    ],
)
def test_a_build_requirement_without_a_wheel(uv: Uv, target: LockTarget, tmp_path: Path, case: tuple[str, str]) -> None:
    tool, who = case
    tools = [make_tool("cython", "wheel"), make_tool(tool, "sdist")]
    with pytest.raises(UnbuildableSourceError, match=rf"{who}, and its source needs {tool} 1\.14\.5") as caught:
        check_build_tools(uv, target, REQUIRES, tools, tmp_path)
    assert caught.value.hint == f"another {who.partition(' ')[0]}"


def test_wheels_are_what_is_wanted(uv: Uv, target: LockTarget, tmp_path: Path) -> None:
    check_build_tools(uv, target, REQUIRES, [make_tool("numpy", "wheel")], tmp_path)


def test_build_requirements_that_contradict_each_other_are_not_the_persons(
    uv: Uv, target: LockTarget, tmp_path: Path
) -> None:
    reason = UnsatisfiableError("Because you require numpy==1.14.5 and numpy==1.17.3", ())
    both = str(explain_conflict(uv, target, [DILL, PANDAS], reason, tmp_path))
    assert both.startswith("dill 0.3.1.1 and pandas 1.0.0 have no wheel, and no set of versions meets all")
    assert "\n    Because you require numpy==1.14.5" in both
    one = explain_conflict(uv, target, [PANDAS], reason, tmp_path)
    assert str(one).startswith(
        "pandas 1.0.0 has no wheel for Python 3.11 (it has wheels for 3.7 and 3.8), and what its"
    )
    assert one.hint == "another pandas"
