"""Each kind of waste: the case it must find, with its bytes, and the harmless twin."""

from __future__ import annotations

from typing import Any

import pytest
from layer_factories import (
    SITE,
    Part,
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
    wasted,
)

from builder.core.naming import LABEL_CONTENT
from builder.inspect.machine import Machine
from builder.inspect.waste.compilers import select_build_packages

NO_GPU = Machine(gpu=False, how="it has no device")


def codes(found: Any) -> set[str]:
    return {one.code for one in found.waste}


# OB401 to OB404: what later layers hide


def test_a_file_whose_owner_was_changed_is_there_twice_and_once_for_nothing() -> None:
    found = inspected(layer(file("/app/a", 900)), layer(file("/app/a", 900, uid=50000)))
    (one,) = found.waste
    assert (one.code, one.bytes, one.layer) == ("OB401", 900, 1)
    assert "only to change their owner" in one.message
    assert "`COPY --chown=50000:0 SOURCE TARGET`" in one.fix


def test_a_changed_mode_says_so_and_so_does_no_change_at_all() -> None:
    mode = inspected(layer(file("/a")), layer(file("/a", mode=0o755)))
    same = inspected(layer(file("/a")), layer(file("/a")))
    assert "only to change their mode" in mode.waste[0].message
    assert "`COPY --chmod=755 SOURCE TARGET`" in mode.waste[0].fix
    assert "same bytes, owner and mode" in same.waste[0].message


def test_of_three_copies_two_are_waste() -> None:
    found = inspected(layer(file("/a")), layer(file("/a", uid=1)), layer(file("/a", uid=2)))
    assert found.waste_bytes == 2000


def test_a_copy_of_a_file_of_the_base_is_waste_and_the_bases_own_copies_are_not() -> None:
    stack = [layer(file("/a")), layer(file("/a", uid=1)), layer(file("/a", uid=2))]
    assert [(one.code, one.bytes, one.layer) for one in inspected(*stack, base=2).waste] == [("OB401", 1000, 2)]
    assert not inspected(*stack[:2], base=2).waste


def test_a_file_that_is_rewritten_and_then_removed_is_all_waste_once() -> None:
    found = inspected(layer(file("/a")), layer(file("/a", uid=1)), layer(gone("/a")))
    assert {one.code: one.bytes for one in found.waste} == {"OB401": 1000, "OB403": 1000}


def test_a_deleted_file_is_waste_of_the_layer_that_has_it() -> None:
    found = inspected(layer(folder("/scratch"), file("/scratch/big", 5000)), layer(gone("/scratch/big")))
    assert [(one.code, one.bytes, one.layer) for one in found.waste] == [("OB403", 5000, 0)]


def test_a_file_that_was_deleted_and_made_again_with_the_same_bytes_is_no_copy() -> None:
    found = inspected(layer(file("/a")), layer(gone("/a")), layer(file("/a")))
    assert [(one.code, one.layer) for one in found.waste] == [("OB403", 0)]


def test_a_replaced_file_is_waste_of_the_first_layer_but_not_of_the_base() -> None:
    stack = [layer(file("/a", 10)), layer(file("/a", 20))]
    assert [(one.code, one.bytes, one.layer) for one in inspected(*stack).waste] == [("OB402", 10, 0)]
    assert not inspected(*stack, base=1).waste


# OB405, OB406: caches


@pytest.mark.parametrize(
    ("path", "tool"),
    [
        ("/root/.cache/pip/http-v2/a/b", "pip"),
        ("/home/airflow/.cache/uv/wheels/x", "uv"),
        ("/tmp/pip-req-build-1/x", "pip"),  # noqa: S108 - a path in an image
        ("/root/.npm/_cacache/content/x", "npm"),
        ("/opt/conda/pkgs/numpy.conda", "conda"),
        ("/root/.cache/matplotlib/fonts.json", "matplotlib"),
        ("/root/.cargo/registry/src/x", "cargo"),
        ("/usr/local/share/.cache/yarn/v6/x", "yarn"),
    ],
)
def test_a_cache_of_an_installer(path: str, tool: str) -> None:
    (one,) = inspected(layer(file(path, 4321))).waste
    assert (one.code, one.bytes, one.layer) == ("OB405", 4321, 0)
    assert f"the cache of {tool} (" in one.message


