"""Which files are the project: precedence, refusals. Against the real Compose: tests/integration/compose."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builder.compose.load.discover import DEFAULT_NAMES, OVERRIDE_NAMES, discover_project
from builder.core.errors import ComposeError, ExitCode, NoComposeFileError

if TYPE_CHECKING:
    from builder.compose.model import ProjectFiles


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names(found: ProjectFiles, folder: Path) -> list[str]:
    return [str(file.relative_to(folder)) for file in found.files]


def find(folder: Path, *files: str, env: dict[str, str] | None = None, **options: Any) -> ProjectFiles:
    return discover_project(files, env=env or {}, cwd=folder, **options)


@pytest.mark.parametrize("first", range(len(DEFAULT_NAMES)))
def test_the_default_names_have_an_order(tmp_path: Path, first: int) -> None:
    touch(tmp_path, *DEFAULT_NAMES[first:])
    assert names(find(tmp_path), tmp_path) == [DEFAULT_NAMES[first]]


@pytest.mark.parametrize("first", range(len(OVERRIDE_NAMES)))
def test_one_override_file_counts(tmp_path: Path, first: int) -> None:
    touch(tmp_path, "docker-compose.yml", *OVERRIDE_NAMES[first:])
    assert names(find(tmp_path), tmp_path) == ["docker-compose.yml", OVERRIDE_NAMES[first]]


def test_folders_above_are_searched_and_the_nearest_wins(tmp_path: Path) -> None:
    touch(tmp_path, "compose.yaml", "a/docker-compose.yaml", "a/b/c/x")
    found = find(tmp_path / "a/b/c")
    assert found.directory == tmp_path / "a"
    assert names(found, tmp_path) == ["a/docker-compose.yaml"]


def test_named_files_keep_their_order_and_bring_no_override_file(tmp_path: Path) -> None:
    touch(tmp_path, "a.yml", "sub/b.yml", "compose.yaml", "compose.override.yaml")
    found = find(tmp_path, "sub/../sub/b.yml", "a.yml")
    assert names(found, tmp_path) == ["sub/b.yml", "a.yml"]
    assert found.directory == tmp_path / "sub"
    assert names(find(tmp_path, "compose.yaml"), tmp_path) == ["compose.yaml"]


def test_a_folder_means_the_project_in_it(tmp_path: Path) -> None:
    touch(tmp_path, "p/compose.yaml", "p/compose.override.yaml", "empty/x")
    assert names(find(tmp_path, "p"), tmp_path) == ["p/compose.yaml", "p/compose.override.yaml"]
    with pytest.raises(NoComposeFileError, match="there is no compose file in this folder"):
        find(tmp_path, "empty")


def test_options_over_variables_over_env_file_over_default_names(tmp_path: Path) -> None:
    touch(tmp_path, "compose.yaml", "a.yml", "b.yml", "c.yml")
    env = {"COMPOSE_FILE": "b.yml:c.yml"}
    assert names(find(tmp_path), tmp_path) == ["compose.yaml"]
    (tmp_path / ".env").write_text("COMPOSE_FILE=a.yml;c.yml\nCOMPOSE_PATH_SEPARATOR=;\n")
    assert names(find(tmp_path), tmp_path) == ["a.yml", "c.yml"]
    assert names(find(tmp_path, env={**env, "COMPOSE_PATH_SEPARATOR": ":"}), tmp_path) == ["b.yml", "c.yml"]
    assert names(find(tmp_path, "a.yml", env=env), tmp_path) == ["a.yml"]


def test_an_empty_compose_file_variable_is_none(tmp_path: Path) -> None:
    touch(tmp_path, "compose.yaml")
    assert names(find(tmp_path, env={"COMPOSE_FILE": ""}), tmp_path) == ["compose.yaml"]


def test_an_env_file_that_names_files_elsewhere_counts_beside_theirs(tmp_path: Path) -> None:
    touch(tmp_path, "sub/b.yml", "sub/.env")
    (tmp_path / ".env").write_text("COMPOSE_FILE=sub/b.yml\n")
    found = find(tmp_path)
    assert found.directory == tmp_path / "sub"
    assert found.env_files == (tmp_path / "sub/.env", tmp_path / ".env")
    disabled = {"COMPOSE_DISABLE_ENV_FILE": "1"}
    with pytest.raises(NoComposeFileError):
        find(tmp_path, env=disabled)


def test_the_env_file_of_the_project_counts_in_its_folders_too(tmp_path: Path) -> None:
    touch(tmp_path, "compose.yaml", "x/a.yml")
    (tmp_path / ".env").write_text("COMPOSE_FILE=a.yml\n")
    found = find(tmp_path / "x")
    assert names(found, tmp_path) == ["x/a.yml"]
    assert found.env_files == (tmp_path / ".env",)


def test_an_env_file_below_a_project_that_names_another_is_refused(tmp_path: Path) -> None:
    """Versions of Compose differ here, and the wrong project must not be changed."""
    touch(tmp_path, "compose.yaml", "x/a.yml")
    (tmp_path / "x/.env").write_text("COMPOSE_FILE=a.yml\n")
    with pytest.raises(ComposeError, match="names one project") as caught:
        find(tmp_path / "x")
    assert str(caught.value.where) == f"{tmp_path}/x/.env: COMPOSE_FILE"
    assert names(find(tmp_path / "x", "a.yml"), tmp_path) == ["x/a.yml"]
    assert names(find(tmp_path / "x", env={"COMPOSE_FILE": "a.yml"}), tmp_path) == ["x/a.yml"]
    assert names(find(tmp_path / "x", env={"COMPOSE_DISABLE_ENV_FILE": "1"}), tmp_path) == ["compose.yaml"]


def test_a_project_directory_is_searched_and_kept(tmp_path: Path) -> None:
    touch(tmp_path, "p/compose.yaml", "q/a.yml")
    assert names(find(tmp_path, project_directory="p"), tmp_path) == ["p/compose.yaml"]
    found = find(tmp_path, "q/a.yml", project_directory=tmp_path / "p")
    assert (found.directory, names(found, tmp_path)) == (tmp_path / "p", ["q/a.yml"])


def test_env_files_come_from_options_or_the_variable(tmp_path: Path) -> None:
    touch(tmp_path, "compose.yaml", "a", "b", "c")
    env = {"COMPOSE_ENV_FILES": "a,b"}
    assert find(tmp_path, env=env).env_files == (tmp_path / "a", tmp_path / "b")
    assert find(tmp_path, env=env, env_files=("c",)).env_files == (tmp_path / "c",)
    assert find(tmp_path).env_files == ()
    with pytest.raises(ComposeError, match="no such env file"):
        find(tmp_path, env_files=("none",))


def test_the_name(tmp_path: Path) -> None:
    touch(tmp_path, "compose.yaml")
    env = {"COMPOSE_PROJECT_NAME": "from-variable"}
    assert find(tmp_path).name is None
    assert find(tmp_path, env={"COMPOSE_PROJECT_NAME": ""}).name is None
    assert find(tmp_path, env=env).name == "from-variable"
    assert find(tmp_path, env=env, project_name="given").name == "given"


def test_a_link_keeps_its_name(tmp_path: Path) -> None:
    """Compose names the project after the folder as it was given, and so do relative paths start there."""
    touch(tmp_path, "real/compose.yaml")
    (tmp_path / "link").symlink_to("real")
    found = find(tmp_path / "link")
    assert (found.directory, found.files) == (tmp_path / "link", (tmp_path / "link/compose.yaml",))


@pytest.mark.parametrize("file", ["-", "oci://registry.example/app:1", "https://example.com/compose.yaml"])
def test_what_cannot_be_changed_in_place_is_refused(tmp_path: Path, file: str) -> None:
    with pytest.raises(ComposeError, match="cannot be changed") as caught:
        find(tmp_path, file)
    assert caught.value.hint
    with pytest.raises(ComposeError, match="cannot be changed"):
        find(tmp_path, env={"COMPOSE_FILE": file, "COMPOSE_PATH_SEPARATOR": "|"})


def test_a_device_is_refused_whatever_it_stands_for(tmp_path: Path) -> None:
    """Compose would read its own standard input there, which is another one."""
    touch(tmp_path, "compose.yaml")
    with pytest.raises(ComposeError, match="from a pipe or device"):
        find(tmp_path, "/dev/stdin")
    with pytest.raises(ComposeError, match="from a pipe or device"):
        find(tmp_path, "/dev/null")


MEMORY = "/dev/shm"  # noqa: S108 - only folders of their own are made there


@pytest.mark.skipif(not os.access(MEMORY, os.W_OK), reason="this machine keeps no files in memory")
def test_a_file_in_memory_is_not_a_device() -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        touch(Path(folder), "compose.yaml")
        assert find(Path(folder), f"{folder}/compose.yaml").files == (Path(folder, "compose.yaml"),)


def test_an_env_file_that_can_be_read_only_once_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "compose.yaml")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ComposeError, match="can be read only once") as caught:
        find(tmp_path, env_files=("pipe",))
    assert caught.value.where is not None
    assert caught.value.where.file == str(tmp_path / "pipe")
    assert find(tmp_path, env_files=("/dev/null",)).env_files


def test_a_pipe_is_refused_as_standard_input_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ComposeError, match="-f pipe: a compose file from a pipe or device cannot be changed") as caught:
        find(tmp_path, "pipe")
    assert caught.value.hint == "write it to a file, and name that file"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoComposeFileError, match=r"-f none\.yml: there is no such file") as caught:
        find(tmp_path, "none.yml")
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.where is not None
    assert caught.value.where.file == str(tmp_path / "none.yml")
    with pytest.raises(NoComposeFileError, match=r"COMPOSE_FILE none\.yml"):
        find(tmp_path, env={"COMPOSE_FILE": "none.yml"})


def test_no_project_at_all_names_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(NoComposeFileError) as caught:
        find(tmp_path)
    assert all(name in str(caught.value) for name in (*DEFAULT_NAMES, str(tmp_path)))
