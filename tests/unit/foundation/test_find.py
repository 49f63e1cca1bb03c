"""Which image a reference means: the engine's, the registry's, or the one of the lock before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builder.core.errors import BaseUnreachableError
from builder.foundation.find import list_digests

FIRST, SECOND = ("sha256:" + digit * 64 for digit in "12")


def test_an_image_on_the_engine_is_taken_as_it_is(reading: Any, base: Any) -> None:
    assert reading.read(base).foundation.digest == FIRST
    assert (reading.engine.pulled, reading.progress.notes) == ([], [])


def test_one_that_is_not_there_is_pulled(reading: Any, base: Any) -> None:
    reading.engine.registry["python:3.11-slim"] = base
    assert reading.read().foundation.digest == FIRST
    assert reading.engine.pulled == ["python:3.11-slim"]


def test_the_digest_of_the_lock_before_counts_though_the_tag_moved(reading: Any, base: Any) -> None:
    moved = replace(base, digests=(f"python@{SECOND}",), environment=("PATH=/usr/local/bin", "MOVED=1"))
    reading.engine.hold(f"python@{FIRST}", base)
    read = reading.read(moved, pinned=FIRST, known=FIRST)
    assert read.foundation.digest == FIRST
    assert ("MOVED", "1") not in read.foundation.environment
    assert reading.engine.pulled == []


def test_a_pinned_one_that_is_gone_from_the_engine_is_pulled_by_its_digest(reading: Any, base: Any) -> None:
    reading.engine.registry[f"python@{FIRST}"] = base
    assert reading.read(pinned=FIRST, known=FIRST).foundation.digest == FIRST
    assert reading.engine.pulled == [f"python@{FIRST}"]


def test_the_registry_is_asked_again_and_a_moved_tag_is_said(reading: Any, base: Any) -> None:
    reading.engine.registry["python:3.11-slim"] = replace(base, digests=(f"python@{SECOND}",))
    assert reading.read(base, known=FIRST, refresh=True).foundation.digest == SECOND
    assert reading.progress.notes == [f"the tag moved: python:3.11-slim was {FIRST}, and is {SECOND} now"]


def test_a_tag_that_did_not_move_is_said(reading: Any, base: Any) -> None:
    reading.engine.registry["python:3.11-slim"] = base
    assert reading.read(base, known=FIRST, refresh=True).foundation.digest == FIRST
    assert reading.progress.notes == [f"the tag did not move: python:3.11-slim is {FIRST}"]


def test_of_two_digests_the_known_one_stays(reading: Any, base: Any) -> None:
    both = replace(base, digests=(f"python@{FIRST}", f"python@{SECOND}"))
    reading.engine.registry["python:3.11-slim"] = both
    assert reading.read(known=SECOND, refresh=True).foundation.digest == SECOND


@pytest.mark.parametrize("pinned", ["", FIRST])
def test_an_engine_that_forgets_what_it_pulled_is_said(reading: Any, pinned: str) -> None:
    reading.engine.pull = lambda _name: None
    with pytest.raises(BaseUnreachableError, match="was pulled, and the engine does not have it"):
        reading.read(pinned=pinned)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([f"python@{FIRST}", f"registry.example/python@{SECOND}"], [FIRST]),
        ([f"docker.io/library/python@{FIRST}"], [FIRST]),
        (["<none>@<none>", "python:3.11", "a b"], []),
        ([], []),
    ],
)
def test_only_digests_of_its_own_registry_count(names: list[str], found: list[str]) -> None:
    assert list_digests("python", names) == found
