"""A saved image with a layer in another order becomes the one that a walk writes, and nothing else of it changes."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from archive_files import chunks, config_of, image, images, info, old_image, sha256, tar, tar_of

from builder.core.errors import BadImageArchiveError, NotWrittenError
from builder.image.build.saved_image import OrderedImage, SavedImage, order_image, save_image

if TYPE_CHECKING:
    from collections.abc import Sequence

LONG = "site/" + "n" * 150


def layer_of(*names: str, link: tuple[str, str] = ("", "")) -> bytes:
    """Files that hold their own names, owned by somebody; one may be a hard link."""
    entries = []
    for name in names:
        kind = tarfile.LNKTYPE if name == link[0] else tarfile.REGTYPE
        data = b"" if name == link[0] else name.encode() * 50
        header = info(name, kind, size=len(data), linkname=link[1] if name == link[0] else "", uid=50000, mtime=17)
        entries.append((header, data))
    return tar_of(entries)


LINK = ("site/numpy/link", "site/numpy/core")
SORTED = layer_of(f"{LONG}-1/a", f"{LONG}/a", "site/numpy-1/R", "site/numpy/core", "site/numpy/link", link=LINK)
WALKED = layer_of(f"{LONG}/a", f"{LONG}-1/a", "site/numpy/core", "site/numpy/link", "site/numpy-1/R", link=LINK)
LOW, HIGH = layer_of("etc/low"), layer_of("etc/high")
MORE: dict[str, Any] = {"config": {"Env": ["A=<b>"]}, "created": "2024-01-01T00:00:00Z"}


def diff_of(layer: bytes) -> str:
    return f"sha256:{sha256(layer)}"


def save(archive: bytes, folder: Path, wanted: Sequence[bytes] = (LOW, SORTED, HIGH, WALKED)) -> SavedImage:
    return save_image(chunks(archive), folder / "image.tar", map(diff_of, wanted))


def order(archive: bytes, folder: Path) -> OrderedImage:
    ordered = order_image(save(archive, folder))
    assert ordered is not None
    return ordered


def unpack(ordered: OrderedImage) -> dict[str, bytes]:
    """The files of the archive that is loaded."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(ordered.iterate_archive()))) as archive:
        return {member.name: (archive.extractfile(member) or io.BytesIO()).read() for member in archive}


def test_it_is_the_image_that_a_walk_gives_and_no_other_byte_changes(tmp_path: Path) -> None:
    ordered = order(image(LOW, SORTED, HIGH, **MORE), tmp_path)
    assert ordered.config == config_of((LOW, WALKED, HIGH), **MORE)
    assert ordered.id == diff_of(config_of((LOW, WALKED, HIGH), **MORE))
    assert ordered.moved == {diff_of(SORTED): diff_of(WALKED)}
    assert ordered.saved.ordered == (diff_of(LOW), diff_of(HIGH))


def test_only_what_the_engine_lacks_is_sent(tmp_path: Path) -> None:
    ordered = order(image(LOW, SORTED, HIGH, SORTED, **MORE), tmp_path)
    files = unpack(ordered)
    (entry,) = json.loads(files.pop("manifest.json"))
    names = [f"{sha256(layer)}/layer.tar" for layer in (LOW, WALKED, HIGH, WALKED)]
    assert entry == {"Config": f"{ordered.id.removeprefix('sha256:')}.json", "RepoTags": None, "Layers": names}
    assert files == {entry["Config"]: ordered.config, names[1]: WALKED, names[2]: HIGH}


def test_archives_of_older_engines_call_their_files_otherwise(tmp_path: Path) -> None:
    archive = old_image({"1/layer.tar": SORTED}, links={"2/layer.tar": "../1/layer.tar"})
    with pytest.raises(BadImageArchiveError, match="otherwise than by its digest"):
        save(archive, tmp_path)  # c.json: no engine calls it so
    config = config_of((SORTED, SORTED))
    named = f"{sha256(config)}.json"
    manifest = [{"Config": named, "Layers": ["1/layer.tar", "2/layer.tar"]}]
    files = {"1/layer.tar": SORTED, named: config, "manifest.json": json.dumps(manifest).encode()}
    ordered = order(tar(files, links={"2/layer.tar": "../1/layer.tar"}), tmp_path)
    assert ordered.config == config_of((WALKED, WALKED))
    assert unpack(ordered)[f"{sha256(WALKED)}/layer.tar"] == WALKED


def test_layers_that_are_known_are_not_read(tmp_path: Path) -> None:
    saved = save(image(LOW, SORTED, HIGH), tmp_path, wanted=[HIGH])
    assert list(saved.orders) == [diff_of(HIGH)]
    assert order_image(saved) is None


def test_an_image_in_order_stays(tmp_path: Path) -> None:
    saved = save(image(LOW, WALKED), tmp_path)
    assert saved.ordered == (diff_of(LOW), diff_of(WALKED))
    assert (saved.movable, saved.stuck, order_image(saved)) == ((), (), None)


def test_a_layer_that_cannot_be_moved_says_why(tmp_path: Path) -> None:
    layer = layer_of("b", ".wh.a")
    saved = save(image(layer, SORTED), tmp_path, wanted=[layer, SORTED])
    assert [(diff, "deletes" in why) for diff, why in saved.stuck] == [(diff_of(layer), True)]
    ordered = order_image(saved)
    assert ordered is not None
    assert ordered.diffs == (diff_of(layer), diff_of(WALKED))


def test_a_compressed_layer_stays(tmp_path: Path) -> None:
    saved = save(image(zstandard.compress(SORTED)), tmp_path)
    assert saved.orders == {}


def test_a_diff_id_elsewhere_in_the_configuration_is_not_touched(tmp_path: Path) -> None:
    saved = save(image(SORTED, config={"Labels": {"below": diff_of(SORTED)}}), tmp_path)
    assert order_image(saved) is None


def test_what_is_not_one_image_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadImageArchiveError, match="holds 2"):
        save(images([LOW], [HIGH], tags=["a:1", "b:1"]), tmp_path)
    with pytest.raises(BadImageArchiveError):
        save(image(LOW, SORTED)[:2000], tmp_path)


def test_a_full_disk_is_said_as_such() -> None:
    with pytest.raises(NotWrittenError, match="No space left"):
        save_image(chunks(image(LOW)), Path("/dev/full"), [diff_of(LOW)])
