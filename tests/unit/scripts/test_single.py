"""One RUN for everything: nothing of the base changes that is not to change, and nothing of the tools stays."""

from __future__ import annotations

import io
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from build_scripts import load_build_script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def single() -> Iterator[ModuleType]:
    with load_build_script("single", "foundation") as module:
        yield module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    write(root / "usr/bin/python3", "python")
    write(root / "var/lib/dpkg/status", "base")
    (root / "bin").symlink_to("usr/bin")
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def make_tools(files: Mapping[str, str]) -> tarfile.TarFile:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    stream.seek(0)
    return tarfile.open(fileobj=stream)


def read_tree(root: Path) -> dict[str, str]:
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    return {str(path.relative_to(root)): path.read_text() for path in files}


def test_tools_come_beside_what_is_there_and_go_again(single: ModuleType, root: Path) -> None:
    before, tree = single.change.list_paths(root, frozenset()), read_tree(root)
    stamps = (root / "var/lib/dpkg/status").stat().st_mtime_ns
    tools = {
        "./usr/bin/gcc": "gcc",
        "./bin/strip": "strip",
        "./usr/lib/gcc/cc1": "cc1",
        "./var/lib/dpkg/status": "x",
    }
    with make_tools(tools) as archive:
        single.unpack_missing(archive, root)
    single.name_compilers(root)
    assert read_tree(root) == {
        **tree,
        "usr/bin/gcc": "gcc",
        "usr/bin/strip": "strip",
        "usr/lib/gcc/cc1": "cc1",
    }
    assert str((root / "usr/bin/cc").readlink()) == "gcc"
    assert not (root / "usr/bin/c++").exists()
    write(root / "out/kept", "kept")
    single.remove_new(root, before, frozenset({"/out"}))
    assert read_tree(root) == {**tree, "out/kept": "kept"}
    assert sorted(single.change.list_paths(root, frozenset({"/out"}))) == sorted(before)
    assert (root / "var/lib/dpkg/status").stat().st_mtime_ns == stamps


def test_a_tree_becomes_one_with_the_image(single: ModuleType, root: Path, tmp_path: Path) -> None:
    tree = tmp_path / "out/rootfs"
    write(tree / "var/lib/dpkg/status", "changed")
    write(tree / "home/airflow/file", "new")
    (tree / "home/airflow/link").symlink_to("file")
    (tree / "home/airflow").chmod(0o775)
    single.merge(tree, root)
    assert read_tree(root) == {
        "home/airflow/file": "new",
        "usr/bin/python3": "python",
        "var/lib/dpkg/status": "changed",
    }
    assert str((root / "home/airflow/link").readlink()) == "file"
    assert (root / "home/airflow").stat().st_mode & 0o777 == 0o775


def test_secrets_become_the_variables_of_uv_and_pip(single: ModuleType, root: Path) -> None:
    write(root / "uv_index", "https://user:word@index.example/simple")
    assert single.read_secrets(root) == {
        "UV_INDEX": "https://user:word@index.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://user:word@index.example/simple",
    }


def test_a_failed_step_ends_it_with_its_code(single: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    done: subprocess.CompletedProcess[str] = subprocess.CompletedProcess((), 7)
    monkeypatch.setattr(single.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(SystemExit) as caught:
        single.run(("install.sh",), {})
    assert caught.value.code == 7
