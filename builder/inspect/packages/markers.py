"""Environment markers (PEP 508, "Environment Markers") for an image: whether a requirement holds on its platform."""

from __future__ import annotations

from functools import lru_cache

from builder.core.markers import make_marker_environment

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "386": "i686", "arm": "armv7l"}
"""GOARCH, as image platforms have it (OCI image specification) → ``platform_machine``."""
_MAX_DEPTH = 30
"""Parentheses; no marker that says where a package works needs more of them."""


@lru_cache(maxsize=4096)
def evaluate_marker(marker: str, platform: str, python: str, extra: str) -> bool:
    """Whether ``marker`` is true for an image's platform, a Python (``3.11``) and an extra; unreadable ones are."""
    if marker.count("(") > _MAX_DEPTH or "\\" in marker:  # no marker has a backslash, and Python would warn of some
        return True
    # Late: 0.04 s of the 0.5 s that a second look has, for images whose packages have markers at all.
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

    try:
        return Marker(marker).evaluate({**_make_environment(platform, python), "extra": extra})
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, ValueError, SyntaxError):
        return True


@lru_cache(maxsize=64)
def _make_environment(platform: str, python: str) -> dict[str, str]:
    """Of an image for ``platform`` (``linux/amd64``; empty: its kind of system is not known, and Linux is assumed)."""
    system, _, machine = platform.partition("/")
    return make_marker_environment(python, _MACHINES.get(machine.partition("/")[0], machine), system or "linux")
