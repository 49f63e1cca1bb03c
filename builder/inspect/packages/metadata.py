"""The metadata of distributions, headers only: who they are, and what they say about their licences in SPDX's words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from email.message import Message

_METADATA = re.compile(r"(?P<folder>.*)/[^/]+(?:\.dist-info/METADATA|\.egg-info/PKG-INFO|\.egg-info)")
_CLASSIFIER = re.compile(r"License :: (?:OSI Approved :: )?(?P<name>.*)")
_UNAMBIGUOUS = {
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Zero-Clause BSD (0BSD)": "0BSD",
}
"""Classifiers that mean one licence. "BSD License" and "Apache Software License" mean several, so they say nothing."""


@dataclass(frozen=True)
class DistributionMetadata:
    """What one METADATA or PKG-INFO says."""

    path: str
    folder: str
    """The folder of the distribution: two up from a METADATA."""
    name: str
    """Normalised (PEP 503)."""
    version: str
    message: Message = field(repr=False)


def iterate_metadata(texts: Mapping[str, bytes]) -> Iterator[DistributionMetadata]:
    """All that name themselves, by path; ``texts`` are those that a running container sees."""
    parser = BytesHeaderParser()
    for path in sorted(texts):
        match = _METADATA.fullmatch(path)
        message = parser.parsebytes(texts[path]) if match else None
        if match and message is not None and message.get("Name"):
            name = str(canonicalize_name(str(message["Name"]).strip()))
            yield DistributionMetadata(path, match["folder"], name, str(message.get("Version") or "").strip(), message)


def find_license(metadata: Message) -> str | None:
    """The first of License-Expression (PEP 639), License and the classifiers that is an SPDX expression, else None."""
    from cyclonedx.spdx import fixup_id, is_expression  # reads SPDX's list of licences, 0.2 s

    for key in ("License-Expression", "License"):
        text = str(metadata.get(key) or "").strip()
        if text and "\n" not in text:
            known = fixup_id(text) or (text if is_expression(text) else None)
            if known:
                return known
    return _find_classified_license(metadata)


def _find_classified_license(metadata: Message) -> str | None:
    """Of several classifiers none says whether all hold or one may be chosen."""
    classifiers = metadata.get_all("Classifier", [])
    names = {match["name"] for one in classifiers if (match := _CLASSIFIER.fullmatch(str(one).strip()))}
    names.discard("OSI Approved")
    return _UNAMBIGUOUS.get(names.pop()) if len(names) == 1 else None
