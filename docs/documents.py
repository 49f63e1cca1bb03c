"""The page of the JSON documents, from the types that the writers of them are held to."""

from __future__ import annotations

import ast
import importlib
import inspect
import types
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

from builder.cli.formats import FORMATS, JSON, TEXT
from builder.cli.overview import COMMANDS
from builder.report.build import METADATA_SCHEMA_VERSION
from builder.report.documents.fields import Unit
from builder.report.documents.metadata import MetadataDocument

if TYPE_CHECKING:
    from collections.abc import Iterator

TITLES = {
    ("lock", "check"): "optbuild lock --check",
    ("restore", "check"): "optbuild restore --check",
    ("diff", ""): "optbuild diff IMAGE IMAGE",
    ("diff", "lock"): "optbuild diff IMAGE LOCK",
    ("diff", "moves"): "optbuild diff LOCK LOCK",
}
"""Command and result → heading, where it is not the command alone."""
OTHER_FORMATS = {
    "concise": "a line for each finding, `FILE:LINE: CODE MESSAGE`",
    "github": "annotations of a GitHub workflow",
    "sarif": "SARIF 2.1.0, for code scanning",
    "junit": "JUnit's XML, a test case for each check",
    "markdown": "a comment for a pull request; empty where nothing changed",
    "bake": "a file for `docker buildx bake`, in JSON",
}
"""Formats that are somebody else's, or not for programs → what they are."""
INTRODUCTION = (
    "`--format json` prints one document on stdout. Its first field is `schema_version`, counted up "
    "when a field changes its meaning or goes; fields may be added. Every field is always there, unless its type "
    "says that it may be missing; null stands for what was not measured or does not exist. In a path, `[]` stands for "
    "each one of a list, and `*` for a name that is not fixed."
)
_NAMES = {str: "text", bool: "true or false", int: "whole number", float: "number", type(None): "null", Any: "any"}
_PLURALS = {"text": "texts", "object": "objects"}
VERSION_FIELD = "schema_version"
Row = tuple[str, str, str]
"""Path of a field, its type, its meaning."""


def list_documents() -> Iterator[tuple[str, int, type]]:
    """Heading, version and type of every document, in the order of the commands."""
    for command in COMMANDS:
        formats = FORMATS.get(command)
        for variant, writers in {"": formats.writers, **formats.variants}.items() if formats else ():
            if JSON in writers:
                title = TITLES.get((command, variant), f"optbuild {command}")
                yield f"{title} --format json", *_find_document(writers[JSON])
        if command == "build":
            yield "optbuild build --metadata-file FILE", METADATA_SCHEMA_VERSION, MetadataDocument


def _find_document(writer: str) -> tuple[int, type]:
    """The version and the type that a writer gives its document: `document: PlanDocument = {...}`."""
    module = importlib.import_module(f"builder.{writer.partition(':')[0]}")
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    own = ast.parse(inspect.getsource(getattr(module, writer.partition(":")[2])))
    (name,) = (
        node.annotation.id
        for node in ast.walk(own)
        if isinstance(node, ast.AnnAssign) and isinstance(node.annotation, ast.Name)
    )
    (source,) = (
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and name in {one.name for one in node.names}
    )
    version = next(value for key, value in vars(module).items() if key.endswith("SCHEMA_VERSION"))
    return version, getattr(importlib.import_module(str(source)), name)


def list_rows(document: type, prefix: str = "") -> Iterator[Row]:
    """A row for each field, that of an object before those of what is in it."""
    for name, hint in get_type_hints(document, include_extras=True).items():
        if name == VERSION_FIELD:
            continue  # said once, in the introduction
        path = f"{prefix}{name}"
        yield path, _name_type(hint), _find_text(hint)
        for suffix, inner in _find_objects(hint):
            yield from list_rows(inner, f"{path}{suffix}.")


def _find_text(hint: Any) -> str:
    """What stands beside the type."""
    if get_origin(hint) is NotRequired:
        return _find_text(get_args(hint)[0])
    return next((one for one in getattr(hint, "__metadata__", ()) if isinstance(one, str)), "")


def _name_type(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is None:
        return _name_simple_type(hint)
    if origin is Literal:
        return " or ".join("true" if one is True else f"`{one}`" for one in inner)
    if origin is Annotated:
        unit = next((f" ({one.name})" for one in hint.__metadata__ if isinstance(one, Unit)), "")
        return f"{_name_type(inner[0])}{unit}"
    names = [_name_type(one) for one in inner]
    if origin in {Union, types.UnionType}:
        return " or ".join(names)
    words = {list: f"list of {_PLURALS.get(names[0], names[0])}", dict: f"object, from a name to: {names[-1]}"}
    return words.get(origin, f"{names[0]}; may be missing")


def _name_simple_type(hint: Any) -> str:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " or ".join(f"`{one.value}`" for one in hint)
    return _NAMES.get(hint, "object")


def _find_objects(hint: Any) -> Iterator[tuple[str, type]]:
    """What to write behind the path, and the type of an object that a field holds: one, each of a list, of a table."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {NotRequired, Annotated, Union, types.UnionType}:
        for one in inner[:1] if origin is Annotated else inner:
            yield from _find_objects(one)
    elif origin in {list, dict}:
        suffix = "[]" if origin is list else ".*"
        yield from ((f"{suffix}{more}", found) for more, found in _find_objects(inner[-1]))
    elif isinstance(hint, type) and hasattr(hint, "__required_keys__"):
        yield "", hint


def list_other_formats() -> set[str]:
    """Those of the commands that are neither text nor JSON of ours."""
    known = (name for one in FORMATS.values() for table in (one.writers, *one.variants.values()) for name in table)
    return {*known} - {TEXT, JSON}
