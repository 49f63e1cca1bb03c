"""What may be left out of an image, one rule for each kind of file. Only the standard library: the context has it too.

The spec's table ``[slim]``, the build's scripts, the ledger and README take names, defaults and words from here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Scope(StrEnum):
    """Who carries a rule out."""

    PYTHON = "python"
    """``finish.py``, for each distribution by itself."""
    BASE = "base"
    """``base.sh``, for the Debian packages below the distributions."""


class SlimRule(NamedTuple):
    """``name`` is the key of ``[slim]``: true, these files stay; false, they go."""

    name: str
    stays: bool
    """The default. False only where nothing that runs can tell the difference."""
    scope: Scope
    what: str
    reason: str
    """Why nobody misses them; for what stays by default, what is lost with them."""


RULES = (
    SlimRule(
        "tests",
        False,
        Scope.PYTHON,
        "folders `tests` and `test` below a package, and `conftest.py`",
        "tests of the package itself; those that one of its modules or entry points imports stay",
    ),
    SlimRule(
        "type-stubs",
        False,
        Scope.PYTHON,
        "`.pyi`",
        "read by type checkers; those that `lazy_loader` reads when a package is imported stay",
    ),
    SlimRule(
        "source-maps",
        False,
        Scope.PYTHON,
        "`.js.map`, `.css.map`",
        "asked for by a browser's debugger only",
    ),
    SlimRule(
        "web-sources",
        False,
        Scope.PYTHON,
        "`.ts`, `.tsx`, `.jsx`, `yarn.lock`, `package-lock.json`, `pnpm-lock.yaml`, `swagger-ui-es-bundle*.js`",
        "what the served JavaScript was made from, or another can be; no browser can run them",
    ),
    SlimRule(
        "compiler-sources",
        False,
        Scope.PYTHON,
        "C, C++, Fortran and Cython sources, headers, static libraries",
        "the image has no compiler; keep them where `[apt] runtime` brings one",
    ),
    SlimRule(
        "translation-sources",
        False,
        Scope.PYTHON,
        "`.po` beside the `.mo` made from it",
        "programs read the `.mo`",
    ),
    SlimRule(
        "windows-programs",
        False,
        Scope.PYTHON,
        "`.exe`, `.bat`",
        "Linux cannot run them",
    ),
    SlimRule(
        "protobuf-sources",
        False,
        Scope.PYTHON,
        "`.proto`",
        "programs import the Python made from them; keep them where code is generated in the image",
    ),
    SlimRule(
        "foreign-bytecode",
        False,
        Scope.PYTHON,
        "`.pyc` of another Python",
        "this Python never opens them",
    ),
    SlimRule(
        "documentation",
        False,
        Scope.PYTHON,
        "`share/man`, `share/doc`, `share/info` of distributions",
        "the image has no reader for them, as for Debian's own",
    ),
    SlimRule(
        "symbols",
        False,
        Scope.PYTHON,
        "symbols of shared objects that only a debugger reads, and gaps of zeros between their segments",
        "the loader reads neither; a library that could not be loaded afterwards keeps them",
    ),
    SlimRule(
        "dpkg-symbols",
        False,
        Scope.BASE,
        "`/var/lib/dpkg/info/*.symbols`",
        "read by `dpkg-shlibdeps` when Debian packages are built",
    ),
    SlimRule(
        "debconf-templates",
        False,
        Scope.BASE,
        "debconf's cache of questions",
        "debconf writes it again when a package asks something",
    ),
    SlimRule(
        "locales",
        True,
        Scope.PYTHON,
        "Babel's locales other than English",
        "dates, numbers and names of languages in other languages",
    ),
    SlimRule(
        "column-positions",
        True,
        Scope.PYTHON,
        "columns in bytecode",
        "the `^^^^` below a line of a traceback",
    ),
    SlimRule(
        "gconv",
        True,
        Scope.BASE,
        "glibc's tables of character sets beyond those built in",
        "`iconv` of C libraries, such as XML in Windows-1251 that libxml2 reads; Python has codecs of its own",
    ),
    SlimRule(
        "perl",
        True,
        Scope.BASE,
        "perl-base",
        "maintainer scripts: no Debian package can be installed on top of the image",
    ),
    SlimRule(
        "leap-second-zones",
        True,
        Scope.BASE,
        "`/usr/share/zoneinfo/right`",
        "time zones that count leap seconds",
    ),
)
BY_NAME = {rule.name: rule for rule in RULES}


def list_pruned(stays: dict[str, bool], scope: Scope) -> list[str]:
    """Names of the rules of ``scope`` that are carried out, in the table's order; ``stays`` overrides defaults."""
    return [rule.name for rule in RULES if rule.scope is scope and not stays.get(rule.name, rule.stays)]
