"""The build cache of a builder: how many bytes are idle, and removing those through buildx, the only way there is.

It holds steps of builds, never an image, a container or a volume.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.core.errors import ToolFailedError
from builder.core.limits import BUILD_LIMIT, DOCKER_LIMIT
from builder.core.process import Command
from builder.engine.buildx import DOCKER_DRIVER, find_builder
from builder.engine.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.core.process import Runner
    from builder.engine.protocols import UsageApi

_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_RECLAIMABLE = re.compile(r"(?m)^Reclaimable:\s+([\d.]+)(B|kB|MB|GB|TB)\s*$")


@dataclass(frozen=True)
class IdleCache:
    """``bytes`` that nothing uses now and that no image holds; None: the builder does not say.

    ``exact`` False: rounded by buildx, and of any age.
    """

    builder: str
    bytes: int | None
    exact: bool = True


def measure_idle_cache(api: UsageApi, runner: Runner, env: Mapping[str, str], min_age: float, now: float) -> IdleCache:
    """Of the builder that this environment means. ``min_age`` and ``now`` in seconds. Raises what finding it raises."""
    builder = find_builder(runner, env, None)
    if builder.driver == DOCKER_DRIVER:  # the engine itself lists its cache, byte by byte
        return IdleCache(builder.name, sum_idle_bytes(api.usage("build-cache").get("BuildCache") or (), min_age, now))
    done = runner.run(
        Command(("docker", "buildx", "du", "--builder", builder.name), env=env, timeout=DOCKER_LIMIT.read(env))
    )
    found = _RECLAIMABLE.search(done.out) if done.ok else None
    return IdleCache(builder.name, int(float(found[1]) * _UNITS[found[2]]) if found else None, exact=False)


def sum_idle_bytes(records: Iterable[Mapping[str, Any]], min_age: float, now: float) -> int:
    """Of what the engine lists: not in use, not shared with an image, not used for ``min_age`` seconds."""
    idle = (item for item in records if not item.get("InUse") and not item.get("Shared"))
    return sum(int(item.get("Size") or 0) for item in idle if now - _parse_last_use(item) >= min_age)


def _parse_last_use(item: Mapping[str, Any]) -> float:
    """Seconds since 1970."""
    return parse_timestamp(item.get("LastUsedAt") or item.get("CreatedAt")) or 0.0


def make_prune_argv(builder: str, min_age: float) -> tuple[str, ...]:
    """Only of this builder, only what is older, and never ``--all``."""
    age = f"until={int(min_age)}s"
    return ("docker", "buildx", "prune", "--builder", builder, "--force", "--filter", age)


def prune_build_cache(runner: Runner, env: Mapping[str, str], builder: str, min_age: float) -> None:
    """Raises ToolFailedError."""
    done = runner.run(Command(make_prune_argv(builder, min_age), env=env, timeout=BUILD_LIMIT.read(env)))
    if not done.ok:
        raise ToolFailedError("docker buildx prune", done.code, done.err)
