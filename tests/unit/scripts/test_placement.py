"""Each file of an environment lies in one layer, and the layers on each other are what one environment would be.

The script runs inside the build; here it places made-up wheels, as an installer leaves them.
"""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builder.core.resources import find_template_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

PYC = f"__pycache__/alpha.{sys.implementation.cache_tag}.pyc"


@pytest.fixture
def placement(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    path = find_template_folder() / "scripts/placement.py"
    spec = importlib.util.spec_from_file_location("optbuild_scripts_placement", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Wheel:
    """Paths are relative to site-packages. ``unlisted``: what it has and RECORD does not name."""

    files: Mapping[str, str]
    links: Mapping[str, str]
    unlisted: Mapping[str, str]
    hashed: bool


def make_wheel(
    *files: str,
    links: Mapping[str, str] | None = None,
    unlisted: Iterable[str] = (),
    text: str = "",
    hashed: bool = True,
) -> Wheel:
    return Wheel(dict.fromkeys(files, text), links or {}, dict.fromkeys(unlisted, text), hashed)


WHEELS = {
    "alpha": make_wheel("alpha.py", PYC, "../../../bin/alpha", text="alpha"),
    "data-files": make_wheel("data_files/x.txt", "../../../share/data/x.conf", "../../../etc/x.ini"),
    "space-one": make_wheel("space/one/__init__.py", "space/one/x.so"),
    "space-two": make_wheel("space/two/__init__.py", hashed=False),
    "linked": make_wheel("linked/real.py", links={"linked/other.py": "real.py", "linked/gone": "nowhere"}),
    "numpy": make_wheel("numpy/core.so", "numpy.libs/libopenblas-0cf96a72.so"),
    "hidden": make_wheel("hidden/__init__.py", unlisted=["hidden/not_listed.bin"]),
    "first": make_wheel("shared/__init__.py", "shared/first.py", text="first"),
    "second": make_wheel("shared/__init__.py", "shared/second.py", text="second"),
}
ORDER = ("alpha", "data-files", "space-one", "space-two", "linked", "numpy.libs", "numpy", "hidden", "first", "second")
"""Lowest first."""


def install(environment: Path, names: Iterable[str]) -> None:
    """Into a new environment, one after the other: the last writes over the others."""
    shutil.rmtree(environment, ignore_errors=True)
    site = environment / "lib/python3.11/site-packages"
    site.mkdir(parents=True)
    (environment / "bin").mkdir()
    (environment / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (environment / ".lock").write_text("")
    (environment / "lib64").symlink_to("lib")
    (environment / "bin/python3").symlink_to("/usr/bin/python3")
    for name in names:
        install_wheel(site, name, WHEELS[name])


def install_wheel(site: Path, name: str, wheel: Wheel) -> None:
    record = site / f"{name.replace('-', '_')}-1.0.dist-info/RECORD"
    for file, text in {**wheel.files, **wheel.unlisted}.items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(text)
    for link, target in wheel.links.items():
        (site / link).symlink_to(target)
    record.parent.mkdir()
    digest = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0" if wheel.hashed else ","
    listed = [*wheel.files, *wheel.links]
    record.write_text("".join(f"{file},{digest}\n" for file in listed) + f"{record.parent.name}/RECORD,,\n")


def make_plan(placement: ModuleType, *layers: Iterable[str]) -> tuple[object, ...]:
    return tuple(placement.Layer(f"layer-{number}", number, tuple(parts)) for number, parts in enumerate(layers))


def build_layers(placement: ModuleType, environment: Path, plan: tuple[object, ...]) -> dict[str, dict[str, str]]:
    """As the build does it, round by round: layer → path → what lies there."""
    members = [member for layer in plan for member in layer.members if member in WHEELS]  # type: ignore[attr-defined] # a class of the script
    layers: dict[str, dict[str, str]] = {layer.name: {} for layer in plan}  # type: ignore[attr-defined] # as above
    install(environment, members)
    for names in placement.list_rounds(environment, plan):
        install(environment, names)
        groups = placement.list_groups(environment, plan)
        for path, layer in placement.map_layers(environment, groups, plan).items():
            layers[layer.name][path.removeprefix(f"{environment}/")] = describe(Path(path))
    return layers


def describe(path: Path) -> str:
    return f"-> {path.readlink()}" if path.is_symlink() else path.read_text()


def merge(layers: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """An upper layer hides what a lower one has."""
    union: dict[str, str] = {}
    for layer in layers:
        union |= layer
    return union


@pytest.fixture
def whole(placement: ModuleType, tmp_path: Path) -> dict[str, str]:
    """All in one layer."""
    (layer,) = build_layers(placement, tmp_path / "venv", make_plan(placement, ORDER)).values()
    return layer


def test_one_layer_is_the_environment_without_its_skeleton(whole: dict[str, str], tmp_path: Path) -> None:
    install(tmp_path / "venv", [name for name in ORDER if name in WHEELS])
    found = {
        str(path.relative_to(tmp_path / "venv")): describe(path)
        for path in (tmp_path / "venv").rglob("*")
        if path.is_symlink() or path.is_file()
    }
    for name in ("pyvenv.cfg", ".lock", "lib64", "bin/python3"):
        del found[name]
    assert whole == found


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_the_union_of_layers_is_the_one_layer(
    placement: ModuleType, whole: dict[str, str], tmp_path: Path, step: int
) -> None:
    """Of one stage."""
    plan = make_plan(placement, *(ORDER[at : at + step] for at in range(0, len(ORDER), step)))
    assert merge(build_layers(placement, tmp_path / "venv", plan).values()) == whole


def test_the_union_of_stages_is_the_one_layer(placement: ModuleType, whole: dict[str, str], tmp_path: Path) -> None:
    """A stage does not see what another one installs; numpy and its libraries come from one."""
    parts = [(name, "numpy") if name == "numpy.libs" else (name,) for name in ORDER if name != "numpy"]
    layers = [
        layer
        for members in parts
        for layer in build_layers(
            placement, tmp_path / "venv", make_plan(placement, *((one,) for one in members))
        ).values()
    ]
    assert len(layers) == len(ORDER)
    assert merge(layers) == whole


def test_no_file_is_in_two_layers_but_what_two_claim(placement: ModuleType, tmp_path: Path) -> None:
    plan = make_plan(placement, *((part,) for part in ORDER))
    placed = [path for layer in build_layers(placement, tmp_path / "venv", plan).values() for path in layer]
    assert {path for path in placed if placed.count(path) > 1} == {"lib/python3.11/site-packages/shared/__init__.py"}


def test_of_two_that_claim_a_file_the_upper_one_has_it(whole: dict[str, str]) -> None:
    assert whole["lib/python3.11/site-packages/shared/__init__.py"] == "second"


def test_those_that_claim_one_file_are_installed_one_after_the_other(placement: ModuleType, tmp_path: Path) -> None:
    plan = make_plan(placement, ORDER)
    install(tmp_path / "venv", [name for name in ORDER if name in WHEELS])
    first, second = placement.list_rounds(tmp_path / "venv", plan)
    assert second == ["second"]
    assert {*first, "second"} == {*WHEELS}


def test_a_script_and_data_files_go_with_their_distribution(placement: ModuleType, tmp_path: Path) -> None:
    plan = make_plan(placement, ["alpha"], ["data-files"])
    layers = build_layers(placement, tmp_path / "venv", plan)
    assert "bin/alpha" in layers["layer-0"]
    assert {"share/data/x.conf", "etc/x.ini"} <= {*layers["layer-1"]}


def test_bundled_libraries_lie_in_a_layer_of_their_own(placement: ModuleType, tmp_path: Path) -> None:
    layers = build_layers(placement, tmp_path / "venv", make_plan(placement, ["numpy.libs"], ["numpy"]))
    assert [*layers["layer-0"]] == ["lib/python3.11/site-packages/numpy.libs/libopenblas-0cf96a72.so"]


def test_what_the_build_makes_goes_with_its_distribution(placement: ModuleType, tmp_path: Path) -> None:
    """Bytecode: it is in RECORD once the distribution is finished."""
    plan = make_plan(placement, ["space-one"], ["hidden"])
    install(tmp_path / "venv", ["space-one", "hidden"])
    groups = placement.list_groups(tmp_path / "venv", plan)
    site = tmp_path / "venv/lib/python3.11/site-packages"
    made = site / f"hidden/__pycache__/__init__.{sys.implementation.cache_tag}.pyc"
    made.parent.mkdir()
    made.write_text("made")
    with pytest.raises(SystemExit, match=r"in no RECORD: .*__init__"):
        placement.map_layers(tmp_path / "venv", groups, plan)
    with (site / "hidden-1.0.dist-info/RECORD").open("a") as record:
        record.write(f"{made.relative_to(site)},,\n")
    assert placement.map_layers(tmp_path / "venv", groups, plan)[str(made)].name == "layer-1"


def test_a_file_that_no_record_names_goes_with_its_neighbours(whole: dict[str, str]) -> None:
    assert "lib/python3.11/site-packages/hidden/not_listed.bin" in whole


def test_what_the_plan_does_not_have_is_refused(placement: ModuleType, tmp_path: Path) -> None:
    install(tmp_path / "venv", ["alpha", "linked"])
    with pytest.raises(SystemExit, match="in no layer of the plan: linked"):
        placement.list_groups(tmp_path / "venv", make_plan(placement, ["alpha"]))


def test_a_plan_is_read(placement: ModuleType, tmp_path: Path) -> None:
    rows = [{"name": "numpy", "stamp": 7, "members": ["numpy"]}]
    (tmp_path / "layers.json").write_text(json.dumps(rows))
    assert placement.read_plan(tmp_path / "layers.json") == (placement.Layer("numpy", 7, ("numpy",)),)


@pytest.mark.parametrize("path", ["../../../../passwd", "../../../lib64/python3.11/site-packages/alpha.py"])
def test_a_record_reaches_no_file_outside(placement: ModuleType, tmp_path: Path, path: str) -> None:
    """It would be moved into the image; and a file below a link would come a second time."""
    install(tmp_path / "venv", ["alpha"])
    (tmp_path / "passwd").write_text("of the builder")
    record = tmp_path / "venv/lib/python3.11/site-packages/alpha-1.0.dist-info/RECORD"
    entries = placement.list_entries(tmp_path / "venv")
    before = placement.read_claims(record, entries)
    record.write_text(record.read_text() + f"{path},,\n")
    assert (record.parent.parent / path).is_file()
    assert placement.read_claims(record, entries) == before


@pytest.mark.parametrize("step", [1, 3, len(ORDER)])
def test_what_is_moved_is_what_was_placed(placement: ModuleType, tmp_path: Path, step: int) -> None:
    """Whole folders where they can be; nothing that was not placed comes along, no empty folder, and none stays."""
    environment, out = tmp_path / "venv", tmp_path / "out"
    plan = make_plan(placement, *(ORDER[at : at + step] for at in range(0, len(ORDER), step)))
    install(environment, [name for name in ORDER if name in WHEELS])
    site = environment / "lib/python3.11/site-packages"
    (site / "alpha/empty/deeper").mkdir(parents=True)
    for round_number, names in enumerate(placement.list_rounds(environment, plan)):
        install(environment, names)
        if round_number == 0:
            (site / "linked/empty/deeper").mkdir(parents=True)
        placed = placement.map_layers(environment, placement.list_groups(environment, plan), plan)
        wanted = {f"{layer.name}{path}": describe(Path(path)) for path, layer in placed.items()}
        placement.move_files(environment, placed, out)
        entries = [path for path in out.rglob("*") if path.is_symlink() or not path.is_dir()]
        found = {str(path.relative_to(out)): describe(path) for path in entries}
        assert wanted.items() <= found.items()
        assert placement.list_entries(environment) == set()
        assert not [path for path in out.rglob("*") if path.is_dir() and not any(path.iterdir())]
    assert {path.name for path in environment.iterdir()} >= {"pyvenv.cfg", ".lock", "lib64", "bin"}
    assert (environment / "bin/python3").is_symlink()


def test_a_folder_that_cannot_move_as_one_moves_file_by_file(
    placement: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def refuse_folders(path: str, target: str) -> None:
        if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114 - as the script asks
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(path, target)

    plan = make_plan(placement, ORDER)
    install(tmp_path / "venv", ["alpha", "numpy", "linked"])
    placed = placement.map_layers(tmp_path / "venv", placement.list_groups(tmp_path / "venv", plan), plan)
    monkeypatch.setattr(placement.os, "rename", refuse_folders)
    placement.move_files(tmp_path / "venv", placed, tmp_path / "out")
    assert all(os.path.lexists(f"{tmp_path}/out/{layer.name}{path}") for path, layer in placed.items())
