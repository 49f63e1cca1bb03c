"""[build] run: what is refused, what comes into the context, and what the Dockerfile of each form says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from builder.core.errors import SpecError
from builder.image.render.context import RUN_SCRIPT, render_context, render_dockerfile
from builder.image.render.project_files import read_run_files
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from pathlib import Path

    from render_forms import Form

    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

SPEC = '[image]\nname = "x"\n[base]\ndebian = "bookworm"\n[airflow]\nversion = "2.8.1"\n[python]\nversion = "3.11"\n'
KEYS = {"run": '["scripts/extra.sh"]', "run-folders": '["/opt/extra"]'}
LINE = SPEC.count("\n") + 2
"""Of the first key below [build]."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts/extra.sh").write_text("#!/bin/sh\necho made > /opt/extra/file\n")
    (folder / "assets").mkdir()
    (folder / "assets/words.txt").write_text("words\n")
    return folder


def read(project: Path, **keys: str) -> Spec:
    """A spec whose [build] has those keys, written as TOML."""
    lines = "".join(f"{key.replace('_', '-')} = {value}\n" for key, value in keys.items())
    (project / "optbuild.toml").write_text(f"{SPEC}[build]\n{lines}")
    return read_spec(project)


def with_run(form: Form, project: Path, **changes: object) -> Spec:
    keys = {"run": ("scripts/extra.sh",), "run_folders": ("/opt/extra",), **changes}
    build = form.spec.build.model_copy(update=keys)
    return form.spec.model_copy(update={"build": build, "folder": project})


@pytest.mark.parametrize(
    ("keys", "key", "says"),
    [
        ({"run": '["missing.sh"]'}, "run[0]", "does not exist"),
        ({"run": '["scripts"]'}, "run[0]", "is not a file"),
        ({"run": '["/etc/hostname"]'}, "run[0]", "not a clean path"),
        ({"run": '["../x.sh"]'}, "run[0]", "not a clean path"),
        ({"run": '["scripts/out.sh"]'}, "run[0]", "leads out of the folder"),
        ({"run": '["scripts/extra.sh", "scripts/extra.sh"]'}, "run[1]", "is there twice"),
        ({"run-folders": "[]"}, "run", "nothing of what it makes would remain"),
        ({"run": "[]"}, "run-folders", "there are none"),
        ({"run-files": '["missing"]'}, "run-files[0]", "does not exist"),
        ({"run-folders": '["/opt/a", "/opt/a/b"]'}, "run-folders[1]", "in the other"),
        ({"run-folders": '["/opt/a", "/opt/a"]'}, "run-folders[1]", "/opt/a is /opt/a"),
        ({"run-folders": '["opt/a"]'}, "run-folders[0]", "not an absolute path"),
        ({"run-network": '"yes"'}, "run-network", "must be true or false"),
        *(
            ({"run-folders": f'["{path}"]'}, "run-folders[0]", "is not for one script alone")
            for path in ("/", "/etc", "/usr", "/usr/local/bin", "/opt", "/opt/airflow", "/opt/airflow/dags")
        ),
        *(
            ({"run-folders": f'["{path}"]'}, "run-folders[0]", "own")
            for path in ("/run/x", "/var/log/x", "/home/airflow/.local/lib", "/proc/x", "/root", "/bin", "/project/x")
        ),
    ],
)
def test_what_the_table_refuses(project: Path, keys: dict[str, str], key: str, says: str) -> None:
    """With the line and the key."""
    (project.parent / "secret.sh").write_text("#!/bin/sh\n")
    (project / "scripts/out.sh").symlink_to(project.parent / "secret.sh")
    whole = KEYS | keys
    with pytest.raises(SpecError, match=says) as caught:
        read(project, **whole)
    line = LINE + list(whole).index(key.partition("[")[0])
    assert str(caught.value).startswith(f"{project}/optbuild.toml:{line}: build.{key}: ")
    assert caught.value.hint


