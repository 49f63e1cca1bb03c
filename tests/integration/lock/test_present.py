"""What uv really answers beside the distributions of a foundation, also beside one that no index has."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from lock_foundation import make_read_foundation

from builder.core.errors import UnsatisfiableError
from builder.core.process import LocalRunner
from builder.image.lock.first_pass import VersionPreferences
from builder.image.lock.present.distributions import list_present_versions, read_present
from builder.image.lock.python_packages import PythonResolver
from builder.image.lock.target import LockTarget
from builder.image.lock.uv import find_uv

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.image.lock.python_packages import ResolvedPython

TARGET = LockTarget("3.11", "bookworm")
PRIVATE = "optbuild-test-of-no-index"
"""Of the foundation alone."""
HAS = {
    "urllib3": ("2.0.7", ()),
    "idna": ("3.4", ()),
    "requests": ("2.31.0", ("urllib3<3,>=1.21.1", "idna<4,>=2.5", "certifi>=2017.4.17", "charset-normalizer<4,>=2")),
    "certifi": ("2023.7.22", ()),
    "charset-normalizer": ("3.3.2", ()),
    PRIVATE: ("1.0", ("urllib3<2.1",)),
}
"""Name → version, and what it needs."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def resolve(
    lines: list[str], cache: Path, has: Mapping[str, tuple[str, tuple[str, ...]]], constraints: Mapping[str, str]
) -> ResolvedPython:
    read = make_read_foundation(has)
    env = {**os.environ, "UV_CACHE_DIR": str(cache / "uv")}
    preferences = VersionPreferences({**constraints, **list_present_versions(read.foundation)})
    uv = replace(find_uv(LocalRunner(), env, sys.executable), env=env)
    present = read_present(read, TARGET)
    return PythonResolver(
        uv, TARGET, preferences, VersionPreferences(), cache, lambda _: None, present=present
    ).resolve(lines)


@pytest.mark.parametrize(
    ("lines", "added"),
    [
        pytest.param(["requests"], {}, id="all is there"),
        pytest.param(["requests>=2.20", "idna"], {}, id="the foundation outranks the constraints"),
        pytest.param(["idna==3.6"], {"idna": "3.6"}, id="a pin replaces"),
        pytest.param(["urllib3==1.26.18"], {"urllib3": "1.26.18"}, id="a pin that all of the foundation allows"),
        pytest.param(["requests-file==1.5.1"], {"requests-file": "1.5.1", "six": None}, id="what is missing is added"),
        pytest.param(["requests>=2.32"], {"requests": None}, id="only what must moves"),
        pytest.param([PRIVATE], {}, id="what no index has"),
    ],
)
def test_only_what_differs_is_added(lines: list[str], added: dict[str, str | None], cache: Path) -> None:
    """None: any version."""
    found = resolve(lines, cache, HAS, {"idna": "3.7", "urllib3": "2.2.0"})
    versions = {file.name: file.version for file in found.files}
    assert versions.keys() == added.keys()
    assert {name: version for name, version in versions.items() if added[name] is not None} == {
        name: version for name, version in added.items() if version is not None
    }


def test_what_the_foundation_has_is_not_broken(cache: Path) -> None:
    """Nobody asked for the distribution that excludes it, and ``pip check`` would complain of the image."""
    with pytest.raises(
        UnsatisfiableError, match=rf"of the base image, with all that it needs there:\n    {PRIVATE} 1\.0"
    ):
        resolve(["urllib3==2.2.1"], cache, HAS, {})


def test_what_the_foundation_does_not_meet_itself_moves_nothing(cache: Path) -> None:
    broken = {**HAS, PRIVATE: ("1.0", ("urllib3<2", "absent-in-it"))}
    assert resolve(["requests"], cache, broken, {}).files == ()


def test_a_source_is_built_with_what_the_index_has(cache: Path) -> None:
    """Of what the foundation has uv knows names: none of it is an archive to build with, however new it is."""
    found = resolve(["unicodecsv==0.14.1"], cache, {**HAS, "setuptools": ("9999.0", ())}, {})
    assert [(file.name, file.kind) for file in found.files] == [("unicodecsv", "sdist")]
    assert "setuptools" in {tool.name for tool in found.tools}
    assert "9999.0" not in {tool.version for tool in found.tools}
