"""Programs that only install packages: where a Dockerfile gets them, what it tells them. The image has none of them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.core.image_reference import extract_repository

if TYPE_CHECKING:
    from builder.adopt.model import Collection
    from builder.core.errors import Where
    from builder.dockerfile.files import CopyInstruction
    from builder.dockerfile.shell import ShellCommand

INSTALLERS = frozenset(
    {"pip", "setuptools", "wheel", "uv", "pip-tools", "virtualenv", "poetry", "poetry-core", "poetry-plugin-export"}
    | {"poetry-plugin-bundle", "pipx", "pipenv", "pdm", "hatch", "conda"}
)
_IMAGES = re.compile(r"(?:^|/)(?:astral-sh|astral)/uv$")
_SCRIPTS = re.compile(r"https://(?:astral\.sh/uv/|install\.python-poetry\.org|\S+/get-pip\.py$)")
_INTERPRETERS = frozenset({"sh", "bash", "python", "python3"})
_VARIABLES = re.compile(r"(?:PIP|UV|POETRY|PIPX)_|DEBIAN_FRONTEND$")
_INDEX_VARIABLES = re.compile(
    r"PIP_(?:INDEX_URL|EXTRA_INDEX_URL|NO_INDEX|FIND_LINKS|TRUSTED_HOST)$|UV_(?:\w*INDEX\w*|FIND_LINKS|INSECURE_HOST)$"
)
_FOLDERS = re.compile(
    r"(?:/\.?(?:venv|virtualenv)|^\$\{?VIRTUAL_ENV\}?|^/(?:root|home/\w+)/\.(?:local|cargo)|/poetry)/bin/?$"
)
"""Of programs: of an environment, of an installer."""
_SAME_PATH = ("$PATH", "${PATH}")


def is_installer_image(reference: str) -> bool:
    """Of ``COPY --from``: uv's own image."""
    return _IMAGES.search(extract_repository(reference)) is not None


def is_installer_script(word: str) -> bool:
    """Whether a word of a command is the address of the script by which uv, Poetry or pip is installed."""
    return _SCRIPTS.match(word) is not None


def is_installer_variable(name: str) -> bool:
    """Whether it speaks to pip, uv, Poetry or apt alone; not those that name an index."""
    return _VARIABLES.match(name) is not None and not is_index_variable(name)


def is_index_variable(name: str) -> bool:
    """Whether it says where packages come from."""
    return _INDEX_VARIABLES.match(name) is not None


def is_environment_path(value: str) -> bool:
    """Whether a PATH adds nothing but folders of an environment's programs, or an installer's."""
    added = [one for one in value.split(":") if one not in _SAME_PATH]
    return len(added) < len(value.split(":")) and all(_FOLDERS.search(one) for one in added)


def makes_environment(words: tuple[str, ...]) -> bool:
    """Whether a command makes an environment of Python's, without any package."""
    return words[:1] == ("virtualenv",) or words[:2] == ("uv", "venv") or words[1:3] == ("-m", "venv")


@dataclass
class InstallerScripts:
    """The scripts that install uv, Poetry and pip, on their way through one Dockerfile."""

    collection: Collection
    places: set[Where] = field(default_factory=set)
    """Where a RUN or an ADD downloads one."""
    files: set[str] = field(default_factory=set)
    """Their paths in the image."""

    def note(self, where: Where) -> None:
        self.places.add(where)
        self.collection.note(where, "uv, Poetry and pip only install packages: the image has none of them")

    def add(self, copy: CopyInstruction, where: Where) -> None:
        """An ADD of one."""
        self.note(where)
        self.files |= {
            posixpath.join(copy.target, posixpath.basename(source)) if copy.folder else copy.target
            for source in copy.sources
        }

    def brings(self, command: ShellCommand, folder: str, where: Where) -> bool:
        """Whether a command of a RUN downloads one, runs or removes it; ``folder`` is the current one."""
        words = [one for one in command.words[1:] if not one.startswith("-")]
        addresses = [one for one in words if is_installer_script(one)]
        paths = [posixpath.join(folder, one) for one in words if one not in addresses]
        if addresses:
            self.note(where)
            self.files |= {*paths, *(posixpath.join(folder, posixpath.basename(one)) for one in addresses)}
            return True
        if command.program == "rm":
            return bool(paths) and self.files.issuperset(paths)
        is_piped = not paths and where in self.places
        return command.program in _INTERPRETERS and (is_piped or bool(self.files.intersection(paths[:1])))
