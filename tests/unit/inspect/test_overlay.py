"""Layers over each other, against a model that unpacks them one after the other into a dictionary."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builder.inspect.model import Entry, Kind, LayerContent
from builder.inspect.overlay import merge


def layer(*entries: Entry) -> LayerContent:
    return LayerContent("sha256:0", 0, entries)


def file(path: str, text: str = "x", *, mode: int = 0) -> Entry:
    return Entry(path, Kind.FILE, len(text), mode, digest=text)


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


def test_a_file_in_place_of_a_folder_that_no_layer_names_hides_what_was_in_it_too() -> None:
    merged = merge([layer(file("/a/b/c"), file("/a/bc")), layer(file("/a/b"))])
    assert set(merged.visible) == {"/a/b", "/a/bc"}
    assert [h.entry.path for h in merged.hidden] == ["/a/b/c"]


def test_a_link_in_place_of_a_folder_hides_what_was_in_it() -> None:
    merged = merge([layer(Entry("/a", Kind.FOLDER), file("/a/b")), layer(Entry("/a", Kind.SYMLINK, link="c"))])
    assert set(merged.visible) == {"/a"}
    assert [h.entry.path for h in merged.hidden] == ["/a/b"]


def test_a_folder_in_place_of_a_file_hides_the_file() -> None:
    top = layer(Entry("/a", Kind.FOLDER), file("/a/b"))
    merged = merge([layer(file("/a")), top])
    assert shown(layer(file("/a")), top) == {"/a": 1, "/a/b": 1}
    assert [(h.entry.path, h.by_layer) for h in merged.hidden] == [("/a", 1)]


def test_a_folder_named_again_hides_nothing() -> None:
    merged = merge([layer(Entry("/a", Kind.FOLDER), file("/a/b")), layer(Entry("/a", Kind.FOLDER, mode=0o700))])
    assert set(merged.visible) == {"/a", "/a/b"}
    assert merged.visible["/a"].entry.mode == 0o700
    assert not merged.hidden


def test_a_hard_link_is_a_name_of_its_own() -> None:
    link = Entry("/b", Kind.HARDLINK, link="/a")
    merged = merge([layer(file("/a"), link), layer(Entry("/a", Kind.WHITEOUT))])
    assert set(merged.visible) == {"/b"}
    assert [h.entry.path for h in merged.hidden] == ["/a"]
    assert [h.entry for h in merge([layer(link), layer(Entry("/b", Kind.WHITEOUT))]).hidden] == [link]


def test_a_folder_without_an_entry_takes_the_place_of_a_file_too() -> None:
    merged = merge([layer(file("/a"), file("/b")), layer(file("/a/b/c"))])
    assert set(merged.visible) == {"/a/b/c", "/b"}
    assert [(h.layer, h.entry.path, h.by_layer) for h in merged.hidden] == [(0, "/a", 1)]
    assert shown(layer(file("/a")), layer(file("/a/b/c")), layer(Entry("/a", Kind.WHITEOUT))) == {}
    first = layer(file("/x/y"), file("/a"))
    later = layer(Entry("/x", Kind.WHITEOUT), file("/a/b/c"))  # after a folder went, all children are known
    assert shown(first, later, layer(Entry("/a", Kind.WHITEOUT))) == {}


def test_what_a_layer_has_behind_a_link_leaves_the_link() -> None:
    link = Entry("/bin", Kind.SYMLINK, link="usr/bin")
    assert shown(layer(link), layer(file("/bin/ls"))) == {"/bin": 0, "/bin/ls": 1}


def test_the_whole_root_may_be_opaque() -> None:
    merged = merge([layer(file("/a/b"), file("/c")), layer(Entry("/", Kind.OPAQUE), file("/d"))])
    assert set(merged.visible) == {"/d"}
    assert {h.entry.path for h in merged.hidden} == {"/a/b", "/c"}


def test_what_is_not_there_can_be_deleted() -> None:
    top = layer(Entry("/x/y", Kind.WHITEOUT), Entry("/z", Kind.OPAQUE), file("/z/new"))
    assert shown(layer(file("/a")), top) == {"/a": 0, "/z/new": 1}


def test_a_file_that_comes_back_was_hidden_once() -> None:
    merged = merge([layer(file("/a", "1")), layer(Entry("/a", Kind.WHITEOUT)), layer(file("/a", "2"))])
    assert [(h.layer, h.by_layer, h.by) for h in merged.hidden] == [(0, 1, None)]


def test_deep_nesting_is_no_recursion() -> None:
    deep = "/d" * 2000
    merged = merge([layer(file(deep + "/f")), layer(Entry("/d", Kind.WHITEOUT))])
    assert not merged.visible
    assert len(merged.hidden) == 1


# --- against a model

NAMED = {Kind.FILE, Kind.HARDLINK}
"""What gives bytes a name."""
System = dict[str, tuple[int, Entry]]
NAMES = ("/a", "/a/b", "/a/b/c", "/a/d", "/e", "/e/f")
PLACED = st.sampled_from([Kind.FILE, Kind.FOLDER, Kind.SYMLINK, Kind.HARDLINK, Kind.OTHER])
STEPS = st.lists(st.tuples(st.sampled_from(NAMES), st.one_of(st.none(), PLACED), st.booleans()), min_size=1, max_size=5)


def below(system: System, path: str) -> list[str]:
    return [one for one in system if one.startswith(path.rstrip("/") + "/")]


def changed(system: System, number: int, steps: list[tuple[str, Kind | None, bool]]) -> System:
    """What a RUN does: make things (and the folders above), replace, delete."""
    after = dict(system)
    for path, kind, again in steps:
        if kind is not Kind.FOLDER or (again and path in after):
            for gone in (path, *below(after, path)):
                after.pop(gone, None)
        if kind is None:
            continue
        for at in range(path.count("/") - 1):
            parent = "/".join(path.split("/")[: at + 2])
            if parent not in after or after[parent][1].kind is not Kind.FOLDER:
                after[parent] = (number, Entry(parent, Kind.FOLDER))
        after[path] = (number, Entry(path, kind, 5 if kind is Kind.FILE else 0, digest=f"{number}"))
    return after


def layer_of(before: System, after: System, number: int, shuffled: list[int]) -> LayerContent:
    """The layer that an engine writes of the difference: what is new, and marks for what is gone."""
    opaque = {path for path in after if path in before and is_new(path, before, after, number)}
    marks = [Entry(path, Kind.OPAQUE) for path in sorted(opaque)]
    for path in before:
        parent = path.rpartition("/")[0]
        there = not parent or (parent in after and after[parent][1].kind is Kind.FOLDER)
        if path not in after and there and parent not in opaque:
            marks.append(Entry(path, Kind.WHITEOUT))
    entries = [entry for made, entry in after.values() if made == number]
    for at, mark in enumerate(marks):  # they stand anywhere in a tar
        entries.insert(shuffled[at % len(shuffled)] % (len(entries) + 1), mark)
    return LayerContent(f"sha256:{number}", 0, tuple(entries))


def is_new(path: str, before: System, after: System, number: int) -> bool:
    """A folder that was a folder before and holds nothing of that: engines write it as opaque."""
    both = before[path][1].kind is Kind.FOLDER and after[path][1].kind is Kind.FOLDER
    return both and all(after[one][0] == number for one in (path, *below(after, path)))


@given(st.lists(STEPS, min_size=2, max_size=4), st.lists(st.integers(0, 20), min_size=1, max_size=5))
def test_it_shows_what_unpacking_would_show_and_hides_the_rest(
    stack: list[list[tuple[str, Kind | None, bool]]], shuffled: list[int]
) -> None:
    system: System = {}
    layers = []
    for number, steps in enumerate(stack):
        after = changed(system, number, steps)
        layers.append(layer_of(system, after, number, shuffled))
        system = after
    merged = merge(layers)
    assert {path: (placed.layer, placed.entry) for path, placed in merged.visible.items()} == system
    stored = {(number, entry) for number, one in enumerate(layers) for entry in one.entries if entry.kind in NAMED}
    hidden = [(one.layer, one.entry) for one in merged.hidden]
    assert len(hidden) == len(set(hidden)), "each is hidden once"
    assert set(hidden) == stored - set(system.values())
    assert all(one.layer < one.by_layer for one in merged.hidden)


ANY = st.builds(Entry, st.sampled_from([*NAMES, "/"]), st.sampled_from(Kind), st.just(3))


@given(st.lists(st.lists(ANY, max_size=6), max_size=4))
def test_layers_that_no_engine_writes_lose_no_file(stack: list[list[Entry]]) -> None:
    """A file below a file, a folder deleted and written in one layer: every stored file is visible or hidden, once."""
    merged = merge([layer(*one) for one in stack])
    stored = {
        (number, entry.path): entry
        for number, one in enumerate(stack)
        for entry in one
        if entry.kind not in {Kind.WHITEOUT, Kind.OPAQUE}
    }
    files = sorted(key for key, entry in stored.items() if entry.kind in NAMED)
    seen = [(placed.layer, path) for path, placed in merged.visible.items() if placed.entry.kind in NAMED]
    assert sorted([*seen, *((one.layer, one.entry.path) for one in merged.hidden)]) == files
