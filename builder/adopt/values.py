"""Whether the spec takes a value, and how the words of a file are shown."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from builder.core.redact import mask_text
from builder.image.spec import types
from builder.image.spec.allow import RefusedError

if TYPE_CHECKING:
    from builder.dockerfile import Instruction

MOST_SHOWN = 100
"""Characters of an instruction in a report."""


@lru_cache(maxsize=32)
def _make_adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(getattr(types, kind))


def find_refusal(kind: str, value: str) -> RefusedError | None:
    """Why a type of the spec (``EnvironmentValue``) does not take a value; None: it does."""
    try:
        _make_adapter(kind).validate_python(value)
    except ValidationError as error:
        cause = error.errors()[0].get("ctx", {}).get("error")
        return cause if isinstance(cause, RefusedError) else RefusedError(error.errors()[0]["msg"])
    return None


def show_words(text: str) -> str:
    """On one line, without secrets, cut."""
    line = " ".join(mask_text(text).split())
    return line if len(line) <= MOST_SHOWN else line[: MOST_SHOWN - 3] + "..."


def show_instruction(one: Instruction) -> str:
    return show_words(f"{one.name} {one.value}")