@pytest.mark.parametrize(
    "path",
    ["/root/.cache/huggingface/hub/model.bin", "/root/.cache/torch/x.pt", "/app/cache/pip.txt", "/opt/conda/lib/x"],
)
def test_models_and_programs_are_no_cache(path: str) -> None:
    assert not inspected(layer(file(path))).waste


def test_lists_and_archives_of_apt_count_and_dpkgs_own_database_does_not() -> None:
    paths = ["/var/lib/apt/lists/main_Packages", "/var/cache/apt/archives/gcc.deb", "/var/lib/dpkg/status-old"]
    keep = [file("/var/lib/dpkg/status"), file("/var/lib/apt/extended_states"), file("/var/log/apt/history.log")]
    found = inspected(layer(*(file(path, 100) for path in paths), *keep))
    assert wasted(found, "OB406") == dict.fromkeys(paths, 100)
    assert codes(found) == {"OB406"}


# OB407: compilers


def test_whole_packages_count_with_the_libraries_that_only_they_use() -> None:
    text = status("gcc-12: cpp-12, libgcc-s1", "cpp-12: libisl23, libmpc3", "libisl23", "libmpc3", "libgcc-s1", "curl")
    parts = [
        debian("gcc-12", file("/usr/bin/gcc-12", 5000), file("/usr/share/doc/gcc-12/readme", 7)),
        debian("cpp-12", file("/usr/bin/cpp-12", 400)),
        debian("libisl23", file("/usr/lib/libisl.so.23", 30)),
        debian("libgcc-s1", file("/usr/lib/libgcc_s.so.1", 2)),
        debian("curl", file("/usr/bin/curl", 1)),
    ]
    found = inspected(layer(dpkg_status(text), *parts))
    (one,) = waste(found, "OB407")
    paths = {file.path for file in one.files}
    assert {"/usr/bin/gcc-12", "/usr/bin/cpp-12", "/usr/lib/libisl.so.23", "/usr/share/doc/gcc-12/readme"} <= paths
    assert not {"/usr/lib/libgcc_s.so.1", "/usr/bin/curl"} & paths
    assert one.message.startswith("gcc-12, cpp-12, libisl23")
    packages = {package.key.name: package.bytes for package in found.packages}
    assert one.bytes == packages["gcc-12"] + packages["cpp-12"] + packages["libisl23"]


@pytest.mark.parametrize(
    ("needs", "chosen"),
    [
        ({"gcc": (), "libc6-dev": ()}, {"gcc", "libc6-dev"}),
        ({"gcc": ("gcc-12-base",), "gcc-12-base": (), "libgcc-s1": ("gcc-12-base",)}, {"gcc"}),
        ({"gdb": ("libmpfr6",), "gcc": ("libmpfr6",), "libmpfr6": ()}, {"gcc"}),
        ({"ocaml": ("gcc",), "gcc": ("binutils",), "binutils": ()}, set()),
        ({"libmpc3": ()}, set()),
        ({"gcc-12-base": ()}, set()),
        ({"build-essential": ("g++", "make"), "g++": (), "make": ()}, {"build-essential", "g++", "make"}),
        ({"libgomp1": (), "gcc-12": ("libgomp1",), "python3": (), "makedev": ()}, {"gcc-12"}),
    ],
)
def test_what_something_else_needs_is_no_build_package(needs: dict[str, tuple[str, ...]], chosen: set[str]) -> None:
    assert select_build_packages(needs) == chosen


