"""The date of an image: what it stands on counts too."""

from __future__ import annotations

import pytest
from foundation_factory import make_foundation

from builder.image.lock.foundation import ReadFoundation
from builder.image.lock.layers.epoch import choose_epoch
from builder.image.lock.model import FALLBACK_EPOCH


@pytest.mark.parametrize(
    ("uploads", "created", "epoch"),
    [
        ((1_700_000_000, None, 1_600_000_000), None, 1_700_000_000),
        ((1_600_000_000,), 1_700_000_000, 1_700_000_000),
        ((1_700_000_000,), 1_600_000_000, 1_700_000_000),
        ((), 1_700_000_000, 1_700_000_000),
        ((None,), 0, FALLBACK_EPOCH),
        ((), 17, FALLBACK_EPOCH),
    ],
)
def test_an_image_is_as_old_as_the_newest_of_its_parts(
    uploads: tuple[int | None, ...], created: int | None, epoch: int
) -> None:
    read = None if created is None else ReadFoundation(make_foundation(), "", created=created)
    assert choose_epoch(uploads, read) == epoch
