"""The lock: resolving, constraints, Debian packages."""

from __future__ import annotations

import re
from dataclasses import dataclass

from builder.core.errors.base import CheckFailedError, OptbuildError, ToolError, Where
from builder.core.errors.process import ToolFailedError


class LockFileError(OptbuildError):
    """optbuild.lock cannot be read, is not a lock, or is one of another format."""


class LockError(OptbuildError):
    """The spec cannot be resolved to a lock."""


class UnsatisfiableError(LockError):
    """No set of versions meets all requirements.

    ``involved`` are the spec's own lines that the reason names, ``present`` what it names of the base image.
    """

    def __init__(
        self, reason: str, involved: tuple[str, ...], places: tuple[str, ...] = (), present: tuple[str, ...] = ()
    ) -> None:
        lines = "".join(f"\n    {line}" for line in reason.splitlines())
        asked = "".join(f"\n    {line}" for line in places or involved)
        title, hint = _judge_reason(reason)
        text = f"{title}:{lines}"
        text = f"{text}\n  involved from the spec:{asked}" if asked else text
        there = "".join(f"\n    {name}" for name in present)
        text = f"{text}\n  of the base image, with all that it needs there:{there}" if there else text
        super().__init__(text, hint=hint)
        self.reason = reason
        self.involved = involved
        self.present = present


@dataclass(frozen=True)
class _Cause:
    """What uv's report (uv 0.13) says of a single cause: ``pattern`` → title and next step.

    ``decisive``: the next step holds too where the report goes on about others.
    """

    pattern: str
    title: str
    hint: str
    decisive: bool = False


_CAUSES = (
    _Cause(
        r"(?P<what>[\w.-]+) was not found in the package registry",
        "the package index does not have {what}",
        "correct the name, or let UV_INDEX name the index that has the package, then: optbuild lock",
        decisive=True,
    ),
    _Cause(
        r"(?P<what>[\w.-]+==[\w.!+-]+) has no wheels with a matching platform|no wheels are available for",
        "{what} has no file for the platform of the image",
        'a package of another system needs a marker, as in `pywin32==306; sys_platform == "win32"`',
        decisive=True,
    ),
    _Cause(
        r"there is no version of (?P<what>(?P<public>[\w.-]+==[\w.!-]+)\+(?P<local>[\w.]+))",
        "the package index does not have {what}",
        "`+{local}` marks a build that its publisher has on an index of its own: let UV_INDEX name that one, or ask for"
        " {public}, then: optbuild lock",
    ),
    _Cause(
        r"there is no version of (?P<what>[\w.-]+==[\w.!-]+)",
        "the package index does not have {what}",
        "ask for a version that it has, then: optbuild lock",
    ),
    _Cause(
        r"does not satisfy Python\S+ and (?P<what>[\w.-]+==[\w.!+-]+) depends on Python",
        "{what} does not run with the Python of the image",
        "ask for a version that does, then: optbuild lock",
    ),
    _Cause(
        r"(?P<what>[\w.-]+==[\w.!+-]+) has no wheels with a matching Python",
        "{what} has no file for the Python of the image",
        "ask for a version that has one, then: optbuild lock",
    ),
)
_CONCLUSION = re.compile(r" And because you require \S+, we can conclude that your requirements are unsatisfiable\.?$")
"""Of a cause that lies in the dependencies of one requirement."""
_CONTRADICTION = "no set of versions meets all requirements"


def _judge_reason(reason: str) -> tuple[str, str]:
    """Title and next step, by uv's own words. Only what follows from one cause is not a contradiction."""
    words = _CONCLUSION.sub("", " ".join(reason.split()))  # uv wraps its lines
    for cause in _CAUSES:
        if found := re.search(cause.pattern, words):
            names = {name: text for name, text in found.groupdict().items() if text}
            if "what" in names and words.lower().count("because") == 1:
                return cause.title.format(**names), cause.hint.format(**names)
            if cause.decisive:
                return _CONTRADICTION, cause.hint
    return _CONTRADICTION, "loosen or remove one of them, then: optbuild lock"


