"""The JSON Schema of optbuild.toml, for editors and checkers (draft 7, which all of them know).

What it cannot say (does this Airflow have that role, does this file exist) only :mod:`builder.image.spec.reader`
judges: the schema accepts every spec that the reader accepts, and some more.
"""

from __future__ import annotations

import functools
import json
import tomllib
from typing import TYPE_CHECKING, Any

from builder.core.debian import RELEASE_PYTHON
from builder.core.naming import MOST_LAYERS
from builder.image.spec.key_texts import ANY_NAME, KEYS, TABLES
from builder.image.spec.model import SpecFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DRAFT = "http://json-schema.org/draft-07/schema#"
_BYTES = {"pattern": r"^[0-9]{1,12}(\.[0-9]{1,3})? ?(B|kB|KB|MB|GB|TB)$"}
_PATH = {"pattern": r"^[A-Za-z0-9._+@=,][A-Za-z0-9._+@=, /-]*$"}
_RULES: Mapping[str, Mapping[str, Any]] = {
    "base": {"oneOf": [{"required": [key]} for key in ("debian", "image", "airflow")]},
    "base.debian": {"enum": list(RELEASE_PYTHON)},
    "image.name": {"pattern": r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$"},
    "image.tags": {"minItems": 1},
    "airflow.version": {"pattern": r"^[0-9][0-9A-Za-z.!+_-]*$"},
    "python.version": {"pattern": r"^3\.[0-9]{1,2}$"},
    "layers.max": {"minimum": 1, "maximum": MOST_LAYERS},
    "roles": {"propertyNames": {"pattern": r"^[a-z0-9]+(-[a-z0-9]+)*$"}},
    "roles.*.command": {"minItems": 1},
    "roles.*.health.http": {"pattern": "^/"},
    "roles.*.health.port": {"minimum": 1, "maximum": 65535},
    "render.templates": _PATH,
    "verify.dags": _PATH,
    "budget.image-bytes": _BYTES,
    "budget.waste-bytes": _BYTES,
    "budget.waste-percent": {"minimum": 0, "maximum": 100},
}
"""What the types of the reader say beside the kind of a value, as far as a schema can say it."""


def make_schema() -> dict[str, Any]:
    """The schema as a value; each key has its description and an example."""
    made = SpecFile.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = made.pop("$defs")
    root = _describe_table(made, definitions, "")
    head = {"$schema": DRAFT, "title": "optbuild.toml", "description": "One image of Airflow, as optbuild makes it."}
    return head | {key: value for key, value in root.items() if key not in head}


@functools.cache
def format_schema() -> str:
    """The schema as the text of a file."""
    return json.dumps(make_schema(), indent=2, ensure_ascii=False) + "\n"


def list_keys() -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Each key that is not a table of known keys: its path, its part of the schema, and whether it must be there."""
    yield from _walk_keys(make_schema(), "")


def _walk_keys(table: Mapping[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    for name, part in _list_members(table):
        inner = f"{path}.{name}" if path else name
        if _is_table(part):
            yield from _walk_keys(part, inner)
        else:
            yield inner, part, name in table.get("required", ())


def _list_members(table: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from table.get("properties", {}).items()
    named = table.get("additionalProperties")
    if isinstance(named, dict):
        yield ANY_NAME, named


def _is_table(part: Mapping[str, Any]) -> bool:
    """Whether its keys have texts of their own; the keys of labels and variables have none."""
    named = part.get("additionalProperties")
    return "properties" in part or (isinstance(named, dict) and "properties" in named)


def _describe_table(part: Mapping[str, Any], definitions: Mapping[str, Any], path: str) -> dict[str, Any]:
    """``part`` with every reference replaced, and without what pydantic says of its own classes."""
    part = _resolve_reference(part, definitions)
    if not _is_table(_resolve_named(part, definitions)):
        return _describe_key(part, path)
    made: dict[str, Any] = {"type": "object", "description": TABLES.get(path, "")}
    if "required" in part:
        made["required"] = part["required"]
    if "properties" in part:
        inner = {name: f"{path}.{name}" if path else name for name in part["properties"]}
        made["properties"] = {
            name: _describe_table(one, definitions, inner[name]) for name, one in part["properties"].items()
        }
    named = part.get("additionalProperties", False)
    made["additionalProperties"] = (
        _describe_table(named, definitions, f"{path}.{ANY_NAME}") if isinstance(named, dict) else named
    )
    return made | dict(_RULES.get(path, {}))


def _describe_key(part: Mapping[str, Any], path: str) -> dict[str, Any]:
    made: dict[str, Any] = {name: value for name, value in part.items() if name != "title" and value is not None}
    text = KEYS[path]
    example = tomllib.loads(f"value = {text.example}")["value"]
    return made | {"description": text.text, "examples": [example]} | dict(_RULES.get(path, {}))


def _resolve_reference(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """The one that is meant, also where ``null`` may stand instead: TOML has no such value."""
    either = [one for one in part.get("anyOf", ()) if one.get("type") != "null"]
    if len(either) == 1:
        part = {key: value for key, value in part.items() if key != "anyOf"} | either[0]
    reference = part.get("$ref")
    return dict(part) if reference is None else dict(definitions[reference.rpartition("/")[2]])


def _resolve_named(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    named = part.get("additionalProperties")
    if not isinstance(named, dict):
        return dict(part)
    return dict(part) | {"additionalProperties": _resolve_reference(named, definitions)}
