"""Where installers keep what they could fetch or make again: their caches, by folder."""

from __future__ import annotations

import re
from typing import NamedTuple

_CACHES = re.compile(
    r"/\.cache/(?P<named>pip|uv|pypoetry(?!/virtualenvs)|pdm|pipenv|yarn|node|node-gyp|go-build|conda|bazel|ccache)(?:/|$)"
    r"|(?P<npm>/\.npm/_cacache|/\.npm/_logs|/\.pnpm-store)(?:/|$)"
    r"|(?P<yarn>/\.yarn/(?:berry/)?cache|/usr/local/share/\.cache)(?:/|$)"
    r"|(?P<conda>/(?:opt/conda|opt/mamba|miniconda3?|anaconda3?|miniforge3?|micromamba|\.conda)/pkgs)(?:/|$)"
    r"|(?P<cargo>/\.cargo/registry|/usr/local/cargo/registry)(?:/|$)"
    r"|(?P<go>/go/pkg/mod/cache)(?:/|$)"
    r"|(?P<maven>/\.m2/repository|/\.gradle/caches)(?:/|$)"
    r"|^/tmp/(?P<piptmp>pip-[^/]*)(?:/|$)"
    r"|/(?P<plain>pip|uv)-cache(?:/|$)"
    r"|^/root/\.cache/(?P<other>(?!huggingface|torch|whisper|clip|tfhub|nltk|ms-playwright|puppeteer|selenium|pypoetry)[^/]+)"
)
"""Models and browsers that a program downloaded into ``.cache`` are what it runs with, so they stay; so do the virtual
environments that Poetry makes there."""
_HINTS = (
    "/.cache",
    "/.npm",
    "/.pnpm",
    "/.yarn",
    "/pkgs",
    "cargo/reg",
    "/go/pkg",
    "/.m2",
    "/.gradle",
    "/tmp/pip",  # noqa: S108 - a path in an image
    "-cache",
)
"""One of these is part of whatever matches: a plain search is much faster than the expression."""
_NAMES = {"npm": "npm", "yarn": "yarn", "conda": "conda", "cargo": "cargo", "go": "go", "maven": "maven or gradle"}


class CacheFolder(NamedTuple):
    """A cache: whose it is, and its topmost folder."""

    tool: str
    folder: str


def find_cache_folder(folder: str) -> CacheFolder | None:
    """The cache that ``folder`` is a part of."""
    match = _CACHES.search(folder) if _can_be_cache(folder) else None
    return None if match is None else CacheFolder(_find_tool(match), folder[: match.end()].rstrip("/"))


def is_cached(path: str) -> bool:
    """Whether a file or a distribution's folder is in a cache: there it is kept, not installed."""
    return find_cache_folder(path.rpartition("/")[0]) is not None


def _can_be_cache(folder: str) -> bool:
    for hint in _HINTS:  # noqa: SIM110 - three times as fast as any()
        if hint in folder:
            return True
    return False


def _find_tool(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    if kind == "piptmp":
        return "pip"
    return _NAMES.get(kind) or match[kind]
