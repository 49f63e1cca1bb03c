"""What distributions say about their licences, as far as it can be said in SPDX's words; nothing is guessed."""

from __future__ import annotations

import re
from email.parser import BytesHeaderParser
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

    from builder.inspect.merge import Merged
    from builder.inspect.model import LayerContent

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


def licences(layers: tuple[LayerContent, ...], merged: Merged) -> dict[tuple[str, str], str]:
    """(folder, normalised name) of a distribution → SPDX expression; one without a clear word is missing."""
    found = {}
    for folder, metadata in _metadata(layers, merged):
        name = metadata.get("Name")
        licence = declared(metadata)
        if name and licence is not None:
            found[folder, str(canonicalize_name(str(name)))] = licence
    return found


def _metadata(layers: tuple[LayerContent, ...], merged: Merged) -> Iterator[tuple[str, Message]]:
    """Of what a running container sees."""
    parser = BytesHeaderParser()
    for number, layer in enumerate(layers):
        for path, text in layer.texts.items():
            match = _METADATA.fullmatch(path)
            placed = merged.visible.get(path)
            if match and placed is not None and placed.layer == number:
                yield match["folder"], parser.parsebytes(text)


def declared(metadata: Message) -> str | None:
    """The first of License-Expression (PEP 639), License and the classifiers that is an SPDX expression."""
    from cyclonedx.spdx import fixup_id, is_expression  # noqa: PLC0415 - reads SPDX's list of licences, 0.2 s

    for key in ("License-Expression", "License"):
        text = str(metadata.get(key) or "").strip()
        if text and "\n" not in text:
            known = fixup_id(text) or (text if is_expression(text) else None)
            if known:
                return known
    return _classified(metadata)


def _classified(metadata: Message) -> str | None:
    """Of several classifiers none says whether all hold or one may be chosen."""
    classifiers = metadata.get_all("Classifier", [])
    names = {match["name"] for one in classifiers if (match := _CLASSIFIER.fullmatch(str(one).strip()))}
    names.discard("OSI Approved")
    return _UNAMBIGUOUS.get(names.pop()) if len(names) == 1 else None
