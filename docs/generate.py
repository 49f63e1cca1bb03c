"""Writes docs/reference/ and the manual page from the code: `make docs`. A unit test compares what lies there.

Everything here comes from the tables that the program itself uses; nothing is written down twice but the environment's
variables, whose names a test looks for in the code.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from documents import INTRODUCTION, OTHER_FORMATS, list_documents, list_rows
from manual import format_manual

from builder.cli.overview import ABOUT, GROUPS
from builder.cli.reference.commands import read_commands
from builder.core.errors import ExitCode
from builder.core.limits import LIMITS
from builder.findings.catalog import CATALOG
from builder.image.spec.key_texts import KEYS, TABLES
from builder.image.spec.schema import list_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from builder.report.commands.rows import CommandRow

DOCS = Path(__file__).parent
HEAD = "<!-- Written by `make docs` from the code: change it there. -->\n"
EXIT_CODES: Mapping[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.CHECK_FAILED: "a check failed, or `--check` found a difference",
    ExitCode.USAGE: "usage: a wrong option, spec, lock or compose file",
    ExitCode.ENGINE: "the engine or another program is missing or failed, or the machine refused something",
    ExitCode.BUG: "a bug of optbuild; the message names the file with the traceback",
    ExitCode.INTERRUPTED: "interrupted: Ctrl-C, SIGTERM or SIGHUP",
}
ENVIRONMENT: Mapping[str, str] = {
    **{one.variable: f"the most seconds {one.purpose} ({one.seconds:g} without it)" for one in LIMITS},
    "OPTBUILD_DATABASE_URL": "a PostgreSQL server that `verify` uses instead of starting one",
    "OPTBUILD_DEBIAN_SOURCES": "an apt sources file to use instead of the machine's own",
    "SSL_CERT_FILE": "the certificates to trust; they reach a build as a secret and stay in no layer",
    "UV_DEFAULT_INDEX, UV_INDEX, PIP_INDEX_URL": "the package index, with its credentials; also a secret of the build",
    "DOCKER_HOST, DOCKER_CONTEXT": "the engine, as for docker",
    "BUILDX_BUILDER": "the builder, as for buildx",
    "COMPOSE_FILE, COMPOSE_PROJECT_NAME, COMPOSE_ENV_FILES": "the compose project, as for docker compose",
    "NO_COLOR": "not empty: no colors",
    "CI": "not empty: lines instead of bars",
    "XDG_STATE_HOME": "optbuild keeps what it promoted and can roll back in `optbuild` below it (`~/.local/state`)",
    "XDG_CACHE_HOME": "what it can read or make again lies in `optbuild` below it (`~/.cache`)",
}

SERIES = {"1": "Which services build what", "2": "Compose files", "3": "Dockerfiles", "4": "Waste in an image"}
"""First digit of a code → what such codes are about."""


def format_pages() -> dict[str, str]:
    """Path below docs/ → text."""
    commands = tuple(read_commands())
    return {
        "reference/commands.md": _join("# Commands", _format_commands(commands)),
        "reference/optbuild-toml.md": _join("# optbuild.toml", _format_keys()),
        "reference/findings.md": _join("# Findings", _format_findings()),
        "reference/json.md": _join("# JSON documents", _format_documents()),
        "reference/exit-codes-and-environment.md": _join("# Exit codes and environment", _format_outside()),
        "man/optbuild.1": format_manual(
            commands, ABOUT, {str(int(code)): text for code, text in EXIT_CODES.items()}, ENVIRONMENT
        ),
    }


def _join(title: str, paragraphs: Iterable[str]) -> str:
    return "\n\n".join((HEAD + title, *paragraphs)) + "\n"


def _format_commands(commands: Iterable[CommandRow]) -> Iterator[str]:
    yield "Every command also takes `--quiet`; results go to stdout, everything else to stderr."
    rows = {row.name: row for row in commands}
    for group, names in GROUPS.items():
        yield f"## {group}"
        for name in names:
            yield from _format_command(rows[name])


def _format_command(row: CommandRow) -> Iterator[str]:
    words = [f"{one.metavar}{'...' if one.repeated else ''}" for one in row.arguments]
    words = [word if one.required else f"[{word}]" for word, one in zip(words, row.arguments, strict=True)]
    yield f"### optbuild {row.name}"
    yield f"`{' '.join(('optbuild', row.name, '[OPTIONS]', *words))}`"
    yield row.summary
    yield from (" ".join(paragraph.split()) for paragraph in row.text)
    arguments = [(f"`{one.metavar}`", one.help) for one in row.arguments]
    options = []
    for one in row.options:
        notes = [f"default: `{one.default}`"] * bool(one.default) + ["may be repeated"] * one.repeated
        names = ", ".join(f"`{name}`" for name in sorted(one.names, key=len, reverse=True))
        value = f" `{one.metavar}`" if one.metavar else ""
        note = f" ({'; '.join(notes)})" if notes else ""
        options.append((f"{names}{value}", one.help + note))
    yield _format_table(("argument or option", "what it does"), [*arguments, *options])


def _format_keys() -> Iterator[str]:
    yield (
        "The same tables may stand in a pyproject.toml, as `[tool.optbuild.image]` and so on. `optbuild schema` prints "
        "all this as a JSON Schema for editors. Sizes are decimal: 1 MB is 1 000 000 bytes."
    )
    parts = {path: (part, required) for path, part, required in list_keys()}
    for table, text in TABLES.items():
        inner = [path for path in KEYS if path.rpartition(".")[0] == table]
        if not inner:
            continue
        yield f"## [{table.replace('*', 'NAME')}]"
        yield text
        rows = []
        for path in inner:
            part, required = parts[path]
            default = "required" if required else _format_value(part.get("default"))
            key = path.rpartition(".")[2]
            rows.append((f"`{key}`", _name_type(part), default, f"`{key} = {KEYS[path].example}`", KEYS[path].text))
        yield _format_table(("key", "type", "default", "example", "meaning"), rows)


def _name_type(part: Mapping[str, Any]) -> str:
    if "enum" in part:
        return " or ".join(f"`{one}`" for one in part["enum"])
    if "anyOf" in part:
        return " or ".join("false" if one.get("const") is False else _name_type(one) for one in part["anyOf"])
    if part.get("type") == "array":
        return f"list of {_name_type(part.get('items', {}))}s"
    names = {"string": "text", "boolean": "true or false", "integer": "whole number", "number": "number"}
    return names.get(str(part.get("type")), "table")


def _format_value(value: object) -> str:
    return "" if value in (None, {}, []) else f"`{json.dumps(value)}`"


def _format_findings() -> Iterator[str]:
    yield (
        "`optbuild plan` and `optbuild inspect` name what they find by these codes, which do not change. "
        "`optbuild plan --explain CODE` and `optbuild inspect --explain CODE` say more, for the project at hand."
    )
    for series, title in SERIES.items():
        rules = [rule for rule in CATALOG.values() if rule.code.startswith(f"OB{series}")]
        if rules:
            yield f"## OB{series}xx: {title}"
            yield _format_table(
                ("code", "name", "severity", "what", "why"),
                [(f"`{rule.code}`", rule.name, rule.severity.word, rule.title, rule.why) for rule in rules],
            )


def _format_documents() -> Iterator[str]:
    yield INTRODUCTION
    for title, version, document in list_documents():
        yield f"## `{title}`"
        yield f"Version {version}."
        rows = [(f"`{path}`", kind, text) for path, kind, text in list_rows(document)]
        yield _format_table(("field", "type", "meaning"), rows)
    yield "## Other formats"
    yield "`optbuild inspect --sbom cyclonedx` writes CycloneDX 1.6, `optbuild schema` a JSON Schema (draft 7)."
    yield _format_table(("`--format`", "what it is"), [(f"`{name}`", text) for name, text in OTHER_FORMATS.items()])


def _format_outside() -> Iterator[str]:
    yield _format_table(("exit code", "meaning"), [(str(int(code)), text) for code, text in EXIT_CODES.items()])
    rows = [(", ".join(f"`{name}`" for name in names.split(", ")), text) for names, text in ENVIRONMENT.items()]
    yield _format_table(("variable", "meaning"), rows)


def _format_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in line) + " |" for line in lines
    )


def main() -> None:
    """Write every page, and say which ones changed."""
    for name, text in format_pages().items():
        path = DOCS / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote docs/{name}\n")


if __name__ == "__main__":
    main()
