"""The images that stand in for those that nobody can pull here: a table, and how each is made on the engine.

Each is named for what it is: ``optbuild-stand-in/...`` on the engine, ``stand-in/...`` in the tests' registry, and a
label. An image is made again only when what it is made from has changed: its label holds the hash.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from airflow_files import AirflowFiles
from results import hash_files
from root_files import IMAGES, RootFiles, make_root_files

from builder.core.files import hold_lock

CONTENT_LABEL = "optbuild.stand-in"
INTERPRETER_LIBRARIES = (
    "libbz2-1.0",
    "libdb5.3",
    "libexpat1",
    "libffi8",
    "liblzma5",
    "libncursesw6",
    "libnsl2",
    "libreadline8",
    "libsqlite3-0",
    "libssl3",
    "libtirpc3",
    "libuuid1",
    "zlib1g",
)
"""What the official image keeps for CPython, whose installation is no package."""
INTERPRETER_LIBRARIES_13: tuple[str, ...] = tuple(
    f"{name}t64" if name in {"libdb5.3", "libreadline8", "libssl3"} else name
    for name in INTERPRETER_LIBRARIES
    if name not in {"libnsl2", "libtirpc3"}
)
"""In trixie; its interpreter has no NIS."""


@dataclass(frozen=True)
class StandIn:
    """``folder`` below images/ is the build context, ``root.tar`` comes beside it; ``arguments`` are for the build."""

    name: str
    tag: str
    folder: str
    root: RootFiles
    arguments: tuple[str, ...] = ()
    files: AirflowFiles | None = None
    """A tar of more files beside ``root.tar``."""
    target: str | None = None
    """The stage of the Dockerfile."""
    official: str = ""
    """The repository of the image that it stands in for, where a test needs that path."""

    @property
    def repository(self) -> str:
        """In a registry."""
        return f"stand-in/{self.name}"

    @property
    def reference(self) -> str:
        """On the engine."""
        return f"optbuild-{self.repository}:{self.tag}"

    @property
    def hash(self) -> str:
        files = "" if self.files is None else self.files.content
        return hash_files([IMAGES / self.folder], self.root.content, files, self.target or "", *self.arguments)


PYTHON_311 = StandIn(
    "python",
    "3.11-slim-bookworm",
    "python",
    RootFiles("bookworm", INTERPRETER_LIBRARIES, python="3.11"),
    ("VERSION=3.11.2",),
)
PYTHON_313 = StandIn(
    "python",
    "3.13-slim-trixie",
    "python",
    RootFiles("trixie", INTERPRETER_LIBRARIES_13, python="3.13"),
    ("VERSION=3.13.5", "PIP_VERSION=25.1.1"),
)
COMPANY = StandIn(
    "company",
    "2026.11",
    "company",
    RootFiles("bookworm", ("python3", "python3-venv", "curl")),
)
AIRFLOW_PACKAGES = (
    *INTERPRETER_LIBRARIES,
    "curl",
    "dumb-init",
    "libpq5",
    "locales",
    "lsb-release",
    "netcat-openbsd",
    "openssh-client",
    "postgresql-client",
    "rsync",
    "sqlite3",
    "sudo",
)


def make_airflow(version: str, *packages: str, target: str = "environment", prefix: str = "/usr/local") -> StandIn:
    """What stands in for apache/airflow:VERSION-python3.11, with the extras celery, redis and postgres."""
    return StandIn(
        "airflow",
        f"{version}-python3.11",
        "airflow",
        RootFiles("bookworm", (*AIRFLOW_PACKAGES, *packages), python="3.11", prefix=prefix),
        (f"VERSION={version}", "PYTHON_VERSION=3.11.2"),
        AirflowFiles(version, f"{prefix}/bin/python3.11", is_environment=target == "environment"),
        target,
        "apache/airflow",
    )


AIRFLOW_281 = make_airflow("2.8.1", "gosu", target="user-site")
AIRFLOW_210 = make_airflow("2.10.3")
AIRFLOW_211 = make_airflow("2.11.0")
AIRFLOW_306 = make_airflow("3.0.6", "git")
AIRFLOW_332 = make_airflow("3.3.2", "git", prefix="/usr/python")


def find_cache() -> Path:
    """Root file systems and pushed layers; a folder that may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "optbuild-stand-ins"


def ensure_stand_in(stand_in: StandIn) -> str:
    """The reference on the engine; the image is made (a minute) where the engine has none of this content.

    Raises RuntimeError with what mmdebstrap, uv or the engine said.
    """
    cache = find_cache()
    cache.mkdir(parents=True, exist_ok=True)
    with hold_lock(cache / f"{stand_in.name}-{stand_in.tag}.lock", f"making {stand_in.reference}"):
        if _read_content(stand_in.reference) != stand_in.hash:
            _make(stand_in, cache)
    return stand_in.reference


def _read_content(reference: str) -> str:
    template = f'{{{{index .Config.Labels "{CONTENT_LABEL}"}}}}'
    argv = ("docker", "image", "inspect", f"--format={template}", reference)
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()


def _make(stand_in: StandIn, cache: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="context-", dir=cache))
    try:
        shutil.copytree(IMAGES / stand_in.folder, folder, dirs_exist_ok=True)
        os.link(make_root_files(stand_in.root, cache), folder / "root.tar")
        if stand_in.files is not None:
            stand_in.files.make(cache, folder / "files.tar")
        arguments = (f"--build-arg={one}" for one in stand_in.arguments)
        target = () if stand_in.target is None else (f"--target={stand_in.target}",)
        label = f"--label={CONTENT_LABEL}={stand_in.hash}"
        run(
            (
                "docker",
                "build",
                "--quiet",
                "--network=none",
                *arguments,
                *target,
                label,
                "--tag",
                stand_in.reference,
                str(folder),
            )
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(argv: tuple[str, ...], *, limit: float = 1200) -> str:
    """What the program printed. Raises RuntimeError with what it complained of."""
    env = {**os.environ, "LC_ALL": "C", "DOCKER_BUILDKIT": "1"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=limit, env=env)
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(argv[:3])} failed with {done.returncode}:\n{(done.stderr or done.stdout)[-2000:]}"
        )
    return done.stdout
