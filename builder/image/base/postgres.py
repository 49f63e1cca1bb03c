"""A PostgreSQL image from Debian's packages, where none can be pulled: ``optbuild-postgres:MAJOR``, made once."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
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
MAJOR = "15"
"""The PostgreSQL of that release."""
REFERENCE = f"optbuild-postgres:{MAJOR}"
LABEL_POSTGRES = "optbuild.postgres"
"""On the image: the sha256 of everything that it is made from, but for Debian's newest versions."""
PACKAGES = (f"postgresql-{MAJOR}",)
SOURCES = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
_FILES = ("Dockerfile", "entrypoint")
_NO_CLUSTER = (
    'mkdir -p "$1/etc/postgresql-common" && '
    'echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"'
)
_NO_SOURCES = (
    'rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*'
)
_EXCLUDED = ("doc", "info", "lintian", "locale", "man")
_HINT = (
    "install mmdebstrap (Debian, Ubuntu: apt-get install mmdebstrap), or name a database image that is on this engine "
    "(--database IMAGE), or verify without a server (--database sqlite)"
)


def make_mmdebstrap_argv(output: Path, source: Path | None) -> tuple[str, ...]:
    """The call that makes the root file system; ``source`` None leaves the mirror to mmdebstrap's default."""
    return (
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _EXCLUDED),
        f"--essential-hook={_NO_CLUSTER}",
        f"--customize-hook={_NO_SOURCES}",
        "--format=tar",
        RELEASE,
        str(output),
        *([] if source is None else [str(source)]),
    )


def make_image_build_argv(folder: Path, content: str) -> tuple[str, ...]:
    """The build of the image; it downloads nothing."""
    label = f"{LABEL_POSTGRES}={content}"
    return (
        "docker",
        "build",
        "--quiet",
        "--build-arg",
        f"MAJOR={MAJOR}",
        "--label",
        label,
        "--tag",
        REFERENCE,
        str(folder),
    )


def hash_image_inputs() -> str:
    """sha256 over what the image is made from."""
    parts = [read_template(f"postgres/{name}") for name in _FILES]
    parts.append("\n".join(make_mmdebstrap_argv(Path("base.tar"), None)).encode())
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


def ensure_postgres_image(runtime: Runtime, engine: Engine) -> str:
    """The image's reference; makes it (about half a minute) when this engine has none with this content.

    Raises ToolMissingError without mmdebstrap and ToolFailedError when it or the build fails.
    """
    wanted = hash_image_inputs()
    found = engine.inspect_image(REFERENCE)
    if found is not None and found.labels.get(LABEL_POSTGRES) == wanted:
        return REFERENCE
    cache = runtime.cache_folder
    make_private_folder(cache)
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=cache))
    try:
        with runtime.progress.task(f"making {REFERENCE} from Debian's packages"):
            _make_postgres_image(folder, wanted, runtime.runner, runtime.env)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return REFERENCE


def _make_postgres_image(folder: Path, wanted: str, runner: Runner, env: Mapping[str, str]) -> None:
    for name in _FILES:
        (folder / name).write_bytes(read_template(f"postgres/{name}"))
    plain = {**env, "LC_ALL": "C"}
    argv = make_mmdebstrap_argv(folder / "base.tar", find_release_source(env))
    _check_result("mmdebstrap", runner.run(Command(argv, env=plain, timeout=BUILD_LIMIT.read(env), install_hint=_HINT)))
    build = Command(
        make_image_build_argv(folder, wanted),
        env={**plain, "DOCKER_BUILDKIT": "1"},
        timeout=BUILD_LIMIT.read(env),
        install_hint="install the docker client",
    )
    _check_result("docker build", runner.run(build))


def _check_result(tool: str, result: ProcessResult) -> None:
    if not result.ok:
        raise ToolFailedError(tool, result.code, result.err or result.out, hint=_HINT)
