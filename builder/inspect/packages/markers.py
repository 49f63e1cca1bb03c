"""Environment markers (PEP 508, "Environment Markers") for an image: whether a requirement holds on its platform."""

from __future__ import annotations

from functools import lru_cache

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
        return Marker(marker).evaluate({**make_environment(platform, python), "extra": extra})
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, ValueError, SyntaxError):
        return True


@lru_cache(maxsize=64)
def make_environment(platform: str, python: str) -> dict[str, str]:
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
