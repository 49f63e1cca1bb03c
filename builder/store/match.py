"""When a name or a pattern means an image of the engine."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from builder.core.image_reference import extract_repository, list_prefixes

if TYPE_CHECKING:
    from builder.store.model import StoredImage

_ID = re.compile(r"(?:sha256:)?([0-9a-f]{7,64})")
_TAG_BEFORE_DIGEST = re.compile(r":[^/:@]*@")
"""It says nothing: the digest alone names the image."""
_HOST_IN_BRACKETS = re.compile(r"^\[([0-9a-fA-F:]*:[0-9a-fA-F:]*)\](?=[:/])")
"""An IPv6 address, where a pattern could mean a set of characters."""


def match_image(pattern: str, image: StoredImage) -> str:
    """The name of the image that a pattern (``postgres:*``, ``registry.example/*``, ``app``, an ID) means; empty: none.

    A pattern without a tag means every tag. Docker Hub's host and ``library/`` may be left out or written; ``*`` does
    not stand for them.
    """
    if (found := _ID.fullmatch(pattern)) and image.id.removeprefix("sha256:").startswith(found[1]):
        return image.id
    return next((name for name in (*image.names, *image.digests) if matches_pattern(pattern, name)), "")


def may_mean(pattern: str, image: StoredImage) -> bool:
    """Whether a name with ``*`` for variables without a value may be the image's: they may stand for a host too."""
    return bool(match_image(pattern, image)) or any(
        _is_like(prefix, name, pattern) for name in (*image.names, *image.digests) for prefix in list_prefixes(name)
    )


def matches_pattern(pattern: str, name: str) -> bool:
    """As in :func:`match_image`, for one name in the engine's spelling."""
    written = [prefix for prefix in list_prefixes(name) if pattern.startswith(prefix)]
    return any(_is_like(prefix, name, pattern) for prefix in written)


def _is_like(prefix: str, name: str, pattern: str) -> bool:
    """Whether the name, or its repository, is like the pattern where ``prefix`` is put before it."""
    wanted = _HOST_IN_BRACKETS.sub(r"[[]\1]", _TAG_BEFORE_DIGEST.sub("@", pattern))
    return any(fnmatchcase(prefix + text, wanted) for text in (name, extract_repository(name)))


def find_listed_name(image: StoredImage, names: frozenset[str]) -> str:
    """The first of ``names`` (in the engine's spelling, or an ID) that is this image; empty: none."""
    own = {image.id, *image.names, *image.digests}
    ids = (name for name in names if ":" not in name.removeprefix("sha256:") and _has_id_prefix(image, name))
    return min((*(own & names), *ids), default="")


def _has_id_prefix(image: StoredImage, name: str) -> bool:
    found = _ID.fullmatch(name)
    return found is not None and image.id.removeprefix("sha256:").startswith(found[1])
