"""Requirements and constraints as pip reads them: on the command line, in files, in the environment, in its own
configuration.

Sources: pip's ``req/req_file.py`` and ``utils/encoding.py`` (encodings, comments, continued lines, nested files), its
user guide ("Configuration"), and uv's reference of environment variables.
"""

from __future__ import annotations

import codecs
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.dockerfile.facts import Pin
from builder.dockerfile.installs import split_requirement
from builder.dockerfile.stages import substitute_variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.dockerfile.files import BuildFiles
    from builder.dockerfile.installs import PipInstall
    from builder.dockerfile.run_steps import RunStep

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Those of UTF-32 before those of UTF-16, which begin alike."""
_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")
_COMMENT = re.compile(r"(^|\s+)#.*$")
_NESTED = re.compile(r"(-r|-c|--requirement|--constraint)(?:[ =]\s*|(?<=-[rc]))[\"']?([^\s\"']+)")
_FILES_DEEP = 4
_OFFICIAL = re.compile(r"apache/airflow/.*constraints-|/home/airflow/constraints\.txt$|\$\{?HOME\}?/constraints\.txt$")
"""The official constraints, by their address or as the file that the official image has: they pin no Airflow."""
_LOCAL = re.compile(r"(\.{1,2}|/)[^*?]*$")
_PROJECT_FILES = ("pyproject.toml", "setup.cfg", "setup.py")
_OWN_PIN = re.compile(
    r"apache[-_.]airflow(?:-core)?\s*(?:\[[^\]]*\])?\s*((?:[=~<>!]=|[<>])\s*[\w.*+!-]+)", re.IGNORECASE
)
_PIP_CONF = re.compile(r"^/etc/(xdg/pip/)?pip\.conf$|/\.(config/)?pip/pip\.conf$")
"""Where pip looks for it: for all users, and in a home folder."""


@dataclass(frozen=True)
class Requirements:
    """What one install asks for. ``pins`` of the requirements, ``held`` of the constraints."""

    pins: tuple[Pin, ...] = ()
    held: tuple[Pin, ...] = ()
    unread: tuple[str, ...] = ()
    """Requirements files that are not at hand."""
    unread_constraints: tuple[str, ...] = ()

    def __add__(self, other: Requirements) -> Requirements:
        return Requirements(
            self.pins + other.pins,
            self.held + other.held,
            self.unread + other.unread,
            self.unread_constraints + other.unread_constraints,
        )


def decode_requirements(data: bytes) -> str:
    """By the byte order mark, else by ``# -*- coding: … -*-`` in the first two lines, else as UTF-8."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, errors="replace")
    for line in data.split(b"\n")[:2]:
        match = _CODING.search(line) if line.startswith(b"#") else None
        if match:
            try:
                return data.decode(match[1].decode("ascii"), errors="replace")
            except (LookupError, UnicodeError):
                break
    return data.decode(errors="replace")


def collect_requirements(pip: PipInstall, step: RunStep, files: BuildFiles) -> Requirements:
    """All that a ``pip install`` names, on its line, in its files, in the environment that it runs in."""
    known = step.environment
    words = [
        (word, part)
        for word in pip.requirements
        for part in (substitute_variables(word, known).split() if "$" in word else [word])
    ]
    found = Requirements(
        tuple(
            Pin(*split, pip.line, from_argument="$" in word)
            for word, part in words
            if (split := split_requirement(part)) is not None
        )
    )
    for _, part in words:
        found += _read_project(part, step, files, pip.line)
    for file in pip.files:
        found += _read_named(file, step, files, pip.line, constraint=False)
    for file in (*pip.constraints, *_find_configured(pip, step, files)):
        found += _read_named(file, step, files, pip.line, constraint=True)
    return found


