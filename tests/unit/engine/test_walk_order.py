"""The order of a layer's entries: what a walk gives, and whether entries can be moved into it."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest
from archive_files import info, tar_of

from builder.engine.tarstream import TarStream
from builder.engine.walk_order import OPAQUE, PlacedEntry, find_walk_order, make_walk_key, place_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FOLDERS = ("numpy", "numpy/core", "numpy-1.24", "numpy.libs", "é", "é/x", "Z", "numpy_x", "a b", "a b/c")
FILES = ("numpy/LICENSE", "numpy/core/a", "numpy-1.24/RECORD", "numpy.libs/blas", "numpy.py", "é/x/y", "Z/z", "a b/c/d")


def walk(folder: Path) -> Iterator[str]:
    """As Go's filepath.Walk: entries by the bytes of their names, each folder's own directly behind it."""
    for entry in sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name)):
        yield entry.path
        if entry.is_dir():
            yield from (str(path) for path in walk(folder / entry.name))


def test_keys_sort_as_a_walk_meets_the_paths(tmp_path: Path) -> None:
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
    for name in FILES:
        (tmp_path / name).touch()
    met = [path.removeprefix(f"{tmp_path}/") for path in walk(tmp_path)]
    assert sorted(met, key=make_walk_key) == met
    assert sorted(met) != met, "whole paths sort otherwise"


def test_a_whiteout_lies_where_what_it_deletes_would_be() -> None:
    names = ["a", "d", f"d/{OPAQUE}", "d/.wh.b", "d/c", ".wh.e", "f"]
    assert sorted(names, key=make_walk_key) == names


def test_a_name_that_is_no_text_sorts_by_its_bytes() -> None:
    assert make_walk_key("a/\udcff") == b"a\0\xff"


def make_layer(*names: str, links: dict[str, str] | None = None) -> bytes:
    """Folders end with "/"; every file holds its own name."""
    entries = []
    for name in names:
        target = (links or {}).get(name)
        if target is not None:
            entries.append((info(name, tarfile.LNKTYPE, linkname=target), b""))
        elif name.endswith("/"):
            entries.append((info(name.rstrip("/"), tarfile.DIRTYPE, mode=0o755), b""))
        else:
            entries.append((info(name, size=len(name)), name.encode()))
    return tar_of(entries)


def read_entries(layer: bytes) -> list[PlacedEntry]:
    return [place_entry(member) for member in TarStream([layer])]


def move(layer: bytes) -> bytes:
    order = find_walk_order(read_entries(layer), len(layer))
    assert not order.obstacle
    return b"".join(layer[start:end] for start, end in order.parts)


LONG = "s/" + "long" * 60
SORTED = ("s/", "s/numpy/", "s/numpy-1.24/", "s/numpy-1.24/RECORD", "s/numpy.libs/", "s/numpy/a", "s/numpy/b")
WALKED = ("s/", "s/numpy/", "s/numpy/a", "s/numpy/b", "s/numpy-1.24/", "s/numpy-1.24/RECORD", "s/numpy.libs/")


def test_moved_entries_are_the_bytes_that_a_walk_writes() -> None:
    names = [f"{LONG}/", f"{LONG}-1/", f"{LONG}-1/é", f"{LONG}/{'x' * 120}"]
    walked = [names[0], names[3], names[1], names[2]]
    assert move(make_layer(*SORTED)) == make_layer(*WALKED)
    assert move(make_layer("s/", *names)) == make_layer("s/", *walked), "headers of long names go with their entries"


def test_what_lies_in_walk_order_stays() -> None:
    for layer in (make_layer(*WALKED), make_layer(), make_layer("a")):
        order = find_walk_order(read_entries(layer), len(layer))
        assert (order.ordered, order.parts, order.obstacle) == (True, (), "")


def test_a_hard_link_moves_as_long_as_it_stays_behind_its_file() -> None:
    links = {"a-1/link": "a/file"}
    before, behind = ("a/", "a/file", "a.b", "a-1/", "a-1/link"), ("a/", "a/file", "a-1/", "a-1/link", "a.b")
    assert move(make_layer(*before, links=links)) == make_layer(*behind, links=links)


def make_sparse() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = info("b", size=512)
        member.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,512"}
        archive.addfile(member, io.BytesIO(b"b" * 512))
        archive.addfile(info("a"))
    return out.getvalue()


GLOBAL = tarfile.TarInfo.create_pax_global_header({"comment": "x"})
OBSTACLES = {
    "a link before its file": (
        make_layer("a-1/", "a-1/file", "a/", "a/link", links={"a/link": "a-1/file"}),
        "a hard link would come before",
    ),
    "a link to nowhere": (make_layer("b", "a", links={"b": "lower"}), "a hard link would come before"),
    "a path twice": (make_layer("b", "a", "b"), "twice"),
    "a whiteout": (make_layer("b", ".wh.a"), "deletes"),
    "a header for all that follow": (make_layer("b")[:-1024] + GLOBAL + make_layer("a"), "between"),
    "a sparse file": (make_sparse(), "between"),
}


@pytest.mark.parametrize("case", OBSTACLES)
def test_what_may_not_be_harmless_is_not_moved(case: str) -> None:
    layer, why = OBSTACLES[case]
    order = find_walk_order(read_entries(layer), len(layer))
    assert not order.ordered
    assert order.parts == ()
    assert why in order.obstacle


def test_nothing_is_lost_or_doubled() -> None:
    layer = make_layer(*SORTED)
    parts: Sequence[tuple[int, int]] = sorted(find_walk_order(read_entries(layer), len(layer)).parts)
    assert [start for start, _ in parts] == [0, *(end for _, end in parts[:-1])]
    assert parts[-1][1] == len(layer)
