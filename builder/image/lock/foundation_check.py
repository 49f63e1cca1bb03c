"""What a foundation may hold: its words go into a Dockerfile and into scripts, so each has an allowlist.

The same is asked of a base image when it is read and of a lock that a hand may have changed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from builder.core.debian import RELEASE_GLIBC
from builder.core.image_reference import find_image_reference
from builder.image.lock.target import MACHINES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.image.lock.foundation import Foundation

_PATH = re.compile(r"(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._+@~-]+)+")
"""Absolute, without an empty, ``.`` or ``..`` component."""
_FORMS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("digest", re.compile(r"sha256:[0-9a-f]{64}"), "sha256: and 64 hexadecimal digits"),
    ("glibc", re.compile(r"2\.[0-9]{1,3}"), "a version of glibc like 2.36"),
    ("python", re.compile(r"3\.[0-9]{1,3}\.[0-9]{1,3}(?:(?:a|b|rc)[0-9]+)?\+?"), "a full version of Python"),
    ("python-path", _PATH, "a clean absolute path"),
    ("user", re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?)?"), "a user, or USER:GROUP"),
    ("working-folder", re.compile(rf"/?|{_PATH.pattern}"), "a clean absolute path"),
)
_DIFF_ID = re.compile(r"sha256:[0-9a-f]{64}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SEARCH_PATH = re.compile(r"[A-Za-z0-9._+@~:/-]*")
"""Of PATH, whose value a Dockerfile repeats: a ``$`` would be expanded there."""
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
"""Debian policy 5.6.1."""
_PACKAGE_VERSION = re.compile(r"(?:[0-9]+:)?[0-9][A-Za-z0-9.+~-]*")
"""Debian policy 5.6.12."""
_DISTRIBUTION = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
"""A name normalised by PEP 503."""


def iterate_foundation_problems(foundation: Foundation, platform: str) -> Iterator[tuple[str, str]]:
    """(key in the lock's table, end of a sentence about it). ``platform`` is that of the lock."""
    reference = find_image_reference(foundation.reference)
    if reference is None or not reference.tag or reference.digest:
        yield "reference", f"is {foundation.reference!r}, not an image with a tag"
    if foundation.platform != platform:
        yield "platform", f"is {foundation.platform!r}, and the lock is for {platform}"
    if foundation.debian not in RELEASE_GLIBC:
        yield "debian", f"is {foundation.debian!r}, not one of {', '.join(RELEASE_GLIBC)}"
    for key, pattern, meaning in _FORMS:
        value = getattr(foundation, key.replace("-", "_"))
        if not pattern.fullmatch(value):
            yield key, f"is {value!r}, not {meaning}"
    for diff in foundation.layers:
        if not _DIFF_ID.fullmatch(diff):
            yield "layers", f"holds {diff!r}, not the diff ID of a layer"
    yield from _iterate_word_problems(foundation)
    yield from _iterate_environment_problems(foundation)
    yield from _iterate_package_problems(foundation, platform)
    yield from _iterate_distribution_problems(foundation)


def is_version(text: str) -> bool:
    """Whether it is a version by PEP 440."""
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _iterate_word_problems(foundation: Foundation) -> Iterator[tuple[str, str]]:
    for key in ("entrypoint", "command", "shell"):
        for word in getattr(foundation, key):
            if not word.isprintable():
                yield key, f"holds {word!r}, which has a character that cannot be seen"


def _iterate_environment_problems(foundation: Foundation) -> Iterator[tuple[str, str]]:
    names = [name for name, _ in foundation.environment]
    for name, value in foundation.environment:
        if not _VARIABLE.fullmatch(name):
            yield "environment", f"holds {name!r}, not the name of an environment variable"
        elif not value.isprintable():
            yield "environment", f"holds a value of {name} with a character that cannot be seen"
        elif name == "PATH" and not _SEARCH_PATH.fullmatch(value):
            yield "environment", f"holds {value!r} as PATH, not a list of plain folders"
        if names.count(name) > 1:
            yield "environment", f"holds {name!r} twice"


def _iterate_package_problems(foundation: Foundation, platform: str) -> Iterator[tuple[str, str]]:
    fitting = ("all", *MACHINES[platform][1:])
    keys = [(one.name, one.architecture) for one in foundation.packages]
    if keys != sorted(set(keys)):
        yield "packages", "is not sorted by name, or has one twice"
    for one in foundation.packages:
        if not _PACKAGE.fullmatch(one.name):
            yield "packages", f"holds {one.name!r}, not the name of a Debian package"
        elif not _PACKAGE_VERSION.fullmatch(one.version):
            yield "packages", f"holds {one.name} {one.version!r}, not a Debian version"
        elif one.architecture not in fitting:
            yield "packages", f"holds {one.name} for {one.architecture!r}; the platform runs {' and '.join(fitting)}"


def _iterate_distribution_problems(foundation: Foundation) -> Iterator[tuple[str, str]]:
    keys = [(one.name, one.folder) for one in foundation.distributions]
    if keys != sorted(set(keys)):
        yield "distributions", "is not sorted by name, or has one twice"
    for one in foundation.distributions:
        if not _DISTRIBUTION.fullmatch(one.name):
            yield "distributions", f"holds {one.name!r}, not a name normalised by PEP 503"
        elif not is_version(one.version):
            yield "distributions", f"holds {one.name} {one.version!r}, not a version by PEP 440"
        elif not _PATH.fullmatch(one.folder):
            yield "distributions", f"holds {one.folder!r} for {one.name}, not a clean absolute path"
