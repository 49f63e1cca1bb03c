"""Which images the Dockerfiles of a project build on, for whoever wants to delete one: rather too many than too few.

No instruction is understood here, only names are found, in whatever state a file is.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.compose.interpolate import substitute

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from builder.compose.told import Told

LARGEST_FILE = 1_000_000
"""Bytes that are read of a Dockerfile."""
_CONTINUED = re.compile(r"[\\`][ \t]*\r?\n")
_FROM = re.compile(r"(?im)^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*([^\s#]+)(?:[ \t]+AS[ \t]+(\S+))?")
_OTHER = re.compile(r"(?i)(?<=[\s,=])(?:--)?from=([^\s,\"']+)")
"""Of ``COPY --from=`` and ``RUN --mount=type=bind,from=``."""
_ARGUMENT = re.compile(r"""(?im)^[ \t]*ARG[ \t]+(.+)$""")
_DEFAULT = re.compile(r"""([A-Za-z_]\w*)=("[^"\n]*"|'[^'\n]*'|\S*)""")
_OPEN = re.compile(r"\$\{[^{}]*\}?|\$\w+")
_DOCKER_IMAGE = "docker-image://"


@dataclass(frozen=True)
class Below:
    """What the Dockerfiles ``files`` build on. ``problem``: why not all of it is known."""

    names: frozenset[str]
    files: tuple[Path, ...]
    problem: str = ""


def note_build(key: str, value: Any, found: Told) -> None:
    """Keep what an entry of a compose file says of how an image is made, wherever it stands."""
    texts = {"build": found.contexts, "context": found.contexts, "dockerfile": found.dockerfiles}
    texts["dockerfile_inline"] = found.inlines
    if value.id == "scalar" and value.value and key in texts:
        texts[key].add(str(value.value))
    elif key == "build" and value.id == "mapping":
        found.contexts.add(".")
    elif key == "args":
        found.arguments |= set(_entries(value))
    elif key in {"cache_from", "additional_contexts"}:
        given = (text if key == "cache_from" else text.partition("=")[2] for text in _entries(value))
        found.images |= {name for name in map(image_of, given) if name}


def _entries(value: Any) -> Iterator[str]:
    """``NAME=value`` of a mapping, and the items of a list."""
    if value.id == "mapping":
        yield from (f"{name.value}={one.value}" for name, one in value.value if one.id == "scalar")
    elif value.id == "sequence":
        yield from (str(one.value) for one in value.value if one.id == "scalar")


def built_on(folders: Iterable[Path], told: Told, variables: Mapping[str, str]) -> Below:
    """A name that is nothing but a variable without a value tells of no image."""
    arguments: dict[str, set[str]] = {}
    for name, _, value in (text.partition("=") for text in told.arguments):
        arguments.setdefault(name, set()).add(substitute(value, variables))
    texts = [way for text in told.inlines for way in (text, substitute(text, variables))]
    contexts, names = ({substitute(text, variables) for text in which} for which in (told.contexts, told.dockerfiles))
    files, problem = [], ""
    for path in dockerfiles(folders, contexts, names):
        try:
            texts.append(text_of(path))
            files.append(path)
        except OSError as error:
            problem = f"{path} cannot be read: {error.strerror}"
    found = {name for text in texts for name in bases(text, arguments)}
    return Below(frozenset(name for name in found if _OPEN.sub("", name).strip(":@/")), tuple(files), problem)


def dockerfiles(folders: Iterable[Path], contexts: Iterable[str], names: Iterable[str]) -> Iterator[Path]:
    """Every file that may be meant: each name in each context, seen from each folder. Only those that are there, or
    may be: of a folder that this user may not enter, nobody knows."""
    names = ("Dockerfile", *names)
    places = (folder / context for folder in folders for context in contexts)
    for path in dict.fromkeys(place / name for place in places for name in names):
        try:
            if stat.S_ISREG(path.stat().st_mode):
                yield path
        except PermissionError:
            yield path
        except (OSError, ValueError):  # a context may be an address
            continue


def text_of(path: Path) -> str:
    """Raises OSError."""
    with path.open("rb") as stream:
        return stream.read(LARGEST_FILE).decode("utf-8-sig", "replace")


def bases(text: str, arguments: Mapping[str, Iterable[str]]) -> set[str]:
    """The images that a Dockerfile names. ``arguments``: the values that the files give to build arguments.

    A variable counts with each value that it may have; one that has none stays as it is written.
    """
    text = _CONTINUED.sub(" ", text)
    stages = {"scratch", *(match[2].lower() for match in _FROM.finditer(text) if match[2])}
    named = [*(match[1] for match in _FROM.finditer(text)), *(match[1] for match in _OTHER.finditer(text))]
    defaults = _defaults(text)
    ways = [defaults, *({**defaults, name: value} for name, values in arguments.items() for value in values)]
    ways.append({**defaults, **{name: value for name, values in arguments.items() for value in values}})
    found = {_filled(name.strip("\"'"), way) for name in named for way in ways}
    return {name for name in found if name.lower() not in stages and not name.isdigit()}


def image_of(context: str) -> str:
    """The name in ``docker-image://NAME``, and what may be one in ``cache_from``; else empty."""
    if context.startswith(_DOCKER_IMAGE):
        return context.removeprefix(_DOCKER_IMAGE)
    return "" if "://" in context or context.startswith((".", "/", "~")) else _cached(context)


def _cached(source: str) -> str:
    """``type=registry,ref=NAME``, or the name alone."""
    if "=" not in source:
        return source
    return next((part.removeprefix("ref=") for part in source.split(",") if part.startswith("ref=")), "")


def _defaults(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _ARGUMENT.finditer(text):
        for match in _DEFAULT.finditer(line[1]):
            found.setdefault(match[1], _filled(match[2].strip("\"'"), found))
    return found


def _filled(text: str, variables: Mapping[str, str]) -> str:
    """Variables without a value stay."""
    return re.sub(
        r"\$\{[A-Za-z_]\w*:?[-+][^{}]*\}|\$\{?([A-Za-z_]\w*)\}?",
        lambda match: match[0] if match[1] and match[1] not in variables else substitute(match[0], variables),
        text,
    )
