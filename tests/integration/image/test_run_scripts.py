"""Scripts of [build] run on the real engine: what they see, what of it is in the image, what ends the build."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from small_image import build_layers, select

from builder.core.debian import RELEASE_EPOCH
from builder.core.errors import BuildFailedError
from builder.core.naming import MOST_LAYERS
from builder.image.lock.document import read_lock
from builder.image.spec.reader import read_spec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

pytestmark = pytest.mark.timeout(1500)
PACKAGES = ("markupsafe", "six")
LOOK = """#!/usr/bin/env python3
import getpass, os, pathlib, shutil, six, socket, sys
folder = pathlib.Path("/opt/extra")
(folder / "sub").mkdir()
(folder / "sub/six").write_text(six.__version__)
(folder / "tool").write_text("#!/bin/sh\\n")
(folder / "tool").chmod(0o4700)
(folder / "link").symlink_to("/opt/airflow")
(folder / "words").write_text(pathlib.Path("assets/words").read_text())
seen = {
    "user": getpass.getuser(), "six": six.__file__, "prefix": sys.prefix, "home": os.listdir(os.environ["HOME"]),
    "team": os.environ["TEAM"], "strip": shutil.which("strip"), "files": sorted(map(str, pathlib.Path().rglob("*"))),
    "interfaces": [name for _, name in socket.if_nameindex()],
}
(folder / "seen").write_text("".join(f"{key}: {value}\\n" for key, value in seen.items()))
pathlib.Path("/usr/local/elsewhere").write_text("lost")
pathlib.Path("/tmp/elsewhere").write_text("lost")
pathlib.Path("/srv/new").mkdir()
try:
    pathlib.Path("assets/words").write_text("changed")
except OSError:
    print("read-only")
"""
SEEN = """user: root
six: /home/airflow/.local/lib/python3.11/site-packages/six.py
prefix: /home/airflow/.local
home: []
team: ml
strip: /usr/bin/strip
files: ['assets', 'assets/words', 'look.py', 'other.sh']
interfaces: ['lo']
"""


@dataclass(frozen=True)
class Project:
    """A small image of its own name, on a base of Debian's packages."""

    folder: Path
    spec: Spec
    lock: Lock
    name: str

    def build(self, target: Path, **keys: object) -> dict[str, tuple[Any, int]]:
        """The entries of the layer that the scripts make. Raises BuildFailedError."""
        spec = self.spec.model_copy(update={"build": self.spec.build.model_copy(update=keys)})
        most = MOST_LAYERS if spec.build.multi_stage else 1
        layers = build_layers(target, spec, select(self.lock, PACKAGES, most))
        self._check_elsewhere(layers)
        return layers[-1].entries

    def _check_elsewhere(self, layers: tuple[Any, ...]) -> None:
        paths = {path for layer in layers for path in layer.entries}
        assert "home/airflow/.local/lib/python3.11/site-packages/six.py" in paths
        assert not [path for path in paths if "elsewhere" in path or path == "srv/new" or "/.wh." in f"/{path}"]
        assert not [path for path in paths if path.startswith(("project", "run-scripts"))]


@pytest.fixture(scope="module")
def project(airflow_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("project")
    (folder / "assets").mkdir()
    (folder / "assets/words").write_text("words")
    (folder / "look.py").write_text(LOOK)
    (folder / "other.sh").write_text('mkdir -p "$HOME/.cache"; touch /opt/extra/other; rmdir "$HOME/.cache"\n')
    (folder / "fails.sh").write_text("#!/bin/sh\necho the last words\nexit 7\n")
    (folder / "downloads.sh").write_text(
        "#!/bin/sh -eu\npython -c \"import urllib.request as u; u.urlopen('http://example.org')\"\n"
    )
    (folder / "breaks.sh").write_text("#!/bin/sh -eu\ntouch /opt/extra/x\necho >> /etc/passwd\nrm /etc/issue\n")
    (folder / "nothing.sh").write_text("true\n")
    (folder / "looks.sh").write_text("ls /sys/class/net | grep --invert-match lo > /opt/extra/interface\n")
    (folder / "secret").write_text("not for scripts")
    spec, name = read_spec(airflow_folder), "optbuild-test-run-scripts"
    image = spec.image.model_copy(update={"name": name, "env": {"TEAM": "ml"}})
    build = spec.build.model_copy(
        update={"run": ("look.py", "other.sh"), "run_folders": ("/opt/extra",), "run_files": ("assets",)}
    )
    spec = spec.model_copy(update={"folder": folder, "image": image, "build": build})
    yield Project(folder, spec, read_lock(airflow_folder / "optbuild.lock"), name)
    subprocess.run(["docker", "rmi", "--no-prune", name], check=False, capture_output=True)


@pytest.fixture(scope="module")
def several(project: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, int]]:
    return project.build(tmp_path_factory.mktemp("several"))


