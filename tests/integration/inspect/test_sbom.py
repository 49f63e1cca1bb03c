"""The bill of materials against syft's: every Python and Debian package with its version, and no other."""

from __future__ import annotations

import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name

from builder import __version__
from builder.core.process import Command, LocalRunner
from builder.core.progress import SilentProgress
from builder.engine.socket_client import connect_reader
from builder.image.lock.document import read_lock
from builder.inspect.analyse import analyze_image
from builder.inspect.read import read_image
from builder.inspect.sbom.cyclonedx_document import format_cyclonedx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Packages = frozenset[tuple[str, str, str]]
"""Kind, name, version."""
ROOT = Path(__file__).parents[3]
SYFT = Path(sys.executable).parent / "syft"
DEBIANS = "/usr/lib/python3/dist-packages"
SITE = "/venv/lib/python3.11/site-packages"
STATUS = """\
Package: dash
Status: install ok installed
Priority: required
Section: shells
Architecture: amd64
Version: 0.5.12-2
Depends: debianutils (>= 2.17)

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0

Package: libfoo1
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Version: 1:2.0-3+b1

Package: libfoo1
Status: install ok installed
Architecture: i386
Multi-Arch: same
Version: 1:2.0-3+b1

Package: python3-yaml
Status: install ok installed
Architecture: all
Version: 6.0-3
"""


def metadata(name: str, version: str) -> bytes:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: MIT\n\nA long text\n".encode()


LOWER = {
    "/etc/os-release": b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
    "/var/lib/dpkg/status": STATUS.encode(),
    "/var/lib/dpkg/info/dash.list": b"/.\n/bin\n/bin/dash\n",
    "/var/lib/dpkg/info/python3-yaml.list": f"/.\n{DEBIANS}/PyYAML-6.0.egg-info/PKG-INFO\n".encode(),
    f"{DEBIANS}/PyYAML-6.0.egg-info/PKG-INFO": metadata("PyYAML", "6.0"),
    f"{DEBIANS}/six-1.16.0.egg-info": metadata("six", "1.16.0"),
    f"{SITE}/Flask_Session-0.5.0.dist-info/METADATA": metadata("Flask-Session", "0.5.0"),
    f"{SITE}/old-1.0.dist-info/METADATA": metadata("old", "1.0"),
    f"{SITE}/setuptools-80.0.dist-info/METADATA": metadata("setuptools", "80.0"),
    f"{SITE}/setuptools-80.0.dist-info/RECORD": b"setuptools/_vendor/zipp-3.0.dist-info/METADATA,,\n",
    f"{SITE}/setuptools/_vendor/zipp-3.0.dist-info/METADATA": metadata("zipp", "3.0"),
    "/opt/other/lib/python3.11/site-packages/six-1.15.0.dist-info/METADATA": metadata("six", "1.15.0"),
}
UPPER = {f"{SITE}/new-2.0.dist-info/METADATA": metadata("new", "2.0")}
DISTROLESS = {
    "/etc/os-release": b"ID=debian\nVERSION_ID=12\n",
    "/var/lib/dpkg/status.d/libc6": b"Package: libc6\nVersion: 2.36-9\nArchitecture: amd64\nDescription: C\n",
    "/var/lib/dpkg/status.d/libc6.md5sums": b"d41d8cd98f00b204e9800998ecf8427e  lib/libc.so.6\n",
    "/var/lib/dpkg/status.d/tzdata": b"Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all\n",
}
ODD: Packages = frozenset(
    {
        ("deb", "dash", "0.5.12-2"),
        ("deb", "libfoo1", "1:2.0-3+b1"),
        ("deb", "python3-yaml", "6.0-3"),
        *(
            ("pypi", name, version)
            for name, version in (
                ("flask-session", "0.5.0"),
                ("new", "2.0"),
                ("old", "1.0"),
                ("pyyaml", "6.0"),
                ("setuptools", "80.0"),
                ("six", "1.15.0"),
                ("six", "1.16.0"),
                ("zipp", "3.0"),
            )
        ),
    }
)
REMOVED = ("deb", "gone", "1.0")
"""The one exception: this syft lists what dpkg removed but for its configuration, and nothing of it can be run."""


