"""A context in a person's folder: written again and again where a render made it, and nothing else is replaced."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from builder.core.errors import ExitCode, ForeignFilesError
from builder.image.render.folder import RECORD, make_folder_files, write_folder
from builder.image.render.model import CONTENT_PLACEHOLDER, BuildContext, ContextFile

if TYPE_CHECKING:
    from pathlib import Path


def rendered(text: str = "1", *more: str) -> tuple[ContextFile, ...]:
    """Two files, and another one for each of ``more``."""
    dockerfile = ContextFile("Dockerfile", f"FROM x:{text}\nLABEL c={CONTENT_PLACEHOLDER}\n".encode())
    script = ContextFile("scripts/run.sh", b"run\n", executable=True)
    context = BuildContext((dockerfile, *(ContextFile(name, b"") for name in more), script), "linux/amd64", 0)
    return make_folder_files(context, "{}\n")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_written_is_recorded_and_no_placeholder_is_left(tmp_path: Path) -> None:
    write_folder(tmp_path / "out", rendered(), force=False)
    found = contents(tmp_path / "out")
    assert set(found) == {"Dockerfile", "scripts/run.sh", "docker-bake.json", RECORD}
    assert CONTENT_PLACEHOLDER.encode() not in found["Dockerfile"]
    assert (tmp_path / "out/scripts/run.sh").stat().st_mode & 0o777 == 0o755
    assert f"{hashlib.sha256(found['Dockerfile']).hexdigest()}  Dockerfile" in found[RECORD].decode().splitlines()


def test_a_folder_of_a_render_is_written_again(tmp_path: Path) -> None:
    for files in (rendered("1"), rendered("1"), rendered("2"), rendered("3", "new"), rendered("1")):
        write_folder(tmp_path, files, force=False)
        assert contents(tmp_path).items() >= {file.path: file.data for file in files}.items()


def test_a_person_s_own_file_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM mine\n")
    (tmp_path / "mine.txt").write_text("mine\n")
    with pytest.raises(ForeignFilesError, match=r": Dockerfile\. Nothing was written\n  next: .*--force") as caught:
        write_folder(tmp_path, rendered(), force=False)
    assert caught.value.exit_code is ExitCode.USAGE
    assert contents(tmp_path) == {"Dockerfile": b"FROM mine\n", "mine.txt": b"mine\n"}


def test_a_rendered_file_that_somebody_changed_is_his(tmp_path: Path) -> None:
    write_folder(tmp_path, rendered(), force=False)
    (tmp_path / "scripts/run.sh").write_text("run twice\n")
    with pytest.raises(ForeignFilesError) as caught:
        write_folder(tmp_path, rendered("2"), force=False)
    assert caught.value.names == ("scripts/run.sh",)
    assert contents(tmp_path)["Dockerfile"] == rendered()[0].data


def test_force_replaces_and_leaves_what_no_render_writes(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM mine\n")
    (tmp_path / "mine.txt").write_text("mine\n")
    write_folder(tmp_path, rendered("1"), force=True)
    assert contents(tmp_path)["mine.txt"] == b"mine\n"
    write_folder(tmp_path, rendered("2"), force=False)
    assert contents(tmp_path)["Dockerfile"].startswith(b"FROM x:2")


def test_the_same_bytes_are_nobody_s(tmp_path: Path) -> None:
    """Also what a run wrote that was killed before its record."""
    for file in rendered()[:2]:
        (tmp_path / file.path).parent.mkdir(exist_ok=True)
        (tmp_path / file.path).write_bytes(file.data)
    write_folder(tmp_path, rendered(), force=False)
    assert set(contents(tmp_path)) == {"Dockerfile", "scripts/run.sh", "docker-bake.json", RECORD}


def test_many_names_are_counted(tmp_path: Path) -> None:
    names = [f"file{number}" for number in range(7)]
    for name in names:
        (tmp_path / name).write_text("mine")
    with pytest.raises(ForeignFilesError, match="file0, file1, file2, file3, file4 and 2 more"):
        write_folder(tmp_path, rendered("1", *names), force=False)
