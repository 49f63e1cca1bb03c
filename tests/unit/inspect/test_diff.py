"""What differs between two images, and that the figures add up."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from image_factories import PYTHON_FOLDER, Image, Owned, file

from builder.inspect.analyse import analyze_image
from builder.inspect.diff import ChangeKind, FileChange, ImageDiff, LayerChange, compare_images
from builder.inspect.model import EntryKind, Inspection, LayerEntry, LayerSummary, PackageKey, Waste, WastedFile

if TYPE_CHECKING:
    from collections.abc import Sequence

NUMPY = f"{PYTHON_FOLDER}/numpy"
EXAMPLES = 3000 if os.environ.get("OPTBUILD_SOAK") else 60


def numpy(version: str) -> Owned:
    return Owned("python", "numpy", version, NUMPY)


BASE = ("ADD base.tar /", [file("/bin/sh", 100), file("/etc/motd", 5)])
BEFORE = Image(
    [
        BASE,
        ("RUN pip install numpy==1.24.3", [file(f"{NUMPY}/a.py", 40), file(f"{NUMPY}/b.so", 400)]),
        ("COPY dags /dags", [file("/dags/one.py", 7)]),
    ],
    [numpy("1.24.3"), Owned("debian", "dash", "0.5.12-2", "/bin", "amd64")],
)
AFTER = Image(
    [
        BASE,
        ("RUN pip install numpy==1.25.0", [file(f"{NUMPY}/a.py", 40), file(f"{NUMPY}/b.so", 450, text="new")]),
        ("COPY dags /dags", [file("/dags/one.py", 7), file("/dags/two.py", 3)]),
    ],
    [numpy("1.25.0"), Owned("debian", "dash", "0.5.12-2", "/bin", "amd64")],
)


def test_it_names_layer_package_and_file() -> None:
    found = compare_images(BEFORE.inspected(), AFTER.inspected())
    assert [(one.change, one.growth) for one in found.layers] == [(ChangeKind.CHANGED, 50), (ChangeKind.CHANGED, 3)]
    assert [(one.key.name, one.change, one.growth) for one in found.packages] == [("numpy", ChangeKind.CHANGED, 50)]
    assert [(one.path, one.change, one.growth, one.owner) for one in found.files] == [
        (f"{NUMPY}/b.so", ChangeKind.CHANGED, 50, PackageKey("python", "numpy")),
        ("/dags/two.py", ChangeKind.ADDED, 3, None),
    ]
    assert (found.shared_layers, found.shared_bytes, found.new_bytes, found.growth, found.unowned) == (
        1,
        105,
        500,
        53,
        3,
    )


def one_file(entry: LayerEntry | None) -> Inspection:
    return Image([BASE, ("RUN make", [entry] if entry else [])]).inspected()


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        pytest.param(file("/x"), file("/x"), None, id="equal"),
        pytest.param(None, file("/x"), ChangeKind.ADDED, id="added"),
        pytest.param(file("/x"), None, ChangeKind.REMOVED, id="removed"),
        pytest.param(file("/x", text="a"), file("/x", text="b"), ChangeKind.CHANGED, id="other bytes, same size"),
        pytest.param(file("/x", mode=0o644), file("/x", mode=0o755), ChangeKind.METADATA, id="mode"),
        pytest.param(file("/x"), file("/x", uid=50000), ChangeKind.METADATA, id="owner"),
        pytest.param(
            file("/x"), LayerEntry("/x", EntryKind.SYMLINK, link="/y"), ChangeKind.CHANGED, id="became a link"
        ),
        pytest.param(
            LayerEntry("/x", EntryKind.SYMLINK, link="/z"),
            LayerEntry("/x", EntryKind.SYMLINK, link="/y"),
            ChangeKind.CHANGED,
            id="link to elsewhere",
        ),
        pytest.param(file("/x"), LayerEntry("/x", EntryKind.FOLDER), ChangeKind.REMOVED, id="became a folder"),
        pytest.param(
            LayerEntry("/x", EntryKind.FOLDER),
            LayerEntry("/x", EntryKind.FOLDER, mode=0o777),
            None,
            id="a folder's mode",
        ),
        pytest.param(file("/x", 0), file("/x", 0, mode=0o600), ChangeKind.METADATA, id="empty file"),
    ],
)
def test_a_file(before: LayerEntry | None, after: LayerEntry | None, change: ChangeKind | None) -> None:
    found = compare_images(one_file(before), one_file(after)).files
    assert [one.change for one in found] == ([change] if change else [])


def test_which_of_two_names_comes_first_in_a_tar_is_no_other_content() -> None:
    before = Image([("RUN ln", [file("/a", text="t"), LayerEntry("/b", EntryKind.HARDLINK, mode=0o644, link="/a")])])
    after = Image([("RUN ln", [file("/b", text="t"), LayerEntry("/a", EntryKind.HARDLINK, mode=0o644, link="/b")])])
    found = compare_images(before.inspected(), after.inspected())
    assert [(one.path, one.change, one.growth) for one in found.files] == [
        ("/a", ChangeKind.METADATA, -10),
        ("/b", ChangeKind.METADATA, 10),
    ]


def test_a_further_name_of_a_file_that_a_later_layer_replaced_is_not_the_new_file() -> None:
    link = LayerEntry("/b", EntryKind.HARDLINK, mode=0o644, link="/a")
    before = Image([("RUN ln", [file("/a", text="t"), link]), ("RUN x", [file("/a", text="u")])])
    after = Image([("RUN ln", [file("/a", text="u"), link])])
    assert ("/b", ChangeKind.CHANGED) in [
        (one.path, one.change) for one in compare_images(before.inspected(), after.inspected()).files
    ]


def test_layers_made_again_hold_the_same() -> None:
    again = replace(AFTER, stamps={1: "another day"})
    found = compare_images(AFTER.inspected(), again.inspected())
    assert [one.change for one in found.layers] == [ChangeKind.CHANGED, ChangeKind.METADATA]
    assert not found.has_other_content
    assert not found.is_empty
    assert found.new_bytes == 500


def test_a_package_in_two_folders_is_matched_by_its_place() -> None:
    other = Owned("python", "numpy", "1.0", "/opt/x/numpy")
    before = replace(BEFORE, packages=[numpy("1.24.3"), other]).inspected()
    after = replace(BEFORE, packages=[other]).inspected()
    (gone,) = [one for one in compare_images(before, after).packages if one.change is ChangeKind.REMOVED]
    assert gone.before is not None
    assert gone.before.version == "1.24.3"


def test_a_package_that_moved_is_one_change() -> None:
    before = Image(BEFORE.layers, [numpy("1.0")]).inspected()
    moved = Image(
        [BASE, ("RUN pip", [file("/opt/lib/numpy/a.py", 40)])], [Owned("python", "numpy", "2.0", "/opt/lib/numpy")]
    )
    (change,) = compare_images(before, moved.inspected()).packages
    assert (change.change, change.growth) == (ChangeKind.CHANGED, -400)


def test_waste_is_told_by_code() -> None:
    waste = Waste("OB401", "m", "f", (WastedFile(1, "/x", 30), WastedFile(1, "/y", 5)))
    found = compare_images(BEFORE.inspected(), replace(BEFORE, waste=[waste, waste]).inspected())
    assert [(one.code, one.before, one.after) for one in found.waste] == [("OB401", 0, 70)]
    assert found.has_other_content


def layer(name: str, instruction: str, diff_id: str = "") -> LayerSummary:
    return LayerSummary(diff_id or f"diff-{name}", f"chain-{name}", instruction, 1, 1, 1, 0, from_base=False)


paths = st.sampled_from(["/a", "/d/b", "/d/c", "/d/e/f", "/d/e", "/d", f"{NUMPY}/x", f"{NUMPY}/y"])
entries = st.one_of(
    st.builds(
        file,
        paths,
        st.integers(0, 99),
        text=st.sampled_from("tu"),
        mode=st.sampled_from([0o644, 0o755]),
        uid=st.just(0),
    ),
    st.builds(lambda path: LayerEntry(path, EntryKind.WHITEOUT), paths),
    st.builds(lambda path: LayerEntry(path, EntryKind.OPAQUE), paths),
    st.builds(lambda path: LayerEntry(path, EntryKind.FOLDER, mode=0o755), paths),
    st.builds(lambda path, to: LayerEntry(path, EntryKind.HARDLINK, mode=0o644, link=to), paths, paths),
    st.builds(lambda path, to: LayerEntry(path, EntryKind.SYMLINK, link=to), paths, paths),
)
instructions = st.sampled_from(["RUN pip install a", "RUN pip install b", "COPY x /", "RUN true", "", "ADD base.tar /"])
wastes = st.builds(
    lambda code, size: Waste(code, "m", "f", (WastedFile(0, "/a", size),)),
    st.sampled_from(["OB401", "OB402"]),
    st.integers(0, 9),
)
layers = st.lists(
    st.tuples(instructions, st.lists(entries, max_size=5, unique_by=lambda entry: entry.path)), max_size=5
)
versions = st.sampled_from(["1.0", "2.0"])
handmade = st.builds(
    lambda layers, version, waste: Image(layers, [numpy(version)], waste).inspected(),
    layers,
    versions,
    st.lists(wastes, max_size=2),
)


def really_analysed(layers: Sequence[tuple[str, Sequence[LayerEntry]]], version: str) -> Inspection:
    """As the analysis itself says it, of an image in which numpy has a METADATA and a RECORD."""
    info = f"{PYTHON_FOLDER}/numpy-{version}.dist-info"
    texts = {
        f"{info}/METADATA": f"Name: numpy\nVersion: {version}\n".encode(),
        f"{info}/RECORD": f"numpy/x,,\nnumpy/y,,\nnumpy-{version}.dist-info/METADATA,,\n".encode(),
    }
    last = ("RUN pip", [file(path, len(text)) for path, text in texts.items()])
    return analyze_image(Image([*layers, last], texts=texts).content())


images = handmade | st.builds(really_analysed, layers, versions)


@settings(max_examples=EXAMPLES)
@given(images)
def test_an_image_does_not_differ_from_itself(image: Inspection) -> None:
    found = compare_images(image, image)
    assert found.is_empty
    assert not found.has_other_content
    assert found.new_bytes == 0


@settings(max_examples=EXAMPLES)
@given(images, images)
@example(BEFORE.inspected(), AFTER.inspected())
def test_the_figures_add_up(before: Inspection, after: Inspection) -> None:
    found = compare_images(before, after)
    assert sum(one.growth for one in found.layers) == after.bytes - before.bytes == found.growth
    seen = after.visible_bytes - before.visible_bytes
    assert sum(one.growth for one in found.files) == seen
    assert sum(one.growth for one in found.packages) + found.unowned == seen
    assert sum(one.growth for one in found.waste) == after.waste_bytes - before.waste_bytes
    assert found.shared_bytes + sum(one.after.bytes for one in found.layers if one.after) == after.bytes


@settings(max_examples=EXAMPLES)
@given(images, images)
@example(BEFORE.inspected(), AFTER.inspected())
def test_the_other_way_round_is_the_mirror(before: Inspection, after: Inspection) -> None:
    assert _comparable(compare_images(after, before)) == _comparable(_mirror(compare_images(before, after)))


TURNED = {ChangeKind.ADDED: ChangeKind.REMOVED, ChangeKind.REMOVED: ChangeKind.ADDED}


def _mirror(one: ImageDiff) -> ImageDiff:
    return replace(
        one,
        before=one.after,
        after=one.before,
        layers=tuple(LayerChange(layer.after, layer.before) for layer in one.layers),
        packages=tuple(replace(change, before=change.after, after=change.before) for change in one.packages),
        unowned=-one.unowned,
        files=tuple(
            FileChange(file.path, TURNED.get(file.change, file.change), file.after, file.before, file.owner)
            for file in one.files
        ),
        waste=tuple(replace(change, before=change.after, after=change.before) for change in one.waste),
    )


def _comparable(one: ImageDiff) -> ImageDiff:
    """Without who owns a file: that is said of the second image."""
    return replace(one, files=tuple(file._replace(owner=None) for file in one.files))
