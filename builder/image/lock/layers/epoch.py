"""The date of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.lock.model import FALLBACK_EPOCH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.image.lock.foundation import ReadFoundation


def choose_epoch(uploads: Iterable[int | None], read: ReadFoundation | None) -> int:
    """Seconds since 1970: that of the newest of what the image is made of, and so it is not older than its base."""
    created = 0 if read is None else read.created
    return max(FALLBACK_EPOCH, created, *(uploaded or 0 for uploaded in uploads))
