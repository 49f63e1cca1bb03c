"""uv as this stage uses it: argv from pure functions, one object that runs them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.core.errors import IndexUnreadableError, SourceNotBuiltError, ToolError, ToolFailedError
from builder.core.limits import LOCK_LIMIT
from builder.core.process import Command, ProcessResult, Runner

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.image.lock.facts import DistributionFacts
    from builder.image.lock.target import LockTarget


_INDEXES = (
    ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    ("PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"),
)
"""pip's variable, uv's, and the older name of uv's."""
_NOT_BUILT = re.compile(r"Failed\s+to\s+(?:download\s+and\s+)?build\s+`([A-Za-z0-9._-]+)==([^`]+)`")
"""uv 0.13, where it needs a source's metadata to resolve and the source cannot tell it. It breaks long lines."""
_NO_ARCHIVE = re.compile(r"Failed\s+to\s+extract\s+archive:")
"""Behind that, where the build needs what a foundation has: of that there is a file's name alone."""
_INSTALL = ("pip", "install", "--quiet", "--no-progress", "--no-deps", "--require-hashes")


@dataclass(frozen=True)
class Uv:
    """``interpreter`` is a Python that uv may ask and build with; uv itself needs none."""

    executable: str
    version: str
    interpreter: str
    runner: Runner
    env: Mapping[str, str]

    def run(self, argv: tuple[str, ...], cwd: Path) -> ProcessResult:
        """Run with the machine's own settings (index, credentials, CA), but none of a project's pyproject.toml.

        ``cwd``: a scratch folder, which holds temporary files too.
        """
        env = self.make_environment(cwd)
        return self.runner.run(Command((self.executable, *argv), cwd=cwd, env=env, timeout=LOCK_LIMIT.read(env)))

    def make_environment(self, scratch: Path) -> Mapping[str, str]:
        """Its variables, and temporary files in ``scratch``: those of a killed run are swept with that folder."""
        return {**self.env, "TMPDIR": str(scratch)}

    def check(self, argv: tuple[str, ...], cwd: Path) -> ProcessResult:
        result = self.run(argv, cwd)
        if not result.ok:
            raise make_uv_error(result)
        return result


def make_uv_error(result: ProcessResult) -> ToolError:
    """Why uv ended with an error that says nothing about the requirements."""
    found = _NOT_BUILT.search(result.err)
    if is_index_unreadable(result.err) and not (found and _NO_ARCHIVE.search(result.err)):
        return IndexUnreadableError(result.err)
    if found:
        return SourceNotBuiltError(found[1], found[2], result.code, result.err)
    return ToolFailedError("uv", result.code, result.err, hint="read what uv says above")


def is_index_unreadable(text: str) -> bool:
    """Whether uv (0.13) says that it could not read the package index: no route, no TLS, no permission."""
    pattern = r"failed to fetch|error sending request|could not be queried|request failed after|failed to download"
    return re.search(pattern, text, re.IGNORECASE) is not None and "hash mismatch" not in text.lower()


def find_uv(runner: Runner, env: Mapping[str, str], interpreter: str) -> Uv:
    """The uv of the package ``uv``, the version that this installation of optbuild has."""
    from importlib.metadata import version  # only needed to lock

    from uv import find_uv_bin  # only needed to lock

    return Uv(find_uv_bin(), version("uv"), interpreter, runner, add_index_variables(env))


def add_known_metadata(uv: Uv, known: Iterable[tuple[str, DistributionFacts]], folder: Path) -> Uv:
    """``uv`` that resolves in ``folder`` with what is known of versions, as (version, facts), and builds none of them.

    uv reads uv.toml in its working folder together with the settings of the person and of the machine, unless a
    variable names one file or forbids all: then one file holds both (docs.astral.sh/uv, "Configuration files").
    """
    text = "".join(map(_format_metadata, known))
    named = uv.env.get("UV_CONFIG_FILE")
    if not named and not uv.env.get("UV_NO_CONFIG"):
        (folder / "uv.toml").write_text(text)
        return uv
    own = Path(named).read_text(encoding="utf-8") if named else ""
    path = folder / "settings.toml"
    path.write_text(f"{own}\n{text}", encoding="utf-8")
    rest = {name: value for name, value in uv.env.items() if name != "UV_NO_CONFIG"}
    return replace(uv, env={**rest, "UV_CONFIG_FILE": str(path)})


def _format_metadata(known: tuple[str, DistributionFacts]) -> str:
    """One ``[[dependency-metadata]]`` of uv's settings; strings of JSON are strings of TOML."""
    version, facts = known
    values = {"name": facts.name, "version": version, "requires-dist": facts.requires, "provides-extra": facts.extras}
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
    return f"[[dependency-metadata]]\n{lines}"


