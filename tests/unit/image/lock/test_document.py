"""optbuild.lock as text."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from builder.core.errors import LockFileError, MissingFileError
from builder.image.lock.document import format_lock, parse_lock, read_lock, write_lock
from builder.image.lock.layers.plan import list_layers
from builder.image.lock.model import Constraints

if TYPE_CHECKING:
    from pathlib import Path

    from builder.image.lock.model import Lock


def test_a_lock_survives_writing_and_reading(lock: Lock, tmp_path: Path) -> None:
    write_lock(tmp_path / "optbuild.lock", lock)
    assert read_lock(tmp_path / "optbuild.lock") == lock


def test_empty_parts_survive(lock: Lock) -> None:
    bare = dataclasses.replace(lock, constraints=None, given_up=(), build_requires=(), shared_libraries=(), build=())
    assert parse_lock(format_lock(bare)) == bare


def test_a_size_that_the_index_does_not_give_survives(lock: Lock) -> None:
    unknown = dataclasses.replace(lock, uv=dataclasses.replace(lock.uv, size=None))
    assert parse_lock(format_lock(unknown)) == unknown


def test_the_text_is_stable_and_says_how_it_was_made(lock: Lock) -> None:
    assert format_lock(lock) == format_lock(parse_lock(format_lock(lock)))
    assert format_lock(lock).startswith("# Made by `optbuild lock`")
    assert "://" not in format_lock(lock)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("2.10.3/3.11", True),
        ("2.8.1/3.8", True),
        ("2.8.1/3.11", False),
        ("constraints.txt", False),
        ("https://example.org/2.10.3/3.11", False),
    ],
)
def test_constraints_of_another_airflow_are_named_in_the_lock(lock: Lock, version: str, said: bool) -> None:
    """In a comment: the value stays what it is, and who reads the file alone is warned too."""
    made = dataclasses.replace(lock, constraints=Constraints(version, "0" * 64))
    head = format_lock(made).partition("lock-version")[0].replace("\n# ", " ")
    warned = "warning: these constraints were published for Airflow {} and Python {}, and this is Airflow 2.8.1"
    assert (warned.format(*version.split("/")[:2]) in head) if said else "warning" not in head
    assert parse_lock(format_lock(made)) == made


def test_a_missing_lock_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="make it: optbuild lock") as caught:
        read_lock(tmp_path / "a b" / "optbuild.lock")
    assert str(caught.value).endswith(f"optbuild lock '{tmp_path}/a b'")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("lock-version = 2", "lock-version = 3", "format 3", id="newer"),
        pytest.param("lock-version = 2\n", "", "not a lock", id="foreign"),
        pytest.param("lock-version = 2", "lock-version = 'x'", "not a lock", id="version-text"),
        pytest.param("[inputs]", "[inputs", "not valid TOML", id="broken"),
        pytest.param("[inputs]", "[other]", "inputs: is missing|other: is not a key", id="table-missing"),
        pytest.param('sha256 = "' + "ab" * 32 + '"\nsize', "size", r"uv.sha256: is missing", id="no-hash"),
        pytest.param("ab" * 32, "ab" * 31, "sha256: is 'abab.*not 64 hexadecimal digits", id="short-hash"),
        pytest.param('name = "pandas"\nversion', 'name = "Pandas"\nversion', "PEP 503", id="name"),
        pytest.param('"2.40-2"', '"2.40-2 && sh"', r"build\[binutils\].version: .*not a Debian version", id="debian"),
        pytest.param('"2.40-2"', r'"2.40-2\nRUN x"', "not a line of text", id="newline"),
        pytest.param('kind = "sdist"', 'kind = "egg"', r"python\[dill\].kind: is 'egg'", id="kind"),
        pytest.param("size = 116000", "size = -1", "size: is not a number", id="negative"),
        pytest.param("size = 116000", "size = true", "size: is not a number", id="boolean"),
        pytest.param("epoch = 1700000000", "epoch = 99999999999999", "epoch: is 9.*; at most 4354819198", id="epoch"),
        pytest.param("linux/amd64", "linux/riscv64", "platform: is 'linux/riscv64', not one of", id="platform"),
        pytest.param(
            '= "amd64"', '= "arm64"', r"runtime\[libgomp1\].architecture: is 'arm64'.* all and amd64", id="arch"
        ),
        pytest.param("size = 116000", "bytes = 116000", "bytes|size: is missing", id="renamed"),
        pytest.param('"dill>=0.2.2"', '"dill >>> 2"', "PEP 508", id="dependency"),
        pytest.param('version = "2.0.3"', 'version = "two"', "PEP 440", id="version"),
        pytest.param('name = "core-0"', 'name = "../x"', r"layers\[../x\].name: .*not the name of a layer", id="layer"),
        pytest.param('    "dill",', '    "dill RUN",', r"layers\[core-0\].members: holds 'dill RUN'", id="member"),
        pytest.param("stamp = 1600000000", "stamp = 99999999999999", "stamp: is 9.*; at most", id="stamp"),
        pytest.param("layers-max = 40", "layers-max = -1", "layers-max: is not a number", id="layers-max"),
        pytest.param("[uv]", "[foundation]\n[uv]", "foundation.kind: is missing", id="foundation"),
    ],
)
def test_a_damaged_lock_is_refused_with_its_key(lock: Lock, old: str, new: str, message: str) -> None:
    text = format_lock(lock)
    assert old in text
    with pytest.raises(LockFileError, match=message) as caught:
        parse_lock(text.replace(old, new, 1), "some.lock")
    assert caught.value.where is not None
    assert caught.value.where.file == "some.lock"
    assert "optbuild lock" in str(caught.value)


def test_binary_rubbish_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "optbuild.lock").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LockFileError, match="cannot be read: it is not UTF-8"):
        read_lock(tmp_path / "optbuild.lock")


def test_a_lock_that_cannot_be_read_is_told_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "optbuild.lock").mkdir()
    with pytest.raises(LockFileError, match="cannot be read: Is a directory") as caught:
        read_lock(tmp_path / "optbuild.lock")
    assert "Errno" not in str(caught.value)


def test_a_lock_from_before_there_were_layers_is_read(lock: Lock) -> None:
    """All its packages are one layer, as the image is that was built from it."""
    text = format_lock(dataclasses.replace(lock, layers=()))
    old = text.replace("lock-version = 2", "lock-version = 1").replace("layers-max = 40\n", "")
    assert "layers" not in old
    read = parse_lock(old)
    assert read == dataclasses.replace(lock, layers=())
    assert [(one.name, one.stamp) for one in list_layers(read)] == [("python", lock.source_date_epoch)]
    assert {part for one in list_layers(read) for part in one.members} == {one.name for one in lock.python}
