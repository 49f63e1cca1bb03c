"""Wheels for other systems and Pythons, and versions with a wheel for this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builder.image.lock.pylock import LockedFile
from builder.image.lock.sources.other_wheels import (
    find_version_with_wheel,
    list_pythons,
    list_wheels,
    read_other_wheel,
)
from builder.image.lock.uv import Uv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.core.process import Command
    from builder.image.lock.target import LockTarget

FILE = LockedFile("x", "1.0", "sdist", "11" * 32, 5, None)
METADATA = "Metadata-Version: 2.1\nName: x\nVersion: 1.0\nRequires-Dist: six\n"


def make_uv(fake_runner: Any, answer: Callable[[Command], tuple[int, str, str]]) -> Uv:
    return Uv("uv", "1", "py", fake_runner(answer), {})


def find_value(command: Command, option: str) -> str:
    return command.argv[command.argv.index(option) + 1]


def test_the_oldest_python_that_the_version_allows_tells_of_all_wheels(fake_runner: Any, tmp_path: Path) -> None:
    asked = []

    def answer(command: Command) -> tuple[int, str, str]:
        asked.append(find_value(command, "--python-version"))
        if asked[-1] in ("3.7", "3.8"):
            return 1, "", "the requested Python version (>=3.7) does not satisfy Python>=3.9"
        wheels = '[{ url = "https://i.example/a/x-1.0-cp39-cp39-win_amd64.whl" }, { name = "x-1.0-py3-none-any.whl" }]'
        name = find_value(command, "--output-file")
        assert name.startswith("pylock.")  # uv refuses any other name
        (tmp_path / name).write_text(f'[[packages]]\nname = "x"\nwheels = {wheels}\n')
        return 0, "", ""

    found = list_wheels(make_uv(fake_runner, answer), FILE, tmp_path)
    assert found == ("x-1.0-cp39-cp39-win_amd64.whl", "x-1.0-py3-none-any.whl")
    assert asked == ["3.7", "3.8", "3.9"]
    assert (tmp_path / "version.txt").read_text() == "x==1.0\n"


def test_a_version_that_no_python_can_have_has_no_wheels(fake_runner: Any, tmp_path: Path) -> None:
    assert list_wheels(make_uv(fake_runner, lambda _c: (1, "", "no")), FILE, tmp_path) == ()


@pytest.mark.parametrize(
    ("wheels", "tries"),
    [
        pytest.param(
            ["cp312-cp312-win_amd64", "cp311-cp311-win_amd64", "cp311-cp311-macosx_14_0_arm64"],
            [("3.11", "x86_64-pc-windows-msvc"), ("3.11", "aarch64-apple-darwin"), ("3.12", "x86_64-pc-windows-msvc")],
            id="the same Python first",
        ),
        pytest.param(
            ["cp311-cp311-win32", "cp311-cp311-manylinux_2_28_aarch64", "cp311-cp311-musllinux_1_2_x86_64"],
            [
                ("3.11", "aarch64-manylinux_2_40"),
                ("3.11", "x86_64-unknown-linux-musl"),
                ("3.11", "i686-pc-windows-msvc"),
            ],
            id="the likest system first",
        ),
        pytest.param(
            ["cp39-cp39-manylinux1_x86_64", "cp38-cp38-manylinux2014_x86_64", "cp38-cp38-manylinux1_i686"],
            [("3.9", "x86_64-manylinux_2_40"), ("3.8", "x86_64-manylinux_2_40")],
            id="the nearest Python",
        ),
        pytest.param(["cp37-abi3-win_amd64"], [("3.11", "x86_64-pc-windows-msvc")], id="for this and later ones"),
        pytest.param(["pp39-pypy39_pp73-win_amd64", "cp27-cp27m-win32"], [], id="not for CPython 3"),
    ],
)
def test_the_wheel_that_is_read_is_the_likest(
    fake_runner: Any, target: LockTarget, tmp_path: Path, wheels: list[str], tries: list[tuple[str, str]]
) -> None:
    asked = []

    def answer(command: Command) -> tuple[int, str, str]:
        asked.append((find_value(command, "--python-version"), find_value(command, "--python-platform")))
        assert command.argv[-1] == "x==1.0"
        return 1, "", "no such wheel"

    names = [f"x-1.0-{tags}.whl" for tags in wheels]
    assert read_other_wheel(make_uv(fake_runner, answer), target, FILE, names, tmp_path) is None
    assert asked == tries


def test_its_metadata_is_read(fake_runner: Any, target: LockTarget, tmp_path: Path) -> None:
    def answer(command: Command) -> tuple[int, str, str]:
        info = tmp_path / find_value(command, "--target") / "x-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(METADATA)
        (info / "RECORD").write_text("")
        return 0, "", ""

    names = ["x-1.0-cp311-cp311-win_amd64.whl", "not a wheel"]
    found = read_other_wheel(make_uv(fake_runner, answer), target, FILE, names, tmp_path)
    assert found is not None
    assert (found[0], found[1].requires) == (names[0], ("six",))


def test_the_pythons_of_wheels() -> None:
    tags = ["cp39-cp39-win32", "cp310-cp310-win32", "cp39-cp39-win_amd64", "py3-none-any", "pp39-pypy39_pp73-win32"]
    assert list_pythons(f"x-1-{one}.whl" for one in tags) == ("3.9", "3.10")


@pytest.mark.parametrize(("others", "found"), [(("1.1", "0.9"), "1.1"), ((None, "0.9"), "0.9"), ((None, None), None)])
def test_the_next_version_with_a_wheel_is_found(
    fake_runner: Any, target: LockTarget, tmp_path: Path, others: tuple[str | None, str | None], found: str | None
) -> None:
    later, earlier = others

    def answer(command: Command) -> tuple[int, str, str]:
        line = (tmp_path / "search.txt").read_text()
        version = later if line == "x>1.0\n" else earlier
        assert find_value(command, "--resolution") == ("lowest" if line == "x>1.0\n" else "highest")
        assert find_value(command, "--only-binary") == "x"
        return (0, f"x=={version}\n", "") if version else (1, "", "No solution found")

    assert find_version_with_wheel(make_uv(fake_runner, answer), target, FILE, tmp_path) == found
