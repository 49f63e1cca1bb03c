"""Layers over each other, against a model that unpacks them one after the other into a dictionary."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builder.inspect.model import EntryKind, LayerContent, LayerEntry
from builder.inspect.overlay import merge_layers


def layer(*entries: LayerEntry) -> LayerContent:
    return LayerContent("sha256:0", 0, entries)


def file(path: str, text: str = "x", *, mode: int = 0) -> LayerEntry:
    return LayerEntry(path, EntryKind.FILE, len(text), mode, digest=text)


def shown(*layers: LayerContent) -> dict[str, int]:
    return {path: placed.layer for path, placed in merge_layers(layers).visible.items()}


def test_a_file_written_again_is_hidden_by_the_later_one() -> None:
    old, new = file("/a"), file("/a", mode=0o700)
    merged = merge_layers([layer(old), layer(new)])
    assert shown(layer(old), layer(new)) == {"/a": 1}
    assert [(h.layer, h.entry, h.by) for h in merged.hidden] == [(0, old, new)]


def test_a_whiteout_of_a_folder_hides_what_is_below_also_where_no_layer_names_the_folder() -> None:
    merged = merge_layers([layer(file("/a/b/c"), file("/ab")), layer(LayerEntry("/a", EntryKind.WHITEOUT))])
    assert set(merged.visible) == {"/ab"}
    assert [(h.entry.path, h.by) for h in merged.hidden] == [("/a/b/c", None)]


def test_a_whiteout_says_nothing_of_its_own_layer_wherever_it_stands() -> None:
    top = layer(file("/a/new"), LayerEntry("/a", EntryKind.OPAQUE), LayerEntry("/a/new", EntryKind.WHITEOUT))
    assert shown(layer(file("/a/old")), top) == {"/a/new": 1}


def test_a_file_in_place_of_a_folder_hides_what_was_in_it() -> None:
    merged = merge_layers([layer(LayerEntry("/a", EntryKind.FOLDER), file("/a/b")), layer(file("/a"))])
    assert set(merged.visible) == {"/a"}
    assert [h.entry.path for h in merged.hidden] == ["/a/b"]


def test_of_a_path_that_comes_twice_the_last_one_counts() -> None:
    merged = merge_layers([layer(file("/a", "old"), file("/a", "newer"))])
    assert merged.visible["/a"].entry.digest == "newer"
    assert not merged.hidden


def test_a_file_in_place_of_a_folder_that_no_layer_names_hides_what_was_in_it_too() -> None:
    merged = merge_layers([layer(file("/a/b/c"), file("/a/bc")), layer(file("/a/b"))])
    assert set(merged.visible) == {"/a/b", "/a/bc"}
    assert [h.entry.path for h in merged.hidden] == ["/a/b/c"]


def test_a_link_in_place_of_a_folder_hides_what_was_in_it() -> None:
    merged = merge_layers(
        [layer(LayerEntry("/a", EntryKind.FOLDER), file("/a/b")), layer(LayerEntry("/a", EntryKind.SYMLINK, link="c"))]
    )
    assert set(merged.visible) == {"/a"}
    assert [h.entry.path for h in merged.hidden] == ["/a/b"]


def test_a_folder_in_place_of_a_file_hides_the_file() -> None:
    top = layer(LayerEntry("/a", EntryKind.FOLDER), file("/a/b"))
    merged = merge_layers([layer(file("/a")), top])
    assert shown(layer(file("/a")), top) == {"/a": 1, "/a/b": 1}
    assert [h.entry.path for h in merged.hidden] == ["/a"]


def test_a_folder_named_again_hides_nothing() -> None:
    merged = merge_layers(
        [layer(LayerEntry("/a", EntryKind.FOLDER), file("/a/b")), layer(LayerEntry("/a", EntryKind.FOLDER, mode=0o700))]
    )
    assert set(merged.visible) == {"/a", "/a/b"}
    assert merged.visible["/a"].entry.mode == 0o700
    assert not merged.hidden


def test_a_hard_link_is_a_name_of_its_own() -> None:
    link = LayerEntry("/b", EntryKind.HARDLINK, link="/a")
    merged = merge_layers([layer(file("/a"), link), layer(LayerEntry("/a", EntryKind.WHITEOUT))])
    assert set(merged.visible) == {"/b"}
    assert [h.entry.path for h in merged.hidden] == ["/a"]
    assert [h.entry for h in merge_layers([layer(link), layer(LayerEntry("/b", EntryKind.WHITEOUT))]).hidden] == [link]


def test_a_folder_without_an_entry_takes_the_place_of_a_file_too() -> None:
    merged = merge_layers([layer(file("/a"), file("/b")), layer(file("/a/b/c"))])
    assert set(merged.visible) == {"/a/b/c", "/b"}
    assert [(h.layer, h.entry.path) for h in merged.hidden] == [(0, "/a")]
    assert shown(layer(file("/a")), layer(file("/a/b/c")), layer(LayerEntry("/a", EntryKind.WHITEOUT))) == {}
    first = layer(file("/x/y"), file("/a"))
    later = layer(LayerEntry("/x", EntryKind.WHITEOUT), file("/a/b/c"))  # after a folder went, all children are known
    assert shown(first, later, layer(LayerEntry("/a", EntryKind.WHITEOUT))) == {}


def test_what_a_layer_has_behind_a_link_leaves_the_link() -> None:
    link = LayerEntry("/bin", EntryKind.SYMLINK, link="usr/bin")
    assert shown(layer(link), layer(file("/bin/ls"))) == {"/bin": 0, "/bin/ls": 1}


def test_the_whole_root_may_be_opaque() -> None:
    merged = merge_layers([layer(file("/a/b"), file("/c")), layer(LayerEntry("/", EntryKind.OPAQUE), file("/d"))])
    assert set(merged.visible) == {"/d"}
    assert {h.entry.path for h in merged.hidden} == {"/a/b", "/c"}


def test_what_is_not_there_can_be_deleted() -> None:
    top = layer(LayerEntry("/x/y", EntryKind.WHITEOUT), LayerEntry("/z", EntryKind.OPAQUE), file("/z/new"))
    assert shown(layer(file("/a")), top) == {"/a": 0, "/z/new": 1}


def test_a_file_that_comes_back_was_hidden_once() -> None:
    merged = merge_layers([layer(file("/a", "1")), layer(LayerEntry("/a", EntryKind.WHITEOUT)), layer(file("/a", "2"))])
    assert [(h.layer, h.by) for h in merged.hidden] == [(0, None)]


def test_deep_nesting_is_no_recursion() -> None:
    deep = "/d" * 2000
    merged = merge_layers([layer(file(deep + "/f")), layer(LayerEntry("/d", EntryKind.WHITEOUT))])
    assert not merged.visible
    assert len(merged.hidden) == 1


# --- against a model

NAMED = {EntryKind.FILE, EntryKind.HARDLINK}
"""What gives bytes a name."""
System = dict[str, tuple[int, LayerEntry]]
NAMES = ("/a", "/a/b", "/a/b/c", "/a/d", "/e", "/e/f")
PLACED = st.sampled_from([EntryKind.FILE, EntryKind.FOLDER, EntryKind.SYMLINK, EntryKind.HARDLINK, EntryKind.OTHER])
STEPS = st.lists(st.tuples(st.sampled_from(NAMES), st.one_of(st.none(), PLACED), st.booleans()), min_size=1, max_size=5)


def below(system: System, path: str) -> list[str]:
    return [one for one in system if one.startswith(path.rstrip("/") + "/")]


def changed(system: System, number: int, steps: list[tuple[str, EntryKind | None, bool]]) -> System:
    """What a RUN does: make things (and the folders above), replace, delete."""
    after = dict(system)
    for path, kind, again in steps:
        if kind is not EntryKind.FOLDER or (again and path in after):
            for gone in (path, *below(after, path)):
                after.pop(gone, None)
        if kind is None:
            continue
        for at in range(path.count("/") - 1):
            parent = "/".join(path.split("/")[: at + 2])
            if parent not in after or after[parent][1].kind is not EntryKind.FOLDER:
                after[parent] = (number, LayerEntry(parent, EntryKind.FOLDER))
        after[path] = (number, LayerEntry(path, kind, 5 if kind is EntryKind.FILE else 0, digest=f"{number}"))
    return after


def layer_of(before: System, after: System, number: int, shuffled: list[int]) -> LayerContent:
    """The layer that an engine writes of the difference: what is new, and marks for what is gone."""
    opaque = {path for path in after if path in before and is_new(path, before, after, number)}
    marks = [LayerEntry(path, EntryKind.OPAQUE) for path in sorted(opaque)]
    for path in before:
        parent = path.rpartition("/")[0]
        there = not parent or (parent in after and after[parent][1].kind is EntryKind.FOLDER)
        if path not in after and there and parent not in opaque:
            marks.append(LayerEntry(path, EntryKind.WHITEOUT))
    entries = [entry for made, entry in after.values() if made == number]
    for at, mark in enumerate(marks):  # they stand anywhere in a tar
        entries.insert(shuffled[at % len(shuffled)] % (len(entries) + 1), mark)
    return LayerContent(f"sha256:{number}", 0, tuple(entries))


def is_new(path: str, before: System, after: System, number: int) -> bool:
    """A folder that was a folder before and holds nothing of that: engines write it as opaque."""
    both = before[path][1].kind is EntryKind.FOLDER and after[path][1].kind is EntryKind.FOLDER
    return both and all(after[one][0] == number for one in (path, *below(after, path)))


@given(st.lists(STEPS, min_size=2, max_size=4), st.lists(st.integers(0, 20), min_size=1, max_size=5))
def test_it_shows_what_unpacking_would_show_and_hides_the_rest(
    stack: list[list[tuple[str, EntryKind | None, bool]]], shuffled: list[int]
) -> None:
    system: System = {}
    layers = []
    for number, steps in enumerate(stack):
        after = changed(system, number, steps)
        layers.append(layer_of(system, after, number, shuffled))
        system = after
    merged = merge_layers(layers)
    assert {path: (placed.layer, placed.entry) for path, placed in merged.visible.items()} == system
    stored = {(number, entry) for number, one in enumerate(layers) for entry in one.entries if entry.kind in NAMED}
    hidden = [(one.layer, one.entry) for one in merged.hidden]
    assert len(hidden) == len(set(hidden)), "each is hidden once"
    assert set(hidden) == stored - set(system.values())


ANY = st.builds(LayerEntry, st.sampled_from([*NAMES, "/"]), st.sampled_from(EntryKind), st.just(3))


@given(st.lists(st.lists(ANY, max_size=6), max_size=4))
def test_layers_that_no_engine_writes_lose_no_file(stack: list[list[LayerEntry]]) -> None:
    """A file below a file, a folder deleted and written in one layer: every stored file is visible or hidden, once."""
    merged = merge_layers([layer(*one) for one in stack])
    stored = {
        (number, entry.path): entry
        for number, one in enumerate(stack)
        for entry in one
        if entry.kind not in {EntryKind.WHITEOUT, EntryKind.OPAQUE}
    }
    files = sorted(key for key, entry in stored.items() if entry.kind in NAMED)
    seen = [(placed.layer, path) for path, placed in merged.visible.items() if placed.entry.kind in NAMED]
    assert sorted([*seen, *((one.layer, one.entry.path) for one in merged.hidden)]) == files
