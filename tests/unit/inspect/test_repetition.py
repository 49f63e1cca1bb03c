"""Two images that should be one: what is named, and what is not looked at."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from archive_files import info, tar_of

from builder.engine.archive import ArchivedLayer
from builder.engine.chunks import ChunkStream
from builder.inspect import repetition
from builder.inspect.repetition import (
    ExactEntry,
    ExactImage,
    compare_images,
    find_first_difference,
    hash_contents,
    hash_equal_contents,
    ignore_whiteouts,
    read_exact_entries,
)
from builder.operations.reproduce import format_difference

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTRY = ExactEntry("file", 0o644, 0, 0, 1.0, 3, "", (), "a" * 64)
HISTORY = [
    {"created_by": "ADD base.tar /"},
    {"created_by": "ENV A=b", "empty_layer": True},
    {"created_by": "COPY /out/ /"},
]


def image(*layers: Mapping[str, ExactEntry], diffs: tuple[str, ...] = ("d1", "d2"), **config: Any) -> ExactImage:
    return ExactImage({"history": HISTORY, **config}, diffs, layers)


def changed(**values: Any) -> ExactEntry:
    return ExactEntry(**{**vars(ENTRY), **values})


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"kind": "link"}, "kind file / link"),
        ({"mode": 0o755}, "mode 0644 / 0755"),
        ({"gid": 7}, "owner 0:0 / 0:7"),
        ({"time": 61.5}, "time 1970-01-01T00:00:01Z / 1970-01-01T00:01:01Z + 0.500000000 s"),
        ({"size": 4}, "size 3 / 4 bytes"),
        ({"link": "/x"}, "link to  / /x"),
        ({"attributes": (("SCHILY.xattr.user.a", "b"),)}, "attributes {} / {'SCHILY.xattr.user.a': 'b'}"),
        ({"content": "b" * 64}, "content sha256 aaaaaaaaaaaa / bbbbbbbbbbbb"),
    ],
)
def test_each_thing_that_differs_is_named(values: dict[str, Any], what: str) -> None:
    one = image({"/z": ENTRY}, {"/a": ENTRY, "/b": ENTRY})
    two = image({"/z": ENTRY}, {"/a": ENTRY, "/b": changed(**values)}, diffs=("d1", "other"))
    found = compare_images(one, two)
    assert found is not None
    assert (found.layer, found.step, found.path, found.what, found.others) == (2, "COPY /out/ /", "/b", (what,), 0)


def test_the_lowest_layer_and_in_it_the_first_path_by_name_count() -> None:
    one = image({"/c": ENTRY, "/b": ENTRY}, {"/a": ENTRY})
    two = image({"/c": changed(size=4), "/b": changed(size=5)}, {"/a": changed(size=6)}, diffs=("x", "y"))
    found = compare_images(one, two)
    assert found is not None
    assert (found.layer, found.path, found.others) == (1, "/b", 1)
    assert format_difference(found) == (
        "layer 1 (ADD base.tar /), /b: size 3 / 5 bytes (first / second build), and 1 more in this layer"
    )


def test_entries_of_one_build_only() -> None:
    found = compare_images(image({}, {}), image({"/new": ENTRY}, {}, diffs=("x", "d2")))
    assert found is not None
    assert found.what == ("only the second build has it",)


def test_equal_entries_in_another_order() -> None:
    found = compare_images(image({"/a": ENTRY}, {}), image({"/a": ENTRY}, {}, diffs=("x", "d2")))
    assert found is not None
    assert format_difference(found).startswith("layer 1 (ADD base.tar /): the same entries, in another order")


def test_equal_layers_and_another_configuration() -> None:
    one = image({}, {}, created="2024", config={"Env": ["A=b", "C=d"]})
    two = image({}, {}, created="2025", config={"Env": ["A=b", "C=e"]})
    found = compare_images(one, two)
    assert found is not None
    assert format_difference(found) == (
        "all layers are equal, the configuration is not: config.Env[1] 'C=d' / 'C=e'; created '2024' / '2025'"
    )


def test_another_number_of_layers() -> None:
    found = compare_images(image({}, diffs=("d1",)), image({}, {}))
    assert found is not None
    assert format_difference(found) == "layer 2: one build made 1 layers, the other 2"


def test_one_image_has_no_difference() -> None:
    assert compare_images(image({"/a": ENTRY}, {}), image({"/a": ENTRY}, {})) is None


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/x/m.cpython-311.pyc", "hash seed"),
        ("/x/a.cpython-311-x86_64.so", "compil"),
        ("/x.dist-info/RECORD", "installer"),
        ("/x", ""),
    ],
)
def test_known_kinds_of_files_have_a_hint(path: str, hint: str) -> None:
    found = compare_images(image({path: ENTRY}, {}), image({path: changed(content="b")}, {}, diffs=("x", "d2")))
    assert found is not None
    assert hint in found.hint
    assert bool(found.hint) is bool(hint)


def test_all_that_a_header_says_is_read() -> None:
    members = [
        (info("d", tarfile.DIRTYPE, mode=0o775, mtime=5), b""),
        (
            info("d/f", size=3, mode=0o4755, uid=50000, gid=7, mtime=1.25, pax_headers={"SCHILY.xattr.user.a": "b"}),
            b"abc",
        ),
        (info("d/l", tarfile.SYMTYPE, linkname="f"), b""),
    ]
    layer = ArchivedLayer("layer", ChunkStream([tar_of(members)]))
    found = read_exact_entries(layer)
    assert (found["/d"].kind, found["/d"].mode, found["/d"].time) == ("folder", 0o775, 5)
    entry = found["/d/f"]
    assert (entry.mode, entry.uid, entry.gid, entry.time, entry.size) == (0o4755, 50000, 7, 1.25, 3)
    assert entry.attributes == (("SCHILY.xattr.user.a", "b"),)
    assert entry.content == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (found["/d/l"].kind, found["/d/l"].link) == ("link", "f")


def test_layers_that_both_have_are_not_looked_into() -> None:
    asked: list[str] = []

    class Api:
        def images(self) -> list[dict[str, Any]]:
            return []

        def inspect_image(self, image: str) -> dict[str, Any]:
            asked.append(image)
            return {"RootFS": {"Layers": ["sha256:d1"]}}

        def get_image(self, image: str, chunk_size: int = 0) -> Any:
            raise LookupError(image, chunk_size)

    with pytest.raises(LookupError):
        find_first_difference(Api(), "one", "two")
    assert asked == ["one", "two"]


class TwoImages:
    """An engine that packs these two."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, one: ExactImage, two: ExactImage) -> None:
        self.below: list[frozenset[str]] = []
        packed: Any = iter((one, two))

        def read(_chunks: object, skipped: frozenset[str]) -> ExactImage:
            self.below.append(skipped)
            return next(packed)  # type: ignore[no-any-return] # an iterator of these images

        monkeypatch.setattr(repetition, "_read_image", read)

    def get_image(self, _image: str, chunk_size: int = 0) -> Any:
        return chunk_size


