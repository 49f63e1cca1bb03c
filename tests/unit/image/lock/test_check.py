"""``lock --check``: each input that changes makes the lock stale, and a lock must hold together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import ExitCode, StaleLockError
from builder.image.lock.check import check_lock, find_lock_differences
from builder.image.lock.foundation import InstalledPackage
from builder.image.lock.inputs import make_lock_inputs
from builder.image.lock.model import PackageLayer
from builder.image.spec.model import BaseTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

REQUIREMENTS = ("pandas==2.0.3",)


def test_the_lock_of_its_own_spec_is_current(spec: Spec, lock: Lock) -> None:
    check_lock(spec, REQUIREMENTS, lock)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (("airflow", "version"), "2.8.2", "airflow.version: the spec says 2.8.2, the lock was made for 2.8.1"),
        (("airflow", "extras"), ("postgres", "celery"), "airflow.extras: celery was added"),
        (("airflow", "extras"), (), "airflow.extras: postgres was removed"),
        (("airflow", "constraints"), False, "airflow.constraints: the spec says none, the lock was made for official"),
        (("airflow", "constraints"), "pins.txt", "airflow.constraints: the spec says pins.txt"),
        (("python", "version"), "3.10", "python.version: the spec says 3.10"),
        (("base", "debian"), "trixie", "base.debian: the spec says trixie"),
        (("apt", "runtime"), ("libgomp1", "git"), "apt.runtime: git was added"),
        (("apt", "build"), ("gcc",), "apt.build: gcc was added"),
        (("layers", "max"), 12, "layers.max: the spec says 12, the lock was made for 40"),
    ],
)
def test_each_changed_input_makes_it_stale(
    spec: Spec, lock: Lock, key: tuple[str, str], value: Any, message: str
) -> None:
    table, name = key
    changed = spec.model_copy(update={table: getattr(spec, table).model_copy(update={name: value})})
    found = find_lock_differences(make_lock_inputs(changed, REQUIREMENTS), lock)
    assert len(found) == 1
    assert found[0].startswith(message)


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ({"image": "python:3.11"}, "base.image: the spec says python:3.11, the lock was made for python:3.11-slim"),
        ({"airflow": "apache/airflow:2.8.1"}, "base.image: the spec says nothing, the lock was made for python:3.11"),
        ({"debian": "bookworm"}, "base.debian: the spec says bookworm, the lock was made for nothing"),
    ],
)
def test_another_base_makes_it_stale(spec: Spec, founded: Lock, base: dict[str, str], message: str) -> None:
    changed = spec.model_copy(update={"base": BaseTable.model_validate(base)})
    found = find_lock_differences(make_lock_inputs(changed, REQUIREMENTS), founded)
    assert any(one.startswith(message) for one in found), found


def test_the_lock_of_a_foundation_is_current(spec: Spec, founded: Lock) -> None:
    same = spec.model_copy(update={"base": BaseTable(image="python:3.11-slim-bookworm")})
    assert find_lock_differences(make_lock_inputs(same, REQUIREMENTS), founded) == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"python": "3.12.1"}, "has Python 3.12.1, and the lock was made for 3.11"),
        ({"kind": "airflow"}, "it stands on airflow = python:3.11-slim-bookworm, and was made for image = python"),
        ({"reference": "python:3.11"}, "it stands on image = python:3.11, and was made for image = python:3.11-slim"),
    ],
)
def test_a_foundation_of_another_base_is_a_contradiction(founded: Lock, changes: dict[str, Any], message: str) -> None:
    assert founded.foundation is not None
    other = dataclasses.replace(founded, foundation=dataclasses.replace(founded.foundation, **changes))
    assert any(message in one for one in find_lock_differences(founded.inputs, other))


def test_a_base_and_its_foundation_belong_together(lock: Lock, founded: Lock) -> None:
    missing = dataclasses.replace(
        founded, foundation=None, inputs=dataclasses.replace(founded.inputs, debian="bookworm")
    )
    assert any("does not say what that holds" in one for one in find_lock_differences(missing.inputs, missing))
    stray = dataclasses.replace(lock, foundation=founded.foundation)
    assert any("was made for debian = bookworm" in one for one in find_lock_differences(stray.inputs, stray))


def test_changed_requirements_make_it_stale(spec: Spec, lock: Lock) -> None:
    with pytest.raises(StaleLockError, match=r"pandas==2.0.2 was added, pandas==2.0.3 was removed") as caught:
        check_lock(spec, ("pandas==2.0.2",), lock)
    assert caught.value.exit_code is ExitCode.CHECK_FAILED


def test_each_distribution_must_be_in_one_layer(spec: Spec, lock: Lock) -> None:
    """The image is made of the layers: what is in none would be missing in it."""
    inputs = make_lock_inputs(spec, REQUIREMENTS)
    first, *others = lock.layers
    assert find_lock_differences(inputs, dataclasses.replace(lock, layers=tuple(others))) == (
        "apache-airflow is in none of the layers; it belongs into one",
    )
    assert find_lock_differences(inputs, dataclasses.replace(lock, layers=(first, *lock.layers))) == (
        "apache-airflow is in 2 of the layers; it belongs into one",
    )
    stranger = PackageLayer("others-0", ("numpy.libs",), 0)
    assert find_lock_differences(inputs, dataclasses.replace(lock, layers=(*lock.layers, stranger))) == (
        "a layer has numpy.libs, and the lock has no such distribution",
    )
    assert find_lock_differences(inputs, dataclasses.replace(lock, layers=())) == ()


def test_more_layers_than_the_spec_allows_are_told(spec: Spec, lock: Lock) -> None:
    two = spec.model_copy(update={"layers": spec.layers.model_copy(update={"max": 2})})
    inputs = make_lock_inputs(two, REQUIREMENTS)
    assert find_lock_differences(inputs, dataclasses.replace(lock, inputs=inputs)) == (
        "it has 3 layers, and layers.max is 2",
    )


def without(lock: Lock, part: str, name: str) -> Lock:
    parts: dict[str, Any] = {part: tuple(one for one in getattr(lock, part) if one.name != name)}
    return dataclasses.replace(lock, **parts)


def with_version(lock: Lock, name: str, version: str) -> Lock:
    rows = [dataclasses.replace(one, version=version) if one.name == name else one for one in lock.python]
    return dataclasses.replace(lock, python=tuple(rows))


def test_contradictions_inside_are_found(spec: Spec, lock: Lock) -> None:
    inputs = make_lock_inputs(spec, REQUIREMENTS)
    assert find_lock_differences(inputs, without(dataclasses.replace(lock, layers=()), "python", "dill")) == (
        "apache-airflow 2.8.1 needs dill>=0.2.2, and the lock does not have it",
    )
    assert find_lock_differences(inputs, with_version(lock, "dill", "0.2.1")) == (
        "apache-airflow 2.8.1 needs dill>=0.2.2, and the lock has 0.2.1",
    )
    assert find_lock_differences(inputs, with_version(lock, "pandas", "2.0.2")) == (
        "the spec needs pandas==2.0.3, and the lock has 2.0.2",
    )
    assert find_lock_differences(inputs, without(lock, "runtime", "zlib1g")) == (
        "zlib1g, which has libz.so.1, is not among the packages of the image",
    )
    assert find_lock_differences(inputs, dataclasses.replace(lock, build_requires=())) == (
        "there are source distributions, but nothing to build them with",
    )


def test_a_package_of_the_foundation_has_its_libraries_too(founded: Lock) -> None:
    assert founded.foundation is not None
    below = dataclasses.replace(founded.foundation, packages=(InstalledPackage("zlib1g", "1:1.2.13.dfsg-1", "amd64"),))
    there = dataclasses.replace(without(founded, "runtime", "zlib1g"), foundation=below)
    assert find_lock_differences(there.inputs, there) == ()
    gone = dataclasses.replace(there, foundation=founded.foundation)
    assert "zlib1g, which has libz.so.1" in find_lock_differences(gone.inputs, gone)[0]


def test_what_the_foundation_has_counts_as_there(
    spec: Spec, lock: Lock, make_foundation: Callable[..., Foundation]
) -> None:
    """Only what differs is in the lock: pandas was replaced, Airflow and dill stay."""
    base = BaseTable(airflow="apache/airflow:2.8.1-python3.11")
    inputs = make_lock_inputs(spec.model_copy(update={"base": base}), REQUIREMENTS)
    pandas = tuple(one for one in lock.python if one.name == "pandas")
    layers = tuple(layer for layer in lock.layers if layer.name == "pandas")
    small = dataclasses.replace(lock, inputs=inputs, python=pandas, layers=layers, build_requires=())
    there = make_foundation(apache_airflow="2.8.1", dill="0.3.1.1", pandas="2.1.4")
    assert find_lock_differences(inputs, dataclasses.replace(small, foundation=there)) == ()
    older = make_foundation(apache_airflow="2.8.0", dill="0.3.1.1", pandas="2.1.4")
    (found,) = find_lock_differences(inputs, dataclasses.replace(small, foundation=older))
    assert found == "the spec needs apache-airflow[postgres]==2.8.1, and the lock has 2.8.0"
