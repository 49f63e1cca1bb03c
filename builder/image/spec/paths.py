"""Files and folders that a spec names: below its folder, whatever symbolic links say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.spec.allow import RefusedError, quote

if TYPE_CHECKING:
    from pathlib import Path


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
