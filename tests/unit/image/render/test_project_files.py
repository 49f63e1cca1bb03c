"""[files]: which files come into the context, what is refused, and what the Dockerfile of each form says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from builder.core.errors import SpecError
from builder.image.render.context import render_context, render_dockerfile
from builder.image.render.project_files import read_project_files
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from pathlib import Path

    from render_forms import Form

    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

KEY = "-----BEGIN PRIVATE KEY-----\n" + "M" * 64 + "\n-----END PRIVATE KEY-----\n"
SPEC = '[image]\nname = "x"\n[base]\ndebian = "bookworm"\n[airflow]\nversion = "2.8.1"\n[python]\nversion = "3.11"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "dags/sub").mkdir(parents=True)
    (tmp_path / "dags/a.py").write_text("A")
    (tmp_path / "dags/sub/b.py").write_text("B")
    (tmp_path / "dags/run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "dags/run.sh").chmod(0o755)
    (tmp_path / "airflow.cfg").write_text("[core]\n")
    return tmp_path


def read(project: Path, **files: str) -> Spec:
    lines = "".join(f"{json.dumps(source)} = {json.dumps(target)}\n" for source, target in files.items())
    (project / "optbuild.toml").write_text(f"{SPEC}[files]\n{lines}")
    return read_spec(project)


def list_paths(spec: Spec) -> dict[str, tuple[bytes, bool]]:
    return {file.path: (file.data, file.executable) for file in read_project_files(spec)}


def test_a_folder_and_a_file_lie_in_the_context_as_in_the_image(project: Path) -> None:
    spec = read(project, **{"dags": "/opt/airflow/dags", "airflow.cfg": "/opt/airflow/airflow.cfg"})
    assert list_paths(spec) == {
        "files/1/opt/airflow/dags/a.py": (b"A", False),
        "files/1/opt/airflow/dags/run.sh": (b"#!/bin/sh\n", True),
        "files/1/opt/airflow/dags/sub/b.py": (b"B", False),
        "files/2/opt/airflow/airflow.cfg": (b"[core]\n", False),
    }


def test_dockerignore_keeps_files_out(project: Path) -> None:
    (project / ".dockerignore").write_text("**/sub\n*.cfg\n")
    assert set(list_paths(read(project, dags="/d"))) == {"files/1/d/a.py", "files/1/d/run.sh"}
    with pytest.raises(SpecError, match="dockerignore does not keep out"):
        read_project_files(read(project, **{"airflow.cfg": "/a.cfg"}))


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("dags/service.pem", KEY, "a private key"),
        ("dags/.env", "DB_PASSWORD=hunter2correct\n", "a secret in an env file"),
    ],
)
def test_a_secret_is_refused_by_what_is_in_the_file(project: Path, name: str, text: str, what: str) -> None:
    (project / name).write_text(text)
    with pytest.raises(SpecError) as caught:
        read_project_files(read(project, dags="/opt/airflow/dags"))
    assert name in str(caught.value)
    assert what in str(caught.value)
    assert "hunter2" not in str(caught.value)
    (project / ".dockerignore").write_text(f"{name}\n")
    assert read_project_files(read(project, dags="/opt/airflow/dags"))


def test_links_out_of_the_folder_are_refused(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "file"
    outside.write_text("x")
    (project / "dags/link").symlink_to(outside)
    with pytest.raises(SpecError, match="leads out of the folder"):
        read_project_files(read(project, dags="/d"))
    (project / "dags/link").unlink()
    (project / "dags/link").symlink_to("a.py")
    assert list_paths(read(project, dags="/d"))["files/1/d/link"] == (b"A", False)
    (project / "dags/folder").symlink_to("sub")
    with pytest.raises(SpecError, match="is a link to a folder"):
        read_project_files(read(project, dags="/d"))


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"missing": "/d"}, "does not exist"),
        ({"../x": "/d"}, "not a clean path"),
        ({"dags": "opt/airflow"}, "not an absolute path"),
        ({"dags": "/opt/../etc"}, "not a clean path"),
        ({"dags": "/"}, "not a clean path"),
        ({"dags": "/proc/x"}, "image's own"),
        ({"dags": "/home/airflow/.local/lib"}, "image's own"),
        ({"dags": "/d", "airflow.cfg": "/d"}, "lies at /d already"),
    ],
)
def test_what_the_table_refuses(project: Path, files: dict[str, str], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        read(project, **files)


def test_each_form_copies_them_last(form: Form, project: Path) -> None:
    files = {"dags": "/opt/airflow/dags", "airflow.cfg": "/opt/airflow/airflow.cfg"}
    spec = form.spec.model_copy(update={"files": files, "folder": project})
    text = render_dockerfile(spec, form.lock)  # which parses it again, and compares it with the plan
    final = text.split("\nFROM ")[-1]
    marks = ("files /out/1/ /\n", "files /out/2/ /\n") if spec.build.multi_stage else ("/files / 1\n", "/files / 2\n")
    places = [final.index(mark) for mark in marks]
    assert places == sorted(places)
    assert "packages" not in final[places[0] :]
    assert "\n\n\n" not in text
    context = render_context(spec, form.lock)
    assert json.loads(context.find_file("files/targets.json").data) == {"1": files["dags"], "2": files["airflow.cfg"]}


def test_without_them_there_is_no_stage_and_no_script(spec: Spec, lock: Lock) -> None:
    assert "files" not in {file.path.split("/")[0] for file in render_context(spec, lock).files}
    assert "AS files" not in render_dockerfile(spec, lock)


def test_a_changed_file_moves_the_content_tag(project: Path, spec: Spec, lock: Lock) -> None:
    mine = spec.model_copy(update={"files": {"dags": "/opt/airflow/dags"}, "folder": project})
    before = render_context(mine, lock).compute_digest()
    (project / "dags/a.py").write_text("C")
    assert render_context(mine, lock).compute_digest() != before
