"""What a probe says of the system below Python, and of bytecode that is not of its source."""

from __future__ import annotations

import importlib.util
import locale
import os
import py_compile
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNCHECKED, CHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH, py_compile.PycInvalidationMode.CHECKED_HASH


@pytest.fixture
def probe() -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("system", find_template_folder() / "verify/system.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    before = locale.setlocale(locale.LC_ALL)
    yield module
    locale.setlocale(locale.LC_ALL, before)


@pytest.fixture
def own_zone() -> Iterator[None]:
    """The C library reads TZ when it is told to: what a test has it read must not stay."""
    yield
    time.tzset()


@pytest.mark.usefixtures("own_zone")
def test_a_zone_without_data_is_a_problem_and_tz_is_put_back(probe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr(probe, "ZONE", "Nowhere/Atlantis")
    assert [problem.split(":")[0] for problem in probe.time_zones()] == [
        "TZ=Nowhere/Atlantis means UTC",
        "zoneinfo.ZoneInfo('Nowhere/Atlantis')",
    ]
    assert os.environ["TZ"] == "UTC"
    assert time.tzname == ("UTC", "UTC")


def test_a_locale_that_is_not_installed_is_named(probe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "xx_YY.UTF-8")
    assert "the locale that the environment names is not installed: LC_ALL=xx_YY.UTF-8" in next(probe.encodings())


def test_an_encoding_that_is_not_utf8_is_a_problem(probe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setattr(probe.locale, "getpreferredencoding", lambda _: "ANSI_X3.4-1968")
    assert list(probe.encodings()) == [
        "the encoding of files is ANSI_X3.4-1968, not UTF-8: set LANG=C.UTF-8",
    ]


def test_a_name_that_cannot_be_resolved_is_a_problem(probe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, _port: int) -> None:
        raise socket.gaierror(-3, f"no {name}")

    monkeypatch.setattr(probe.socket, "gethostname", lambda: "worker-1")
    monkeypatch.setattr(probe.socket, "getaddrinfo", refuse)
    assert [problem.split(" cannot")[0] for problem in probe.host_names()] == [
        "the host name localhost",
        "the host name worker-1",
    ]


def test_no_folder_for_temporary_files_is_a_problem(probe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(probe.tempfile, "TemporaryFile", refuse)
    assert next(probe.scratch()).startswith("no temporary file can be written")


@pytest.mark.parametrize(("mode", "stale"), [(UNCHECKED, True), (CHECKED, False), (None, False)])
def test_only_bytecode_that_python_does_not_compare_is_stale(
    probe: Any, tmp_path: Path, mode: py_compile.PycInvalidationMode | None, stale: bool
) -> None:
    source = tmp_path / "module.py"
    source.write_text("x = 1\n")
    made = py_compile.compile(str(source), invalidation_mode=mode)
    assert made is not None
    assert probe.stale_source(made) == ""
    source.write_text("x = 2\n")
    assert probe.stale_source(made) == (str(source) if stale else "")
    source.unlink()
    assert probe.stale_source(made) == ""


def test_stale_bytecode_is_found_on_the_path_of_this_python(
    probe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "package/module.py"
    source.parent.mkdir()
    source.write_text("x = 1\n")
    py_compile.compile(str(source), invalidation_mode=UNCHECKED)
    (source.parent / "__pycache__/module.cpython-27.pyc").write_bytes(b"\0" * 16)
    source.write_text("x = 2\n")
    monkeypatch.setattr(probe.sys, "path", [str(tmp_path), str(tmp_path / "gone")])
    assert probe.stale_bytecode() == [f"{source} is not what runs: its bytecode is of another text"]
