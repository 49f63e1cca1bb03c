"""All requirements of a spec: its own, and those of the requirements.txt files that the project already has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import TypeAdapter, ValidationError

from builder.core.errors import InvalidSpecError, SpecError, Where
from builder.core.files import read_regular_file
from builder.image.spec import types
from builder.image.spec.airflow_checks import explain_airflow_conflict
from builder.image.spec.allow import RefusedError, quote
from builder.image.spec.checks import is_conflict
from builder.image.spec.paths import resolve_in_folder
from builder.image.spec.positions import read_positions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.image.spec.model import Spec

_COMMENT = re.compile(r"(^|\s+)#.*$")
"""As pip reads it: a hash starts a comment at the line's start or after white space."""
_HASHES = re.compile(r"(\s+--hash[=\s]\s*[a-z0-9]+:[0-9a-f]+)+$")
"""As uv, Poetry and pip-compile write them behind a requirement. The lock has the hash of the installed file."""
_ADD_AN_INDEX = (
    "set it on the machine that builds, in UV_INDEX or PIP_EXTRA_INDEX_URL: the project's files name no index"
)
_REPLACE_THE_INDEX = (
    "set it on the machine that builds, in UV_DEFAULT_INDEX or PIP_INDEX_URL: the project's files name no index"
)
_NOT_NEEDED = "remove the line: a wheel is taken where there is one, else the source, which is built once"
_OPTION_HINTS = {  # all of pip's (pip.pypa.io, "Requirements File Format")
    "-r": "name that file in python.requirements-files too",
    "--requirement": "name that file in python.requirements-files too",
    "-c": "name it as airflow.constraints",
    "--constraint": "name it as airflow.constraints",
    "-e": "publish it to an index and write its name; code that changes belongs in a mounted folder",
    "--editable": "publish it to an index and write its name; code that changes belongs in a mounted folder",
    "--extra-index-url": _ADD_AN_INDEX,
    "-i": _REPLACE_THE_INDEX,
    "--index-url": _REPLACE_THE_INDEX,
    "--no-index": "remove the line: each package is taken from the index once, and kept by the cache",
    "-f": "publish those files to an index, and set that in UV_INDEX or PIP_EXTRA_INDEX_URL",
    "--find-links": "publish those files to an index, and set that in UV_INDEX or PIP_EXTRA_INDEX_URL",
    "--trusted-host": "remove the line: let SSL_CERT_FILE name the certificate of that index",
    "--no-binary": _NOT_NEEDED,
    "--only-binary": _NOT_NEEDED,
    "--prefer-binary": _NOT_NEEDED,
    "--pre": "remove the line, and write the version that you want (`NAME==2.0rc1`)",
    "--require-hashes": "remove the line: the lock has the hash of every file",
    "--use-feature": "remove the line: uv installs, not pip",
}
_ADAPTER: TypeAdapter[str] = TypeAdapter(types.Requirement)


@dataclass(frozen=True)
class _PlacedRequirement:
    """A requirement and where a person wrote it."""

    requirement: Requirement
    where: Where


def read_requirements(spec: Spec) -> tuple[str, ...]:
    """Normalised PEP 508 lines, each once, sorted. Reads the files that the spec names.

    Raises :class:`SpecError` for what is not a plain requirement, for two that contradict each other, and for an
    Airflow other than the spec's: always with file and line.
    """
    placed: list[_PlacedRequirement] = []
    problems: list[SpecError] = []
    lines = read_positions(Path(spec.file))
    for index, text in enumerate(spec.python.requirements):
        number = lines.get(("python", "requirements", index))
        placed.append(_PlacedRequirement(Requirement(text), Where(spec.file, number, f"python.requirements[{index}]")))
    for name in spec.python.requirements_files:
        for where, line in _iterate_lines(spec, name):
            try:
                placed.append(_PlacedRequirement(_parse_requirement(line, where), where))
            except SpecError as error:
                problems.append(error)
    problems += _find_conflicts(placed, spec.airflow.version)
    problems.sort(key=lambda problem: _make_order_key(spec, problem.where))
    if problems:
        raise problems[0] if len(problems) == 1 else InvalidSpecError("the list of requirements", tuple(problems))
    return tuple(sorted({normalize_requirement(item.requirement) for item in placed}))


def _make_order_key(spec: Spec, where: Where | None) -> tuple[int, int]:
    """The spec before its requirements files, in the order in which it names them; then by line."""
    files = (spec.file, *spec.python.requirements_files)
    return (0, 0) if where is None else (files.index(where.file), where.line or 0)


def normalize_requirement(requirement: Requirement) -> str:
    """One spelling for one meaning: PEP 503 name, sorted extras and specifiers, as ``packaging`` writes them."""
    name = canonicalize_name(requirement.name)
    extras = ",".join(sorted(canonicalize_name(extra) for extra in requirement.extras))
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return f"{name}{f'[{extras}]' if extras else ''}{requirement.specifier}{marker}"


def _iterate_lines(spec: Spec, name: str) -> Iterator[tuple[Where, str]]:
    try:
        text = read_regular_file(resolve_in_folder(spec.folder, name)).decode("utf-8-sig")
    except RefusedError as error:
        raise SpecError(str(error), where=Where(spec.file, key="python.requirements-files"), hint=error.hint) from error
    except UnicodeDecodeError as error:
        bad = error.object[: error.start].count(b"\n") + 1
        raise SpecError("not UTF-8", where=Where(name, bad), hint="save the file as UTF-8") from error
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", where=Where(name)) from error
    for number, line in iterate_logical_lines(text):
        yield Where(name, number), line


def iterate_logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their number, comments and blank ones left out, continued ones joined (number of the first)."""
    joined, start = "", 0
    for number, raw in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        start = start if joined else number
        comment = raw.lstrip().startswith("#")
        if raw.endswith("\\") and not comment:
            joined += raw[:-1] + " "
            continue
        line = _COMMENT.sub("", joined + ("" if comment else raw)).strip()
        joined = ""
        if line:
            yield start, line
    if joined.strip():
        yield start, joined.strip()


def _parse_requirement(line: str, where: Where) -> Requirement:
    if line.startswith("-"):
        option = line[:2] if line[1:2] != "-" else re.split(r"[\s=]", line, maxsplit=1)[0]
        hint = _OPTION_HINTS.get(option, "remove the line: only requirements are read")
        raise SpecError(f"the option {quote(option)} is not read here", where=where, hint=hint)
    line = _HASHES.sub("", line)
    if re.search(r"\s--[a-z]", line):
        hint = "write only the requirement: the lock has the hashes"
        raise SpecError(f"options behind a requirement are not read: {quote(line)}", where=where, hint=hint)
    try:
        return Requirement(_ADAPTER.validate_python(line))
    except ValidationError as error:
        cause = error.errors()[0].get("ctx", {}).get("error")
        why = cause.hint if isinstance(cause, RefusedError) else None
        raise SpecError(str(cause), where=where, hint=why) from error


def _find_conflicts(placed: list[_PlacedRequirement], airflow: str) -> Iterator[SpecError]:
    for index, item in enumerate(placed):
        reason = explain_airflow_conflict(item.requirement, airflow)
        if reason:
            yield SpecError(reason, where=item.where, hint="remove it: airflow.version is what counts")
        for other in placed[:index]:
            if is_conflict(other.requirement, item.requirement):
                message = f"{item.requirement} contradicts {other.requirement} at {other.where}"
                yield SpecError(message, where=item.where, hint="keep one of the two")