def test_a_compiler_that_no_package_owns_is_found_by_its_place() -> None:
    paths = ["/usr/bin/gcc", "/opt/tool/bin/x86_64-linux-gnu-ld.bfd", "/usr/libexec/gcc/x86_64-alpine/13/cc1"]
    others = [file("/usr/bin/gccgo-docs"), file("/app/gcc"), file("/usr/bin/cc-tool")]
    assert wasted(inspected(layer(*(file(path, 10) for path in paths), *others)), "OB407") == dict.fromkeys(paths, 10)


def test_a_file_with_a_further_name_goes_only_with_that() -> None:
    both = layer(file("/usr/bin/c++", 10), hardlink("/usr/bin/g++", "/usr/bin/c++"))
    kept = layer(file("/usr/bin/gcc", 10), hardlink("/usr/bin/mine", "/usr/bin/gcc"))
    assert wasted(inspected(both), "OB407") == {"/usr/bin/c++": 10}
    assert not inspected(kept).waste


def test_what_condas_cache_shares_with_its_packages_takes_no_bytes() -> None:
    shared = [file("/opt/conda/pkgs/a/share/x", 9), hardlink("/opt/conda/share/x", "/opt/conda/pkgs/a/share/x")]
    found = inspected(layer(*shared, file("/opt/conda/pkgs/a.conda", 5)))
    assert wasted(found, "OB405") == {"/opt/conda/pkgs/a.conda": 5}


# OB408: CUDA


def torch() -> list[Part]:
    return [
        distribution(
            "torch", file(f"{SITE}/torch/lib/libtorch_cuda.so", 900), file(f"{SITE}/torch/lib/libtorch_cpu.so", 400)
        ),
        distribution("nvidia-cublas-cu12", file(f"{SITE}/nvidia/cublas/lib/libcublas.so.12", 600)),
    ]


def test_libraries_for_a_gpu_count_where_there_is_none_and_the_rest_of_torch_stays() -> None:
    found = inspected(layer(torch()), machine=NO_GPU)
    files = wasted(found, "OB408")
    assert files[f"{SITE}/torch/lib/libtorch_cuda.so"] == 900
    assert files[f"{SITE}/nvidia/cublas/lib/libcublas.so.12"] == 600
    assert f"{SITE}/torch/lib/libtorch_cpu.so" not in files
    assert "this machine has no GPU: it has no device" in waste(found, "OB408")[0].message


@pytest.mark.parametrize("machine", [Machine(gpu=True), Machine(gpu=None)])
def test_they_do_not_count_where_there_is_one_or_nothing_is_known(machine: Machine) -> None:
    assert not waste(inspected(layer(torch()), machine=machine), "OB408")


# OB409 to OB411, OB413: parts of packages


def test_tests_of_a_distribution_count_with_their_bytecode() -> None:
    paths = [f"{SITE}/pandas/tests/test_a.py", f"{SITE}/pandas/tests/data/x.csv", f"{SITE}/tests/test_b.py"]
    bytecode = f"{SITE}/pandas/tests/__pycache__/test_a.cpython-311.pyc"
    keep = [file(f"{SITE}/pandas/core.py"), file(f"{SITE}/pandas/testing/__init__.py"), file(f"{SITE}/pandas/test.py")]
    found = inspected(layer(distribution("pandas", *(file(path, 50) for path in paths), *keep), file(bytecode, 20)))
    assert wasted(found, "OB409") == {**dict.fromkeys(paths, 50), bytecode: 20}
    assert "tests of 1 package, 4 files: pandas" in waste(found, "OB409")[0].message


@pytest.mark.parametrize(
    "path", ["/app/tests/test_x.py", f"{SITE}/unowned/tests/test_x.py", "/usr/lib/python3/tests/x"]
)
def test_a_projects_own_tests_are_its_own_affair(path: str) -> None:
    assert not inspected(layer(file(path))).waste


