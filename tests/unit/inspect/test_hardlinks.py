"""Bytes with several names: they are at one of them, count once, and stay as long as any name does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from layer_factories import SITE, Part, content, distribution, file, gone, hardlink, inspected, layer, waste, wasted

from builder.inspect.analyse import analyze_image
from builder.inspect.hardlinks import resolve_hard_links
from builder.inspect.machine import Machine
from builder.inspect.model import Inspection, LayerContent, LayerEntry
from builder.inspect.overlay import merge_layers

NO_GPU = Machine(gpu=False, how="it has no device")
CACHE = "/root/.cache/uv/archive-v0/abc"


def cached(parts: list[Part]) -> list[Part]:
    """A distribution as uv installs it: its files lie in the cache, and the installed ones are further names.

    RECORD is written anew.
    """
    made: list[Part] = []
    for path, part in ((one.path if isinstance(one, LayerEntry) else str(one[0]), one) for one in parts):
        kept = path.replace(SITE, CACHE)
        made.append(part._replace(path=kept) if isinstance(part, LayerEntry) else (kept, bytes(part[1])))  # type: ignore[arg-type] # the rest of a pair is bytes
        made.append(part if path.endswith("/RECORD") else hardlink(path, kept))
    return made


def linked(parts: list[Part]) -> LayerContent:
    """As the reader does it: a text is there under its further names too."""
    one = layer(cached(parts))
    texts = {e.path: one.texts[e.link] for e in one.entries if e.link in one.texts}
    return LayerContent(one.diff, one.tar_bytes, one.entries, {**one.texts, **texts})


def adds_up(found: Inspection) -> bool:
    packages = sum(one.bytes for one in found.packages)
    hidden = sum(one.hidden for one in found.layers)
    return (
        sum(one.bytes for one in found.layers) == found.bytes == found.visible_bytes + hidden
        and packages + found.unowned.bytes == found.visible_bytes
    )


def cublas() -> list[Part]:
    return distribution("nvidia-cublas-cu12", file(f"{SITE}/nvidia/libcublas.so.12", 5000))


def test_what_uv_links_out_of_its_cache_is_installed_once_and_where_it_was_installed() -> None:
    found = inspected(linked(cublas()), machine=NO_GPU)
    (package,) = found.packages
    assert (package.key.name, package.folder) == ("nvidia-cublas-cu12", SITE)
    assert package.bytes >= 5000
    assert wasted(found, "OB408")[f"{SITE}/nvidia/libcublas.so.12"] == 5000
    assert "the same bytes are in /root/.cache/uv, which has to go as well" in waste(found, "OB408")[0].fix
    assert adds_up(found)


def test_of_such_a_cache_only_that_is_waste_which_is_not_installed() -> None:
    found = inspected(linked(cublas()), layer(file("/root/.cache/uv/wheels/x", 70)))
    record = f"{CACHE}/nvidia-cublas-cu12-1.0.dist-info/RECORD"
    assert set(wasted(found, "OB405")) == {record, "/root/.cache/uv/wheels/x"}
    assert adds_up(found)


def test_tests_and_orphans_count_although_the_cache_has_them_too() -> None:
    parts = distribution("left", file(f"{SITE}/left/tests/big.bin", 300), file(f"{SITE}/left/a.js.map", 20))
    found = inspected(linked(parts), layer(distribution("app")), asked_for=["app"])
    assert wasted(found, "OB409") == {f"{SITE}/left/tests/big.bin": 300}
    assert wasted(found, "OB410") == {f"{SITE}/left/a.js.map": 20}
    assert waste(found, "OB414")[0].fix.endswith("in /root/.cache/uv, which has to go as well")


def test_a_second_environment_with_the_same_files_has_to_go_as_well() -> None:
    other = "/srv/venv/lib/python3.11/site-packages"
    name = "nvidia/libcublas.so.12"
    link = hardlink(f"{other}/{name}", f"{SITE}/{name}")
    both = distribution("nvidia-cublas-cu12", link, site=other)
    assert wasted(inspected(layer(cublas(), both), machine=NO_GPU), "OB408")[f"{SITE}/{name}"] == 5000
    alone = wasted(inspected(layer(cublas(), link), machine=NO_GPU), "OB408")
    assert f"{SITE}/{name}" not in alone


def test_virtual_environments_that_poetry_keeps_in_its_cache_are_installations() -> None:
    site = "/root/.cache/pypoetry/virtualenvs/app-py3.11/lib/python3.11/site-packages"
    found = inspected(layer(distribution("six", file(f"{site}/six.py"), site=site)))
    assert [one.key.name for one in found.packages] == ["six"]
    assert not found.waste


def test_bytes_of_a_cache_stay_where_another_name_keeps_them_and_the_first_one_is_gone() -> None:
    names = [file("/opt/a", 9000), hardlink("/root/.cache/pip/x", "/opt/a"), hardlink("/usr/lib/keep", "/opt/a")]
    found = inspected(layer(*names), layer(gone("/opt/a")))
    assert not found.waste
    assert (found.visible_bytes, found.layers[0].hidden) == (9000, 0)


def test_a_link_to_a_link_keeps_the_bytes_too() -> None:
    parts = layer(file("/a", 1000), hardlink("/b", "/a"), hardlink("/c", "/b"))
    found = inspected(parts, layer(gone("/a"), gone("/b")))
    assert (found.visible_bytes, found.waste) == (1000, ())
    assert wasted(inspected(parts, layer(gone("/a"), gone("/b"), gone("/c"))), "OB403") == {"/a": 1000}


def test_installed_files_whose_owner_was_changed_are_told_by_their_installed_name() -> None:
    one = [file(f"{CACHE}/big", 500), hardlink(f"{SITE}/big", f"{CACHE}/big")]
    again = [file(f"{CACHE}/big", 500, uid=7), hardlink(f"{SITE}/big", f"{CACHE}/big")]
    found = inspected(layer(*one), layer(*again))
    assert wasted(found, "OB401") == {f"{SITE}/big": 500}
    assert not waste(found, "OB402")


PATHS = ("/a", "/b", "/c", f"{CACHE}/a", f"{CACHE}/b")
PART = st.one_of(
    st.builds(file, st.sampled_from(PATHS), st.integers(1, 9)),
    st.builds(hardlink, st.sampled_from(PATHS), st.sampled_from(PATHS)),
    st.builds(gone, st.sampled_from(PATHS)),
)


@given(st.lists(st.lists(PART, max_size=7), max_size=3))
def test_every_file_is_visible_or_hidden_and_counts_once(stack: list[list[LayerEntry]]) -> None:
    layers = [layer(*parts) for parts in stack]
    assert adds_up(analyze_image(content(*layers)))
    merged = resolve_hard_links(layers, merge_layers(layers))
    assert set(merged.visible) == set(merge_layers(layers).visible)
