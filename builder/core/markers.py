"""What environment markers are evaluated in (PEP 508, "Environment Markers")."""

from __future__ import annotations


def make_marker_environment(python: str, machine: str, system: str = "linux") -> dict[str, str]:
    """As CPython ``python`` (``3.11``) of an image would answer on ``machine`` (``x86_64``).

    The micro version is 0, as uv assumes for ``--python-version 3.11``. The kernel is not the image's, so it has no
    release.
    """
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": system.capitalize(),
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": system,
    }
