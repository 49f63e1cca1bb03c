"""Every file that a service of the project can come from: main, override, included, extended files; with their bytes.

Paths are resolved as compose-go does it (``loader/include.go``, ``loader/extends.go``): those of main files from the
project directory, those of an included file from its own project directory, those of an extended file from its folder.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.compose.load.dotenv import read_env_file
from builder.compose.load.includes import (
    find_long_chain,
    find_multiplied,
    find_text_line,
    is_too_deep,
    parse_dependencies,
)
from builder.compose.load.interpolate import find_env_files, interpolate_text, read_variables
from builder.core.errors import ComposeError, RemoteFileError, TooDeepError, Where

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from builder.compose.load.includes import FileDependencies, Include
    from builder.compose.model import ProjectFiles

MAX_BYTES = 5_000_000
"""Of one file. The largest real one seen has 60 kB."""
_REMOTE = re.compile(r"(?:oci|https?|git|ssh)://|github\.com/|[\w-]+@[\w.-]+:")
"""How a file begins that Compose fetches (BuildKit's ``gitutil.ParseGitRef``, and Compose's own for registries)."""
MOST_WAYS = 2000
"""In which all files together are reached. Each include that has variables of its own may double them."""


@dataclass(frozen=True)
class ReachedFile:
    """One file, as it is reached from the main files."""

    path: Path
    data: bytes = field(repr=False)
    by_absolute_path: bool
    """It, or one on the way to it, is named by its absolute path."""
    problem: str = ""
    """Why it, which is named, cannot be read here; ``data`` is empty then. Also of files with variables."""
    fetched: tuple[str, Where] | None = None
    """Its address, and where that stands, of a file that is on another machine."""
    folder: Path = Path()
    """Where the paths in it start."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What is filled into it."""

    def resolve_named(self) -> Iterator[tuple[str, Path]]:
        """The paths of files in it, as they are written, and what they mean here."""
        named = parse_dependencies(self.data)
        for text in (*(text for include in named.includes for text in include.paths), *named.extended):
            if (found := _resolve_path(text, self)) is not None:
                yield text, found[0]


@dataclass(frozen=True)
class _PathContext:
    """Where the paths in a file start, and what its variables are."""

    folder: Path
    variables: Mapping[str, str] = field(repr=False)
    by_absolute_path: bool = False
    includes: bool = True
    """Compose ignores ``include:`` of a file that is only extended."""


_VisitKey = tuple[Path, Path, bool, bool, frozenset[tuple[str, str]]]
"""A file, and the place from which it is reached."""


def index_named_files(sources: Iterable[ReachedFile]) -> dict[tuple[Path, str], Path]:
    """A file and a path in it, as it is written → which of the files that means; where they are several: none."""
    found: dict[tuple[Path, str], set[Path]] = {}
    there = set()
    for source in sources:
        there.add(source.path)
        for text, path in source.resolve_named():
            found.setdefault((source.path, text), set()).add(path)
    return {key: path for key, paths in found.items() if len(paths) == 1 and (path := next(iter(paths))) in there}


def walk_sources(files: ProjectFiles, env: Mapping[str, str], overlay: Mapping[Path, bytes]) -> Iterator[ReachedFile]:
    """Every file, in the order in which it is first named, once per way in which what is in it is resolved.

    Raises ComposeError for what cannot be read safely, RemoteFileError for what would be fetched and nobody asked for;
    Compose reports what is missing.
    ``overlay`` are bytes to read instead of a file's own.
    """
    for source in walk_all_sources(files, env, overlay):
        if source.fetched is not None and not files.remote:
            raise RemoteFileError(*source.fetched)
        if not source.problem:
            yield source


def walk_all_sources(
    files: ProjectFiles, env: Mapping[str, str], overlay: Mapping[Path, bytes]
) -> Iterator[ReachedFile]:
    """As :func:`walk_sources`, with what this machine does not have: files that are missing, and remote ones."""
    seen: set[_VisitKey] = set()
    env_files = find_env_files(files, env)
    yield from _iterate_unreadable_env_files(env_files)
    place = _PathContext(files.directory, read_variables(env, env_files))
    for path in files.files:
        try:
            yield from _walk_source(path, place, overlay, seen)
        except RecursionError as error:
            raise ComposeError(
                "files include or extend each other over hundreds of levels",
                where=Where(str(path)),
                hint="name them with several -f, or include them in one file",
            ) from error


def _iterate_unreadable_env_files(env_files: tuple[Path, ...]) -> Iterator[ReachedFile]:
    for path in env_files:
        if problem := read_env_file(path).problem:
            yield ReachedFile(path, b"", by_absolute_path=False, problem=problem)


