"""Archives as the engine makes them, and as nobody should."""

from __future__ import annotations

import contextlib
import gc
import gzip
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard
from archive_files import (
    blob,
    broken,
    chunks,
    config_of,
    image,
    images,
    info,
    oci_image,
    old_image,
    sha256,
    tar,
    tar_of,
)

from builder.core.errors import BadImageArchiveError
from builder.engine.archive import ZSTD, ImageArchive, iterate_layer_files
from builder.engine.manifests import MAX_DOCUMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE, TWO = tar({"etc/key": b"secret", "a": b"1"}), tar({"etc/.wh.key": b""})
SPARE = config_of([ONE])


def contents(data: bytes) -> dict[tuple[str, str], bytes]:
    return {(file.layer, file.path): file.read() for file in iterate_layer_files(chunks(data))}


def walk(data: bytes) -> ImageArchive:
    """The whole archive, no layer of it read here."""
    archive = ImageArchive(chunks(data))
    for _ in archive.iterate_layers():
        pass
    return archive


def test_every_file_of_every_layer_is_seen_also_what_a_later_layer_deletes() -> None:
    assert contents(image(ONE, TWO)) == {
        (blob(ONE), "/etc/key"): b"secret",
        (blob(ONE), "/a"): b"1",
        (blob(TWO), "/etc/.wh.key"): b"",
    }


def test_mode_and_capabilities_of_a_file_are_seen() -> None:
    plain, raised = info("bin/su", size=1), info("bin/ping", size=1)
    plain.mode, raised.mode = 0o4755, 0o755
    raised.pax_headers = {"SCHILY.xattr.security.capability": "\x01\x00\x00\x02"}
    found = iterate_layer_files(chunks(image(tar_of([(plain, b"1"), (raised, b"2")]))))
    assert [(file.path, file.mode, file.capabilities) for file in found] == [
        ("/bin/su", 0o4755, False),
        ("/bin/ping", 0o755, True),
    ]


def test_compressed_and_empty_layers_are_read() -> None:
    zipped, small = gzip.compress(tar({"x": b"1"})), zstandard.compress(tar({"y": b"2"}))
    assert contents(image(zipped, small, tar({}))) == {(blob(zipped), "/x"): b"1", (blob(small), "/y"): b"2"}


def test_a_layer_compressed_in_several_parts_is_one_layer() -> None:
    layer = tar({"x": b"1" * 3000})
    for compress in (gzip.compress, zstandard.compress):
        parts = compress(layer[:1700]) + compress(layer[1700:])
        assert list(contents(broken(parts, f"sha256:{sha256(layer)}")).values()) == [b"1" * 3000]


def test_an_archive_that_is_compressed_as_a_whole_is_read() -> None:
    whole = image(ONE, gzip.compress(TWO))
    for packed in (gzip.compress(whole), zstandard.compress(whole)):
        assert contents(packed) == contents(whole)
        with pytest.raises(BadImageArchiveError):
            contents(packed[:-300])


def test_the_old_format_is_read_with_its_links() -> None:
    layer = tar({"x": b"1"})
    old = old_image({"abc/layer.tar": layer}, links={"def/layer.tar": "../abc/layer.tar"})
    assert contents(old) == {("abc/layer.tar", "/x"): b"1"}
    assert walk(old).check_images()[0].layers == ("abc/layer.tar", "def/layer.tar")


@pytest.mark.parametrize("nested", [False, True])
def test_an_oci_layout_is_read_without_its_attestations(nested: bool) -> None:
    [found] = walk(oci_image(ONE, TWO, nested=nested)).check_images()
    assert found.layers == (blob(ONE), blob(TWO))
    assert found.references == ("it:1",)
    assert found.id == f"sha256:{sha256(config_of([ONE, TWO]))}"


def test_the_names_in_an_archive_may_begin_with_a_dot() -> None:
    layer = tar({"x": b"1"})
    files = {"layer.tar": layer, "c.json": config_of([layer])}
    manifest = json.dumps([{"Config": "c.json", "Layers": ["layer.tar"]}]).encode()
    data = tar({f"./{name}": text for name, text in {**files, "manifest.json": manifest}.items()})
    assert contents(data) == {("layer.tar", "/x"): b"1"}


