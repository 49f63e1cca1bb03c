"""An image against a lock."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from image_factories import PYTHON_FOLDER, Image, Owned, file

from builder.image.lock.model import DebianPackage, Distribution, Lock, LockInputs
from builder.inspect.lock_diff import LockDiff, LockStatus, compare_with_lock
from builder.report.locks.image import format_lock_diff_json, format_lock_diff_markdown, format_lock_diff_text

if TYPE_CHECKING:
    from collections.abc import Sequence

INPUTS = LockInputs("2.8.1", (), "3.11", (), "none", "bookworm", (), ())
NAMES = ("shop:latest", "optbuild.lock")


def distribution(name: str, version: str) -> Distribution:
    return Distribution(name, version, "wheel", "0" * 64, 10)


def debian(name: str, version: str, architecture: str = "amd64") -> DebianPackage:
    return DebianPackage(name, version, architecture, "1" * 64, 10)


LOCK = Lock(
    platform="linux/amd64",
    inputs=INPUTS,
    constraints=None,
    given_up=(),
    source_date_epoch=0,
    uv=distribution("uv", "0.9"),
    python=(distribution("numpy", "1.24.3"), distribution("pandas", "2.0.3")),
    build_requires=(distribution("setuptools", "70"),),
    shared_libraries=(),
    runtime=(debian("dash", "0.5.12-2"), debian("tzdata", "2024a", "all")),
    build=(debian("gcc", "12"),),
)


def python(name: str, version: str, folder: str = PYTHON_FOLDER) -> Owned:
    return Owned("python", name, version, f"{folder}/{name}")


JUST_SO = (
    python("numpy", "1.24.3"),
    python("pandas", "2.0.3"),
    Owned("debian", "dash", "0.5.12-2", "/bin", "amd64"),
    Owned("debian", "tzdata", "2024a", "/usr/share/zoneinfo", "all"),
)


def against(packages: Sequence[Owned], lock: Lock = LOCK) -> LockDiff:
    return compare_with_lock(Image([("RUN x", [file("/bin/sh")])], packages).inspected(), lock)


def told(diff: LockDiff) -> list[tuple[str, str, LockStatus, str | None, str | None]]:
    return [(one.kind, one.name, one.standing, one.locked, one.found) for one in diff.differences]


def test_an_image_that_is_what_the_lock_says() -> None:
    found = against(JUST_SO)
    assert not found.differs
    assert (found.python, found.debian) == (2, 2)
    assert format_lock_diff_markdown(found, NAMES) == ""
    assert "2 Python and 2 Debian packages in the lock: the image has exactly these" in format_lock_diff_text(
        found, NAMES
    )


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        pytest.param(
            [python("numpy", "1.25.0"), *JUST_SO[1:]],
            ("python", "numpy", LockStatus.OTHER_VERSION, "1.24.3", "1.25.0"),
            id="other version",
        ),
        pytest.param(JUST_SO[1:], ("python", "numpy", LockStatus.MISSING, "1.24.3", None), id="missing"),
        pytest.param(
            [*JUST_SO, python("pip", "24.0")], ("python", "pip", LockStatus.UNKNOWN, None, "24.0"), id="not in the lock"
        ),
        pytest.param(JUST_SO[:-1], ("debian", "tzdata", LockStatus.MISSING, "2024a", None), id="Debian: missing"),
        pytest.param(
            [*JUST_SO, Owned("debian", "gcc", "12", "/usr/lib/gcc", "amd64")],
            ("debian", "gcc", LockStatus.UNKNOWN, None, "12"),
            id="Debian: a package of the builder stage in the image",
        ),
        pytest.param(
            [*JUST_SO[:-1], Owned("debian", "tzdata", "2024b", "/z", "all")],
            ("debian", "tzdata", LockStatus.OTHER_VERSION, "2024a", "2024b"),
            id="Debian: other version",
        ),
        pytest.param(
            [*JUST_SO[:2], Owned("debian", "dash", "0.5.12-2", "/bin", "arm64"), JUST_SO[3]],
            ("debian", "dash", LockStatus.OTHER_VERSION, "0.5.12-2 (amd64)", "0.5.12-2 (arm64)"),
            id="Debian: other architecture",
        ),
        pytest.param(
            [*JUST_SO, python("numpy", "1.20", "/opt/other")],
            ("python", "numpy", LockStatus.OTHER_VERSION, "1.24.3", "1.20"),
            id="a second copy elsewhere",
        ),
    ],
)
def test_a_difference(packages: Sequence[Owned], expected: tuple[str, ...]) -> None:
    found = against(packages)
    assert told(found) == [expected]
    assert found.differs
    assert json.loads(format_lock_diff_json(found, NAMES))["differences"][0]["name"] == expected[1]
    shown = format_lock_diff_text(found, NAMES), format_lock_diff_markdown(found, NAMES)
    assert all(expected[1] in text and str(expected[2]) in text for text in shown)


def test_a_distribution_that_a_debian_package_installed_is_that_packages() -> None:
    debians = "/usr/lib/python3/dist-packages"
    info = file(f"{debians}/PyYAML-6.0.egg-info/PKG-INFO")
    packages = [
        *JUST_SO,
        python("pyyaml", "6.0", debians),
        python("six", "1", debians),
        Owned("debian", "python3-yaml", "6.0-3", f"{debians}/PyYAML-6.0.egg-info", "amd64"),
    ]
    image = Image([("RUN x", [file("/bin/sh"), info])], packages).inspected()
    found = [(one.kind, one.name) for one in compare_with_lock(image, LOCK).differences]
    assert found == [("python", "six"), ("debian", "python3-yaml")]


def test_two_ways_to_write_a_python_version_are_one() -> None:
    assert not against([python("numpy", "1.24.3.0"), *JUST_SO[1:]]).differs


def test_debian_packages_of_a_pulled_base_are_not_compared() -> None:
    found = against([*JUST_SO, Owned("debian", "gcc", "12", "/usr/lib/gcc")], replace(LOCK, runtime=()))
    assert not found.differs
    assert "its Debian packages are the base's" in format_lock_diff_text(found, NAMES)


def test_another_platform_differs() -> None:
    found = against(JUST_SO, replace(LOCK, platform="linux/arm64"))
    assert found.differs
    assert "the image is for linux/amd64, the lock for linux/arm64" in format_lock_diff_text(found, NAMES)
    assert "`linux/amd64`" in format_lock_diff_markdown(found, NAMES)
    assert json.loads(format_lock_diff_json(found, NAMES))["platform"] == {
        "image": "linux/amd64",
        "lock": "linux/arm64",
    }


def test_foreign_versions_steer_no_terminal() -> None:
    found = against([*JUST_SO, python("x", "1\x1b[2J")])
    assert "\x1b" not in format_lock_diff_text(found, NAMES) + format_lock_diff_markdown(found, NAMES)


def test_a_comment_is_short() -> None:
    found = against([*JUST_SO, *(python(f"p{number}", "1") for number in range(50))])
    shown = format_lock_diff_markdown(found, NAMES)
    assert "30 more differences" in shown
    assert shown.count("\n") < 40
    assert format_lock_diff_text(found, NAMES).count("not in the lock: /home") == 50
