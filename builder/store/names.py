"""When a name or a pattern means an image of the engine."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from builder.engine.layers import plain_name

if TYPE_CHECKING:
    from builder.store.model import StoredImage

_ID = re.compile(r"(?:sha256:)?([0-9a-f]{7,64})")


def repository(name: str) -> str:
    """``name`` without tag and digest."""
    before = name.partition("@")[0]
    folder, slash, last = before.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"


def matches(pattern: str, image: StoredImage) -> str:
    """The name of the image that a pattern (``postgres:*``, ``registry.example/*``, ``app``, an ID) means; empty: none.

    A pattern without a tag means every tag. Docker Hub's host may be left out or written.
    """
    if (found := _ID.fullmatch(pattern)) and image.id.removeprefix("sha256:").startswith(found[1]):
        return image.id
    return next((name for name in (*image.names, *image.digests) if fits(pattern, name)), "")


def fits(pattern: str, name: str) -> bool:
    """As in :func:`matches`, for one name in the engine's spelling."""
    wanted = plain_name(pattern)
    given = (pattern, wanted, _untagged(pattern, wanted))
    return any(fnmatchcase(text, one) for text in (name, repository(name)) for one in given)


def _untagged(pattern: str, wanted: str) -> str:
    """``docker.io/library/redis`` means the repository ``redis``."""
    return wanted if ":" in pattern.rpartition("/")[2] or "@" in pattern else wanted.removesuffix(":latest")


def is_named(image: StoredImage, names: frozenset[str]) -> str:
    """The first of ``names`` (in the engine's spelling, or an ID) that is this image; empty: none."""
    own = {image.id, *image.names, *image.digests}
    ids = (name for name in names if ":" not in name.removeprefix("sha256:") and _starts(image, name))
    return min((*(own & names), *ids), default="")


def _starts(image: StoredImage, name: str) -> bool:
    found = _ID.fullmatch(name)
    return found is not None and image.id.removeprefix("sha256:").startswith(found[1])
