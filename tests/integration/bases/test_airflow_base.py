"""An image of Airflow, extended in several stages and in one: what it is stays, and each distribution is there once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from stand_ins import run

from builder.image.lock.changes import list_replacements
from builder.image.lock.document import read_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUIREMENTS = ("numpy==1.24.3", "tabulate==0.8.10")
"""Both are there in other versions; numpy has scripts and libraries of its own."""
SOURCE = "python-ldap==3.4.4"
"""No release of it has a wheel."""
SPEC = """
[image]
name = "{name}"

[base]
airflow = "{reference}"

[airflow]
version = "{version}"
constraints = false

[python]
version = "3.11"
requirements = {requirements}

[build]
multi-stage = {several}
run = ["look.py"]
run-folders = ["/opt/extra"]
"""
SCRIPT = """#!/usr/bin/env python3
import getpass, importlib.util, numpy, pathlib, tabulate
seen = (getpass.getuser(), importlib.util.find_spec("airflow").origin, numpy.__version__, tabulate.__version__)
pathlib.Path("/opt/extra/seen").write_text(" ".join(seen))
"""
"""Of the project: it sees Airflow, and the packages that take the place of others."""
LOOK = """
import collections, glob, importlib.metadata, json, os, re, subprocess, sys
names = (one.metadata["Name"] for one in importlib.metadata.distributions())
found = collections.Counter(re.sub("[-_.]+", "-", name).lower() for name in names)
scripts = {name: open(f"/home/airflow/.local/bin/{name}").readline().strip() for name in ("f2py", "tabulate")}
call = lambda *words: subprocess.run(words, capture_output=True).returncode
print(json.dumps({
    "double": sorted(name for name, count in found.items() if count > 1),
    "versions": {name: importlib.metadata.version(name) for name in ("numpy", "tabulate")},
    "scripts": scripts,
    "ran": [call(f"/home/airflow/.local/bin/{name}", "--help") for name in scripts],
    "check": call(sys.executable, "-m", "pip", "check"),
    "bytecode": os.path.exists(importlib.metadata.distribution("numpy").locate_file("numpy/__pycache__")),
    "lost": [str(file) for file in importlib.metadata.files("numpy") if not os.path.exists(file.locate())],
    "folders": sorted(os.listdir("/opt/airflow")),
    "compilers": [path for path in glob.glob("/usr/bin/*") if re.search("/(gcc|g[+][+]|ld|strip)$", path)],
}))
"""
TREE = """
import hashlib, os
for folder, folders, files in os.walk("/home/airflow/.local"):
    for name in sorted(folders + files):
        path = os.path.join(folder, name)
        status = os.lstat(path)
        content = b""
        if os.path.islink(path):
            content = os.readlink(path).encode()
        elif os.path.isfile(path):
            content = open(path, "rb").read()
        digest = hashlib.sha256(content).hexdigest()
        print(path, oct(status.st_mode), status.st_uid, status.st_gid, digest, int(status.st_mtime))