def test_of_an_image_that_was_pruned_by_optbuild_tests_and_symbols_stay() -> None:
    parts = layer(distribution("pandas", file(f"{SITE}/pandas/tests/a.py"), file(f"{SITE}/pandas/a.so", 90, symbols=9)))
    labels = {LABEL_CONTENT: "0123456789ab"}
    assert not inspected(parts, labels=labels).waste
    assert codes(inspected(layer(file("/x")), parts, labels=labels, base=1)) == {"OB409", "OB413"}


def test_source_maps_count_wherever_they_lie() -> None:
    found = inspected(layer(file("/app/a.js.map", 5), file("/app/a.css.map", 6), file("/app/runtime.map", 7)))
    assert wasted(found, "OB410") == {"/app/a.js.map": 5, "/app/a.css.map": 6}


def test_of_bytecode_the_interpreters_own_plain_form_stays() -> None:
    folder = f"{SITE}/a/__pycache__"
    names = [
        "m.cpython-311.pyc",
        "m.cpython-311.opt-1.pyc",
        "m.cpython-39.pyc",
        "n.cpython-39.pyc",
        "o.cpython-311.pyc",
    ]
    found = inspected(
        layer(*(file(f"{folder}/{name}", 10) for name in names), file(f"{SITE}/a/o.py"), file(f"{SITE}/a/o.pyc", 3))
    )
    superfluous = [f"{folder}/m.cpython-311.opt-1.pyc", f"{folder}/m.cpython-39.pyc"]
    assert wasted(found, "OB411") == {**dict.fromkeys(superfluous, 10), f"{SITE}/a/o.pyc": 3}


def test_a_dot_in_a_modules_name_makes_it_no_second_form_of_another() -> None:
    names = ("gunicorn", "gunicorn.conf")
    sources = [file(f"/app/{name}.py", 20) for name in names]
    bytecode = [file(f"/app/__pycache__/{name}.cpython-311.pyc", 50) for name in names]
    assert not inspected(layer(*sources, *bytecode)).waste


def test_where_the_folder_does_not_tell_the_images_interpreter_does() -> None:
    folder = "/usr/lib/python3/dist-packages/__pycache__"
    stack = layer(
        file(f"{folder}/a.cpython-311.pyc", 5), file(f"{folder}/a.cpython-312.pyc", 6), file("/usr/bin/python3.11")
    )
    assert wasted(inspected(stack), "OB411") == {f"{folder}/a.cpython-312.pyc": 6}


def test_symbols_are_a_part_of_their_file() -> None:
    found = inspected(layer(file("/usr/lib/liba.so", 1000, symbols=300), file("/usr/lib/libb.so", 1000)))
    assert wasted(found, "OB413") == {"/usr/lib/liba.so": 300}


def test_symbols_of_a_compiler_are_the_compilers_waste() -> None:
    found = inspected(layer(file("/usr/bin/gcc", 1000, symbols=300)))
    assert {one.code: one.bytes for one in found.waste} == {"OB407": 1000}


# OB412: copies


def test_a_large_file_at_two_paths_is_there_once_for_nothing() -> None:
    stack = [layer(file("/wheels/a.whl", 80_000, text="w")), layer(file("/opt/a.whl", 80_000, text="w"))]
    (one,) = inspected(*stack).waste
    assert (one.code, one.bytes, one.layer) == ("OB412", 80_000, 1)
    assert "/opt/a.whl is /wheels/a.whl" in one.message


def test_small_files_links_and_what_packages_own_are_no_copies() -> None:
    owned = [file(f"{SITE}/{name}/libx.so", 90_000, text="x") for name in ("a", "b")]
    parts: list[Part] = [file("/a", 60_000, text="s"), file("/b", 60_000, text="s")]
    parts += [file("/c", 90_000), hardlink("/d", "/c"), distribution("a", owned[0]), distribution("b", owned[1])]
    assert not inspected(layer(*parts)).waste


