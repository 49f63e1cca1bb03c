"""COPY and ADD of a Dockerfile: files of the project that become entries of [files], and what does not."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from builder.adopt.model import Found
from builder.adopt.values import find_refusal, show_instruction, show_words
from builder.core.errors import Where
from builder.core.file_secrets import find_file_secrets
from builder.core.files import read_regular_file
from builder.core.naming import LOCK_FILE, SCHEMA_FILE, SPEC_FILE
from builder.dockerfile.dockerignore import DOCKERIGNORE
from builder.image.render.project_files import read_dockerignore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.adopt.model import BuildContext, Collection
    from builder.dockerfile import Instruction
    from builder.dockerfile.dockerignore import DockerIgnore
    from builder.dockerfile.files import CopyInstruction

MOST_SEARCHED = 20_000
"""Files of one COPY that are searched for secrets."""
_ADDRESS = re.compile(r"https?://|git@|ssh://|git://")
_ARCHIVE = re.compile(r"\.(?:tar|tgz|tbz2?|txz|tar\.(?:gz|bz2|xz|zst))$")
_STEP = (
    f"keep it out with {DOCKERIGNORE}, and give it to the containers when they start (compose: `secrets:` or a mount); "
    "what a build needs comes by `RUN --mount=type=secret` and --secret"
)


@dataclass(frozen=True)
class CopyReader:
    """Obeys what Docker obeys: a .dockerignore of the Dockerfile's own name beside it, else that of the context."""

    collection: Collection
    context: BuildContext

    @cached_property
    def _ignore_file(self) -> Path:
        own = self.context.dockerfile.with_name(f"{self.context.dockerfile.name}{DOCKERIGNORE}")
        return own if own.is_file() else self.context.folder / DOCKERIGNORE

    @cached_property
    def ignore(self) -> DockerIgnore:
        return read_dockerignore(self._ignore_file.parent, self._ignore_file.name)

    def check_ignored(self) -> None:
        """Say what the original keeps out and [files] would bring: it obeys the .dockerignore of the root alone."""
        root = self.context.root
        if self._ignore_file == root / DOCKERIGNORE:
            return
        kept = read_dockerignore(root)
        for name in self.collection.files:
            for file in _iterate_files(root / name):
                below, inside = (os.path.relpath(file, folder) for folder in (root, self.context.folder))
                if self.ignore.excludes(inside) and not kept.excludes(below):
                    where = Where(os.path.relpath(self._ignore_file, root))
                    reason = f"it keeps {below} out, and [files] reads only the {DOCKERIGNORE} beside {SPEC_FILE}"
                    step = f"write {below}, or a pattern for it, into that one"
                    self.collection.leave(where, "its patterns", reason, step)
                    return

    def collect(self, one: Instruction, copy: CopyInstruction | None, where: Where) -> None:
        """One COPY or ADD of the final stages; ``copy`` None: it is a text in the Dockerfile itself."""
        if one.heredocs or copy is None:
            step = "save the text as a file of the project, and name that in [files]"
            self._leave(one, where, "its text stands in the Dockerfile itself", step)
            return
        for source in copy.sources:
            if _ADDRESS.match(source):
                step = "download it once, check it, keep it in the project, and name it in [files]"
                self._leave(one, where, "it is downloaded while the image is built, whatever it is that day", step)
            elif one.name == "ADD" and _ARCHIVE.search(source):
                self._leave(
                    one, where, "ADD unpacks an archive", "unpack it in the project, and name the folder in [files]"
                )
            else:
                self._collect_source(one, copy, source, where)

    def _leave(self, one: Instruction, where: Where, reason: str, step: str) -> None:
        self.collection.leave(where, show_instruction(one), reason, step)

    def _collect_source(self, one: Instruction, copy: CopyInstruction, source: str, where: Where) -> None:
        name = posixpath.normpath(source.lstrip("/"))
        if "$" in name:
            self._leave(one, where, "a variable in it has no value here", "name the files in [files]")
            return
        names = sorted(self._expand(name))
        if not names:
            reason = f"{show_words(name)} is not there, or {DOCKERIGNORE} keeps it out"
            self._leave(one, where, reason, "correct the path, or leave it out")
        whole = name == "."
        for each in names:
            into = copy.folder or whole or len(names) > 1
            self._collect_entry(one, each, copy.target, where, into=into, is_whole=whole)

    def _expand(self, name: str) -> Iterator[str]:
        """Paths in the context that a source names: of the whole context what lies in it, of a pattern what it fits."""
        folder = self.context.folder
        if name == ".":
            yield from (one for one in _list_names(folder) if self._is_wanted(one))
        elif re.search(r"[*?\[]", name):
            parent = posixpath.dirname(name)
            if not re.search(r"[*?\[]", parent) and (folder / parent).is_dir():
                found = (posixpath.join(parent, one) for one in _list_names(folder / parent))
                yield from (one for one in found if fnmatch.fnmatchcase(one, name) and not self.ignore.excludes(one))
        elif (folder / name).exists() and not self.ignore.excludes(name):
            yield name

    def _is_wanted(self, name: str) -> bool:
        """Of a whole context: not what only its build reads."""
        own = {SPEC_FILE, LOCK_FILE, SCHEMA_FILE, DOCKERIGNORE, ".git", self.context.dockerfile.name}
        return name not in own and not self.ignore.excludes(name)

    def _collect_entry(
        self, one: Instruction, name: str, target: str, where: Where, *, into: bool, is_whole: bool
    ) -> None:
        path = self.context.folder / name
        placed = posixpath.join(target, posixpath.basename(name)) if path.is_file() and into else target
        if is_whole and path.is_dir():
            placed = posixpath.join(target, name)
        below = self.context.name_of(name)
        if self._is_read(path):
            return
        problem = self._find_problem(below, path, placed)
        if problem is not None:
            self._leave(one, where, *problem)
        elif below in self.collection.files and self.collection.files[below].value != placed:
            self._leave(
                one, where, f"{below} is copied already, to another place", "copy it in the project, and name that too"
            )
        elif any(found.value == placed and key != below for key, found in self.collection.files.items()):
            self._leave(
                one, where, f"another folder is copied to {placed} too", "put both into one folder of the project"
            )
        else:
            self.collection.files[below] = Found(placed, where)

    def _is_read(self, path: Path) -> bool:
        """Whether it holds nothing but lists of packages, whose content the spec has."""
        names = [os.path.relpath(file, self.context.root) for file in _iterate_files(path)]
        return bool(names) and all(name in self.collection.read_files for name in names)

    def _find_problem(self, name: str, path: Path, target: str) -> tuple[str, str] | None:
        """Reason and next step where an entry cannot be."""
        if not path.resolve().is_relative_to(self.context.root):
            return f"{name} is a link that leads out of the project", "put the files themselves there"
        refusal = find_refusal("CleanPath", name) or find_refusal("ImagePath", target)
        if refusal is not None:
            return str(refusal), refusal.hint or "give it another name"
        for number, file in enumerate(_iterate_files(path)):
            inside = os.path.relpath(file, self.context.folder)
            if number >= MOST_SEARCHED:
                return f"{name} has more than {MOST_SEARCHED} files", "mount it into the containers"
            if file.is_symlink() and not file.resolve().is_relative_to(self.context.root):
                return f"{inside} is a link that leads out of the project", "put the file itself there"
            if self.ignore.excludes(inside):
                continue
            found = _search_file(file, self.context.name_of(inside))
            if found is not None:
                return f"{inside} holds {found}, which everybody reads in the image", _STEP
        return None


def _list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _iterate_files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for folder, _, names in os.walk(path):
        yield from (type(path)(folder, name) for name in sorted(names))


def _search_file(path: Path, name: str) -> str | None:
    """What secret is in it, in words; None: none, or it cannot be read, which [files] says."""
    try:
        secrets = find_file_secrets(f"/{name}", read_regular_file(path))
    except OSError:
        return None
    return secrets[0] if secrets else None
