"""Images of servers from Debian's packages, where none can be pulled: ``optbuild-postgres:15``, ``optbuild-redis:7``.

Each is made once on an engine.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.debian import SOURCES_VARIABLE
from builder.core.errors import ToolFailedError, VerifyUsageError
from builder.core.files import make_private_folder
from builder.core.limits import BUILD_LIMIT
from builder.core.process import Command
from builder.core.resources import read_template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from builder.core.process import ProcessResult, Runner
    from builder.core.runtime import Runtime
    from builder.engine.client import Engine

RELEASE = "bookworm"
SOURCES = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
_FILES = ("Dockerfile", "entrypoint")
_NO_SOURCES = (
    'rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*'
)
_EXCLUDED = ("doc", "info", "lintian", "locale", "man")


@dataclass(frozen=True)
class PackagedServer:
    """A server that Debian's release has. ``major`` is its version there."""

    name: str
    major: str
    package: str
    other_ways: str
    """What a person can do who cannot make the image."""
    hook: str | None = None
    """For mmdebstrap, before the packages are installed."""

    @property
    def reference(self) -> str:
        return f"optbuild-{self.name}:{self.major}"

    @property
    def label(self) -> str:
        """On the image: the sha256 of everything that it is made from, but for Debian's newest versions."""
        return f"optbuild.{self.name}"

    @property
    def hint(self) -> str:
        return f"install mmdebstrap (Debian, Ubuntu: apt-get install mmdebstrap), {self.other_ways}"


POSTGRES = PackagedServer(
    "postgres",
    "15",
    "postgresql-15",
    "or name a database image that is on this engine (--database IMAGE), or verify without a server "
    "(--database sqlite)",
    'mkdir -p "$1/etc/postgresql-common" && '
    'echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"',
)
REDIS = PackagedServer("redis", "7", "redis-server", "or name a Redis image that is on this engine ([verify] broker)")


def make_mmdebstrap_argv(server: PackagedServer, output: Path, source: Path | None) -> tuple[str, ...]:
    """The call that makes the root file system; ``source`` None leaves the mirror to mmdebstrap's default."""
    return (
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={server.package}",
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _EXCLUDED),
        *([] if server.hook is None else [f"--essential-hook={server.hook}"]),
        f"--customize-hook={_NO_SOURCES}",
        "--format=tar",
        RELEASE,
        str(output),
        *([] if source is None else [str(source)]),
    )


def make_image_build_argv(server: PackagedServer, folder: Path, content: str) -> tuple[str, ...]:
    """The build of the image; it downloads nothing."""
    label = f"{server.label}={content}"
    return (
        "docker",
        "build",
        "--quiet",
        "--build-arg",
        f"MAJOR={server.major}",
        "--label",
        label,
        "--tag",
        server.reference,
        str(folder),
    )


def hash_image_inputs(server: PackagedServer) -> str:
    """sha256 over what the image is made from."""
    parts = [read_template(f"servers/{server.name}/{name}") for name in _FILES]
    parts.append("\n".join(make_mmdebstrap_argv(server, Path("base.tar"), None)).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def find_release_source(env: Mapping[str, str], candidates: Sequence[Path] = SOURCES) -> Path | None:
    """The apt source of the release, of the file that :data:`SOURCES_VARIABLE` names or else the machine's own.

    None where neither has one. Raises VerifyUsageError for a variable that names no file.
    """
    if named := env.get(SOURCES_VARIABLE):
        if not Path(named).is_file():
            raise VerifyUsageError(f"{SOURCES_VARIABLE} names {named}, which is not a file", hint="correct or unset it")
        candidates = (Path(named).absolute(), *candidates)
    pattern = re.compile(rf"^(?:deb |Suites:).*[ ]{RELEASE}(?:[ ]|$)", re.MULTILINE)
    return next(
        (path for path in candidates if path.is_file() and pattern.search(path.read_text(errors="replace"))), None
    )


def ensure_server_image(runtime: Runtime, engine: Engine, server: PackagedServer) -> str:
    """The image's reference; makes it (about half a minute) when this engine has none with this content.

    Raises ToolMissingError without mmdebstrap and ToolFailedError when it or the build fails.
    """
    wanted = hash_image_inputs(server)
    found = engine.inspect_image(server.reference)
    if found is not None and found.labels.get(server.label) == wanted:
        return server.reference
    cache = runtime.cache_folder
    make_private_folder(cache)
    folder = Path(tempfile.mkdtemp(prefix=f"{server.name}-", dir=cache))
    try:
        with runtime.progress.task(f"making {server.reference} from Debian's packages"):
            _make_server_image(server, folder, wanted, runtime.runner, runtime.env)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return server.reference


def _make_server_image(
    server: PackagedServer, folder: Path, wanted: str, runner: Runner, env: Mapping[str, str]
) -> None:
    for name in _FILES:
        (folder / name).write_bytes(read_template(f"servers/{server.name}/{name}"))
    plain = {**env, "LC_ALL": "C"}
    argv = make_mmdebstrap_argv(server, folder / "base.tar", find_release_source(env))
    make = Command(argv, env=plain, timeout=BUILD_LIMIT.read(env), install_hint=server.hint)
    _check_result(server, "mmdebstrap", runner.run(make))
    build = Command(
        make_image_build_argv(server, folder, wanted),
        env={**plain, "DOCKER_BUILDKIT": "1"},
        timeout=BUILD_LIMIT.read(env),
        install_hint="install the docker client",
    )
    _check_result(server, "docker build", runner.run(build))


def _check_result(server: PackagedServer, tool: str, result: ProcessResult) -> None:
    if not result.ok:
        raise ToolFailedError(tool, result.code, result.err or result.out, hint=server.hint)