def test_a_distribution_that_is_installed_twice_counts_file_by_file() -> None:
    other = "/usr/local/lib/python3.11/site-packages"
    first = distribution("six", file(f"{SITE}/six.py", 40, text="six"), file(f"{SITE}/own.py", 9))
    second = distribution("six", file(f"{other}/six.py", 40, text="six"), site=other)
    found = inspected(layer(first), layer(second))
    (one,) = waste(found, "OB412")
    equal_texts = sum(len(text) for path, text in found.content.layers[1].texts.items() if path.endswith("METADATA"))
    assert (one.bytes, one.layer) == (40 + equal_texts, 1)
    assert f"six is installed 2 times ({SITE}, {other})" in one.message


def test_each_environment_has_an_installer_of_its_own() -> None:
    other = "/usr/local/lib/python3.11/site-packages"
    parts = [distribution("pip", file(f"{site}/pip.py", text="pip"), site=site) for site in (SITE, other)]
    assert not inspected(layer(*parts)).waste


# OB414: nobody asked for it


def test_the_largest_one_that_is_only_needed_is_a_note_with_the_way_to_it() -> None:
    parts = [
        distribution("seaborn", requires=["pandas"]),
        distribution("pandas", requires=["numpy"]),
        distribution("numpy", file(f"{SITE}/numpy/core.so", 2_000_000)),
    ]
    (one,) = inspected(layer(*parts), asked_for=["seaborn"]).waste
    assert (one.code, one.bytes, one.files) == ("OB414", 0, ())
    assert one.message.endswith("seaborn -> pandas -> numpy")


def test_the_same_of_debians_packages_without_those_that_count_otherwise() -> None:
    text = status("postgresql: libpq5", "libpq5: libldap", "libldap", "build-essential: gcc-12", "gcc-12", "libalone")
    sizes = {"libldap": 2_000_000, "gcc-12": 9_000_000, "libalone": 8_000_000, "libpq5": 1_500_000}
    parts = layer(dpkg_status(text), *(debian(name, file(f"/usr/lib/{name}", size)) for name, size in sizes.items()))
    (note,) = waste(inspected(parts, asked_for=["postgresql", "build-essential"]), "OB414")
    assert (note.bytes, note.layer) == (0, 0)
    assert "libldap 1.2-3 is the largest Debian package that nobody asked for" in note.message
    assert note.message.endswith(": postgresql -> libpq5 -> libldap")
    assert not waste(inspected(parts), "OB414")


def test_what_nothing_needs_counts_in_full_but_installers_do_not() -> None:
    parts = [distribution("app"), distribution("left", file(f"{SITE}/left.py", 77)), distribution("pip")]
    found = inspected(layer(*parts), asked_for=["app"])
    (one,) = found.waste
    package = next(one for one in found.packages if one.key.name == "left")
    assert (one.code, one.bytes) == ("OB414", package.bytes)
    assert "1 distribution that nobody asked for and nothing needs: left" in one.message


def test_nothing_is_said_where_nobody_knows_what_was_asked_for_nor_of_the_base() -> None:
    parts = layer(distribution("a"), distribution("left", file(f"{SITE}/left.py", 2_000_000)))
    assert not inspected(parts).waste
    assert not inspected(parts, base=1, asked_for=["a"]).waste


# All of them


def test_the_more_precise_rule_has_the_byte() -> None:
    path = f"{SITE}/pandas/tests/a.js.map"
    stack = [layer(distribution("pandas", file(path, 100))), layer(file(path, 100, uid=1))]
    found = {one.code: (one.bytes, one.layer) for one in inspected(*stack).waste}
    assert found == {"OB401": (100, 1), "OB409": (100, 0)}


def test_the_largest_waste_comes_first() -> None:
    found = inspected(layer(file("/app/a.js.map", 5), file("/root/.cache/pip/x", 50), file("/app/b.css.map", 6)))
    assert [one.bytes for one in found.waste] == [50, 11]
