"""DAG files on their way into an image, and what the answer from there means."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import VerifyUsageError
from builder.image.verify import dags
from builder.image.verify.dags import hash_dags, judge_dags, make_dags_options, pack_dags
from builder.image.verify.plan import DagFolder
from builder.image.verify.scheduler import CheckFailure, NotApplicable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> DagFolder:
    root = tmp_path / "dags"
    for name in ("etl.py", "sub/more.py", "sub/q.sql", ".airflowignore", ".git/hooks/x.py", "__pycache__/etl.pyc"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return DagFolder(root, "dags")


def unpack(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: _read(tar, member) for member in tar}


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(member)
    assert stream is not None
    return stream.read()


def test_all_files_go_along_but_those_of_other_tools(folder: DagFolder) -> None:
    assert unpack(pack_dags(folder)) == {
        ".airflowignore": b".airflowignore",
        "etl.py": b"etl.py",
        "sub/more.py": b"sub/more.py",
        "sub/q.sql": b"sub/q.sql",
    }


def test_the_same_files_have_the_same_digest_whenever_they_were_written(folder: DagFolder) -> None:
    before = hash_dags(folder)
    (folder.path / "etl.py").touch()
    assert hash_dags(folder) == before
    (folder.path / "etl.py").write_text("other")
    assert hash_dags(folder) != before
    assert hash_dags(None) == ""


def test_links_within_the_folder_are_followed_and_one_around_itself_is_not(folder: DagFolder) -> None:
    (folder.path / "again").symlink_to("sub")
    (folder.path / "sub/round").symlink_to("..")
    (folder.path / "twin.py").symlink_to("etl.py")
    found = unpack(pack_dags(folder))
    assert found["again/more.py"] == b"sub/more.py"
    assert found["twin.py"] == b"etl.py"
    assert all(name.count("round") <= 1 for name in found)


@pytest.mark.parametrize("name", ["out.py", "sub/out.py"])
def test_a_link_out_of_the_folder_is_refused(folder: DagFolder, name: str, tmp_path: Path) -> None:
    (tmp_path / "private").write_text("x")
    (folder.path / name).symlink_to(tmp_path / "private")
    with pytest.raises(VerifyUsageError, match=f"dags/{name} is a link out of the folder"):
        pack_dags(folder)


def test_data_beside_the_dags_is_refused_by_name(folder: DagFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dags, "MOST_BYTES", 1 << 20)
    (folder.path / "train.csv").write_bytes(bytes(2 << 20))
    with pytest.raises(VerifyUsageError, match=r"dags holds more than 1 MiB; train.csv has 2097152 bytes"):
        pack_dags(folder)


def test_a_folder_that_went_away_is_an_error_with_its_name(folder: DagFolder) -> None:
    gone = DagFolder(folder.path / "gone", "gone")
    with pytest.raises(VerifyUsageError, match="gone cannot be read: No such file or directory"):
        pack_dags(gone)


def test_the_archive_lies_beside_the_probe() -> None:
    start = make_dags_options(b"tar")
    files = dict(start.files)
    assert files["/tmp/optbuild-verify/dags.tar"] == b"tar"  # noqa: S108 - inside a container
    assert start.command[0] in files
    assert start.environment["AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACK_DEPTH"] == "100"


def file(name: str, **changes: Any) -> dict[str, Any]:
    return {"file": name, "seconds": 0.2, "dags": [], "errors": [], "unjudged": [], "notes": [], **changes}


def answer(*files: Mapping[str, Any], **left: list[str]) -> dict[str, Any]:
    return json.loads(json.dumps({"files": files, "skipped": [], "ignored": [], **left}))  # type: ignore[no-any-return] # JSON


def test_what_was_left_out_is_counted() -> None:
    found = judge_dags(answer(file("a.py", dags=["x", "y"]), skipped=["h.py", "i.py"], ignored=["o.py"]), "dags/")
    assert found.message == (
        "2 DAGs in 1 file; left out as Airflow does: 2 files without the words dag and airflow, 1 file named in "
        ".airflowignore"
    )
    assert found.warnings == ()


def test_an_error_has_file_and_line_and_its_traceback() -> None:
    broken = file("etl/a.py", errors=[[3, "ModuleNotFoundError: No module named 'x'", "Traceback ..."]])
    crashed = file("b.py", errors=[[None, "it ended Python with signal 11", ""]], seconds=9.5)
    with pytest.raises(CheckFailure) as caught:
        judge_dags(answer(broken, crashed, file("c.py", dags=["x"])), "dags/")
    assert caught.value.message == "dags/etl/a.py:3: ModuleNotFoundError: No module named 'x' (and 1 more)"
    assert caught.value.log.splitlines() == [
        "dags/etl/a.py:3: ModuleNotFoundError: No module named 'x'",
        "dags/b.py: it ended Python with signal 11",
        "dags/etl/a.py:3:",
        "Traceback ...",
    ]
    assert caught.value.warnings == ("dags/b.py: takes 9.5 s to read, over 5 s",)


def test_what_a_file_does_while_it_is_read_is_a_warning_with_its_line() -> None:
    reading = file(
        "a.py",
        dags=["x"],
        notes=[[4, "reads the Variable 'v'"]],
        unjudged=[[5, "KeyError: 'Variable v does not exist'", "Traceback"]],
    )
    found = judge_dags(answer(reading, file("b.py", dags=["x"])), "dags")
    assert [warning.split(":")[:2] for warning in found.warnings[:2]] == [["dags/a.py", "4"], ["dags/a.py", "5"]]
    assert "reads the Variable 'v'" in found.warnings[0]
    assert "KeyError: 'Variable v does not exist'" in found.warnings[1]
    assert found.warnings[2] == "the DAG x is in dags/a.py and in dags/b.py: they replace each other"


def test_a_folder_without_dag_files_proves_nothing() -> None:
    with pytest.raises(NotApplicable, match=r"dags holds no DAG file; left out .* 1 file without the words"):
        judge_dags(answer(skipped=["h.py"]), "dags")
