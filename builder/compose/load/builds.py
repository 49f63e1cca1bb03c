"""One ``build:`` of Compose's answer as a value that two equal builds share."""

from __future__ import annotations

import json
import posixpath
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from builder.compose.model import Build

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_PART = frozenset({"cache_from", "cache_to", "no_cache", "pull", "tags"})
"""How a build is done, or what its result is called, not what the result is."""
_OWN_FIELD = frozenset(
    {
        "context",
        "dockerfile",
        "dockerfile_inline",
        "target",
        "args",
        "secrets",
        "additional_contexts",
        "platforms",
    }
)
_PAIRS = {"labels": "=", "ssh": "=", "extra_hosts": "=:"}
"""Keys whose value may be a map or a list of pairs, and what may separate a pair."""


def parse_build(found: Any, *, platform: str | None = None) -> Build | None:
    """The value of ``build``; None: there is none. ``platform`` is that of the service, which Compose builds for."""
    if isinstance(found, str):
        found = {"context": found}
    if not isinstance(found, dict):
        return None
    context = _normalize_path(format_scalar(found.get("context")) or ".")
    inline = found.get("dockerfile_inline")
    return Build(
        context=context,
        dockerfile=_normalize_dockerfile(context, None if inline else found.get("dockerfile")),
        dockerfile_inline=format_scalar(inline) if inline else None,
        target=format_scalar(found.get("target")) or None,
        args=tuple(sorted(parse_pairs(found.get("args")).items())),
        secrets=tuple(sorted(_format_secret(secret) for secret in found.get("secrets") or ())),
        additional_contexts=tuple(
            sorted(
                (name, _normalize_path(value or ""))
                for name, value in parse_pairs(found.get("additional_contexts")).items()
            )
        ),
        platforms=(platform,) if platform else tuple(sorted(map(str, found.get("platforms") or ()))),
        other=_collect_other_keys(found),
        tags=tuple(map(str, found.get("tags") or ())),
    )


def find_variable_parts(written: Build | None) -> dict[str, tuple[Any, ...]]:
    """Field → what of a build, as it is written, has no value of its own: variables, and arguments that are taken from
    the environment. The rest says the same whenever it resolves to the same (``1gb``, ``1073741824``)."""
    parts = {}
    for one in fields(written) if written is not None else ():
        value = getattr(written, one.name)
        items = value if isinstance(value, tuple) else (value or "",)
        if one.compare and (open_ones := tuple(item for item in items if _has_variable(item))):
            parts[one.name] = open_ones
    return parts


def _has_variable(item: str | tuple[str, str | None]) -> bool:
    texts = (item,) if isinstance(item, str) else item
    return any(part is None or "$" in part for part in texts)


def parse_pairs(found: Any, separators: str = "=") -> dict[str, str | None]:
    """A map, or a list of ``NAME=VALUE``; a name without value is None."""
    if isinstance(found, dict):
        return {str(name): None if value is None else format_scalar(value) for name, value in found.items()}
    done: dict[str, str | None] = {}
    for entry in found or ():
        place = min((place for mark in separators if (place := str(entry).find(mark)) >= 0), default=None)
        if place is None:
            done[str(entry)] = None
        else:
            done[str(entry)[:place]] = str(entry)[place + 1 :]
    return done


def format_scalar(value: Any) -> str:
    """A scalar as YAML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _normalize_path(path: str) -> str:
    """Of a local path: no trailing slash, no ``.``. A Git or image address stays."""
    return posixpath.normpath(path) if path.startswith("/") else path


def _normalize_dockerfile(context: str, named: Any) -> str:
    """Relative to the context where it is inside it."""
    path = posixpath.normpath(format_scalar(named) or "Dockerfile")
    inside = context.rstrip("/") + "/"
    return path.removeprefix(inside) if context.startswith("/") else path


def _format_secret(found: Any) -> str:
    """``source``, and what else a long form says."""
    if not isinstance(found, dict):
        return format_scalar(found)
    source, target = format_scalar(found.get("source")), format_scalar(found.get("target"))
    further = {key: value for key, value in found.items() if key not in {"source", "target"} and value is not None}
    name = source if target in {"", source} else f"{source}:{target}"
    return name + (_format_canonical_json(further) if further else "")


def _collect_other_keys(found: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    known = _NO_PART | _OWN_FIELD
    done = {key: _normalize_value(key, value) for key, value in found.items() if key not in known}
    return tuple(
        sorted((key, _format_canonical_json(value)) for key, value in done.items() if value)
    )  # false and [] are defaults


def _normalize_value(key: str, value: Any) -> Any:
    return parse_pairs(value, _PAIRS[key]) if key in _PAIRS else value


def _format_canonical_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