BELOW = frozenset({"sha256:base"})


def hash_two(monkeypatch: pytest.MonkeyPatch, one: ExactImage, two: ExactImage) -> str:
    engine: Any = TwoImages(monkeypatch, one, two)
    found = hash_equal_contents(engine, "one", "two", BELOW)
    assert engine.below == [BELOW, BELOW], "the base is the same: nobody looks into it"
    return found


DELETED = "/sp/.wh.pandas"


def test_two_images_that_differ_in_the_time_of_a_deletion_have_the_same_contents(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The digests of their layers are not the same, so their configurations are not either."""
    one = image({}, {"/a": ENTRY, DELETED: ENTRY}, diffs=("d1", "d2"), rootfs={"diff_ids": ["d1", "d2"]})
    two = image(
        {}, {"/a": ENTRY, DELETED: changed(time=9.0, mode=0)}, diffs=("d1", "x"), rootfs={"diff_ids": ["d1", "x"]}
    )
    assert hash_two(monkeypatch, one, two) == hash_contents(two.layers) != hash_contents(())


@pytest.mark.parametrize(
    "other",
    [
        image({}, {"/a": changed(time=9.0), DELETED: ENTRY}),
        image({}, {"/a": changed(content="b" * 64), DELETED: ENTRY}),
        image({}, {"/a": ENTRY}),
        image({}, {"/a": ENTRY, DELETED: ENTRY}, config={"User": "1"}),
    ],
    ids=["time of a file", "bytes", "no deletion", "configuration"],
)
def test_nothing_else_may_differ(monkeypatch: pytest.MonkeyPatch, other: ExactImage) -> None:
    assert hash_two(monkeypatch, image({}, {"/a": ENTRY, DELETED: ENTRY}), other) == ""


def test_the_first_difference_is_no_deletion_where_those_never_agree() -> None:
    one = image({DELETED: ENTRY}, {"/b": ENTRY}, diffs=("d1", "d2"))
    two = image({DELETED: changed(time=9.0)}, {"/b": changed(size=4)}, diffs=("x", "y"))
    plain = compare_images(one, two)
    assert plain is not None
    assert (plain.layer, plain.path) == (1, DELETED)
    found = compare_images(*ignore_whiteouts(one, two))
    assert found is not None
    assert (found.layer, found.path, found.others) == (2, "/b", 0)


def test_without_a_deletion_the_ids_must_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    same = image({}, {"/a": ENTRY})
    assert hash_two(monkeypatch, same, same) == ""


def test_the_hash_is_of_what_the_layers_make_together() -> None:
    made = hash_contents([{"/d": ENTRY, "/d/new": ENTRY}])
    assert hash_contents([{"/d": ENTRY}, {"/d/new": ENTRY}]) == made
    assert hash_contents([{"/d": ENTRY, "/d/new": changed(size=9)}, {"/d/new": ENTRY}]) == made
    assert hash_contents([{"/d": changed(time=7.0), "/d/new": ENTRY}]) == made
    for other in ({"mode": 0o600}, {"uid": 1}, {"gid": 1}, {"size": 4}, {"content": "c" * 64}, {"link": "/x"}):
        assert hash_contents([{"/d": ENTRY, "/d/new": changed(**other)}]) != made
    assert hash_contents([{"/d": ENTRY, "/d/newer": ENTRY}]) != made


@pytest.mark.parametrize("deletion", ["/d/.wh.old", "/.wh.d", "/d/.wh..wh..opq"])
def test_what_a_layer_deletes_is_not_there(deletion: str) -> None:
    lower = {"/d": ENTRY, "/d/old": ENTRY, "/d/old/below": ENTRY}
    kept = {path: ENTRY for path in lower if path == "/d" and deletion != "/.wh.d"}
    assert hash_contents([lower, {deletion: ENTRY}]) == hash_contents([{**kept, deletion: ENTRY}])
    assert hash_contents([lower, {deletion: ENTRY}]) != hash_contents([lower])