def _read_project(word: str, step: RunStep, files: BuildFiles, line: int) -> Requirements:
    """Of a folder that is installed (``.``, ``-e ./plugins[extra]``): which Airflow its own metadata asks for."""
    if not _LOCAL.match(word) or word.endswith((".whl", ".gz", ".zip")):
        return Requirements()
    folder = word.partition("[")[0]
    texts = (step.read_file(posixpath.join(folder, name), files) for name in _PROJECT_FILES)
    match = next((match for text in texts if text is not None and (match := _OWN_PIN.search(text))), None)
    return Requirements((Pin("apache-airflow", match[1].replace(" ", ""), line, folder),)) if match else Requirements()


def _read_named(file: str, step: RunStep, files: BuildFiles, line: int, *, constraint: bool) -> Requirements:
    name = substitute_variables(file, step.environment).removeprefix("file://")
    if constraint and _OFFICIAL.search(name):
        return Requirements()
    found = _read_entries(name, step, files, line, constraint=constraint, deep=_FILES_DEEP)
    if found is not None:
        return found
    return Requirements(unread_constraints=(file,)) if constraint else Requirements(unread=(file,))


def _read_entries(
    name: str, step: RunStep, files: BuildFiles, line: int, *, constraint: bool, deep: int
) -> Requirements | None:
    text = None if "://" in name or not deep else step.read_file(name, files)
    if text is None:
        return None
    pins: list[Pin] = []
    further = Requirements()
    for entry in iterate_entries(text):
        nested = _NESTED.match(entry)
        if nested:
            inner = nested[1] in ("-c", "--constraint")
            named = substitute_variables(nested[2], step.environment)
            beside = named if "://" in named else posixpath.join(posixpath.dirname(name), named)
            if inner and _OFFICIAL.search(beside):
                continue
            read = _read_entries(beside, step, files, line, constraint=inner, deep=deep - 1)
            missing = Requirements(unread_constraints=(beside,)) if inner else Requirements(unread=(beside,))
            further += missing if read is None else read
        elif (split := split_requirement(re.split(r"\s--", entry, maxsplit=1)[0])) is not None:
            pins.append(Pin(*split, line, name))
    own = tuple(pins)
    return (Requirements(held=own) if constraint else Requirements(own)) + further


def iterate_entries(text: str) -> Iterator[str]:
    """The lines of a requirements file, continued ones as one, without comments."""
    held = ""
    for line in text.splitlines():
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            held += line[:-1]
            continue
        whole, held = held + (" " if comment and held else "") + line, ""
        entry = _COMMENT.sub("", whole).strip()
        if entry:
            yield entry
    if entry := _COMMENT.sub("", held).strip():
        yield entry


def _find_configured(pip: PipInstall, step: RunStep, files: BuildFiles) -> Iterator[str]:
    """Constraints that the command does not name itself. With ``--isolated`` pip ignores the environment and what is
    configured for its user."""
    isolated = "--isolated" in pip.options
    for name in ("UV_CONSTRAINT", "UV_OVERRIDE") if pip.uv else ("PIP_CONSTRAINT",):
        yield from () if isolated else find_environment_value(name, step).split()
    if pip.uv:
        return
    yield from () if isolated else step.configured
    named = find_environment_value("PIP_CONFIG_FILE", step)
    found = (*([named] if named else []), *filter(_PIP_CONF.search, files.find_named("pip.conf")))
    for path in found:
        if not isolated or path.startswith("/etc/"):
            yield from _read_pip_configuration(step.read_file(path, files) or "")


def find_environment_value(name: str, step: RunStep) -> str:
    """What an environment variable is while a RUN runs: of ENV or ARG, or set in the RUN itself."""
    text = "\n".join((step.run.value, *(heredoc.body for heredoc in step.run.heredocs)))
    own = re.findall(rf"(?:^|[\s;&|]){name}=(\"[^\"]*\"|'[^']*'|[^\s;&|]*)", text)
    known: Mapping[str, str] = step.environment
    return substitute_variables(own[-1].strip("\"'"), known) if own else known.get(name, "")


def _read_pip_configuration(text: str) -> Iterator[str]:
    import configparser  # hardly any project has such a file

    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error:  # pip stops at such a file, so does the build
        return
    for section in ("global", "install"):
        yield from (parser.get(section, "constraint", fallback="") or "").split()
