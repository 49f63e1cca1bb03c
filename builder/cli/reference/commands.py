"""The commands with their options, read from the functions that run them."""

from __future__ import annotations

import inspect
from enum import Enum
from typing import TYPE_CHECKING, Any

from builder.cli.app import load_command
from builder.cli.overview import GROUPS
from builder.report.commands.rows import ArgumentRow, CommandRow, OptionRow, ValueKind

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS = {
    "IMAGE": ValueKind.IMAGE,
    "A": ValueKind.IMAGE,
    "B": ValueKind.IMAGE,
    "SERVICE": ValueKind.SERVICE,
    "FILE": ValueKind.FILE,
    "FILE.tar": ValueKind.FILE,
    "ARCHIVE": ValueKind.FILE,
    "DIR": ValueKind.FOLDER,
    "FOLDER": ValueKind.FOLDER,
}
"""The words that the commands use for their values; of several (``IMAGE|DIR``), the first one counts."""
_HELP = OptionRow(("--help", "-h"), "Show this message and exit.")


def read_commands() -> Iterator[CommandRow]:
    """All of them, in the order of `optbuild --help`. Imports each command's module, but runs nothing."""
    for group, commands in GROUPS.items():
        for name, summary in commands.items():
            yield _read_command(group, name, summary)


def _read_command(group: str, name: str, summary: str) -> CommandRow:
    made = load_command(name)
    text = inspect.cleandoc(made.help or "").split("\n\n")[1:]
    arguments = tuple(_read_argument(one) for one in made.params if one.param_type_name == "argument")
    options = tuple(_read_option(one) for one in made.params if one.param_type_name == "option")
    return CommandRow(name, group, summary, tuple(text), arguments, (*options, _HELP))


def _read_argument(parameter: Any) -> ArgumentRow:
    metavar, repeated, choices = parameter.metavar, parameter.nargs == -1, _list_choices(parameter)
    return ArgumentRow(metavar, parameter.help, _find_kind(metavar), parameter.required, repeated, choices)


def _read_option(parameter: Any) -> OptionRow:
    names = tuple(parameter.opts)
    if parameter.is_flag:
        return OptionRow(names, parameter.help)
    choices = _list_choices(parameter)
    metavar = f"<{'|'.join(choices)}>" if choices else parameter.metavar
    kind, default = _find_kind(metavar), _format_default(parameter.default)
    return OptionRow(names, parameter.help, metavar, choices, kind, parameter.multiple, parameter.required, default)


def _list_choices(parameter: Any) -> tuple[str, ...]:
    """Of an enumeration, or as the metavar lists them: ``<text|json>``."""
    metavar = parameter.metavar or ""
    if metavar[:1] + metavar[-1:] in {"<>", "[]"}:
        return tuple(metavar[1:-1].split("|"))
    annotation = parameter.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(member.value) for member in annotation)
    return ()


def _find_kind(metavar: str) -> ValueKind:
    return _KINDS.get(metavar.partition("|")[0], ValueKind.OTHER)


def _format_default(value: Any) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    return str(value.value if isinstance(value, Enum) else value)
