"""JSON documents that optbuild keeps for itself: state, journals, manifests, caches, read into dataclasses.

By hand, because msgspec types values in half the lines but fills in what a dataclass has a default for, and passes over
what it does not know: a journal that has lost its edits would say that there is nothing to undo. So it saved 20 lines,
for 20 ms of every `plan`.
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from builder.core.errors import BrokenDocumentError, NewerDocumentError, StateError
from builder.core.files import write_private_file

T = TypeVar("T")

VERSION_KEY = "schema_version"


@dataclass(frozen=True)
class Form(Generic[T]):
    """One kind of document. Its keys are the fields of ``kind``, a dataclass, and the fields of those that it holds."""

    kind: type[T]
    version: int | None = None
    """Of the key ``schema_version``; None: the document has no such key."""
    lost: str = ""
    """What is not known when it cannot be read."""
    advice: str | None = None
    """What to do then."""
    open_types: tuple[type, ...] = ()
    """Dataclasses whose objects may have further keys, which are passed over."""
    later: frozenset[str] = frozenset()
    """Keys with a default that documents of earlier versions lack. Every other one must be there."""
    check: Callable[[Any, T], None] | None = None
    """Compares the parsed JSON and the value made of it. Raises ValueError."""


def dump_document(document: Mapping[str, Any], version: int) -> bytes:
    """JSON in UTF-8: the same document always gives the same bytes. Bytes in it become base64, paths become texts."""
    return json.dumps({VERSION_KEY: version, **document}, indent=1, sort_keys=True, default=_as_text).encode() + b"\n"


def parse_document(data: bytes, form: Form[T], name: str) -> T:
    """Types are as the dataclass says, nothing is converted; only a whole number may stand for a fraction.

    ``name`` is what messages call the document. Raises BrokenDocumentError with the place (``$.edits[0].mode``), and
    NewerDocumentError for a higher version.
    """
    try:
        document = json.loads(data)
        _check_version(document, form, name)
        value: T = _read(document, form.kind, form, "$")
        if form.check is not None:
            form.check(document, value)
    except (ValueError, OverflowError, RecursionError) as error:
        raise BrokenDocumentError(name, str(error), form.lost, hint=form.advice) from error
    return value


def read_document(path: Path, form: Form[T]) -> T | None:
    """None where there is none. Raises StateError where it cannot be read, and as :func:`parse_document`."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from error
    return parse_document(data, form, str(path))


def read_cached(path: Path, form: Form[T]) -> T | None:
    """As :func:`read_document`, of what can be found out again: None for whatever cannot be read."""
    try:
        return read_document(path, form)
    except StateError:
        return None


def write_document(path: Path, data: bytes) -> None:
    """In one step, for its owner only. Raises StateError."""
    try:
        write_private_file(path, data)
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}", hint="set XDG_STATE_HOME") from error


def _as_text(value: object) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _check_version(document: object, form: Form[Any], name: str) -> None:
    if form.version is None or not isinstance(document, dict):
        return
    version = document.pop(VERSION_KEY, None)
    if type(version) is int and version > form.version:
        raise NewerDocumentError(name, version, form.lost)
    if type(version) is not int or version < form.version:
        raise ValueError(f"{version!r} is not a format of optbuild - at `$.{VERSION_KEY}`")


def _read(found: Any, kind: Any, form: Form[Any], place: str) -> Any:
    """``found`` as ``kind``: a dataclass, ``tuple[X, ...]``, a mapping of texts, ``X | None``, or a single value."""
    shape, inner = _shape(kind)
    if kind is Any or (found is None and NoneType in inner):
        return found
    if shape is UnionType:
        return _read(found, inner[0], form, place)
    if shape is tuple:
        items = enumerate(_expect(found, list, place))
        return tuple(_read(item, inner[0], form, f"{place}[{number}]") for number, item in items)
    if shape is Mapping:
        return {key: _read(item, inner[1], form, f"{place}.{key}") for key, item in _expect(found, dict, place).items()}
    if shape is dataclass:
        return _read_object(_expect(found, dict, place), kind, form, place)
    return _read_value(found, kind, place)


def _read_value(found: object, kind: Any, place: str) -> Any:
    if kind is float and type(found) is int:
        found = float(found)
    if kind in (bytes, Path) or issubclass(kind, Enum):
        text = _expect(found, str, place)
        return base64.b64decode(text, validate=True) if kind is bytes else kind(text)
    return _expect(found, kind, place)


def _read_object(found: dict[str, Any], kind: Any, form: Form[Any], place: str) -> Any:
    kinds = _hints(kind)
    if missing := kinds.keys() - found.keys() - form.later:
        raise ValueError(f"Object missing required field `{min(missing)}` - at `{place}`")
    if not issubclass(kind, form.open_types) and (unknown := found.keys() - kinds.keys()):
        raise ValueError(f"Object contains unknown field `{min(unknown)}` - at `{place}`")
    values = {key: _read(found[key], kinds[key], form, f"{place}.{key}") for key in kinds.keys() & found.keys()}
    try:
        return kind(**values)
    except TypeError as error:  # one without a default
        raise ValueError(f"{error} - at `{place}`") from error


def _expect(found: Any, kind: type, place: str) -> Any:
    if type(found) is not kind:
        raise ValueError(f"Expected `{kind.__name__}`, got `{type(found).__name__}` - at `{place}`")
    return found


@functools.cache
def _shape(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """What ``kind`` is made of: ``typing`` finds it out anew each time, which took a third of reading a document."""
    return dataclass if is_dataclass(kind) else get_origin(kind), get_args(kind)


_hints = functools.cache(get_type_hints)
