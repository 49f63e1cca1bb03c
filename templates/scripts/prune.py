"""What a running Airflow never opens: sources for compilers, static libraries, source maps, test packages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

DEAD_SUFFIXES = (".a", ".c", ".cc", ".cpp", ".f", ".f90", ".h", ".hpp", ".la", ".pxd", ".pxi", ".pyx")
"""Static libraries, and sources for compilers that the image does not have."""
DEAD_NAME_ENDINGS = (".css.map", ".js.map")
"""Only a browser's debugger asks for these."""
INSTALLER_NOTES = ("uv_cache.json",)
"""When and from which file a wheel was installed: different in each build, and of use to the installer alone."""
TESTS = "tests"
IMPORTS_TESTS = re.compile(rb"^\s*(?:from|import)\s+([A-Za-z_][\w.]*)\.tests\b", re.MULTILINE)


def imported_test_packages(files: Iterable[Path]) -> frozenset[str]:
    """Dotted names of packages whose ``tests`` some module outside any test folder imports: those must stay.

    numpy's had to (scipy's array_api_compat imports ``numpy._core.tests``), so nothing is assumed.
    """
    found: set[str] = set()
    for path in files:
        if path.suffix == ".py" and TESTS not in path.parts:
            found.update(match.decode() for match in IMPORTS_TESTS.findall(path.read_bytes()))
    return frozenset(found)


def is_dead(path: Path, site: Path, keep: frozenset[str]) -> bool:
    """Whether ``path`` may go. ``site`` is site-packages; ``keep`` comes from :func:`imported_test_packages`."""
    if path.suffix in DEAD_SUFFIXES or path.name.endswith(DEAD_NAME_ENDINGS) or path.name in INSTALLER_NOTES:
        return True
    parts = path.relative_to(site).parts[:-1] if path.is_relative_to(site) else ()
    if TESTS not in parts[1:]:
        return False
    return ".".join(parts[: parts.index(TESTS, 1)]) not in keep
