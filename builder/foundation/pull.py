"""``docker pull``, and again where the registry or the way to it failed for a reason that passes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.core.errors import BaseUnreachableError, ToolTimeoutError
from builder.core.limits import BUILD_LIMIT
from builder.core.process import Command
from builder.core.redact import mask_addresses
from builder.core.retry import DEFAULT_POLICY, RetryPolicy, call_with_retries

if TYPE_CHECKING:
    from builder.core.runtime import Runtime
    from builder.foundation.request import FoundationRequest

_TRANSIENT = re.compile(
    r"\b429\b|too ?many ?requests|\b50[0234]\b|internal server error|bad gateway|service unavailable|gateway time-?out"
    r"|connection reset|broken pipe|unexpected eof|\bEOF\b|i/o timeout|tls handshake timeout|deadline exceeded"
    r"|temporary failure in name resolution",
    re.IGNORECASE,
)
"""What the engine says of a registry's status and of a connection that was cut (moby, ``distribution/errors.go``)."""
_NEVER = re.compile(
    r"digest|verif|manifest unknown|not found|denied|unauthorized|no matching manifest|x509|invalid reference",
    re.IGNORECASE,
)
"""What another attempt cannot mend, also where the answer says a status beside it."""
_ABSENT = re.compile(r"manifest unknown|not found|no such image|repository does not exist", re.IGNORECASE)
_REFUSED = re.compile(r"denied|unauthorized", re.IGNORECASE)
_PLATFORM = re.compile(
    r"no matching manifest|does not match the specified platform|cannot be used on this platform", re.IGNORECASE
)
_OTHER_PLATFORM = "take an image of Linux that exists for the platform of the lock, or lock another one: --platform"
_DAMAGED = re.compile(r"digest|verif", re.IGNORECASE)
_LAYER = re.compile(r"^([0-9a-f]{12}): (Pulling fs layer|Already exists|Pull complete)")


class _PullFailedError(BaseUnreachableError):
    """``reason``: the engine's own words."""

    def __init__(self, reference: str, reason: str) -> None:
        super().__init__(f"cannot pull {reference}: {reason}", hint=_advise(reference, reason))
        self.reason = reason


def pull_image(
    runtime: Runtime, request: FoundationRequest, reference: str, *, policy: RetryPolicy = DEFAULT_POLICY
) -> None:
    """Bring ``reference``, the image of ``request`` by its tag or by a digest, to the engine.

    Raises BaseUnreachableError, and BaseRefusedError where the registry has it for other platforms only.
    """
    env = runtime.env
    with runtime.progress.task(f"pull {reference}") as task:
        seen: dict[str, bool] = {}

        def report(line: str) -> None:
            if found := _LAYER.match(line):
                seen[found[1]] = found[2] != "Pulling fs layer"
                task.update(
                    done=sum(seen.values()), total=len(seen), detail=f"{sum(seen.values())} of {len(seen)} layers"
                )

        def pull() -> None:
            argv = ("docker", "pull", "--platform", request.platform, reference)
            command = Command(argv, env={**env, "DOCKER_CLI_HINTS": "false"}, timeout=BUILD_LIMIT.read(env))
            try:
                done = runtime.runner.run(command, on_out=report)
            except ToolTimeoutError as error:
                raise _PullFailedError(reference, error.message) from error
            if done.ok:
                return
            reason = _find_reason(done.err or done.out)
            if _PLATFORM.search(reason):
                raise request.refuse(f"is not there for {request.platform}: {reason}", _OTHER_PLATFORM)
            raise _PullFailedError(reference, reason)

        call_with_retries(pull, is_transient, runtime.progress.note, policy)


def is_transient(error: Exception) -> bool:
    """Whether another attempt may succeed: never where bytes and digest differ."""
    reason = error.reason if isinstance(error, _PullFailedError) else ""
    return bool(_TRANSIENT.search(reason)) and _NEVER.search(reason) is None


def _find_reason(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1] if lines else "docker pull said nothing"
    return mask_addresses(last.removeprefix("Error response from daemon: "))[-400:]


def _advise(reference: str, reason: str) -> str:
    repository = reference.partition("@")[0]
    if _REFUSED.search(reason):
        return f"may you pull it? `docker login`, then `docker pull {reference}`; a misspelt name is refused too"
    if _ABSENT.search(reason) and "@" in reference:
        return "the registry no longer has that digest: `optbuild lock --refresh-base` takes what the tag is now"
    if _ABSENT.search(reason):
        return f"is {repository} spelt as the registry has it, tag included?"
    if _DAMAGED.search(reason):
        return "the bytes are not those of the digest: a proxy or the registry changed them; nothing was kept"
    return f"try `docker pull {reference}`; is the registry reachable from the engine?"
