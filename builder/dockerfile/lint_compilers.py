"""Advice about compilers and headers that stay in the image (OB301)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.dockerfile.facts import Advice
from builder.dockerfile.installs import SystemChange, parse_system_change
from builder.dockerfile.runtime_libraries import find_runtime_library
from builder.dockerfile.two_stages import CompilerInstall, write_two_stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.dockerfile.lint_subject import LintSubject
    from builder.dockerfile.run_steps import RunStep
    from builder.dockerfile.shell import ShellCommand

_COMPILER = re.compile(
    r"(build-essential|build-base|gcc|g\+\+|gcc-c\+\+|cpp|clang|llvm|gfortran|make|cmake|cargo|rustc)(-\d[\d.]*)?$"
)
_HEADERS = re.compile(r"[a-z0-9.+-]+-(dev|devel)$")


@dataclass(frozen=True)
class _Kept:
    """What one command installs and its RUN does not remove."""

    change: SystemChange
    tools: tuple[str, ...]
    headers: tuple[str, ...]


def is_build_package(name: str) -> bool:
    """Whether a Debian package is a compiler, or headers: nothing that runs needs it."""
    return bool(_COMPILER.match(name) or _HEADERS.match(name)) or name in ("pkg-config", "pkgconf", "python3-distutils")


def find_compilers(subject: LintSubject) -> Iterator[Advice]:
    """Compilers and headers that a RUN installs and does not remove itself; a later RUN frees no bytes."""
    found: list[_Kept] = []
    installs: list[CompilerInstall] = []
    for step in subject.steps:
        for command, kept in _iterate_kept(step):
            found.append(kept)
            installs.append(CompilerInstall(step, command, kept.change.manager, (*kept.tools, *kept.headers)))
    two_stages = write_two_stages(subject, tuple(installs)) if installs else None
    for kept in found:
        details = _explain(kept, has_fix=two_stages is not None)
        fix, edits = two_stages or (None, ())
        yield Advice("OB301", kept.change.line, _format_message(kept), fix, details, edits)


def _iterate_kept(step: RunStep) -> Iterator[tuple[ShellCommand | None, _Kept]]:
    """Each install of a RUN with its command as it is written; None: a build argument names what is installed."""
    pairs = [(command, parse_system_change(command)) for command in step.filled]
    changes = [change for _, change in pairs if change]
    removed = _collect_removed_packages(changes)
    written = {id(one): other for one, other in zip(step.filled, step.commands, strict=False)}
    same = len(step.filled) == len(step.commands)
    for command, change in pairs:
        if change is None or change.action != "install" or change.group in removed or "$" in removed:
            continue
        kept = [name for name in change.packages if name not in removed]
        tools = tuple(name for name in kept if _COMPILER.match(name))
        headers = tuple(name for name in kept if _HEADERS.match(name))
        if tools or headers:
            yield (written[id(command)] if same else None), _Kept(change, tools, headers)


def _collect_removed_packages(changes: list[SystemChange]) -> set[str]:
    """Names that the RUN removes; ``$`` where it removes something that only a shell knows."""
    names = {name for change in changes if change.action == "remove" for name in change.packages}
    return names | {"$" for name in names if name.startswith(("$", "`"))}


def _format_message(kept: _Kept) -> str:
    kinds = (
        f"{', '.join(kept.tools)} (compiler and build tools)" if kept.tools else "",
        f"{', '.join(kept.headers)} (headers)" if kept.headers else "",
    )
    return f"{' and '.join(kind for kind in kinds if kind)} stay in the image"


def _explain(kept: _Kept, *, has_fix: bool) -> tuple[str, ...]:
    details = [
        "first try without: `pip download --only-binary :all: -r FILE` shows whether any requirement lacks a wheel",
        "removing it in a later RUN frees nothing: the layer that holds it stays",
    ]
    unknown = [name for name in kept.headers if find_runtime_library(kept.change.manager, name) is None]
    if unknown:
        details.append(
            f"what loads the library of {', '.join(unknown)} needs it in the last stage: it has another name"
        )
    if has_fix:
        details.append("what stands behind these lines stays as it is")
    else:
        details.append("so: what needs it belongs into a stage of its own, and COPY --from brings what that makes")
    return tuple(details)