def test_several_images_share_a_layer() -> None:
    found = walk(images([ONE], [ONE, TWO], tags=["a:1", "b:1"])).check_images()
    assert [(one.references, len(one.layers)) for one in found] == [(("a:1",), 1), (("b:1",), 2)]


def test_a_layer_says_what_it_is_also_where_nobody_looks_into_it() -> None:
    zipped = gzip.compress(ONE)
    for layer in ImageArchive(chunks(image(zipped))).iterate_layers():
        layer.finish()
        assert (layer.name, layer.diff, layer.tar_bytes) == (blob(zipped), f"sha256:{sha256(ONE)}", len(ONE))


@pytest.mark.parametrize("kept", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_truncated_archive_is_refused_wherever_it_ends(kept: float) -> None:
    whole = image(tar({f"file{number}": b"x" * 3000 for number in range(20)}), tar({"b": b"2" * 9000}))
    content = whole.rstrip(b"\0")
    with pytest.raises(BadImageArchiveError):
        contents(content[: int(len(content) * kept)])


def documents(**files: bytes) -> bytes:
    """An archive without layers; ``__`` stands for a slash, ``_`` for a dot."""
    return tar({name.replace("__", "/").replace("_", "."): data for name, data in files.items()})


def manifest(**entry: object) -> bytes:
    return tar({"manifest.json": json.dumps([entry]).encode(), "c.json": SPARE, blob(ONE): ONE})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "before its manifest", id="nothing"),
        pytest.param(b"no tar at all" * 100, "cannot be read", id="garbage"),
        pytest.param(image(ONE, manifest=False), "before its manifest", id="no manifest"),
        pytest.param(image(ONE, named=["blobs/sha256/gone"]), "lacks the layer blobs/sha256/gone", id="missing layer"),
        pytest.param(broken(ZSTD + b"0" * 600), "cannot be read", id="a damaged zstd layer"),
        pytest.param(broken(zstandard.compress(ONE)[:-9]), "cannot be read|is not what", id="a truncated zstd layer"),
        pytest.param(broken(gzip.compress(ONE)[:-20]), "cannot be read", id="a truncated gzip layer"),
        pytest.param(broken(gzip.compress(ONE)[:-4] + b"\1\1\1\1"), "cannot be read", id="a damaged gzip layer"),
        pytest.param(broken(ONE[:700]), "ends early|unexpected end", id="a truncated layer"),
        pytest.param(broken(ONE[:512] + b"x" * 1024), "header is damaged|ends early", id="a damaged header"),
        pytest.param(broken(ONE), "is not what the image says", id="another layer"),
        pytest.param(image(ONE).replace(b"secret", b"public"), "is damaged", id="a changed byte"),
        pytest.param(documents(manifest_json=b"{not json"), "damaged manifest.json", id="a broken manifest"),
        pytest.param(documents(manifest_json=b"[]"), "holds no image", id="an empty manifest"),
        pytest.param(documents(manifest_json=b"{}"), "damaged manifest", id="a manifest that is not a list"),
        pytest.param(documents(manifest_json=b"[1]"), "damaged manifest", id="a manifest of numbers"),
        pytest.param(documents(manifest_json=b"[" * 100_000), "damaged manifest.json", id="a deep manifest"),
        pytest.param(documents(manifest_json=b"\xff\xfe"), "damaged manifest.json", id="a manifest of other bytes"),
        pytest.param(documents(manifest_json=b"[" + b"1" * 10_000 + b"]"), "damaged", id="a manifest of a huge number"),
        pytest.param(
            documents(manifest_json=b" " * (MAX_DOCUMENT_BYTES + 1)), "before its manifest", id="a huge manifest"
        ),
        pytest.param(manifest(Config="c.json", Layers="abc"), "is not a list", id="layers that are no list"),
        pytest.param(manifest(Config="c.json", Layers=[]), "names 0 layers, and its configuration 1", id="too few"),
        pytest.param(manifest(Config="gone.json", Layers=[blob(ONE)]), "lacks gone.json", id="no configuration"),
        pytest.param(manifest(Config=["c.json"], Layers=[blob(ONE)]), "lacks", id="a configuration that is a list"),
        pytest.param(documents(index_json=b"[]"), "is not a manifest", id="an index that is a list"),
        pytest.param(documents(index_json=b'{"manifests": [{"digest": 7}]}'), "sha256", id="a digest that is a number"),
        pytest.param(documents(index_json=b'{"manifests": [{"digest": "sha512:ab"}]}'), "sha256", id="another digest"),
    ],
)
def test_what_cannot_be_read_to_its_end_is_never_taken_for_clean(data: bytes, words: str) -> None:
    with pytest.raises(BadImageArchiveError, match=words):
        contents(data)


