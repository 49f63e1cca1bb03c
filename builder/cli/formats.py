"""The output formats: which command knows which, and the function that writes it.

A new format is a row here and a function in report/, nothing else. The first format of a command is its default.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TEXT = "text"
JSON = "json"


@dataclass(frozen=True)
class OutputFormats:
    """``help`` is that of ``--format``. A writer is ``module:function`` below builder/, imported when it is asked for;
    of what the command found it gets, by name, what it has parameters for. See :func:`format_result`."""

    help: str
    writers: Mapping[str, str]
    variants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Other results of the same command, in the same formats."""


FORMATS: Mapping[str, OutputFormats] = {
    "doctor": OutputFormats(
        "A line per requirement, or JSON.",
        {TEXT: "report.doctor:format_findings_text", JSON: "report.doctor:format_findings_json"},
    ),
    "init": OutputFormats(
        "A report for a person, or JSON.",
        {TEXT: "report.adoption.text:format_adoption_text", JSON: "report.adoption.document:format_adoption_json"},
    ),
    "lock": OutputFormats(
        "A summary, or JSON.",
        {TEXT: "report.locks.summary:format_lock_text", JSON: "report.locks.summary:format_lock_json"},
        {"check": {TEXT: "report.locks.summary:format_check_text", JSON: "report.locks.summary:format_check_json"}},
    ),
    "render": OutputFormats(
        "The Dockerfile, or a bake file for `docker buildx bake`.",
        {TEXT: "image.render.model:format_dockerfile", "bake": "image.render.bake:format_bake_json"},
    ),
    "build": OutputFormats(
        "A summary, or JSON.", {TEXT: "report.build:format_build_text", JSON: "report.build:format_build_json"}
    ),
    "verify": OutputFormats(
        "How the report is written.",
        {
            TEXT: "report.verification:format_verification_text",
            JSON: "report.verification:format_verification_json",
            "junit": "report.verification:format_verification_junit",
        },
    ),
    "plan": OutputFormats(
        "For a person, a line per finding, for machines, or as annotations of a CI run.",
        {
            TEXT: "report.plan:format_plan_text",
            "concise": "report.concise:format_findings_concise",
            JSON: "report.plan_json:format_plan_json",
            "github": "report.github:format_annotations",
            "sarif": "report.sarif:format_sarif",
        },
    ),
    "optimize": OutputFormats(
        "A report for a person, or JSON.",
        {TEXT: "report.optimize:format_optimize_text", JSON: "report.optimize:format_optimize_json"},
    ),
    "images": OutputFormats(
        "A table for a person, or JSON.",
        {TEXT: "report.images:format_images_text", JSON: "report.images:format_images_json"},
    ),
    "clean": OutputFormats(
        "A table for a person, or JSON.",
        {TEXT: "report.clean:format_clean_text", JSON: "report.clean:format_clean_json"},
    ),
    "backup": OutputFormats(
        "A table for a person, or JSON.",
        {TEXT: "report.backup:format_backup_text", JSON: "report.backup:format_backup_json"},
    ),
    "restore": OutputFormats(
        "A table for a person, or JSON.",
        {TEXT: "report.backup:format_restore_text", JSON: "report.backup:format_restore_json"},
        {"check": {TEXT: "report.backup:format_archive_check_text", JSON: "report.backup:format_archive_check_json"}},
    ),
    "inspect": OutputFormats(
        "For a person, or everything for machines.",
        {TEXT: "report.inspect:format_inspection_text", JSON: "report.inspect:format_inspection_json"},
    ),
    "diff": OutputFormats(
        "For a person, for machines, or as a comment on a pull request.",
        {
            TEXT: "report.imagediff:format_image_diff_text",
            JSON: "report.imagediff_json:format_image_diff_json",
            "markdown": "report.imagediff_markdown:format_image_diff_markdown",
        },
        {
            "lock": {
                TEXT: "report.locks.image:format_lock_diff_text",
                JSON: "report.locks.image:format_lock_diff_json",
                "markdown": "report.locks.image:format_lock_diff_markdown",
            },
            "moves": {
                TEXT: "report.locks.moves:format_lock_moves_text",
                JSON: "report.locks.moves:format_lock_moves_json",
                "markdown": "report.locks.moves:format_lock_moves_markdown",
            },
        },
    ),
}
"""Command → its formats."""


def make_format_option(command: str) -> Any:
    """``--format`` of a command, with the choices of the table. To typer it is a text: see the callback."""
    formats = FORMATS[command]
    choices = tuple(formats.writers)

    def check_choice(value: str) -> str:
        if value not in choices:  # in the words that typer has for all other choices
            raise typer.BadParameter(f"Value error, {value!r} is not one of {', '.join(map(repr, choices))}.")
        return value

    metavar = f"<{'|'.join(choices)}>"
    return typer.Option("--format", metavar=metavar, help=formats.help, callback=check_choice)


def load_writer(command: str, output_format: str, variant: str = "") -> Callable[..., str]:
    """The function that writes a result of a command in a format."""
    writers = FORMATS[command].variants[variant] if variant else FORMATS[command].writers
    module, _, name = writers[output_format].partition(":")
    writer: Callable[..., str] = getattr(importlib.import_module(f"builder.{module}"), name)
    return writer


def format_result(command: str, output_format: str, values: Mapping[str, object], *, variant: str = "") -> str:
    """What a command found, as text. ``values`` are all that its formats may need: each takes what it names."""
    writer = load_writer(command, output_format, variant)
    wanted = inspect.signature(writer).parameters
    return writer(**{name: value for name, value in values.items() if name in wanted})
