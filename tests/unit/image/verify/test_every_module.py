"""A module that pruning lost is found; one that never could be imported, or went itself, is not."""

from __future__ import annotations

from builder.image.verify.every_module import LostModule, find_lost_modules

Answer = dict[str, dict[str, str | None]]


def test_only_what_worked_before_is_lost() -> None:
    before: Answer = {"a": {"a": None, "a.broken": "ImportError: x", "a.tests": None, "a.user": None}}
    after: Answer = {
        "a": {"a": None, "a.broken": "ImportError: y", "a.user": "ModuleNotFoundError: a.tests"},
        "b": {"b": "no"},
    }
    assert find_lost_modules(before, after) == (LostModule("a", "a.user", "ModuleNotFoundError: a.tests"),)