"""


@dataclass(frozen=True)
class Extended:
    """A built image, its project, and the image below."""

    image: str
    folder: Path
    base: str


def optbuild(folder: Path, *words: str) -> str:
    argv = [sys.executable, "-c", "from builder.cli.main import main; main()", *words]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def extend(
    folder: Path,
    reference: str,
    version: str,
    *,
    several: bool,
    requirements: tuple[str, ...] = REQUIREMENTS,
    more: str = "",
) -> Extended:
    """Locked and built as a person does it. ``more``: of the spec."""
    name = f"optbuild-test-extended-{os.getpid()}"
    folder.mkdir()
    values = {"name": name, "reference": reference, "version": version, "requirements": json.dumps(requirements)}
    (folder / "look.py").write_text(SCRIPT)
    (folder / "optbuild.toml").write_text(SPEC.format(several=str(several).lower(), **values) + more)
    optbuild(folder, "lock")
    image = json.loads(optbuild(folder, "build", "--format", "json"))["image_id"]
    return Extended(str(image), folder, reference)


def look(image: str, script: str) -> str:
    return run(("docker", "run", "--rm", "--network=none", "--entrypoint=python3", image, "-B", "-c", script))


def read_config(image: str) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(run(("docker", "image", "inspect", image)))[0]["Config"]
    return config


@pytest.fixture(scope="module")
def several(airflow_281: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Extended]:
    found = extend(tmp_path_factory.mktemp("several") / "project", airflow_281, "2.8.1", several=True)
    yield found
    subprocess.run(("docker", "image", "rm", "--force", found.image), capture_output=True, check=False)


@pytest.fixture(scope="module")
def single(airflow_281: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Extended]:
    found = extend(tmp_path_factory.mktemp("single") / "project", airflow_281, "2.8.1", several=False)
    yield found
    subprocess.run(("docker", "image", "rm", "--force", found.image), capture_output=True, check=False)


def list_double(image: str) -> list[str]:
    """Official images have two pips: the interpreter's own, and Airflow's."""
    found: list[str] = json.loads(look(image, LOOK))["double"]
    return found


def check_extended(extended: Extended, interpreter: str) -> None:
    found = json.loads(look(extended.image, LOOK))
    assert found["versions"] == {"numpy": "1.24.3", "tabulate": "0.8.10"}
    assert (found["check"], found["lost"], found["ran"]) == (0, [], [0, 0])
    assert found["double"] == list_double(extended.base)
    assert {*found["scripts"].values()} == {f"#!{interpreter}"}
    assert found["bytecode"]
    assert found["compilers"] == []
    assert {"config", "dags", "logs", "plugins"} <= {*found["folders"]}
    ours, theirs = read_config(extended.image), read_config(extended.base)
    for key in ("User", "Entrypoint", "Cmd", "WorkingDir", "Shell", "Env"):
        assert ours.get(key) == theirs.get(key), key
    lock = read_lock(extended.folder / "optbuild.lock")
    assert {one.name for one in list_replacements(lock)} == {"numpy", "tabulate"}
    assert {one.name for one in lock.python} == {"numpy", "tabulate"}


def test_several_stages_add_what_differs_and_leave_the_rest(several: Extended) -> None:
    check_extended(several, "/usr/local/bin/python3.11")


def test_one_stage_gives_the_same_files(single: Extended, several: Extended) -> None:
    check_extended(single, "/usr/local/bin/python3.11")
    one, many = ([line.rpartition(" ") for line in look(each.image, TREE).splitlines()] for each in (single, several))
    assert [content for content, _, _ in one] == [content for content, _, _ in many]
    (stamp,) = read_stamps(single)
    stamps = read_stamps(several)
    assert stamp == max(stamps, key=int)
    assert [time for _, _, time in one] == [stamp if time in stamps else time for _, _, time in many]


def test_a_script_of_the_project_sees_airflow_and_what_is_added(single: Extended, several: Extended) -> None:
    script = TREE.replace("/home/airflow/.local", "/opt/extra") + "print(open('/opt/extra/seen').read())"
    one, many = (look(each.image, script).splitlines() for each in (single, several))
    assert one == many
    site = "/home/airflow/.local/lib/python3.11/site-packages"
    assert many[-1] == f"root {site}/airflow/__init__.py 1.24.3 0.8.10"
    assert many[0].startswith("/opt/extra/seen 0o100664 50000 0 ")


def read_stamps(extended: Extended) -> set[str]:
    """The times of the layers."""
    return {str(layer.stamp) for layer in read_lock(extended.folder / "optbuild.lock").layers}


def test_a_second_distribution_of_one_name_would_be_seen(several: Extended, tmp_path: Path) -> None:
    """As an image would have it whose layer removes nothing."""
    site = "/home/airflow/.local/lib/python3.11/site-packages"
    name = f"optbuild-test-extended-{os.getpid()}:below"  # an ID would be asked of a registry
    run(("docker", "tag", several.image, name))
    (tmp_path / "Dockerfile").write_text(
        f"FROM {several.base} AS below\nFROM {name}\n"
        f"COPY --from=below {site}/numpy-1.24.4.dist-info {site}/numpy-1.24.4.dist-info\n"
    )
    double = run(("docker", "build", "--quiet", str(tmp_path))).strip()
    try:
        assert list_double(double) == sorted(["numpy", *list_double(several.base)])
    finally:
        subprocess.run(("docker", "image", "rm", "--force", double, name), capture_output=True, check=False)


@pytest.mark.soak
def test_an_image_with_a_virtual_environment_is_extended_too(airflow_211: str, tmp_path: Path) -> None:
    found = extend(tmp_path / "project", airflow_211, "2.11.0", several=True)
    try:
        check_extended(found, "/home/airflow/.local/bin/python")
    finally:
        subprocess.run(("docker", "image", "rm", "--force", found.image), capture_output=True, check=False)


@pytest.mark.soak
@pytest.mark.parametrize("several", [True, False])
def test_a_source_in_c_is_compiled_beside_the_base(airflow_281: str, tmp_path: Path, several: bool) -> None:
    """With the headers of the image's own Python, and without a trace of the compiler."""
    project = tmp_path / "project"
    packages = """
[apt]
build = ["gcc", "libc6-dev", "libldap2-dev", "libsasl2-dev"]
runtime = ["libldap-2.5-0", "libsasl2-2"]
"""
    found = extend(project, airflow_281, "2.8.1", several=several, requirements=(SOURCE,), more=packages)
    try:
        kinds = {one.name: one.kind for one in read_lock(project / "optbuild.lock").python}
        assert kinds["python-ldap"] == "sdist"
        assert look(found.image, "import ldap; print(ldap.__version__)").strip() == "3.4.4"
        assert look(
            found.image, "import shutil; print([shutil.which(one) for one in ('gcc', 'cc', 'ld')])"
        ).strip() == ("[None, None, None]")
    finally:
        subprocess.run(("docker", "image", "rm", "--force", found.image), capture_output=True, check=False)