def _walk_source(
    path: Path, place: _PathContext, overlay: Mapping[Path, bytes], seen: set[_VisitKey]
) -> Iterator[ReachedFile]:
    way = (path, place.folder, place.by_absolute_path, place.includes, frozenset(place.variables.items()))
    if way in seen:
        return
    seen.add(way)
    if len(seen) > MOST_WAYS:
        raise ComposeError(
            f"files include each other in more than {MOST_WAYS} ways", where=Where(str(path)), hint="include it once"
        )
    data = overlay[path] if path in overlay else _read_source(path)
    if data is None:
        yield _make_missing_source(path, place)
        return
    yield ReachedFile(path, data, place.by_absolute_path, folder=place.folder, variables=place.variables)
    further_files = _read_dependencies(path, data)
    includes = further_files.includes if place.includes else ()
    for text in (*(text for include in includes for text in include.paths), *further_files.extended):
        if _resolve_path(text, place) is None:
            missing = _make_missing_source(Path(text.replace("\0", "")), place)
            remote = is_remote(interpolate_text(text, place.variables))
            yield replace(missing, fetched=(text, _locate_text(text, path, data)) if remote else None)
    for include in includes:
        env_files, found_files = _resolve_include(include, place)
        yield from _iterate_unreadable_env_files(env_files)
        for further, its_place in found_files:
            yield from _walk_source(further, its_place, overlay, seen)
    for text in further_files.extended:
        if (found := _resolve_path(text, place)) is not None:
            further, absolute = found
            its_place = _PathContext(further.parent, place.variables, absolute, includes=False)
            yield from _walk_source(further, its_place, overlay, seen)


def _locate_text(text: str, path: Path, data: bytes) -> Where:
    return Where(str(path), find_text_line(data, text))


def is_remote(path: str) -> bool:
    """Whether Compose fetches a file of this name."""
    return _REMOTE.match(path) is not None


def _make_missing_source(path: Path, place: _PathContext) -> ReachedFile:
    return ReachedFile(path, b"", place.by_absolute_path, problem=f"{path}, which its files name, is not there")


def _read_dependencies(path: Path, data: bytes) -> FileDependencies:
    if is_too_deep(data):
        raise TooDeepError(Where(str(path)))
    if (fault := find_multiplied(data) or find_long_chain(data)) is not None:
        raise ComposeError(fault.message, where=Where(str(path), fault.line), hint=fault.hint)
    return parse_dependencies(data)


def _resolve_include(include: Include, place: _PathContext) -> tuple[tuple[Path, ...], list[tuple[Path, _PathContext]]]:
    """The files with variables for it, and its files, each with its place."""
    found = [one for text in include.paths if (one := _resolve_path(text, place)) is not None]
    if not found:
        return (), []
    directory = _resolve_path(include.project_directory, place) if include.project_directory else None
    folder = directory[0] if directory else found[0][0].parent
    named = tuple(one[0] for text in include.env_files if (one := _resolve_path(text, place)) is not None)
    own = folder / ".env"
    env_files = named or ((own,) if can_be_file(own) else ())
    variables = read_variables(place.variables, env_files)
    absolute_folder = directory is not None and directory[1]
    return env_files, [(path, _PathContext(folder, variables, absolute or absolute_folder)) for path, absolute in found]


def _resolve_path(text: str, place: _PathContext | ReachedFile) -> tuple[Path, bool] | None:
    """The path, and whether it stays where it is when the project is looked at elsewhere. None: not on this machine."""
    path = interpolate_text(text, place.variables)
    if is_remote(path) or "\0" in path:
        return None
    absolute = place.by_absolute_path or path.startswith("/")
    return Path(os.path.normpath(place.folder / path)), absolute


def can_be_file(path: Path) -> bool:
    """Not known for a folder that this user may not enter."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError:
        return True
    except (OSError, ValueError):  # the context of a build may be an address
        return False


def _read_source(path: Path) -> bytes | None:
    try:
        if not path.is_file():
            return None
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise ComposeError(
            f"cannot be read: {error.strerror}", where=Where(str(path)), hint="allow this user to read it"
        ) from error
    if data is None:
        raise ComposeError(
            f"larger than {MAX_BYTES // 1_000_000} MB, which is too large for a compose file",
            where=Where(str(path)),
            hint="split it",
        )
    _check_text(path, data)
    return data


def _check_text(path: Path, data: bytes) -> None:
    """Raises ComposeError for bytes that are not UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ComposeError(
            f"not UTF-8: byte {data[error.start]:#04x}",
            where=Where(str(path), line),
            hint="save it as UTF-8; Compose reads nothing else",
        ) from error
