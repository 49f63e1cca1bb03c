"""Which files are kept as they stream by: those that say whose the other files are, or what a folder is."""

from __future__ import annotations

import re

_KEPT = re.compile(
    r"\.dist-info/(?:RECORD|METADATA|INSTALLER|REQUESTED|direct_url\.json|optbuild-pruned\.json)$"
    r"|^/usr/share/optbuild/pruned\.json$"
    r"|\.egg-info(?:/(?:PKG-INFO|installed-files\.txt|top_level\.txt))?$"  # of Debian's packages, and of old installers
    r"|^/var/lib/dpkg/(?:status|diversions|status\.d/[^/]+)$"  # status.d: images without dpkg
    r"|^/var/lib/dpkg/info/[^/]+\.(?:list|md5sums)$"
    r"|^/var/lib/apt/extended_states$"
    r"|^/(?:etc|usr/lib)/os-release$"
    r"|/pyvenv\.cfg$"
    r"|/include/python3\.\d+/patchlevel\.h$"  # which Python it is, in full
)
_ENDINGS = (
    *("RECORD", "METADATA", "INSTALLER", "REQUESTED", "direct_url.json", ".egg-info", "PKG-INFO", ".list", "-release"),
    *("installed-files.txt", "top_level.txt", "/status", "extended_states", ".md5sums", "/pyvenv.cfg", "pruned.json"),
    "/patchlevel.h",
)
"""Nearly every file of an image ends otherwise, and this test is five times as fast."""
_HEADERS_ONLY = re.compile(r"\.dist-info/METADATA$|\.egg-info(?:/PKG-INFO)?$")
"""Behind the headers (core metadata specification) comes the description, which is longer than all the rest."""
_HEADER_END = re.compile(rb"\r?\n\r?\n")


def is_kept_file(path: str) -> bool:
    """Whether its bytes are kept."""
    return (path.endswith(_ENDINGS) or "/status.d/" in path) and _KEPT.search(path) is not None


def trim_to_headers(path: str, data: bytes) -> bytes:
    """What of them is kept: of a distribution's metadata only the headers."""
    if _HEADERS_ONLY.search(path) is None:
        return data
    end = _HEADER_END.search(data)
    return data if end is None else data[: end.start() + 1]