def test_the_layer_has_what_they_left_below_their_folders(
    several: dict[str, tuple[Any, int]], airflow_folder: Path
) -> None:
    """With the owner, the modes and the time of all other layers."""
    modes = {path: (oct(entry.mode), entry.owner) for path, (entry, _) in several.items()}
    own = (50000, 0)
    assert modes == {
        "opt": ("0o755", (0, 0)),
        "opt/extra": ("0o775", own),
        "opt/extra/link": ("0o777", own),
        "opt/extra/other": ("0o664", own),
        "opt/extra/seen": ("0o664", own),
        "opt/extra/sub": ("0o775", own),
        "opt/extra/sub/six": ("0o664", own),
        "opt/extra/tool": ("0o775", own),
        "opt/extra/words": ("0o664", own),
    }
    release = read_lock(airflow_folder / "optbuild.lock").release
    assert {time for _, time in several.values()} == {RELEASE_EPOCH[release]}


def test_they_see_the_image_the_builder_s_packages_and_of_the_project_what_is_named(
    several: dict[str, tuple[Any, int]], project: Project
) -> None:
    subprocess.run(["docker", "rm", "--force", f"{project.name}-look"], capture_output=True, check=False)
    subprocess.run(
        ["docker", "create", "--name", f"{project.name}-look", project.name], capture_output=True, check=True
    )
    try:
        done = subprocess.run(
            ["docker", "cp", f"{project.name}-look:/opt/extra/seen", "-"], capture_output=True, check=True
        )
    finally:
        subprocess.run(["docker", "rm", "--force", f"{project.name}-look"], capture_output=True, check=True)
    assert SEEN.encode() in done.stdout
    assert several


def test_one_stage_keeps_the_same(several: dict[str, tuple[Any, int]], project: Project, tmp_path: Path) -> None:
    single = project.build(tmp_path, multi_stage=False)
    wanted = {path: found for path, found in several.items() if path.startswith("opt/extra")}
    assert {path: found for path, found in single.items() if path.startswith("opt/extra")} == wanted
    files = {path for path, (entry, _) in single.items() if entry.kind != b"5"}
    assert files == {path for path, (entry, _) in several.items() if entry.kind != b"5"}


def test_the_network_is_there_where_the_spec_allows_it(project: Project, tmp_path: Path) -> None:
    """The script fails where there is no interface but the loopback one; ``inspect`` calls the layer by the key."""
    left = project.build(tmp_path, run=("looks.sh",), run_network=True)
    assert "opt/extra/interface" in left
    argv = [sys.executable, "-c", "from builder.cli.main import main; main()", "inspect", project.name]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "Scripts of [build] run" in done.stdout


@dataclass(frozen=True)
class Refusal:
    """Keys of [build], and what the error says."""

    script: str
    says: tuple[str, ...]
    hint: str
    keys: dict[str, object] = field(default_factory=dict)


REFUSALS = (
    Refusal("fails.sh", ("fails.sh ended with exit code 7", "    the last words"), "correct fails.sh"),
    Refusal("downloads.sh", ("downloads.sh ended with exit code 1, without network",), "write run-network = true"),
    Refusal("nothing.sh", ("nothing lies in /opt/extra after nothing.sh",), "remove it from run-folders"),
    Refusal(
        "breaks.sh",
        ("the scripts changed or removed what the image has: /etc/issue, /etc/passwd",),
        "multi-stage = true",
        {"multi_stage": False},
    ),
    Refusal(
        "nothing.sh",
        ("the image has files in /usr/lib/python3.11",),
        "a folder of their own",
        {"run_folders": ("/usr/lib/python3.11",)},
    ),
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda one: f"{one.script} {len(one.keys)}")
def test_what_ends_the_build(refusal: Refusal, project: Project, tmp_path: Path) -> None:
    with pytest.raises(BuildFailedError) as caught:
        project.build(tmp_path, run=(refusal.script,), **refusal.keys)
    assert not [words for words in refusal.says if words not in str(caught.value)], str(caught.value)
    assert str(caught.value).startswith("a script of [build] run: ")
    assert refusal.hint in str(caught.value.hint)
