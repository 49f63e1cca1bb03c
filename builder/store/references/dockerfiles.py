"""Which images the Dockerfiles of a project build on, for deciding what to delete: rather too many than too few.

No instruction is understood here, only names are found, in whatever state a file is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from builder.compose.load.interpolate import interpolate_text
from builder.compose.load.source_files import can_be_file
from builder.compose.yaml.nodes import Mapping as YamlMapping
from builder.compose.yaml.nodes import Scalar, Sequence, read_key_text, resolve_alias
from builder.dockerfile.stages import substitute_variables as replace_in_dockerfile

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from builder.compose.yaml.nodes import Anchored
    from builder.store.references.file_references import FileReferences

LARGEST_FILE = 1_000_000
"""Bytes that are read of a Dockerfile."""
_CONTINUED = re.compile(r"[\\`][ \t]*\r?\n")
_FROM = re.compile(r"(?im)^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*([^\s#]+)(?:[ \t]+AS[ \t]+(\S+))?")
_OTHER = re.compile(r"(?i)(?<=[\s,=])(?:--)?from=([^\s,\"']+)")
"""Of ``COPY --from=`` and ``RUN --mount=type=bind,from=``."""
_ARGUMENT = re.compile(r"""(?im)^[ \t]*ARG[ \t]+(.+)$""")
_DEFAULT = re.compile(r"""([A-Za-z_]\w*)=("[^"\n]*"|'[^'\n]*'|\S*)""")
_OPEN = re.compile(r"\$\{[^{}]*\}?|\$\w+")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")
_MOST_WAYS = 200
_LONGEST_NAME = 1000
"""Longer than any name of an image: what is put together from itself again and again grows without end."""
_DOCKER_IMAGE = "docker-image://"


@dataclass(frozen=True)
class BaseImages:
    """What the Dockerfiles ``files`` build on. ``problem``: why not all of it is known."""

    names: frozenset[str]
    files: tuple[Path, ...]
    problem: str = ""


def add_build_references(key: str, value: Anchored, found: FileReferences) -> None:
    """Keep what an entry of a compose file says about how an image is made, wherever it is."""
    texts = {"build": found.contexts, "context": found.contexts, "dockerfile": found.dockerfiles}
    texts["dockerfile_inline"] = found.inline_dockerfiles
    if isinstance(value, Scalar) and value.value and key in texts:
        texts[key].add(value.value)
    elif key == "build" and isinstance(value, YamlMapping):
        found.contexts.add(".")
    elif key == "args":
        found.arguments |= set(_iterate_entries(value))
    elif key in {"cache_from", "additional_contexts"}:
        given = (text if key == "cache_from" else text.partition("=")[2] for text in _iterate_entries(value))
        found.images |= {name for name in map(parse_image_name, given) if name}


def _iterate_entries(value: Anchored) -> Iterator[str]:
    """``NAME=value`` of a mapping, and the items of a list."""
    if isinstance(value, YamlMapping):
        given = ((read_key_text(entry), resolve_alias(entry.value)) for entry in value.entries)
        yield from (f"{name}={one.value}" for name, one in given if isinstance(one, Scalar))
    elif isinstance(value, Sequence):
        yield from (one.value for one in map(resolve_alias, value.items) if isinstance(one, Scalar))


def find_base_images(folders: Iterable[Path], told: FileReferences, ways: Collection[Mapping[str, str]]) -> BaseImages:
    """``ways``: what may be filled in; every text counts with each. A name that is nothing but a variable without a
    value names no image."""
    arguments: dict[str, set[str]] = {}
    for name, _, value in (text.partition("=") for text in told.arguments):
        arguments.setdefault(name, set()).update(substitute_all([value], ways))
    texts = [*told.inline_dockerfiles, *substitute_all(told.inline_dockerfiles, ways)]
    files, problem = [], ""
    for path in find_dockerfiles(folders, substitute_all(told.contexts, ways), substitute_all(told.dockerfiles, ways)):
        try:
            texts.append(read_dockerfile_text(path))
            files.append(path)
        except OSError as error:
            problem = f"{path} cannot be read: {error.strerror}"
    found = {name for text in texts for name in parse_base_names(text, arguments)}
    return BaseImages(frozenset(name for name in found if _OPEN.sub("", name).strip(":@/")), tuple(files), problem)


def substitute_all(texts: Iterable[str], ways: Collection[Mapping[str, str]]) -> set[str]:
    """Each text in each way."""
    return {interpolate_text(text, way) for text in texts for way in ways}


def find_dockerfiles(folders: Iterable[Path], contexts: Iterable[str], names: Iterable[str]) -> Iterator[Path]:
    """Every file that may be meant: each name in each context, seen from each folder. Only those that are there, or
    may be."""
    names = ("Dockerfile", *names)
    places = (folder / context for folder in folders for context in contexts)
    return (path for path in dict.fromkeys(place / name for place in places for name in names) if can_be_file(path))


def read_dockerfile_text(path: Path) -> str:
    """Raises OSError."""
    with path.open("rb") as stream:
        return stream.read(LARGEST_FILE).decode("utf-8-sig", "replace")


def parse_base_names(text: str, arguments: Mapping[str, Iterable[str]]) -> set[str]:
    """The images that a Dockerfile names. ``arguments``: the values that the files give to build arguments.

    A variable counts with each value that it may have; one that has no default also stays as it is written.
    """
    text = _CONTINUED.sub(" ", text)
    stages = {"scratch", *(match[2].lower() for match in _FROM.finditer(text) if match[2])}
    named = [*(match[1] for match in _FROM.finditer(text)), *(match[1] for match in _OTHER.finditer(text))]
    values = _collect_argument_values(text, arguments)
    found = {filled_name for name in named for filled_name in _expand_variables(name.strip("\"'"), values)}
    return {name for name in found if name.lower() not in stages and not name.isdigit()}


def parse_image_name(context: str) -> str:
    """The name in ``docker-image://NAME``, and what may be one in ``cache_from``; else empty."""
    if context.startswith(_DOCKER_IMAGE):
        return context.removeprefix(_DOCKER_IMAGE)
    return "" if "://" in context or context.startswith((".", "/", "~")) else _parse_cache_source(context)


def _parse_cache_source(source: str) -> str:
    """``type=registry,ref=NAME``, or the name alone."""
    if "=" not in source:
        return source
    return next((part.removeprefix("ref=") for part in source.split(",") if part.startswith("ref=")), "")


def _collect_argument_values(text: str, arguments: Mapping[str, Iterable[str]]) -> dict[str, set[str | None]]:
    """Name → what it may be; None: nothing that is known here."""
    found: dict[str, set[str | None]] = {name: {None, *values} for name, values in arguments.items()}
    for line in _ARGUMENT.finditer(text):
        for match in _DEFAULT.finditer(line[1]):
            defaults = _expand_variables(match[2].strip("\"'"), found)
            found[match[1]] = (found.get(match[1], set()) | defaults) - {None} or {None}
    return found


def _expand_variables(text: str, values: Mapping[str, set[str | None]]) -> set[str]:
    """The text with each value of each variable in it; where that are too many, with ``*`` for a variable."""
    names = [name for name in dict.fromkeys(_VARIABLE.findall(text)) if name in values]
    if prod(len(values[name]) for name in names) > _MOST_WAYS:
        return {_OPEN.sub("*", text)}
    ways = (dict(zip(names, way, strict=True)) for way in product(*(values[name] for name in names)))
    known = ({name: value for name, value in way.items() if value is not None} for way in ways)
    found = {replace_in_dockerfile(text, variables) for variables in known}
    return {one for one in found if len(one) <= _LONGEST_NAME}
