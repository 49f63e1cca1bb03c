"""README's commands, typed in README's order by somebody who has a project in a folder, and nothing else.

The tool is installed as README says, from the wheel of this checkout, into an empty home folder. Images of ours bear
the names of the official ones, and Airflow's constraints come from a file: neither a registry nor Airflow's site may be
reachable here.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from seed_project import FIXTURES, lend_names, remove_images
from shown_commands import list_shown_commands
from uv import find_uv_bin

from builder.image.lock.document import read_lock
from builder.image.lock.uv import add_index_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.engine.client import Engine

REPOSITORY = Path(__file__).parents[2]
FIRST_DAG = "from airflow import DAG\n\nDAG('first')\n"
DOCKERFILE = "FROM apache/airflow:2.8.1-python3.11\nCOPY dags /opt/airflow/dags\n"
README_IMAGE = "ml-pipeline-airflow"
"""Of the spec that README shows. Here it is the project's own name: that one is the machine's."""
EXPECTED = {
    "uv tool install optbuild-airflow": (0,),
    "optbuild doctor": (0, 3),
    "optbuild plan": (0,),
    "optbuild optimize": (0,),
    "optbuild rollback": (0,),
    "optbuild init": (0,),
    "optbuild lock": (0,),
    "optbuild build --verify": (0,),
    "optbuild plan --format github --fail-level warning": (1,),
    "optbuild lock --check": (0,),
    "optbuild diff main.tar branch.tar --format markdown --max-growth 5%": (0,),
    f"optbuild inspect {README_IMAGE}:latest": (0,),
}
"""Command → exit codes that it may have here; 3 of doctor: this machine lacks something, and it says what."""
SHOWN = [" ".join(one.words) for one in list_shown_commands() if one.page == "README.md"]


@dataclass(frozen=True)
class Newcomer:
    """``folder``: their project, whose name is that of the compose project and of the image."""

    folder: Path
    env: dict[str, str]

    @property
    def spec(self) -> Path:
        return self.folder / "optbuild.toml"

    def type(self, command: str) -> subprocess.CompletedProcess[str]:
        """On a terminal, with a yes to what is asked."""
        words = command.replace(README_IMAGE, self.folder.name).split()
        person, terminal = pty.openpty()
        os.write(person, b"y\n")
        try:
            return subprocess.run(
                words, cwd=self.folder, env=self.env, stdin=terminal, capture_output=True, text=True, check=False
            )
        finally:
            os.close(person)
            os.close(terminal)

    def prepare(self, command: str) -> None:
        """What lies in the folder when a person types this."""
        if command == "optbuild lock":
            self._use_what_is_at_hand()
        if command.startswith("optbuild diff main.tar"):
            argv = ("docker", "save", "--output", "main.tar", f"{self.folder.name}:latest")
            subprocess.run(argv, cwd=self.folder, check=True)
            os.link(self.folder / "main.tar", self.folder / "branch.tar")

    def _use_what_is_at_hand(self) -> None:
        """As docs/how-to/no-registry.md says: a base that is made here, and constraints from a file."""
        text, count = re.subn(r'(?m)^airflow = "apache/.*$', 'debian = "bookworm"', self.spec.read_text())
        assert count == 1, text
        text = text.replace("[airflow]\n", '[airflow]\nconstraints = "constraints.txt"\nextras = ["postgres"]\n')
        self.spec.write_text(text)
        pins = read_lock(REPOSITORY / "images/airflow/optbuild.lock").python
        lines = [f"{one.name}=={one.version}\n" for one in pins]
        (self.folder / "constraints.txt").write_text("".join(lines))


@pytest.fixture(scope="module")
def wheel_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run((find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", folder, REPOSITORY), check=True)
    return folder


@pytest.fixture
def newcomer(engine: Engine, image: str, postgres_image: str, wheel_folder: Path, tmp_path: Path) -> Iterator[Newcomer]:
    home, folder = tmp_path / "home", tmp_path / f"readme{uuid.uuid4().hex[:8]}"
    home.mkdir()
    shutil.copytree(FIXTURES / "seed-live", folder)
    (folder / "Dockerfile.airflow").write_text(DOCKERFILE)
    (folder / "dags").mkdir()
    (folder / "dags/first.py").write_text(FIRST_DAG)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "XDG_"))}
    env = {
        **add_index_variables(env),
        "HOME": str(home),
        "PATH": os.pathsep.join((str(home / ".local/bin"), str(Path(find_uv_bin()).parent), env["PATH"])),
        "UV_FIND_LINKS": str(wheel_folder),
    }
    if not os.environ.get("OPTBUILD_SOAK"):  # a base takes 25 s, and this test is not about it
        env["XDG_CACHE_HOME"] = str(Path.home() / ".cache")
    names = {"apache/airflow:2.8.1-python3.11": image, "postgres:13": postgres_image}
    lent = lend_names(engine, names)
    next(lent)
    try:
        yield Newcomer(folder, env)
    finally:
        remove_images(folder.name)
        with suppress(StopIteration):
            next(lent)


def test_what_is_expected_is_what_readme_shows() -> None:
    assert list(EXPECTED) == SHOWN


@pytest.mark.alone  # names of official images are lent for minutes, and a proof has limits that a busy machine passes
def test_they_work_in_their_order(newcomer: Newcomer) -> None:
    for command in SHOWN:
        newcomer.prepare(command)
        done = newcomer.type(command)
        assert done.returncode in EXPECTED[command], f"{command}\n{done.stdout}\n{done.stderr}"
    assert "23 checks" in newcomer.type("optbuild verify").stdout