def test_an_index_that_names_itself_ends() -> None:
    """No digest can be its own, but a file may lie about its name."""
    index = json.dumps({"manifests": [{"digest": "sha256:" + "0" * 64}]}).encode()
    with pytest.raises(BadImageArchiveError, match=r"damaged|lacks"):
        contents(tar({"index.json": index, "blobs/sha256/" + "0" * 64: index}))


def test_links_that_go_round_in_a_circle_lead_nowhere() -> None:
    layer = tar({"x": b"1"})
    files = {"c.json": config_of([layer]), "manifest.json": b'[{"Config": "c.json", "Layers": ["a/layer.tar"]}]'}
    data = tar(files, links={"a/layer.tar": "../b/layer.tar", "b/layer.tar": "../a/layer.tar"})
    with pytest.raises(BadImageArchiveError, match=r"lacks the layer a/layer\.tar"):
        contents(data)


def test_a_link_out_of_the_archive_leads_nowhere() -> None:
    files = {"c.json": config_of([ONE]), "manifest.json": b'[{"Config": "c.json", "Layers": ["a/layer.tar"]}]'}
    with pytest.raises(BadImageArchiveError, match="lacks the layer"):
        contents(tar(files, links={"a/layer.tar": "../../../../etc/passwd"}))


def test_two_layers_of_one_name_must_be_equal() -> None:
    entries = [(info("x/layer.tar", size=len(layer)), layer) for layer in (ONE, TWO)]
    with pytest.raises(BadImageArchiveError, match=r"two different layers x/layer\.tar"):
        contents(tar_of(entries))
    assert len(list(ImageArchive(chunks(tar_of([entries[0], entries[0]]))).iterate_layers())) == 2


def test_two_documents_of_one_name_must_be_equal() -> None:
    entries = [(info("manifest.json", size=2), text) for text in (b"[]", b"{}")]
    with pytest.raises(BadImageArchiveError, match=r"two different files manifest\.json"):
        contents(tar_of(entries))


def test_devices_and_folders_in_the_place_of_a_layer_are_no_layer() -> None:
    for kind in (tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
        entries = [
            (info(name, size=len(data)), data)
            for name, data in (
                ("c.json", config_of([ONE])),
                ("manifest.json", b'[{"Config": "c.json", "Layers": ["a/layer.tar"]}]'),
            )
        ]
        with pytest.raises(BadImageArchiveError, match="lacks the layer"):
            contents(tar_of([(info("a/layer.tar", kind), b""), *entries]))


def test_skipped_layers_still_count_as_there() -> None:
    data = image(ONE, tar({"b": b"2"}))
    found = [file.path for file in iterate_layer_files(chunks(data), skip=lambda name: name == blob(ONE))]
    assert found == ["/b"]


def open_descriptors() -> dict[str, str]:
    """Of this process: number -> what is open."""
    found = {}
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # that of the listing itself
            found[path.name] = str(path.readlink())
    return found


def chunks_of_file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(512):
            yield data


def test_whoever_stops_halfway_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(image(ONE, gzip.compress(TWO), zstandard.compress(ONE)))
    gc.disable()  # what is closed only when somebody looks for garbage stays open for who knows how long
    try:
        before = open_descriptors()
        for file in iterate_layer_files(chunks_of_file(tmp_path / "image.tar")):
            assert file.path == "/etc/key"
            assert str(tmp_path / "image.tar") in open_descriptors().values()
            break
        del file
        assert open_descriptors() == before
    finally:
        gc.enable()