def add_index_variables(env: Mapping[str, str]) -> Mapping[str, str]:
    """``env`` where uv finds the indexes that are set for pip, as the build does (``builder.engine.secrets``).

    uv's own variables win. A folder is left out: a build could not see it, and would not find what was locked.
    """
    found: dict[str, str] = {}
    for pip, uv, older in _INDEXES:
        words = [word for word in env.get(pip, "").split() if word.startswith(("http://", "https://"))]
        if words and not env.get(uv) and not env.get(older):
            found[uv] = " ".join(words)
    return {**env, **found}


def make_compile_argv(target: LockTarget, interpreter: str, source: str, demanded: str, output: str) -> tuple[str, ...]:
    """First pass. The pins that ``output`` already holds are preferences: kept wherever the input allows it.

    ``demanded`` is a constraints file, whose pins are conditions.
    """
    common = _make_common_argv(target, interpreter, source, output)
    return (*common, "--constraints", demanded, "--no-header", "--no-annotate")


def make_pylock_argv(target: LockTarget, interpreter: str, source: str, output: str) -> tuple[str, ...]:
    """Second pass: files, hashes and sizes of pins that are already complete."""
    return (
        *_make_common_argv(target, interpreter, source, output),
        "--format",
        "pylock.toml",
        "--no-deps",
        "--no-header",
    )


def _make_common_argv(target: LockTarget, interpreter: str, source: str, output: str) -> tuple[str, ...]:
    return (
        *("pip", "compile", "--quiet", source, "--output-file", output, "--python", interpreter),
        *("--python-version", target.python, "--python-platform", target.uv_platform, "--no-progress"),
    )


def make_install_argv(target: LockTarget, interpreter: str, requirements: str, folder: str) -> tuple[str, ...]:
    """Unpack the locked wheels of any platform into ``folder``; a file with another hash is refused."""
    return (
        *(*_INSTALL, "--only-binary", ":all:"),
        *("--python", interpreter, "--python-version", target.python, "--python-platform", target.uv_platform),
        *("--target", folder, "--requirements", requirements),
    )


def make_unpack_argv(interpreter: str, requirements: str, name: str, folder: str) -> tuple[str, ...]:
    """Make uv build one sdist in isolation, which unpacks it into its cache first.

    To resolve is not enough: uv takes the metadata from a wheel of any platform and leaves the sdist alone.
    """
    source = ("--no-binary", name, "--target", folder, "--requirements", requirements)
    return (*_INSTALL, "--python", interpreter, *source)


def make_listing_argv(interpreter: str, python: str, source: str, output: str) -> tuple[str, ...]:
    """All files of the pins in ``source`` that any system installs with ``python`` or a later one."""
    return (
        *("pip", "compile", "--quiet", source, "--output-file", output, "--python", interpreter, "--universal"),
        *("--python-version", python, "--no-progress", "--no-deps", "--format", "pylock.toml", "--no-header"),
    )


def make_other_wheel_argv(interpreter: str, pin: str, python: str, platform: str, folder: str) -> tuple[str, ...]:
    """Unpack the wheel that ``python`` installs on ``platform`` (uv's name of it), to read its metadata."""
    return (
        *("pip", "install", "--quiet", "--no-progress", "--no-deps", "--only-binary", ":all:", "--target", folder),
        *("--python", interpreter, "--python-version", python, "--python-platform", platform, pin),
    )


def make_wheel_search_argv(
    target: LockTarget, interpreter: str, source: str, name: str, *, first: bool
) -> tuple[str, ...]:
    """The ``first`` or the last version that ``source`` allows and that has a wheel for the target."""
    return (
        *("pip", "compile", "--quiet", source, "--python", interpreter, "--python-version", target.python),
        *("--python-platform", target.uv_platform, "--no-progress", "--no-deps", "--no-header", "--no-annotate"),
        *("--only-binary", name, "--resolution", "lowest" if first else "highest"),
    )


def make_venv_argv(python: str, folder: str) -> tuple[str, ...]:
    return ("venv", "--quiet", "--no-project", "--no-python-downloads", "--python", python, folder)


def make_build_tools_argv(venv: str, requirements: str) -> tuple[str, ...]:
    """Install the pinned build requirements into the environment that builds sdists."""
    return (*_INSTALL, "--only-binary", ":all:", "--python", venv, "--requirements", requirements)


def make_sdist_build_argv(venv: str, requirements: str, folder: str) -> tuple[str, ...]:
    """Make wheels of the locked sdists with exactly what ``venv`` holds, and unpack them into ``folder``."""
    return (
        *(*_INSTALL, "--no-build-isolation", "--no-binary", ":all:"),
        *("--python", venv, "--target", folder, "--requirements", requirements),
    )
