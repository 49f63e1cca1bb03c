"""What a change from one lock to another moves, foretold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.core.naming import MOST_LAYERS
from builder.image.lock.document import read_lock
from builder.image.lock.layers.moves import LockMoves, predict_moves
from builder.image.lock.layers.plan import plan_layers

if TYPE_CHECKING:
    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import Lock

SEED = read_lock(Path(__file__).parents[5] / "images/airflow/optbuild.lock")
NAMES = [one.name for one in SEED.python]


def bump(lock: Lock, name: str, version: str, size: int = 1_000_000) -> Lock:
    """A new release of one distribution, uploaded today."""
    rows = tuple(
        replace(one, version=version, sha256="f" * 64, size=size) if one.name == name else one for one in lock.python
    )
    stamps = {part: layer.stamp for layer in lock.layers for part in layer.members}
    uploads = {one.name: stamps[one.name] for one in rows} | {name: 1_900_000_000}
    return replace(lock, python=rows, layers=plan_layers(uploads, MOST_LAYERS))


def list_moved(moves: LockMoves) -> list[str]:
    return [layer.name for layer in moves.moved]


def test_the_same_lock_moves_nothing() -> None:
    moves = predict_moves(SEED, SEED)
    assert (moves.moved, moves.pushed, moves.pulled) == ((), 0, 0)


def test_a_layer_that_goes_is_named_with_what_went() -> None:
    """Nothing is pushed, and yet a node pulls what lay above it."""
    rows = tuple(one for one in SEED.python if one.name != "seaborn")
    stamps = {part: layer.stamp for layer in SEED.layers for part in layer.members}
    uploads = {one.name: stamps[one.name] for one in rows}
    moves = predict_moves(SEED, replace(SEED, python=rows, layers=plan_layers(uploads, MOST_LAYERS)))
    assert (moves.moved, moves.pushed) == ((), 0)
    assert [(one.name, one.because) for one in moves.gone] == [("seaborn", ("seaborn 0.12.2 -> (gone)",))]
    assert moves.pulled > 0


@given(st.sampled_from(NAMES))
def test_a_bump_moves_the_layer_of_that_name_alone(name: str) -> None:
    """A plan that moved a bystander would push it."""
    moves = predict_moves(SEED, bump(SEED, name, "999"))
    own = {layer.name for layer in SEED.layers if {name, f"{name}.libs"} & {*layer.members}}
    assert {*list_moved(moves)} == own
    assert any("-> 999" in reason for layer in moves.moved for reason in layer.because)


def test_a_patch_of_numpy_keeps_its_libraries() -> None:
    """1.24.4 brings the same OpenBLAS as 1.24.3; 1.26.4 another one."""
    assert list_moved(predict_moves(SEED, bump(SEED, "numpy", "1.24.4"))) == ["numpy"]
    assert list_moved(predict_moves(SEED, bump(SEED, "numpy", "1.26.4"))) == ["numpy.libs", "numpy"]


@pytest.mark.parametrize(
    ("name", "version", "size", "registry"),
    [
        # bytes that a registry counted of the finished new versions, 2026-11-29
        ("seaborn", "0.13.2", 294_914, 817_741),
        ("pandas", "2.1.4", 12_200_000, 12_780_569),
    ],
)
def test_the_prediction_is_within_a_tenth(name: str, version: str, size: int, registry: int) -> None:
    pushed = predict_moves(SEED, bump(SEED, name, version, size=size)).pushed
    assert abs(pushed - registry) <= 0.1 * registry


def test_a_pull_fetches_the_changed_layer_and_all_above() -> None:
    low, high = (predict_moves(SEED, bump(SEED, name, "999")) for name in ("babel", "psycopg2-binary"))
    assert low.pulled > 0.75 * low.whole
    assert high.pulled < 0.06 * high.whole
    assert low.pushed < low.pulled


def test_a_distribution_that_goes_is_pulled_over_but_not_pushed() -> None:
    less = tuple(one for one in SEED.python if one.name != "seaborn")
    without = replace(SEED, python=less, layers=tuple(one for one in SEED.layers if one.name != "seaborn"))
    moves = predict_moves(SEED, without)
    assert (moves.moved, moves.pushed) == ((), 0)
    assert moves.pulled > 6_000_000


GOSU = next(one for one in SEED.runtime if one.name == "gosu")
PLAIN = replace(SEED, runtime=tuple(one for one in SEED.runtime if one != GOSU))


def change_runtime(lock: Lock, name: str) -> Lock:
    rows = (replace(one, version="999") if one.name == name else one for one in lock.runtime)
    return replace(lock, runtime=tuple(rows))


def test_an_added_debian_package_that_goes_moves_nothing() -> None:
    """Its layer is gone; a node pulls again what lay above that."""
    moves = predict_moves(SEED, PLAIN)
    assert (moves.moved, moves.layers) == ((), len(SEED.layers) + 2)
    assert 0.7 * moves.whole < moves.pulled < 0.9 * moves.whole


def test_an_added_debian_package_moves_its_layer_alone() -> None:
    for moves, change in (
        (predict_moves(PLAIN, SEED), f"gosu {GOSU.version} (new)"),
        (predict_moves(SEED, change_runtime(SEED, "gosu")), f"gosu {GOSU.version} -> 999"),
    ):
        (added,) = moves.moved
        assert (added.name, added.because, moves.layers) == ("added Debian packages", (change,), len(SEED.layers) + 3)
        assert added.pushed == pytest.approx(971_888, rel=0.1)  # gzip -6 of added.tar, 2026-11-30


@pytest.mark.parametrize(("lock", "names"), [(PLAIN, ["Debian"]), (SEED, ["Debian", "added Debian packages"])])
def test_a_standard_debian_package_moves_the_base_and_what_lists_it(lock: Lock, names: list[str]) -> None:
    """dpkg's list of all packages lies in the layer of the added ones, where there is one."""
    moves = predict_moves(lock, change_runtime(lock, "curl"))
    assert list_moved(moves) == names
    assert {reason.split()[0] for layer in moves.moved for reason in layer.because} == {"curl"}
    assert moves.pulled == moves.whole


