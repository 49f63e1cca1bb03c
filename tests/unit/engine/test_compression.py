"""What may be asked of a push, who can do it, and what the pushed manifest says about it."""

from __future__ import annotations

from typing import Any

import pytest

from builder.core.errors import BuildRefusedError, EngineFailedError
from builder.engine.buildx import PushedImage
from builder.engine.compression import (
    DEFAULT_COMPRESSION,
    Compression,
    check_compression,
    check_manifest,
    parse_compression,
)

ZSTD = Compression("zstd", 10)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("gzip", DEFAULT_COMPRESSION),
        ("gzip:9", Compression("gzip", 9)),
        ("zstd", Compression("zstd")),
        ("zstd:0", Compression("zstd", 0)),
        ("zstd:22", Compression("zstd", 22)),
    ],
)
def test_kinds_and_levels(text: str, found: Compression) -> None:
    assert parse_compression(text) == found
    assert str(found) == text


@pytest.mark.parametrize(
    "text", ["", "lz4", "zstd:", "zstd:23", "zstd:-1", "zstd:1,x=y", "gzip:10", "zstd:٣", "zstd:003"]
)
def test_anything_else_is_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(BuildRefusedError, match="--compression") as caught:
        parse_compression(text)
    assert "zstd" in str(caught.value.hint) or "gzip:0 to gzip:9" in str(caught.value.hint)


def test_the_output_of_a_push_names_all_that_buildkit_needs() -> None:
    names = ("r.example/a:1", "r.example/a-web:1")
    assert PushedImage(names, ZSTD).format_output() == (
        'type=image,"name=r.example/a:1,r.example/a-web:1",push=true,compression=zstd,compression-level=10,'
        "force-compression=true,oci-mediatypes=true"
    )
    assert PushedImage(names[:1], DEFAULT_COMPRESSION).format_output() == 'type=image,"name=r.example/a:1",push=true'


def check(wanted: Compression, *, push: bool = True, capable: bool = True) -> None:
    check_compression(wanted, push=push, builder="default", capable=capable)


def test_what_would_be_ignored_is_refused() -> None:
    with pytest.raises(BuildRefusedError, match="only what is pushed is compressed") as caught:
        check(ZSTD, push=False)
    assert "add --push" in str(caught.value.hint)
    with pytest.raises(BuildRefusedError, match="always pushes with gzip") as caught:
        check(ZSTD, capable=False)
    assert "docker-container" in str(caught.value.hint)


def test_what_can_be_done_is_not() -> None:
    check(ZSTD)
    check(DEFAULT_COMPRESSION, push=False, capable=False)


def make_manifest(*types: str) -> dict[str, Any]:
    return {"config": {"digest": "sha256:c"}, "layers": [{"mediaType": name} for name in types]}


@pytest.mark.parametrize(
    ("wanted", "types"),
    [
        (ZSTD, ("application/vnd.oci.image.layer.v1.tar+zstd",)),
        (DEFAULT_COMPRESSION, ("application/vnd.docker.image.rootfs.diff.tar.gzip",)),
        (DEFAULT_COMPRESSION, ("application/vnd.oci.image.layer.v1.tar+gzip",)),
    ],
)
def test_a_manifest_that_is_as_asked(wanted: Compression, types: tuple[str, ...]) -> None:
    check_manifest(make_manifest(*types), wanted, "sha256:c", "r.example/a:1")


@pytest.mark.parametrize(
    "types",
    [
        ("application/vnd.docker.image.rootfs.diff.tar.gzip",),
        ("application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.oci.image.layer.v1.tar"),
    ],
)
def test_one_layer_compressed_otherwise_is_an_error(types: tuple[str, ...]) -> None:
    with pytest.raises(EngineFailedError, match=rf"not with zstd: the registry has layers of {types[-1]}"):
        check_manifest(make_manifest(*types), ZSTD, "sha256:c", "r.example/a:1")


@pytest.mark.parametrize("manifest", [{}, make_manifest(), {"manifests": []}])
def test_another_image_under_the_name_is_an_error(manifest: dict[str, Any]) -> None:
    with pytest.raises(EngineFailedError, match="is another image"):
        check_manifest(manifest, ZSTD, "sha256:other", "r.example/a:1")