@pytest.fixture(scope="module")
def syft(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Packages]:
    """What syft sees in an image; it reads an archive and asks nobody anything."""
    folder = tmp_path_factory.mktemp("syft")
    env = {**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false", "XDG_CACHE_HOME": str(folder)}

    def scan(image: str) -> Packages:
        archive, answer = folder / "image.tar", folder / "syft.json"
        saved = LocalRunner().run(Command(("docker", "save", "-o", str(archive), image), timeout=600))
        assert saved.ok, saved.err
        argv = (str(SYFT), "scan", f"docker-archive:{archive}", "--quiet", "--output", f"syft-json={answer}")
        done = LocalRunner().run(Command(argv, env=env, timeout=600))
        archive.unlink()
        assert done.ok, done.err
        kinds = {"python": "pypi", "deb": "deb"}
        return frozenset(
            (
                kinds[one["type"]],
                str(canonicalize_name(one["name"])) if one["type"] == "python" else one["name"],
                one["version"],
            )
            for one in json.loads(answer.read_text())["artifacts"]
            if one["type"] in kinds
        )

    return scan


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Our document of an image."""
    folder = tmp_path_factory.mktemp("cache")

    @cache
    def document(image: str, lock: Path | None = None) -> dict[str, Any]:
        with connect_reader(os.environ) as engine:
            content = read_image(engine, image, folder, SilentProgress())
        locked = read_lock(lock) if lock else None
        return dict(json.loads(format_cyclonedx(analyze_image(content), locked, version=__version__)))

    return document


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """What `optbuild inspect IMAGE --sbom cyclonedx` prints."""
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    program = (sys.executable, "-c", "from builder.cli.main import main; main()")

    def run(*words: str) -> str:
        argv = (*program, "inspect", *words, "--sbom", "cyclonedx")
        done = LocalRunner().run(Command(argv, cwd=ROOT, env=env, timeout=300))
        assert done.ok, done.err
        return done.out

    return run


def packages(components: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Those that are inside others too."""
    for one in components:
        if "purl" in one:
            yield one["purl"].partition("/")[0].removeprefix("pkg:"), one["name"], one["version"]
        yield from packages(one.get("components", ()))


def test_the_projects_image(
    image: str, airflow_folder: Path, syft: Callable[[str], Packages], ours: Callable[..., dict[str, Any]]
) -> None:
    found = frozenset(packages(ours(image, airflow_folder / "optbuild.lock")["components"]))
    assert {kind for kind, _, _ in found} == {"pypi", "deb"}
    assert found == syft(image)


def test_every_package_of_the_projects_image_has_the_hash_of_the_lock(
    image: str, airflow_folder: Path, ours: Callable[..., dict[str, Any]]
) -> None:
    lock = read_lock(airflow_folder / "optbuild.lock")
    wanted = {one.sha256 for one in lock.python} | {one.sha256 for one in lock.runtime}
    text = json.dumps(ours(image, airflow_folder / "optbuild.lock"))
    assert {digest for digest in wanted if digest not in text} == set()


def test_an_image_with_whatever_is_odd(
    built: Callable[..., str], syft: Callable[[str], Packages], ours: Callable[..., dict[str, Any]]
) -> None:
    """Two architectures of one package, a removed one, eggs, a folder elsewhere, what is carried inside."""
    image = built(LOWER, UPPER)
    assert frozenset(packages(ours(image)["components"])) == ODD
    assert syft(image) == ODD | {REMOVED}


def test_the_command_writes_a_valid_document(image: str, airflow_folder: Path, command: Callable[..., str]) -> None:
    text = command(image, "--lock", str(airflow_folder))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert document["metadata"]["component"]["name"] == "ml-pipeline-airflow"
    edges = {one["ref"]: one.get("dependsOn", ()) for one in document["dependencies"]}
    airflow = next(one for one in edges if one.startswith("pkg:pypi/apache-airflow@"))
    assert any(one.startswith("pkg:pypi/flask-session@") for one in edges[airflow])


def test_the_same_image_gives_the_same_bytes(
    built: Callable[..., str], command: Callable[..., str], tmp_path: Path
) -> None:
    """From the engine, from an archive, and under another tag."""
    image = built(LOWER, UPPER)
    archive = str(tmp_path / "odd.tar")
    assert LocalRunner().run(Command(("docker", "save", "-o", archive, image), timeout=60)).ok
    text = command(image)
    assert command(image) == text
    assert command(archive) == text
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_an_image_without_dpkg(
    built: Callable[..., str], syft: Callable[[str], Packages], ours: Callable[..., dict[str, Any]]
) -> None:
    """Distroless images have a file for each package instead of one status."""
    image = built(DISTROLESS)
    found = frozenset(packages(ours(image)["components"]))
    assert found == {("deb", "libc6", "2.36-9"), ("deb", "tzdata", "2024a-0+deb12u1")}
    assert syft(image) == found
