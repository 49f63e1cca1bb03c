"""Documents of an archive that name each other: read in bounded time, whatever they say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from archive_files import blob, config_of, sha256, tar

from builder.core.errors import BadImageArchiveError
from builder.engine.manifests import ArchiveDocuments

if TYPE_CHECKING:
    from builder.engine.manifests import ArchivedImage

LAYER = tar({"a": b"1"})
CONFIG = config_of([LAYER])


def descriptor(data: bytes) -> dict[str, str]:
    return {"digest": f"sha256:{sha256(data)}"}


MANIFEST = json.dumps({"config": descriptor(CONFIG), "layers": [descriptor(LAYER)]}).encode()


def index(data: bytes, times: int = 1) -> bytes:
    return json.dumps({"manifests": [descriptor(data)] * times}).encode()


def read(*blobs: bytes, **named: bytes) -> tuple[ArchivedImage, ...]:
    documents = ArchiveDocuments()
    for name, data in {**{blob(data): data for data in blobs}, **named}.items():
        documents.add(name, len(data), lambda data=data: data)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    return documents.read_images()


def test_an_index_leads_to_an_index_that_leads_to_the_image() -> None:
    below = index(MANIFEST)
    (found,) = read(CONFIG, MANIFEST, below, **{"index.json": index(below)})
    assert found.id == f"sha256:{sha256(CONFIG)}"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("end", [MANIFEST, index(CONFIG, 0)], ids=["an image", "nothing"])
def test_an_index_that_names_one_thing_ten_thousand_times_is_not_followed_for_ever(end: bytes) -> None:
    """Three levels of it would be 1,000,000,000,000 readings."""
    one = index(end, 10_000)
    two = index(one, 10_000)
    with pytest.raises(BadImageArchiveError, match="too often"):
        read(CONFIG, MANIFEST, end, one, two, **{"index.json": index(two, 10_000)})


@pytest.mark.timeout(60)
def test_ten_thousand_images_of_one_large_configuration_are_refused() -> None:
    large = config_of([LAYER], comment="x" * 1_000_000)
    entry = {"Config": blob(large), "Layers": [blob(LAYER)]}
    with pytest.raises(BadImageArchiveError, match="too often"):
        read(large, **{"manifest.json": json.dumps([entry] * 10_000).encode()})


def test_as_many_images_as_anybody_saves_at_once_are_read() -> None:
    configs = [config_of([LAYER], comment=str(number) + "x" * 8000) for number in range(500)]
    entries = [{"Config": blob(one), "Layers": [blob(LAYER)]} for one in configs]
    assert len(read(*configs, **{"manifest.json": json.dumps(entries).encode()})) == 500
