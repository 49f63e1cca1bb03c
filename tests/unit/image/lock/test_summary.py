"""What ``optbuild lock`` says."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from builder.image.lock.changes import compare_locks, count_lock_totals
from builder.report.locks.summary import format_check_json, format_lock_json, format_lock_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import Lock


def moved(lock: Lock) -> Lock:
    python = [dataclasses.replace(one, version="2.0.2") if one.name == "pandas" else one for one in lock.python]
    return dataclasses.replace(lock, python=tuple(python[1:]), build=())


def test_moves_in_both_directions(lock: Lock) -> None:
    found = compare_locks(lock, moved(lock))
    assert [str(move) for move in found.python] == ["apache-airflow 2.8.1 -> (gone)", "pandas 2.0.3 -> 2.0.2"]
    assert [str(move) for move in found.debian] == ["binutils 2.40-2 -> (gone)"]
    assert str(compare_locks(moved(lock), lock).debian[0]) == "binutils 2.40-2 (new)"


def test_nothing_moves_without_a_lock_before(lock: Lock) -> None:
    assert compare_locks(None, lock) == compare_locks(lock, lock)


def test_the_text_counts_and_gives_reasons(lock: Lock) -> None:
    text = format_lock_text(lock, compare_locks(moved(lock), lock), "optbuild.lock")
    assert "3 Python distributions, 0.0 MB, 1 of them built from source" in text
    assert "2 Debian packages in the image, 0.2 MB" in text
    assert "pandas 2.1.4 -> 2.0.3: the spec asks for pandas==2.0.3" in text
    assert "3 versions moved:" in text


def test_a_debian_package_that_was_not_asked_to_move_says_why(lock: Lock) -> None:
    newer = dataclasses.replace(lock, build=(dataclasses.replace(lock.build[0], version="2.40-3"),))
    found = compare_locks(lock, newer)
    assert "binutils 2.40-2 -> 2.40-3: bookworm no longer offers 2.40-2\n" in format_lock_text(newer, found, "x")
    assert "binutils 2.40-2 -> 2.40-3\n" in format_lock_text(newer, found, "x", upgraded={"binutils"})


def test_a_size_that_is_not_known_is_not_counted_as_nothing(lock: Lock) -> None:
    unknown = dataclasses.replace(lock, python=(dataclasses.replace(lock.python[0], size=None), *lock.python[1:]))
    assert count_lock_totals(unknown).distribution_bytes is None
    assert "3 Python distributions, —" in format_lock_text(unknown, compare_locks(None, unknown), "optbuild.lock")


def test_the_json_has_a_schema_version(lock: Lock) -> None:
    content = json.loads(format_lock_json(lock, compare_locks(moved(lock), lock)))
    assert content["schema_version"] == 1
    assert content["figures"]["runtime_packages"] == 2
    assert content["moved"]["debian"] == [{"name": "binutils", "old": None, "new": "2.40-2"}]
    assert json.loads(format_check_json(("x",))) == {"schema_version": 1, "current": False, "differences": ["x"]}


def test_what_a_foundation_has_and_what_is_replaced(lock: Lock, make_foundation: Callable[..., Foundation]) -> None:
    foundation = make_foundation(pandas="2.1.4", dill="0.3.8", numpy="1.26.4")
    rows = tuple(
        dataclasses.replace(one, bytes=61_000_000) if one.name == "pandas" else one for one in foundation.distributions
    )
    on_it = dataclasses.replace(lock, foundation=dataclasses.replace(foundation, distributions=rows))
    text = format_lock_text(on_it, compare_locks(None, on_it), "optbuild.lock")
    assert "  1 more are those of apache/airflow:2.8.1-python3.11\n" in text
    assert "  pandas 2.1.4 -> 2.0.3: 61.0 MB of the base stay hidden below\n  dill 0.3.8 -> 0.3.1.1: 1.0 MB" in text
    assert "  2 replaced, 62.0 MB of the base hidden in all\n" in text
    replaced = json.loads(format_lock_json(on_it, compare_locks(None, on_it)))["replaced"]
    assert replaced[0] == {"name": "pandas", "old": "2.1.4", "new": "2.0.3", "hidden_bytes": 61_000_000}
    assert "hidden" not in format_lock_text(lock, compare_locks(None, lock), "optbuild.lock")


def test_the_base_is_said(founded: Lock) -> None:
    text = format_lock_text(founded, compare_locks(None, founded), "optbuild.lock")
    assert text.splitlines()[1] == "  on python:3.11-slim-bookworm@sha256:111111111111: Debian bookworm, Python 3.11.9"
    told = json.loads(format_lock_json(founded, compare_locks(None, founded)))
    assert (told["base"]["digest"], told["base"]["debian"]) == ("sha256:" + "1" * 64, "bookworm")
    assert told["moved"]["base"] is None


def test_a_base_that_moved_is_said(lock: Lock, founded: Lock) -> None:
    assert founded.foundation is not None
    moved = dataclasses.replace(founded.foundation, digest="sha256:" + "4" * 64)
    new = dataclasses.replace(founded, foundation=moved)
    text = format_lock_text(new, compare_locks(founded, new), "optbuild.lock")
    old_name, new_name = (f"python:3.11-slim-bookworm@sha256:{digit * 64}" for digit in "14")
    assert f"the base moved: {old_name} -> {new_name}" in text
    told = json.loads(format_lock_json(new, compare_locks(founded, new)))
    assert told["moved"]["base"] == {"name": "base", "old": old_name, "new": new_name}
    assert "the base moved" not in format_lock_text(new, compare_locks(new, new), "optbuild.lock")
    assert f"the base moved: debian bookworm -> {old_name}" in format_lock_text(
        founded, compare_locks(lock, founded), "optbuild.lock"
    )


def test_a_package_that_takes_the_place_of_the_bases_is_named(founded: Lock) -> None:
    newer = dataclasses.replace(founded.runtime[0], name="libc6", version="2.36-9+deb12u14")
    upgraded = dataclasses.replace(founded, runtime=(newer, *founded.runtime))
    text = format_lock_text(upgraded, compare_locks(None, upgraded), "optbuild.lock")
    assert "    libc6 2.36-9+deb12u7 -> 2.36-9+deb12u14: takes the place of the base's\n" in text
    rows = json.loads(format_lock_json(upgraded, compare_locks(None, upgraded)))["replaced_packages"]
    assert rows == [{"name": "libc6", "old": "2.36-9+deb12u7", "new": "2.36-9+deb12u14"}]
    assert "the base's" not in format_lock_text(founded, compare_locks(None, founded), "optbuild.lock")