class UnknownExtraError(LockError):
    """An extra that the distribution does not have. ``known`` are those that it has, ``near`` the likeliest of them."""

    def __init__(
        self,
        extra: str,
        distribution: str,
        known: tuple[str, ...],
        near: tuple[str, ...],
        *,
        where: Where | None = None,
    ) -> None:
        some = ", ".join(known[:12]) + (" and more" if len(known) > 12 else "")
        hint = (
            f"did you mean {' or '.join(near)}?" if near else f"it has: {some}" if known else "it has none: remove it"
        )
        super().__init__(f"{distribution} has no extra {extra!r}", where=where, hint=hint)


class IndexUnreadableError(ToolError):
    """uv cannot read the package index: no route to it, no trust in its certificate, or no permission."""

    def __init__(self, reason: str) -> None:
        lines = "".join(f"\n    {line.strip()}" for line in reason.strip().splitlines()[-20:])
        super().__init__(
            f"the package index cannot be read:{lines}",
            hint="check the network; where this machine has an index of its own, set UV_DEFAULT_INDEX; "
            "behind a proxy HTTPS_PROXY, and SSL_CERT_FILE for its CA; credentials belong in ~/.netrc",
        )


class SourceNotBuiltError(ToolFailedError):
    """uv cannot resolve because it needs to build a source. ``name`` and ``version`` of its distribution."""

    def __init__(self, name: str, version: str, code: int, output: str) -> None:
        super().__init__("uv", code, output, hint="read what uv says above")
        self.name = name
        self.version = version


class UnbuildableSourceError(LockError):
    """A locked source cannot become a wheel, or does not say what it depends on."""


class BuilderUnavailableError(ToolError):
    """A source must be built in the builder stage to be locked, and nothing here can build that stage."""


class UnknownPackageError(LockError):
    """A name of [apt] that the Debian release does not have. ``near`` are names that look like it."""

    def __init__(self, name: str, release: str, near: tuple[str, ...], *, where: Where | None = None) -> None:
        hint = f"did you mean {' or '.join(near)}?" if near else f"find its name in {release}: apt-cache search {name}"
        super().__init__(f"Debian {release} has no package {name}", where=where, hint=hint)


class NoPackageListsError(ToolError):
    """Neither this machine's apt nor a container can read the package lists of the Debian release."""

    def __init__(self, release: str, host: str, container: str) -> None:
        hint = (
            f"run this on Debian, with a source of {release} in /etc/apt/sources.list.d, "
            f"or where a Docker engine can pull debian:{release}-slim"
        )
        super().__init__(
            f"the package lists of Debian {release} cannot be read: this machine {host}; {container}", hint=hint
        )


class SourcesFileError(OptbuildError):
    """The apt sources file that OPTBUILD_DEBIAN_SOURCES names cannot be used."""


class ConstraintsError(OptbuildError):
    """The constraints file is missing, unreachable, or is not one."""


class ConstraintsUnreachableError(ConstraintsError, ToolError):
    """The host of the constraints does not answer; nothing is known to be wrong with the spec."""


class LockUsageError(OptbuildError):
    """Options of ``optbuild lock`` that do not go together."""


class StaleLockError(CheckFailedError):
    """The lock ``path`` was made from another spec, or contradicts itself. ``reasons``: a sentence each.

    ``remake`` is the command that makes it again.
    """

    def __init__(self, path: str, reasons: tuple[str, ...], remake: str) -> None:
        text = "".join(f"\n    {reason}" for reason in reasons)
        super().__init__(f"does not belong to the optbuild.toml beside it:{text}", where=Where(path), hint=remake)
        self.reasons = reasons


class BaseRefusedError(OptbuildError):
    """The image that [base] names cannot carry what the spec asks for. The message says what was found in it."""


class BaseUnreachableError(ToolError):
    """The image that [base] names is neither on the engine nor given by its registry."""
