"""Which files anybody can download: those of a wheel's RECORD, and those of a Debian package's md5sums.

Test keys and examples in them are nobody's secret. A file counts by its bytes, wherever it lies.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field

_RECORD_LINE = re.compile(rb",sha256=([\w-]{43}),\d*\r?$", re.MULTILINE)
_MD5SUMS = re.compile(r"^/var/lib/dpkg/(?:info/[^/]+\.md5sums|status\.d/[^/]+\.md5sums)$")
_MD5_LINE = re.compile(rb"^([0-9a-f]{32})  ", re.MULTILINE)
RECORD = ".dist-info/RECORD"


def hash_data(data: bytes) -> tuple[str, str]:
    """sha256 and md5, in hexadecimal: what :meth:`PublishedFiles.has` compares."""
    return hashlib.sha256(data).hexdigest(), hashlib.md5(data, usedforsecurity=False).hexdigest()


def is_published_list(path: str) -> bool:
    """Whether a file says which bytes a package has."""
    return path.endswith(RECORD) or (path.endswith(".md5sums") and _MD5SUMS.match(path) is not None)


@dataclass
class PublishedFiles:
    """What the lists that were read name, by digests. Lists may come before or after the files that they name."""

    _sha256: set[str] = field(default_factory=set)
    _md5: set[str] = field(default_factory=set)

    def add_list(self, path: str, data: bytes) -> None:
        """Read one list; a file of another kind says nothing.

        RECORD: sha256 as URL-safe base64 without padding (PEP 376, PEP 427). md5sums: see deb-md5sums(5).
        """
        if path.endswith(RECORD):
            self._sha256 |= {base64.urlsafe_b64decode(found + b"=").hex() for found in _RECORD_LINE.findall(data)}
        elif is_published_list(path):
            self._md5 |= {found.decode() for found in _MD5_LINE.findall(data)}

    def has(self, sha256: str, md5: str) -> bool:
        """Whether a package holds exactly these bytes. Both in hexadecimal."""
        return sha256 in self._sha256 or md5 in self._md5
