"""Environment markers (PEP 508, "Environment Markers") for an image: whether a requirement holds on its platform.

What nearly all markers are made of is decided here, because importing ``packaging.markers`` takes longer than all
markers of an image; whatever is rarer goes there.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "386": "i686", "arm": "armv7l"}
"""GOARCH, as image platforms have it (OCI image specification) → ``platform_machine``."""
_TOKEN = re.compile(r"""\s*(\(|\)|<=|>=|==|!=|<|>|"[^"]*"|'[^']*'|[A-Za-z_.]+)""")
_DEEPEST = 30
"""Parentheses; whoever writes more of them wants something else than to say where a package works."""
_NUMBERS = re.compile(r"\d+(?:\.\d+)*")
_VERSIONS = frozenset({"python_version", "python_full_version"})
_COMPARE = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}


class _RareError(Exception):
    """Something that only ``packaging`` knows."""


@lru_cache(maxsize=4096)
def holds(marker: str, platform: str, python: str, extra: str) -> bool:
    """Whether ``marker`` is true for an image's platform, a Python (``3.11``) and an extra; unreadable ones are."""
    if marker.count("(") > _DEEPEST:
        return True
    environment = {**environment_of(platform, python), "extra": extra}
    try:
        return _Reader(marker, environment).whole()
    except _RareError:
        return _by_packaging(marker, environment)


def _by_packaging(marker: str, environment: Mapping[str, str]) -> bool:
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison  # see above
    from packaging.markers import UndefinedEnvironmentName as UndefinedName

    try:
        return Marker(marker).evaluate(dict(environment))
    except (InvalidMarker, UndefinedComparison, UndefinedName, ValueError):
        return True


@lru_cache(maxsize=64)
def environment_of(platform: str, python: str) -> dict[str, str]:
    """As the interpreter of such an image would answer; the kernel is not the image's, so it has no release."""
    system, _, machine = platform.partition("/")
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": _MACHINES.get(machine.partition("/")[0], machine),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": system.capitalize() or "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": system or "linux",
    }


class _Reader:
    """``and`` binds closer than ``or``; both sides are always read, so that a mistake is found wherever it stands."""

    def __init__(self, marker: str, environment: Mapping[str, str]) -> None:
        self._tokens = self._split(marker)
        self._at = 0
        self._environment = environment

    @staticmethod
    def _split(marker: str) -> list[str]:
        tokens, at, end = [], 0, len(marker.rstrip())
        while at < end:
            found = _TOKEN.match(marker, at)
            if found is None:
                raise _RareError
            tokens.append(found[1])
            at = found.end()
        return tokens

    def whole(self) -> bool:
        found = self._or()
        if self._at != len(self._tokens):
            raise _RareError
        return found

    def _or(self) -> bool:
        found = self._and()
        while self._next_is("or"):
            right = self._and()
            found = found or right
        return found

    def _and(self) -> bool:
        found = self._one()
        while self._next_is("and"):
            right = self._one()
            found = found and right
        return found

    def _one(self) -> bool:
        if self._next_is("("):
            found = self._or()
            if not self._next_is(")"):
                raise _RareError
            return found
        name, compare, value = (self._take() for _ in range(3))
        if name not in self._environment or compare not in _COMPARE or value[:1] not in {'"', "'"}:
            raise _RareError
        return self._compared(name, compare, value[1:-1])

    def _compared(self, name: str, compare: str, value: str) -> bool:
        actual = self._environment[name]
        if name == "extra":
            if compare != "==":
                raise _RareError
            return _normal(actual) == _normal(value)
        if name in _VERSIONS:
            return bool(_COMPARE[compare](_numbers(actual), _numbers(value)))
        if compare not in {"==", "!="} or name.endswith("version") or name == "platform_release":
            raise _RareError
        return bool(_COMPARE[compare](actual, value))

    def _next_is(self, word: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == word
        self._at += found
        return found

    def _take(self) -> str:
        if self._at >= len(self._tokens):
            raise _RareError
        self._at += 1
        return self._tokens[self._at - 1]


def _numbers(version: str) -> tuple[int, ...]:
    """Without zeros at the end: 3 is 3.0."""
    if _NUMBERS.fullmatch(version) is None:
        raise _RareError
    parts = [int(part) for part in version.split(".")]
    while parts and not parts[-1]:
        parts.pop()
    return tuple(parts)


def _normal(extra: str) -> str:
    return re.sub(r"[-_.]+", "-", extra).lower()
