"""Layers over each other, against a model that unpacks them one after the other into a dictionary."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builder.inspect.merge import merge
from builder.inspect.model import Entry, Kind, LayerContent


def layer(*entries: Entry) -> LayerContent:
    return LayerContent("sha256:0", 0, entries)


def file(path: str, text: str = "x", **values: int) -> Entry:
    return Entry(path, Kind.FILE, len(text), digest=text, **values)


def shown(*layers: LayerContent) -> dict[str, int]:
    return {path: placed.layer for path, placed in merge(layers).visible.items()}


def test_a_file_written_again_is_hidden_by_the_later_one() -> None:
    old, new = file("/a"), file("/a", mode=0o700)
    merged = merge([layer(old), layer(new)])
    assert shown(layer(old), layer(new)) == {"/a": 1}
    assert [(h.layer, h.entry, h.by_layer, h.by) for h in merged.hidden] == [(0, old, 1, new)]


def test_a_whiteout_of_a_folder_hides_what_is_below_also_where_no_layer_names_the_folder() -> None:
    merged = merge([layer(file("/a/b/c"), file("/ab")), layer(Entry("/a", Kind.WHITEOUT))])
    assert set(merged.visible) == {"/ab"}
    assert [(h.entry.path, h.by) for h in merged.hidden] == [("/a/b/c", None)]


def test_a_whiteout_says_nothing_of_its_own_layer_wherever_it_stands() -> None:
    top = layer(file("/a/new"), Entry("/a", Kind.OPAQUE), Entry("/a/new", Kind.WHITEOUT))
    assert shown(layer(file("/a/old")), top) == {"/a/new": 1}


def test_a_file_in_place_of_a_folder_hides_what_was_in_it() -> None:
    merged = merge([layer(Entry("/a", Kind.FOLDER), file("/a/b")), layer(file("/a"))])
    assert set(merged.visible) == {"/a"}
    assert [h.entry.path for h in merged.hidden] == ["/a/b"]


def test_of_a_path_that_comes_twice_the_last_one_counts() -> None:
    merged = merge([layer(file("/a", "old"), file("/a", "newer"))])
    assert merged.visible["/a"].entry.digest == "newer"
    assert not merged.hidden


PATHS = st.sampled_from(["/a", "/a/b", "/a/b/c", "/a/d", "/e", "/e/f"])
ENTRIES = st.builds(Entry, PATHS, st.sampled_from([Kind.FILE, Kind.FOLDER, Kind.WHITEOUT, Kind.OPAQUE]))


@given(st.lists(st.lists(ENTRIES, max_size=5), max_size=4))
def test_it_shows_what_unpacking_would_show(stack: list[list[Entry]]) -> None:
    expected: dict[str, int] = {}
    for number, entries in enumerate(stack):
        for entry in entries:
            below = entry.path + "/"
            if entry.kind in {Kind.WHITEOUT, Kind.OPAQUE}:
                for path in list(expected):
                    if path.startswith(below) or (entry.kind is Kind.WHITEOUT and path == entry.path):
                        del expected[path]
        last = {entry.path: entry for entry in entries if entry.kind in {Kind.FILE, Kind.FOLDER}}
        for entry in last.values():
            if entry.kind is Kind.FILE and entry.path in expected:
                was = merge([layer(*one) for one in stack[:number]]).visible.get(entry.path)
                if was is not None and was.entry.kind is Kind.FOLDER:
                    expected = {p: n for p, n in expected.items() if not p.startswith(entry.path + "/") or n == number}
            expected[entry.path] = number
    assert shown(*(layer(*one) for one in stack)) == expected