def test_scripts_and_what_they_read_lie_in_the_context_as_in_the_project(project: Path) -> None:
    (project / ".dockerignore").write_text("assets/draft\n")
    (project / "assets/draft").write_text("x")
    files = read_run_files(read(project, **KEYS, run_files='["assets", "scripts"]'))
    assert {file.path: file.executable for file in files} == {
        "run/project/assets/words.txt": False,
        "run/project/scripts/extra.sh": True,  # whatever mode a checkout gave it
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("#!/bin/sh\nexport DB_PASSWORD=hunter2correct\n-----BEGIN PRIVATE KEY-----\n" + "M" * 64, "a private key"),
        ("#!/bin/sh\r\necho\r\n", "line ends of Windows"),
    ],
)
def test_a_script_that_cannot_be_taken(project: Path, text: str, says: str) -> None:
    (project / "scripts/extra.sh").write_bytes(text.encode())
    with pytest.raises(SpecError, match=says) as caught:
        read_run_files(read(project, **KEYS))
    assert "build.run: " in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_script_that_dockerignore_keeps_out_is_refused(project: Path) -> None:
    (project / ".dockerignore").write_text("scripts\n")
    with pytest.raises(SpecError, match="dockerignore does not keep out"):
        read_run_files(read(project, **KEYS))


@pytest.mark.parametrize("network", [False, True], ids=["no network", "network"])
def test_each_form_runs_them_behind_the_packages_and_copies_what_they_leave(
    form: Form, project: Path, *, network: bool
) -> None:
    spec = with_run(form, project, run_network=network)
    spec = spec.model_copy(update={"files": {"assets": "/opt/airflow/assets"}})
    text = render_dockerfile(spec, form.lock)  # which parses it again, and compares it with the plan
    (run,) = (part for part in text.split("\nRUN ") if "/run-scripts/run_scripts.py" in part)
    assert run.startswith("--network=none ") is not network
    assert "netrc" not in run
    assert "uv_" not in run.partition("\n\n")[0]
    final = text.split("\nFROM ")[-1]
    mark = "--from=run /out/build.run/ /\n" if spec.build.multi_stage else "run_scripts.py stay"
    files = "--from=files /out/1/ /" if spec.build.multi_stage else "place_files.py /files / 1"
    layers = [final.index(f"/out/{layer.name}/ /") for layer in form.lock.layers if spec.build.multi_stage]
    assert max(layers, default=0) < final.index(mark) < final.index(files)
    assert "\n\n\n" not in text


def test_the_context_has_what_runs_them_and_their_settings(form: Form, project: Path) -> None:
    context = render_context(with_run(form, project), form.lock)
    settings = json.loads(context.find_file("run/settings.json").data)
    assert (settings["scripts"], settings["folders"], settings["network"]) == (
        ["scripts/extra.sh"],
        ["/opt/extra"],
        False,
    )
    assert settings["environment"].items() >= form.spec.image.env.items()
    assert int(settings["environment"]["SOURCE_DATE_EPOCH"]) > 10**9
    assert {"run/run_scripts.py", "run/place_files.py"} < {file.path for file in context.files}
    assert RUN_SCRIPT not in {file.path for file in context.files}


def test_no_stage_of_packages_has_another_input(project: Path, forms: dict[str, Form]) -> None:
    """Else a first script would install all packages anew."""
    form = forms["airflow"]
    before, after = (render_context(one, form.lock) for one in (form.spec, with_run(form, project)))
    own = {file.path for file in after.files if file not in before.files and file.path != "Dockerfile"}
    assert {path.split("/")[0] for path in own} == {"run"}


def test_a_changed_script_moves_the_content_tag(project: Path, spec: Spec, lock: Lock, forms: dict[str, Form]) -> None:
    mine = with_run(forms["airflow"], project)
    before = render_context(mine, lock).compute_digest()
    (project / "scripts/extra.sh").write_text("#!/bin/sh\n")
    assert len({before, render_context(mine, lock).compute_digest(), render_context(spec, lock).compute_digest()}) == 3
