"""Which Dockerfile makes the image of a name, where a Makefile or a script builds it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.core.errors import Where
from builder.dockerfile.shell import parse_shell_commands
from builder.dockerfile.stages import substitute_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from builder.dockerfile.shell import ShellCommand

_ENGINES = frozenset({"docker", "podman", "nerdctl", "buildah"})
_FLAGS = re.compile(
    r"--(?:no-cache|pull|push|load|quiet|force-rm|rm|squash|compress|check|debug|layers|tls-verify|disable-content-trust)"
    r"(?:=\S*)?$|-[qD]$"
)
"""Options of a build without a value of their own; behind every other one comes its value."""
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_]\w*)\s*(?:\?|:{1,3})?=\s*(.*)")
_SET = re.compile(
    r"^\s*(?:export\s+|readonly\s+|local\s+)?([A-Za-z_]\w*)=(\"[^\"\n]*\"|'[^'\n]*'|[^\s;#]*)", re.MULTILINE
)
_RECIPE = re.compile(r"\t[@+-]*\s*(.*)", re.DOTALL)
_PARENTHESES = re.compile(r"\$\((\w+)\)")


@dataclass(frozen=True)
class TaggedBuild:
    """A build that gives its image a name. Paths are those below the project's folder."""

    tag: str
    where: Where
    folder: str
    dockerfile: str
    args: tuple[tuple[str, str | None], ...] = ()
    target: str | None = None


def list_script_builds(name: str, text: str, read: Callable[[str], str | None]) -> Iterator[TaggedBuild]:
    """Those that a Makefile or a shell script starts; ``read`` tells which files are there."""
    for folder, command in _iterate_commands(name, text):
        start = _skip_words(command)
        if start is None:
            continue
        options, context = _parse_options(command.words[start:])
        found = _find_files(name, folder, context, options.get("file", [None])[-1], read)
        if found is None:
            continue
        args = tuple((key, value if equal else None) for key, equal, value in _split_pairs(options.get("arg", [])))
        target = options.get("target", [None])[-1]
        for tag in options.get("tag", []):
            if "$" not in tag:
                yield TaggedBuild(tag, Where(name, command.line), *found, args, target)


def _iterate_commands(name: str, text: str) -> Iterator[tuple[str, ShellCommand]]:
    """Each command, its variables filled in, with the folder that ``cd`` has led to. Each line of a recipe has a shell
    of its own."""
    if name.endswith(".sh"):
        given = {match[1]: match[2].strip("\"'") for match in _SET.finditer(text)}
        yield from _follow_folder(parse_shell_commands(text), given)
        return
    variables: dict[str, str] = {}
    for line, words in _iterate_logical_lines(text):
        recipe = _RECIPE.match(words)
        if recipe is not None:
            script = _PARENTHESES.sub(r"${\1}", recipe[1])
            yield from _follow_folder(parse_shell_commands(script, line), variables)
        elif (assigned := _ASSIGNMENT.fullmatch(words.strip())) is not None:
            value = _PARENTHESES.sub(lambda match: variables.get(match[1], match[0]), assigned[2])
            variables[assigned[1]] = value.split(" #")[0].strip()


def _iterate_logical_lines(text: str) -> Iterator[tuple[int, str]]:
    held, first = "", 1
    for number, line in enumerate(text.splitlines(), start=1):
        first = first if held else number
        held += line
        if held.endswith("\\"):
            held = held[:-1] + " "
            continue
        yield first, held
        held = ""


def _follow_folder(
    commands: tuple[ShellCommand, ...], variables: Mapping[str, str]
) -> Iterator[tuple[str, ShellCommand]]:
    folder = ""
    for command in commands:
        words = tuple(substitute_variables(word, variables) for word in command.words)
        if command.program == "cd" and len(words) > 1:
            folder = "" if "$" in words[-1] or "`" in words[-1] else posixpath.join(folder, words[-1])
        yield folder, replace(command, words=words, places=())


def _skip_words(command: ShellCommand) -> int | None:
    """Where the options of a build begin; None: it is another command."""
    words = command.words
    if command.program not in _ENGINES:
        return None
    verb = next((place for place, word in enumerate(words[1:4], start=1) if word in ("build", "bud")), None)
    return None if verb is None or words[1:verb] not in ((), ("buildx",), ("image",), ("builder",)) else verb + 1


def _parse_options(words: tuple[str, ...]) -> tuple[dict[str, list[str]], str]:
    """The values of what matters here, and the context."""
    names = {"-t": "tag", "--tag": "tag", "-f": "file", "--file": "file", "--target": "target", "--build-arg": "arg"}
    found: dict[str, list[str]] = {}
    context = "."
    rest = list(words)
    while rest:
        option, equals, value = rest.pop(0).partition("=")
        if not option.startswith("-"):
            context = f"{option}{equals}{value}"
        elif not _FLAGS.fullmatch(option):
            value = value if equals else rest.pop(0) if rest else ""
            if option in names:
                found.setdefault(names[option], []).append(value)
    return found, context


def _split_pairs(texts: list[str]) -> Iterator[tuple[str, str, str]]:
    yield from (text.partition("=") for text in texts if "$" not in text)


def _find_files(
    script: str, folder: str, context: str, file: str | None, read: Callable[[str], str | None]
) -> tuple[str, str] | None:
    """Context and Dockerfile: seen from the project's folder, else from the script's. None: neither is there."""
    for start in dict.fromkeys((".", posixpath.dirname(script) or ".")):
        below = posixpath.normpath(posixpath.join(start, folder, context))
        named = posixpath.join(below, "Dockerfile") if file is None else posixpath.join(start, folder, file)
        dockerfile = posixpath.normpath(named)
        is_inside = not any("$" in one or one.startswith(("/", "..")) for one in (below, dockerfile))
        if is_inside and read(dockerfile) is not None:
            return below, dockerfile
    return None
