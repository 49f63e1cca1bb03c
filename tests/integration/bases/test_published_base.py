"""An image of ours, published once: another spec stands on it, and adds what it changes."""

from __future__ import annotations

import re
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from stand_ins import run

from builder.core.process import Command, LocalRunner
from builder.image.lock.document import read_lock

if TYPE_CHECKING:
    from pathlib import Path

    from stand_in_registry import StandInRegistry

    from builder.engine.client import Engine

MAIN = "from builder.cli.main import main; main()"
SPEC = """\
[image]
name = "{name}"
[base]
image = "{base}"
[airflow]
version = "2.8.1"
extras = ["postgres"]
constraints = false
[python]
version = "3.11"
requirements = ["pandas==2.0.3"{more}]
{build}[verify]
database = "sqlite"
"""
BUILD = """\
[build]
run = ["note.sh"]
run-folders = ["/opt/extra"]
"""
SCRIPT = "#!/bin/bash\npython3 -c 'import humanize; print(humanize.__version__)' >/opt/extra/note\n"
"""Of the project: it sees what the child adds."""
pytestmark = pytest.mark.soak


def optbuild(*words: str) -> str:
    done = LocalRunner().run(Command((sys.executable, "-c", MAIN, *words), timeout=600))
    assert done.ok, f"{done.out}\n{done.err}"
    return done.out


@pytest.fixture
def published(stand_ins: StandInRegistry, image: str) -> str:
    """The project's own image under a name of the registry."""
    reference = f"{stand_ins.address}/published/airflow-base:1"
    run(("docker", "tag", image, reference))
    try:
        run(("docker", "push", "--quiet", reference))
    finally:
        run(("docker", "rmi", "--no-prune", reference))
    return reference


@pytest.mark.parametrize("added", [[], ["humanize"]])
def test_a_child_adds_its_own_layers_alone(
    published: str, image: str, engine: Engine, tmp_path: Path, added: list[str]
) -> None:
    """It is proven as an image of ours is, without a builder stage where nothing is added. A script of the project sees
    what is added, and what it leaves is in the image."""
    name = f"optbuild-test-child-{'more' if added else 'none'}"
    more, build = (', "humanize==4.9.0"', BUILD) if added else ("", "")
    (tmp_path / "note.sh").write_text(SCRIPT)
    (tmp_path / "optbuild.toml").write_text(SPEC.format(name=name, base=published, more=more, build=build))
    optbuild("lock", str(tmp_path))
    lock = read_lock(tmp_path / "optbuild.lock")
    assert lock.foundation is not None
    assert (lock.foundation.contract, [one.name for one in lock.python], lock.runtime) == ("optbuild", added, ())
    try:
        optbuild("build", "--verify", str(tmp_path))
        below, made = (engine.api.inspect_image(one) for one in (image, f"{name}:latest"))
        layers = [one["RootFS"]["Layers"] for one in (below, made)]
        assert layers[1][: len(layers[0])] == layers[0]
        assert made["Size"] - below["Size"] < 2_000_000
        for key in ("User", "Entrypoint", "Env", "WorkingDir", "ExposedPorts"):
            assert made["Config"][key] == below["Config"][key], key
        assert made["Created"] == below["Created"], "dated as what it stands on: nothing of its own is newer"
        note = run(("docker", "run", "--rm", f"{name}:latest", "bash", "-c", "cat /opt/extra/note 2>/dev/null || true"))
        assert note.split() == (["4.9.0"] if added else [])
    finally:
        remove_images(engine, name)


def test_a_base_is_proven_without_a_role_and_has_one_name(airflow_folder: Path, engine: Engine, tmp_path: Path) -> None:
    """The project's own spec without what only roles need; its layers are those of the project's image."""
    name, folder = "optbuild-test-base", tmp_path / "base"
    shutil.copytree(airflow_folder, folder)
    spec = (folder / "optbuild.toml").read_text()
    own = re.sub(r'name = ".*"', f'name = "{name}"\nkind = "base"', spec, count=1)
    (folder / "optbuild.toml").write_text(own.partition("[verify]")[0])
    try:
        said = optbuild("build", "--verify", str(folder))
        assert re.findall(r"^promoted  (.*)$", said, re.MULTILINE) == [f"{name}:latest"]
        assert re.search(r"^verified  13 checks in [\d.]+ s, database none$", said, re.MULTILINE), said
    finally:
        remove_images(engine, name)


def remove_images(engine: Engine, project: str) -> None:
    for entry in engine.client.images.list(filters={"label": f"optbuild.project={project}"}):
        for tag in entry.tags:
            run(("docker", "rmi", "--no-prune", tag))
