"""The environment of uv."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import IndexUnreadableError, SourceNotBuiltError, ToolFailedError
from builder.core.process import Command, ProcessResult
from builder.image.lock.facts import DistributionFacts
from builder.image.lock.uv import Uv, add_index_variables, add_known_metadata, find_uv, make_uv_error

if TYPE_CHECKING:
    from pathlib import Path

PIP = {
    "PIP_INDEX_URL": "https://i.example/simple",
    "PIP_EXTRA_INDEX_URL": "https://a.example /srv/wheels http://b.example",
}


def test_uv_reads_the_indexes_that_are_set_for_pip(fake_runner: Any) -> None:
    found = add_index_variables(PIP)
    assert found["UV_DEFAULT_INDEX"] == "https://i.example/simple"
    assert found["UV_INDEX"] == "https://a.example http://b.example"
    assert find_uv(fake_runner(lambda _c: (0, "", "")), PIP, "py").env == found


@pytest.mark.parametrize("names", [("UV_DEFAULT_INDEX", "UV_INDEX"), ("UV_INDEX_URL", "UV_EXTRA_INDEX_URL")])
def test_its_own_variables_win(names: tuple[str, str]) -> None:
    env = {**PIP, names[0]: "https://own.example", names[1]: "https://more.example"}
    assert add_index_variables(env) == env


def test_a_folder_is_no_index_of_a_build() -> None:
    env = {"PIP_INDEX_URL": "/srv/simple", "PIP_EXTRA_INDEX_URL": "file:///srv/wheels"}
    assert add_index_variables(env) == env


KNOWN = [("7.45.2", DistributionFacts("pycurl", ('six > 1 ; extra == "a"',), (), ("a",)))]
ENTRY = {"name": "pycurl", "version": "7.45.2", "requires-dist": ['six > 1 ; extra == "a"'], "provides-extra": ["a"]}


def test_its_temporary_files_are_in_the_scratch_folder(fake_runner: Any, tmp_path: Path) -> None:
    """Those of a killed run stayed in /tmp for ever."""
    runner = fake_runner(lambda _c: (0, "", ""))
    uv = Uv("uv", "1", "py", runner, {"TMPDIR": "/elsewhere", "A": "b"})
    assert uv.check(("cache", "dir"), tmp_path).ok
    assert runner.commands[0].env == {"A": "b", "TMPDIR": str(tmp_path)}


def test_known_metadata_stands_beside_the_settings_of_the_machine(fake_runner: Any, tmp_path: Path) -> None:
    uv = Uv("uv", "1", "py", fake_runner(lambda _c: (0, "", "")), {"HOME": "/x"})
    assert add_known_metadata(uv, KNOWN, tmp_path) == uv  # no variable: uv merges uv.toml of its folder with the others
    assert tomllib.loads((tmp_path / "uv.toml").read_text()) == {"dependency-metadata": [ENTRY]}


def test_a_file_that_a_variable_names_stays_in_force(fake_runner: Any, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('index-url = "https://i.example/simple"\n[[dependency-metadata]]\nname = "y"')
    uv = Uv("uv", "1", "py", fake_runner(lambda _c: (0, "", "")), {"UV_CONFIG_FILE": str(own)})
    found = add_known_metadata(uv, KNOWN, tmp_path)
    settings = tomllib.loads((tmp_path / "settings.toml").read_text())
    assert found.env == {"UV_CONFIG_FILE": str(tmp_path / "settings.toml")}
    assert settings["index-url"] == "https://i.example/simple"
    assert [one["name"] for one in settings["dependency-metadata"]] == ["y", "pycurl"]


def test_settings_that_are_switched_off_stay_off(fake_runner: Any, tmp_path: Path) -> None:
    uv = Uv("uv", "1", "py", fake_runner(lambda _c: (0, "", "")), {"UV_NO_CONFIG": "1", "HOME": "/x"})
    found = add_known_metadata(uv, KNOWN, tmp_path)
    assert found.env == {"HOME": "/x", "UV_CONFIG_FILE": str(tmp_path / "settings.toml")}  # one file alone is read
    assert tomllib.loads((tmp_path / "settings.toml").read_text()) == {"dependency-metadata": [ENTRY]}


def test_a_source_that_uv_had_to_build_is_named() -> None:
    said = "error: Failed to build `Py_Curl==7.45.2`\n  cause: The build backend returned an error\n"
    error = make_uv_error(ProcessResult(Command(("uv",), timeout=1), 2, "", said))
    assert isinstance(error, SourceNotBuiltError)
    assert isinstance(error, ToolFailedError)
    assert (error.name, error.version) == ("Py_Curl", "7.45.2")


def test_a_source_whose_build_needs_what_the_base_has_is_named_too() -> None:
    """uv downloads nothing there: of what a foundation has it knows the names."""
    said = (
        "error: Failed to download and build `py_ldap==3.4.4`\n  cause: Failed to download `setuptools==84.2.1`\n"
        "  cause: Failed to extract archive:\n    /scratch/present/setuptools-84.2.1-py3-none-any.whl\n"
    )
    error = make_uv_error(ProcessResult(Command(("uv",), timeout=1), 2, "", said))
    assert isinstance(error, SourceNotBuiltError)
    assert (error.name, error.version) == ("py_ldap", "3.4.4")
    network = said.partition("  cause: Failed to extract")[0]
    assert isinstance(make_uv_error(ProcessResult(Command(("uv",), timeout=1), 2, "", network)), IndexUnreadableError)