@pytest.mark.parametrize("change", ["release", "platform", "stdlib"])
def test_another_python_moves_all(change: str) -> None:
    other = {
        "release": replace(SEED, inputs=replace(SEED.inputs, debian="trixie")),
        "platform": replace(SEED, platform="linux/arm64"),
        "stdlib": replace(
            SEED,
            runtime=tuple(
                replace(one, version="3.11.99") if one.name.startswith("libpython3") else one for one in SEED.runtime
            ),
        ),
    }[change]
    moves = predict_moves(SEED, other)
    assert len(moves.moved) == moves.layers == len(SEED.layers) + 3
    assert moves.pushed == moves.pulled == moves.whole


def test_other_build_requirements_move_the_layers_with_sources() -> None:
    tools = (replace(SEED.build_requires[0], sha256="e" * 64), *SEED.build_requires[1:])
    sources = {one.name for one in SEED.python if one.kind == "sdist"}
    moves = predict_moves(SEED, replace(SEED, build_requires=tools))
    assert list_moved(moves) == [layer.name for layer in SEED.layers if sources & {*layer.members}]


def test_a_base_image_that_moved_is_pulled_over_and_said(foundation: Foundation) -> None:
    """Its own bytes are not counted: a lock does not know them. Packages for the same Python stay as they are."""
    old = replace(SEED, foundation=foundation)
    moved = replace(foundation, digest="sha256:" + "4" * 64, layers=("sha256:" + "5" * 64,))
    moves = predict_moves(old, replace(SEED, foundation=moved))
    (base,) = moves.moved
    assert (base.name, base.pushed, moves.layers) == ("the base image", 0, len(SEED.layers) + 3)
    assert base.because == (f"base {foundation.pinned_reference} -> {moved.pinned_reference}",)
    assert moves.pulled == moves.whole
    assert predict_moves(old, old).moved == ()


def test_another_python_of_the_base_image_moves_all_packages(foundation: Foundation) -> None:
    old, new = (replace(SEED, foundation=replace(foundation, python=version)) for version in ("3.11.8", "3.11.9"))
    assert len(predict_moves(old, new).moved) == len(SEED.layers) + 1
