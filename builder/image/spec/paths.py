"""Files and folders that a spec names: below its folder, whatever symbolic links say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.spec.allow import RefusedError, check_form, quote

if TYPE_CHECKING:
    from pathlib import Path

_TAKEN_PATHS = (
    "/dev",
    "/entrypoint",
    "/home/airflow/.local",
    "/proc",
    "/sys",
    "/usr/local/bin/airflow",
    "/var/lib/dpkg",
)
"""What the engine, Debian or we put there: a file in its place would break the image."""
_BUILD_PATHS = (
    *("/bin", "/boot", "/lib", "/lib32", "/lib64", "/libx32", "/root", "/run", "/sbin", "/var/cache", "/var/lib/apt"),
    *("/tmp", "/var/tmp", "/var/log", "/var/run", "/opt/airflow/logs", "/opt/optbuild"),  # noqa: S108 - refused
    *("/builder-debs", "/builder.tar", "/debs", "/files", "/foundation", "/out", "/project", "/requirements"),
    *("/rootfs", "/run-scripts", "/scripts", "/stage", "/uv-cache"),
)
"""Where the build has its own, or what it leaves out of every layer, beside what :data:`_TAKEN_PATHS` names."""
_SHARED_FOLDERS = frozenset(
    (
        *("/etc", "/home", "/home/airflow", "/media", "/mnt", "/opt", "/srv", "/usr", "/usr/bin", "/usr/include"),
        *("/usr/lib", "/usr/local", "/usr/local/bin", "/usr/local/etc", "/usr/local/include", "/usr/local/lib"),
        *("/usr/local/sbin", "/usr/local/share", "/usr/sbin", "/usr/share", "/var", "/var/lib"),
        *("/opt/airflow", "/opt/airflow/config", "/opt/airflow/dags", "/opt/airflow/plugins"),
    )
)
"""Folders that others have files in, of whom it could not be told whose a file is; one below them is for one alone."""


def check_clean_path(text: str) -> str:
    """A path below the spec's folder. Raises :class:`RefusedError`."""
    hint = 'write a path below the folder of optbuild.toml, like "requirements.txt"'
    check_form(r"[A-Za-z0-9._+@=, /-]+", text, "a clean path", hint)
    parts = text.split("/")
    if not all(parts) or {".", ".."} & set(parts) or text.startswith("-") or text.strip() != text:
        raise RefusedError(f"{quote(text)} is not a clean path: no leading `/`, `.`, `..`, `//` or `-`", hint)
    return text


def check_image_path(text: str) -> str:
    """An absolute path in the image. Raises :class:`RefusedError`."""
    hint = 'write where it lies in the image, like "/opt/airflow/dags"'
    check_form(r"/[A-Za-z0-9._+@=, /-]*", text, "an absolute path", hint)
    parts = text[1:].split("/")
    if not all(parts) or {".", ".."} & set(parts) or text.strip() != text:
        raise RefusedError(f"{quote(text)} is not a clean path: no `.`, `..`, `//`, and no `/` at its end", hint)
    taken = next((one for one in _TAKEN_PATHS if f"{text}/".startswith(f"{one}/")), None)
    if taken is not None:
        raise RefusedError(f"{quote(text)} is not for files of a project: {taken} is the image's own", hint)
    return text


def check_run_folder(text: str) -> str:
    """A folder of the image that only the scripts of ``[build] run`` fill. Raises :class:`RefusedError`."""
    hint = 'write a folder of the script\'s own, like "/opt/extra"'
    if text == "/" or text in _SHARED_FOLDERS:
        own = f"{text.rstrip('/')}/extra" if text != "/" else "/opt/extra"
        raise RefusedError(
            f"{quote(text)} is not for one script alone: the system or Airflow has files there",
            f'write a folder of the script\'s own, like "{own}"',
        )
    check_image_path(text)
    taken = next((one for one in _BUILD_PATHS if f"{text}/".startswith(f"{one}/")), None)
    if taken is not None:
        raise RefusedError(f"{quote(text)} cannot be kept: {taken} is the system's or the build's own", hint)
    return text


def resolve_in_folder(folder: Path, name: str, *, is_folder: bool | None = False) -> Path:
    """The regular file, or the folder, ``name`` below ``folder``, resolved; None: whichever of the two it is.

    Raises :class:`RefusedError`.

    A link that leads out of the folder is refused: the spec comes with a repository, which must not be able to
    read what only the person who builds can read.
    """
    root = folder.resolve()
    try:
        target = (root / name).resolve()
    except (OSError, RuntimeError) as error:  # a loop of links
        raise RefusedError(f"{quote(name)} cannot be followed: {error}") from error
    if not target.is_relative_to(root):
        raise RefusedError(
            f"{quote(name)} leads out of the folder of the spec, to {target}", "put the file itself there"
        )
    kinds = {True: target.is_dir(), False: target.is_file(), None: target.is_dir() or target.is_file()}
    if not kinds[is_folder]:
        wanted = {True: "folder", False: "file", None: "file or folder"}[is_folder]
        what = f"is not a {wanted}" if target.exists() else "does not exist"
        raise RefusedError(f"{quote(name)} {what}; looked for {target}", "correct the path, or remove it")
    return target
