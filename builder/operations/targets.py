"""What a command line names: an image on the engine or in an archive file on disk, or a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.core.errors import MissingFileError, OptbuildError
from builder.core.naming import LOCK_FILE, SPEC_FILE
from builder.image.spec.location import find_spec_file

if TYPE_CHECKING:
    from pathlib import Path

    from builder.core.runtime import Runtime
    from builder.inspect.model import ImageContent

_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.zst")
_OCI_LAYOUT = "oci-layout"
"""A file that each folder in this layout has (OCI image specification, "Image Layout")."""


def resolve_spec_folder(runtime: Runtime, named: Path) -> Path:
    """What ``--spec`` names. Raises MissingFileError."""
    folder = runtime.cwd / named
    if find_spec_file(folder) is not None:
        return folder
    if folder.is_file():
        raise MissingFileError(
            f"{folder} is not a folder", hint=f"--spec names the folder of an optbuild.toml: --spec {named.parent}"
        )
    raise MissingFileError(f"{folder / SPEC_FILE} does not exist", hint="--spec names the folder of an optbuild.toml")


def read_content(subject: str, runtime: Runtime, *, base: str | None = None, within: str | None = None) -> ImageContent:
    """All that the image holds. A file of that name is an archive; anything else is asked of the engine.

    Raises MissingFileError for what can only be a file and does not exist.
    ``base``: what the image was made from; ``within``: which image, of an archive that holds several.
    """
    from builder.inspect.read import read_archive_file, read_image  # reads archives

    path = _find_archive(subject, runtime)
    if path is not None:
        return read_archive_file(path, runtime.cache_folder, runtime.progress, reference=within, base=base)
    from builder.engine.socket_client import connect_reader

    with connect_reader(runtime.env) as engine:
        return read_image(engine, subject, runtime.cache_folder, runtime.progress, base=base)


def require_subject(subject: str, runtime: Runtime) -> None:
    """Raises what :func:`read_content` raises where there is no such file or image, and reads nothing."""
    if _find_archive(subject, runtime) is None:
        from builder.engine.socket_client import connect_reader
        from builder.inspect import read

        with connect_reader(runtime.env) as engine:
            read.require_image(engine, subject)


def require_subject_name(subject: str | None, usage: str) -> str:
    """``subject``. Raises OptbuildError for a blank one: `optbuild inspect "$IMAGE"` where the variable is not set."""
    if subject is None or not subject.strip():
        raise OptbuildError("which image?", hint=f"name it: {usage}; `optbuild images` lists them")
    return subject


def _find_archive(subject: str, runtime: Runtime) -> Path | None:
    """The file of that name; None: an image of the engine is meant. Raises MissingFileError."""
    path = runtime.cwd / subject
    if path.is_file():
        return path
    is_path = subject.startswith((".", "/", "~")) or subject.endswith((*_ARCHIVES, "/"))
    if not is_path and not (path / _OCI_LAYOUT).is_file():
        return None
    if path.exists():
        kind = "a folder" if path.is_dir() else "a pipe" if path.is_fifo() else "not an ordinary file"
        raise MissingFileError(f"{path} is {kind}, but an archive must be a file", hint=_advise_about_folder(path))
    raise MissingFileError(
        f"there is no archive {path}", hint=f"`docker save --output {subject} IMAGE` writes one; or name the image"
    )


def _advise_about_folder(path: Path) -> str:
    """The next step where an archive was meant; ``path`` need not be a folder."""
    if (path / _OCI_LAYOUT).is_file():
        return f"it is an OCI layout: `tar --create --file image.tar --directory {path} .` makes an archive of it"
    if find_spec_file(path) is not None:
        return f"`optbuild build {path}` makes the image that it describes; then name that image"
    if any((path / name).is_file() for name in ("Dockerfile", "Containerfile")):
        return f"`docker build --tag NAME {path}` makes an image of it; then `optbuild inspect NAME`"
    return "`docker save --output FILE IMAGE` writes one; name that, or the image"


def find_lock_path(subject: str, runtime: Runtime) -> Path | None:
    """The lock that is meant; None: it is not a lock. An image may have the name of a folder that happens to be here.

    A ``.lock`` file is one whether it is there or not; a folder where it has a lock or a spec, or is written as a path.
    """
    path = runtime.cwd / subject
    if path.name.endswith(".lock"):
        return path
    is_path = subject.startswith((".", "/")) or subject.endswith("/")
    known = is_path or (path / LOCK_FILE).exists() or find_spec_file(path) is not None
    return path / LOCK_FILE if path.is_dir() and known else None
