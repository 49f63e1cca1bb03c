"""OB405 and OB406: what installers keep for their next run, which an image never sees."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from builder.inspect.cache_folders import find_cache_folder
from builder.inspect.model import Waste
from builder.inspect.waste.context import format_count, group_by_layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.inspect.model import WastedFile
    from builder.inspect.waste.context import WasteContext, WasteLedger

_FIXES = {
    "pip": "`pip install --no-cache-dir ...`, or keep the cache out of the layer: "
    "`RUN --mount=type=cache,target=/root/.cache/pip pip install ...`",
    "uv": "`RUN --mount=type=cache,target=/root/.cache/uv uv pip install ...`, or `uv --no-cache`",
    "npm": "`RUN --mount=type=cache,target=/root/.npm npm ci`, or end the RUN with `&& npm cache clean --force`",
    "yarn": "end the RUN with `&& yarn cache clean`",
    "conda": "end the RUN with `&& conda clean --all --yes`",
}
_FIX = "mount the cache for the step instead: `RUN --mount=type=cache,target=FOLDER ...`"
_SYSTEM = re.compile(
    r"^/var/lib/apt/lists(?:/|$)|^/var/cache/apt(?:/|$)|^/var/cache/(?:apk|yum|dnf|zypp|pacman)(?:/|$)|^/etc/apk/cache(?:/|$)"
)
_SYSTEM_FILES = frozenset(
    {
        "/var/lib/dpkg/status-old",
        "/var/lib/dpkg/available-old",
        "/var/lib/dpkg/diversions-old",
        "/var/lib/dpkg/statoverride-old",
        "/var/cache/debconf/config.dat-old",
        "/var/cache/debconf/templates.dat-old",
    }
)


def find_installer_caches(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB405, one for each cache of each layer. What was installed as a hard link out of it is not counted."""
    found: dict[str, list[WastedFile]] = defaultdict(list)
    places: dict[str, set[str]] = defaultdict(set)
    for folder, placed in context.filesystem.folders.items():
        cache = find_cache_folder(folder)
        if cache is None:
            continue
        found[cache.tool] += ledger.take_all(one.entry.path for one in placed)
        places[cache.tool].add(cache.folder)
    for tool, files in sorted(found.items()):
        for layer, part in group_by_layer(files):
            told = f"the cache of {tool} ({', '.join(sorted(places[tool]))}), {format_count(part)}"
            yield Waste("OB405", told, _FIXES.get(tool, _FIX), part, layer)


def _is_system_cache(path: str) -> bool:
    return _SYSTEM.search(path.rpartition("/")[0]) is not None


def find_system_caches(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB406."""
    found: list[WastedFile] = []
    for folder, placed in context.filesystem.folders.items():
        if _SYSTEM.search(folder):
            found += ledger.take_all((one.entry.path for one in placed), _is_system_cache)
    found += ledger.take_all(path for path in sorted(_SYSTEM_FILES) if path in context.filesystem.files)
    for layer, files in group_by_layer(found):
        folders = sorted({file.path.rpartition("/")[0] for file in files})
        told = f"lists and caches of the system's packages, {format_count(files)} in {', '.join(folders[:3])}"
        fix = (
            "end the same RUN with `&& rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/lib/dpkg/*-old "
            "/var/cache/debconf/*-old`; the packages in `apt.runtime` of optbuild.toml are installed without them"
        )
        yield Waste("OB406", told, fix, files, layer)
