"""The figures of an image: layers, folders, what belongs to nobody, who needs whom."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from layer_factories import (
    SITE,
    Part,
    content,
    debian,
    distribution,
    dpkg_status,
    file,
    folder,
    gone,
    hardlink,
    inspected,
    layer,
    status,
    waste,
)

from builder.inspect.analyse import analyze_image
from builder.inspect.filesystem import build_filesystem
from builder.inspect.machine import Machine
from builder.inspect.model import EntryKind
from builder.inspect.packages.distributions import find_distributions
from builder.inspect.packages.requirement_graph import build_graph


def test_bytes_are_those_of_all_layers_and_visible_ones_of_what_is_seen() -> None:
    found = inspected(layer(file("/a", 100), file("/b", 10)), layer(file("/a", 1), gone("/b")))
    assert (found.bytes, found.visible_bytes) == (111, 1)
    assert [(one.bytes, one.hidden, one.files) for one in found.layers] == [(110, 110, 2), (1, 0, 1)]
    assert [one.instruction for one in found.layers] == ["RUN step 0", "RUN step 1"]


def test_bytecode_of_a_layer_counts_there_also_where_a_later_one_hides_it() -> None:
    compiled = "/a/__pycache__/x.cpython-311.pyc"
    found = inspected(layer(file(compiled, 100), file("/a/x.py", 10)), layer(file(compiled, 7), file("/pyc", 1)))
    assert [one.bytecode for one in found.layers] == [100, 7]
    assert found.bytecode_bytes == 107


def test_a_layer_that_the_lock_planned_bears_its_name_there() -> None:
    """In our own images alone: another Dockerfile may copy from such a folder too."""
    made = content(layer(file("/a", 1)), layer(file("/b", 1)), layer(file("/c", 1)))
    words = ("COPY /out/ /", "COPY /out/numpy.libs/ /", "COPY /out/seaborn/ /srv")
    ours, other = (
        analyze_image(replace(made, instructions=words, labels=labels)) for labels in ({"optbuild.content": "a"}, {})
    )
    assert [one.instruction for one in ours.layers] == [words[0], "Python packages: numpy.libs", words[2]]
    assert [one.instruction for one in other.layers] == [*words]


def test_a_folder_counts_with_all_below_it_and_the_root_comes_first() -> None:
    found = inspected(layer(folder("/a"), file("/a/b/c", 5), file("/a/d", 7), file("/e", 30)))
    assert [(one.path, one.bytes, one.files) for one in found.folders] == [("/", 42, 3), ("/a", 12, 2), ("/a/b", 5, 1)]


def test_what_belongs_to_nobody_is_told_by_place_and_counts_once() -> None:
    parts: list[Part] = [
        distribution("six", file(f"{SITE}/six.py")),
        file("/home/x/.local/share/y/z", 9),
        file("/etc/a", 4),
    ]
    found = inspected(layer(parts, file("/top", 1)))
    assert (found.unowned.bytes, found.unowned.files) == (14, 3)
    places = [(one.path, one.bytes) for one in found.unowned_folders]
    assert places == [("/home/x/.local", 9), ("/etc", 4), ("/", 1)]


def test_a_hard_link_keeps_the_bytes_when_the_first_name_goes() -> None:
    found = inspected(layer(file("/a", 100), hardlink("/b", "/a")), layer(gone("/a")))
    assert found.visible_bytes == 100
    assert found.layers[0].hidden == 0
    assert not found.waste


def test_a_package_names_the_layer_that_has_most_of_it() -> None:
    first = layer(distribution("six", file(f"{SITE}/six.py", 10), listed=["big.py"]))
    assert inspected(first, layer(file(f"{SITE}/big.py", 9000))).packages[0].layer == 1


def test_an_image_without_layers_is_empty() -> None:
    found = inspected()
    assert (found.bytes, found.waste, found.packages) == (0, (), ())
    assert found.folders[0].path == "/"


def graph(*parts: Part) -> dict[str, tuple[str, ...]]:
    found = inspected(layer(*parts))
    return {one.key.name: one.requires for one in found.packages}


def test_a_requirement_counts_where_its_marker_holds_in_the_image() -> None:
    needs = [
        'numpy>=1; python_version >= "3.10"',
        'old; python_version < "3.10"',
        'win; sys_platform == "win32"',
        "not-installed",
    ]
    found = graph(distribution("pandas", requires=needs), *(distribution(one) for one in ("numpy", "old", "win")))
    assert found["pandas"] == ("numpy",)


def test_an_extra_counts_where_somebody_asks_for_it() -> None:
    parts: list[Part] = [
        distribution("app", requires=["httpx[http2]"]),
        distribution("httpx", requires=['h2; extra == "http2"', 'rich; extra == "cli"']),
        *(distribution(one) for one in ("h2", "rich")),
    ]
    assert graph(*parts)["httpx"] == ("h2",)
    found = inspected(layer(*parts), asked_for=["httpx[cli]", "app"])
    assert next(one.requires for one in found.packages if one.key.name == "httpx") == ("h2", "rich")


def test_what_an_extra_brings_may_ask_for_extras_too() -> None:
    parts = [
        distribution("app", requires=["httpx[http2]"]),
        distribution("httpx", requires=['h2; extra == "http2"']),
        distribution("h2", requires=["hpack[fast]"]),
        distribution("hpack", requires=['speed; extra == "fast"']),
        distribution("speed"),
    ]
    assert graph(*parts)["hpack"] == ("speed",)


def test_the_shortest_way_leads_from_what_was_asked_for() -> None:
    parts: list[Part] = [
        distribution("seaborn", requires=["pandas", "numpy"]),
        distribution("pandas", requires=["numpy", 'scipy; extra == "all"']),
        *(distribution(one) for one in ("numpy", "scipy")),
    ]
    scene = build_filesystem(content(layer(*parts)))
    reach = build_graph(find_distributions(scene), "linux/amd64", "3.11").find_reachable(["seaborn"])
    assert reach.find_path("numpy") == ("seaborn", "numpy")
    assert reach.find_path("scipy") == ("seaborn", "pandas[all]", "scipy")
    assert reach.find_path("seaborn") == ("seaborn",)
    assert reach.find_path("elsewhere") == ()


def test_requirements_in_a_circle_end() -> None:
    found = graph(distribution("a", requires=["b"]), distribution("b", requires=["a"]))
    assert found == {"a": ("b",), "b": ("a",)}


def asked(*parts: Part, **given: list[str]) -> list[str]:
    found = inspected(layer(*parts), asked_for=given.get("asked_for", ()))
    return [one.key.name for one in found.packages if one.asked_for]


def test_the_installers_note_tells_unless_everything_has_one() -> None:
    wanted, other = distribution("app", requested=True), distribution("dep")
    assert asked(wanted, other) == ["app"]
    assert asked(wanted, distribution("dep", requested=True)) == []
    assert asked(wanted, other, asked_for=["dep>=1", "unknown"]) == ["dep"]


PATHS = st.sampled_from(
    [
        "/a", "/root/.cache/pip/x", "/usr/bin/gcc", "/usr/bin/gcc-12", f"{SITE}/six.py", f"{SITE}/six/tests/t.py",
        f"{SITE}/six/a.js.map", "/var/lib/apt/lists/x", "/root/.netrc", "/b/copy",
        f"{SITE}/__pycache__/six.cpython-311.pyc", f"{SITE}/__pycache__/six.cpython-38.pyc",
    ]
)  # fmt: skip
FILES = st.builds(
    lambda path, size, text, uid, symbols: file(path, size, text=text, uid=uid, symbols=min(symbols, size)),
    PATHS,
    st.sampled_from([0, 10, 70_000]),
    st.sampled_from(["x", "y"]),
    st.sampled_from([0, 50_000]),
    st.sampled_from([0, 5, 100_000]),
)
LAYERS = st.lists(st.one_of(FILES, st.builds(gone, PATHS)), max_size=8)


@given(st.lists(LAYERS, max_size=4), st.integers(0, 3))
def test_no_byte_is_wasted_twice_none_of_the_base_and_never_more_than_there_is(
    stack: list[list[Part]], base: int
) -> None:
    packages = layer(
        dpkg_status(status("gcc")), debian("gcc", listed=["/usr/bin/gcc"]), distribution("six", listed=["six.py"])
    )
    layers = [packages, *(layer(*parts) for parts in stack)]
    found = analyze_image(content(*layers, base=min(base, len(layers))), ["six"], Machine(gpu=False))
    sizes = [{one.path: one.size for one in each.entries if one.kind is EntryKind.FILE} for each in layers]
    spent: dict[tuple[int, str], int] = {}
    for one in found.waste:
        for part in one.files:
            assert part.layer >= base or one.code == "OB404"
            assert part.bytes > 0
            spent[part.layer, part.path] = spent.get((part.layer, part.path), 0) + part.bytes
    assert all(spent[place] <= sizes[place[0]][place[1]] for place in spent)
    hidden = sum(one.hidden for one in found.layers if not one.from_base)
    known = sum(one.bytes for code in ("OB401", "OB402", "OB403", "OB404") for one in waste(found, code))
    if not base:
        assert known == hidden
    assert found.waste_bytes <= found.bytes
    assert found.unowned.bytes + sum(one.bytes for one in found.packages) == found.visible_bytes
