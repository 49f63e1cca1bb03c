"""``--cache-from`` and ``--cache-to``: passed on to buildx as they are, refused where they would do nothing."""

from __future__ import annotations

import re

from builder.core.errors import BuildRefusedError
from builder.engine.compression import ANOTHER_BUILDER

DOCKER_EXPORTS = frozenset({"inline"})
"""What the docker driver can write on the engine's classic store (docs.docker.com/build/cache/backends)."""
DOCKER_IMPORTS = frozenset({"registry", "local"})
"""What it can read there; others it names as unknown in a line of the log, and builds without them (engine 26.1)."""


def check_cache_options(cache_from: tuple[str, ...], cache_to: tuple[str, ...], *, builder: str, capable: bool) -> None:
    """``capable``: the ``builder`` has a store of its own, not the engine's classic one. Raises BuildRefusedError."""
    if capable:
        return
    driver = f"the builder {builder!r} has the docker driver on the engine's classic image store"
    for value in cache_to:
        if parse_cache_type(value) not in DOCKER_EXPORTS:
            raise BuildRefusedError(
                f"--cache-to {value}: {driver}, which cannot export a cache",
                hint=f"{ANOTHER_BUILDER}; or --cache-to type=inline",
            )
    for value in cache_from:
        if parse_cache_type(value) not in DOCKER_IMPORTS:
            raise BuildRefusedError(
                f"--cache-from {value}: {driver}, which reads caches of type {' and '.join(sorted(DOCKER_IMPORTS))}",
                hint=ANOTHER_BUILDER,
            )


def parse_cache_type(value: str) -> str:
    """``local`` of ``type=local,dest=x``; a bare reference means ``registry``."""
    found = re.search(r"(?:^|,)type=([^,]+)", value)
    return found[1] if found else "registry"
