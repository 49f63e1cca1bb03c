"""Shared libraries of wheels: what they bring, what Debian has, and what nobody has."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from builder.core.errors import LockError
from builder.image.lock.facts import DistributionFacts, ElfRecord, read_cached_facts, read_facts, write_cached_facts
from builder.image.lock.libraries import find_provided_libraries, find_required_libraries, resolve_library_packages
from builder.image.lock.sonames import find_library_package, list_package_candidates

if TYPE_CHECKING:
    from pathlib import Path

    from builder.image.lock.foundation import Foundation
    from builder.image.lock.target import LockTarget


def facts(name: str, *elf: tuple[str, tuple[str, ...], tuple[str, ...]], machine: str = "x86_64") -> DistributionFacts:
    return DistributionFacts(name, (), tuple(ElfRecord(path, machine, needed, search) for path, needed, search in elf))


def sonames(target: LockTarget, *installed: DistributionFacts) -> tuple[list[str], list[str]]:
    needs = find_required_libraries(target, installed)
    return [soname for soname, _ in needs.known], [missing.soname for missing in needs.unknown]


def test_glibc_is_always_there(target: LockTarget) -> None:
    assert sonames(target, facts("x", ("x.so", ("libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"), ()))) == ([], [])


def test_what_any_linux_has_becomes_a_package(target: LockTarget) -> None:
    needs = find_required_libraries(target, [facts("pandas", ("pandas/a.so", ("libstdc++.so.6", "libgcc_s.so.1"), ()))])
    assert needs.known == (("libgcc_s.so.1", "libgcc-s1"), ("libstdc++.so.6", "libstdc++6"))


def test_an_interpreter_of_the_image_brings_its_own_library(target: LockTarget, foundation: Foundation) -> None:
    embeds = [facts("embeds", ("embeds.so", ("libpython3.11.so.1.0",), ()))]
    assert find_required_libraries(target, embeds).known == (("libpython3.11.so.1.0", "libpython3.11"),)
    assert find_required_libraries(target, embeds, find_provided_libraries(foundation)).known == ()
    debians = dataclasses.replace(foundation, python_path="/usr/bin/python3.11")
    assert find_provided_libraries(debians) == find_provided_libraries(None) == frozenset()


def test_a_library_of_the_same_wheel_is_no_need(target: LockTarget) -> None:
    numpy = facts(
        "numpy",
        ("numpy/core/m.so", ("libopenblas-1.so.0",), ("$ORIGIN/../../numpy.libs",)),
        ("numpy.libs/libopenblas-1.so.0", ("libgfortran-2.so.5",), ()),
        ("numpy.libs/libgfortran-2.so.5", (), ()),
    )
    assert sonames(target, numpy) == ([], [])


def test_a_library_of_another_wheel_counts_only_by_rpath(target: LockTarget) -> None:
    cublas = facts("nvidia-cublas", ("nvidia/cublas/lib/libcublas.so.12", (), ()))
    found = facts("torch", ("torch/lib/t.so", ("libcublas.so.12",), ("$ORIGIN/../../nvidia/cublas/lib",)))
    lost = facts("torch", ("torch/lib/t.so", ("libcublas.so.12",), ("/usr/local/cuda/lib",)))
    assert sonames(target, cublas, found) == ([], [])
    assert sonames(target, cublas, lost) == ([], ["libcublas.so.12"])


def test_files_of_another_machine_are_not_loaded(target: LockTarget) -> None:
    assert sonames(target, facts("x", ("x.so", ("libodd.so.1",), ()), machine="aarch64")) == ([], [])


def test_a_library_that_nobody_listed_is_an_error_with_the_spec_key(target: LockTarget) -> None:
    needs = find_required_libraries(target, [facts("odd", ("odd/_odd.so", ("libodd.so.7",), ()))])
    with pytest.raises(LockError, match=r"odd/_odd.so of odd needs the shared library libodd.so.7") as caught:
        resolve_library_packages(needs, ["libc6", "libodd6"], "bookworm")
    assert caught.value.hint == (
        "add the Debian package that has libodd.so.7 to runtime of [apt] (by Debian's naming rule libodd7)"
    )


def test_a_package_of_the_closure_provides_it_by_debians_rule(target: LockTarget) -> None:
    needs = find_required_libraries(target, [facts("odd", ("odd/_odd.so", ("libodd.so.7", "libz.so.1"), ()))])
    assert resolve_library_packages(needs, ["libodd7"], "bookworm") == (
        ("libodd.so.7", "libodd7"),
        ("libz.so.1", "zlib1g"),
    )


@pytest.mark.parametrize(
    ("soname", "release", "package"),
    [
        ("libpq.so.5", "bookworm", "libpq5"),
        ("libmariadb.so.3", "bookworm", "libmariadb3"),
        ("libgdal.so.32", "bookworm", "libgdal32"),
        ("libgeos-3.11.1.so", "bookworm", "libgeos-3.11.1"),
        ("libssl.so.3", "trixie", "libssl3t64"),
        ("libpcre2-8.so.0", "bookworm", "libpcre2-8-0"),
        ("libGLU.so.1", "bookworm", "libglu1"),
        ("libfoo_bar.so.2", "bookworm", "libfoo-bar2"),
    ],
)
def test_debians_naming_rule(soname: str, release: str, package: str) -> None:
    assert list_package_candidates(soname, release)[0] == package


def test_a_plugin_has_no_package() -> None:
    assert list_package_candidates("plugin.so", "bookworm") == ()


def test_names_of_each_release() -> None:
    assert find_library_package("libglib-2.0.so.0", "bookworm", "3.11") == "libglib2.0-0"
    assert find_library_package("libglib-2.0.so.0", "trixie", "3.13") == "libglib2.0-0t64"
    assert find_library_package("libpython3.11.so.1.0", "bookworm", "3.11") == "libpython3.11"
    assert find_library_package("libpython3.9.so.1.0", "bookworm", "3.11") is None


def installed(folder: Path, name: str, files: dict[str, bytes]) -> None:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Name: {name}\nProvides-Extra: X_y\nRequires-Dist: a>1\nRequires-Dist: b; extra == 'x'\n\nRequires-Dist: no\n"
    )
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in files))
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def test_facts_of_what_was_installed(tmp_path: Path) -> None:
    installed(tmp_path, "Some_Name", {"a/x.so": b"\x7fELF-not", "a/x.py": b"\x7fELF", "a/data": b"text"})
    with pytest.raises(LockError, match=r"a/x.so of some-name: .*ELF"):
        read_facts(tmp_path)
    (tmp_path / "a/x.so").write_bytes(b"no")
    assert read_facts(tmp_path) == {
        "some-name": DistributionFacts("some-name", ("a>1", "b; extra == 'x'"), (), ("x-y",))
    }


def test_a_record_that_leaves_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.so").write_bytes(b"\x7fELF rubbish that would be an error")
    installed(tmp_path / "in", "x", {})
    (tmp_path / "in/x-1.0.dist-info/RECORD").write_text("../outside.so,,\n/etc/passwd,,\n")
    assert read_facts(tmp_path / "in")["x"].elf == ()


def test_facts_are_cached_by_hash(tmp_path: Path) -> None:
    some = facts("x", ("x.so", ("libz.so.1",), ("$ORIGIN",)))
    assert read_cached_facts(tmp_path, "00") is None
    write_cached_facts(tmp_path, "00", some)
    assert read_cached_facts(tmp_path, "00") == some
    with_extras = dataclasses.replace(some, extras=("excel",))
    write_cached_facts(tmp_path, "00", with_extras)
    assert read_cached_facts(tmp_path, "00") == with_extras
    next(tmp_path.rglob("00*.json")).write_text("{")
    assert read_cached_facts(tmp_path, "00") is None
