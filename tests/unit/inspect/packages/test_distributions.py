"""Whose a file is, by the records of Python distributions."""

from __future__ import annotations

import pytest
from layer_factories import SITE, Part, content, distribution, file, gone, inspected, layer, symlink

from builder.inspect.filesystem import build_filesystem
from builder.inspect.model import PackageKey
from builder.inspect.packages.distributions import find_distributions

PANDAS = PackageKey("python", "pandas")


def names(*parts: Part) -> list[tuple[str, str]]:
    found = find_distributions(build_filesystem(content(layer(*parts))))
    return [(one.name, one.folder) for one in found]


def test_a_distribution_owns_what_its_record_lists_and_its_bytes_add_up() -> None:
    module = file(f"{SITE}/pandas/core.py", 4000)
    found = inspected(layer(distribution("pandas", module, version="2.0.3")))
    package = next(one for one in found.packages if one.key == PANDAS)
    texts = sum(len(text) for text in found.content.layers[0].texts.values())
    assert (package.version, package.bytes, package.files) == ("2.0.3", 4000 + texts, 3)
    assert package.folder == SITE
    assert found.owners[module.path] == PANDAS


def test_a_name_is_normalised() -> None:
    assert names(distribution("Flask_Session.X"))[0][0] == "flask-session-x"


def test_a_script_and_a_file_outside_belong_to_their_distribution() -> None:
    parts = distribution("pandas", listed=["../../../bin/pandas", "/etc/pandas.conf", '"odd,name.py"'])
    found = inspected(layer(parts, file("/opt/venv/bin/pandas"), file("/etc/pandas.conf"), file(f"{SITE}/odd,name.py")))
    for path in ("/opt/venv/bin/pandas", "/etc/pandas.conf", f"{SITE}/odd,name.py"):
        assert found.owners[path] == PANDAS


@pytest.mark.parametrize("name", ["core.cpython-311.pyc", "core.cpython-311.opt-1.pyc"])
def test_bytecode_belongs_to_the_owner_of_its_source_though_no_record_lists_it(name: str) -> None:
    parts = distribution("pandas", file(f"{SITE}/pandas/core.py"))
    bytecode = f"{SITE}/pandas/__pycache__/{name}"
    assert inspected(layer(parts, file(bytecode))).owners[bytecode] == PANDAS


def test_bytecode_is_owned_also_where_the_source_was_taken_out() -> None:
    bytecode = f"{SITE}/pandas/__pycache__/core.cpython-311.pyc"
    found = inspected(layer(distribution("pandas", listed=["pandas/core.py"]), file(bytecode)))
    assert found.owners[bytecode] == PANDAS


def test_bytecode_of_nobodys_source_is_nobodys() -> None:
    found = inspected(layer(file("/app/__pycache__/main.cpython-311.pyc", 7), file("/app/main.py", 5)))
    assert not found.owners
    assert found.unowned.bytes == 12


def test_a_distribution_in_any_folder_counts_but_not_what_another_one_carries() -> None:
    carried = f"{SITE}/setuptools/_vendor"
    inner = distribution("packaging", site=carried)
    outer = distribution(
        "setuptools", listed=[f"setuptools/_vendor/packaging-1.0.dist-info/{one}" for one in ("METADATA", "RECORD")]
    )
    assert names(outer, inner, distribution("six", site="/app/libs")) == [("six", "/app/libs"), ("setuptools", SITE)]


def test_the_same_one_in_two_folders_is_two_packages() -> None:
    other = "/usr/local/lib/python3.9/site-packages"
    found = inspected(layer(distribution("pandas"), distribution("pandas", version="1.5", site=other)))
    assert sorted((one.version, one.folder) for one in found.packages) == [("1.0", SITE), ("1.5", other)]


def test_an_egg_info_is_one_too() -> None:
    text = b"Metadata-Version: 1.1\nName: Old.Thing\nVersion: 3\n\nName: a description may say this\n"
    folder, single = "/usr/lib/python3/dist-packages", f"{SITE}/flat-1.egg-info"
    listed = b"../old.py\nPKG-INFO\n"
    parts: list[Part] = [
        (f"{folder}/old-3.egg-info/PKG-INFO", text),
        (f"{folder}/old-3.egg-info/installed-files.txt", listed),
        (single, b"Name: flat\nVersion: 1\n"),
    ]
    assert names(parts) == [("flat", SITE), ("old-thing", folder)]
    found = inspected(layer(parts, file(f"{folder}/old.py")))
    assert found.owners[f"{folder}/old.py"] == PackageKey("python", "old-thing")


def test_one_that_a_later_layer_uninstalled_is_not_there() -> None:
    found = inspected(layer(distribution("pandas")), layer(gone(f"{SITE}/pandas-1.0.dist-info")))
    assert not found.packages


def test_a_record_that_became_a_link_is_no_record_any_more() -> None:
    path = f"{SITE}/pandas-1.0.dist-info/METADATA"
    assert not inspected(layer(distribution("pandas")), layer(symlink(path, "elsewhere"))).packages


def test_a_record_that_is_damaged_harms_nobody() -> None:
    parts: list[Part] = [
        (f"{SITE}/bad-1.dist-info/METADATA", b"\xff\xfe Name: bad"),
        (f"{SITE}/odd-1.dist-info/METADATA", b"Name: odd\n"),
        (f"{SITE}/odd-1.dist-info/RECORD", b'\n\n,,\n"unclosed\n\xff.py,,\n../../../../../../../../x,,\n'),
    ]
    assert names(parts) == [("odd", SITE)]
