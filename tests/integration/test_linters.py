"""The field's linters find nothing in any rendered Dockerfile; what .tally.toml switches off has its reason there."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from render_forms import FORMS, make_forms

from builder.image.lock.document import read_lock
from builder.image.render.context import render_context
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from builder.image.spec.model import Spec

REPOSITORY = Path(__file__).parents[2]
OTHER_USER = {"image, another user": "image", "image-single, another user": "image-single"}
"""On an image that does not run as root."""
WITH_SCRIPTS = {f"{form}, with scripts": form for form in FORMS}
"""Of [build] run, and files of the project."""
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module", params=[*FORMS, *OTHER_USER, *WITH_SCRIPTS])
def context(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of each kind of base, with each kind of stages."""
    folder = tmp_path_factory.mktemp("context")
    image = REPOSITORY / "images/airflow"
    forms = make_forms(read_spec(image), read_lock(image / "optbuild.lock"))
    form = forms[(OTHER_USER | WITH_SCRIPTS).get(request.param, request.param)]
    spec, lock = form.spec, form.lock
    if request.param in WITH_SCRIPTS:
        spec = add_script(spec, tmp_path_factory.mktemp("project"))
    if request.param in OTHER_USER and lock.foundation is not None:
        lock = replace(lock, foundation=replace(lock.foundation, user="app"))
    render_context(spec, lock).write(folder)
    return folder


def add_script(spec: Spec, folder: Path) -> Spec:
    for name in ("extra.sh", "other"):
        (folder / name).write_text("#!/bin/sh\n")
    build = spec.build.model_copy(update={"run": ("extra.sh",), "run_folders": ("/opt/extra",)})
    files = {"extra.sh": "/opt/airflow/extra.sh", "other": "/opt/airflow/other"}
    return spec.model_copy(update={"folder": folder, "build": build, "files": files})


def lint(*command: str | Path, cwd: Path) -> tuple[int, str]:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


HADOLINT = (BIN / "hadolint", "Dockerfile")
# its slow checks ask a registry, which a test does not reach
TALLY = (BIN / "tally", "lint", "--slow-checks", "off", "--config", REPOSITORY / ".tally.toml", "Dockerfile")


@pytest.mark.parametrize("linter", [HADOLINT, TALLY], ids=["hadolint", "tally"])
def test_finds_nothing(linter: tuple[str | Path, ...], context: Path) -> None:
    assert lint(*linter, cwd=context) == (0, "")


@pytest.mark.parametrize("linter", [HADOLINT, TALLY], ids=["hadolint", "tally"])
def test_would_find_something(linter: tuple[str | Path, ...], context: Path, tmp_path: Path) -> None:
    """A linter that was given the wrong file or configuration would find nothing in anything."""
    text = (context / "Dockerfile").read_text()
    (tmp_path / "Dockerfile").write_text(text.replace("USER 50000", "USER root"))
    code, said = lint(*linter, cwd=tmp_path)
    assert code != 0
    assert "DL3002" in said
