"""What an inspection needs to know before it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from runtime_factory import make_runtime

from builder.image.spec.reader import parse_spec
from builder.inspect.machine import UNKNOWN, Machine
from builder.operations.inspect import InspectOptions, choose_machine, collect_requested_packages, matches_any_reference

if TYPE_CHECKING:
    from pathlib import Path


SPEC = """\
[image]
name = "{name}"
[base]
debian = "bookworm"
[airflow]
version = "2.8.1"
extras = ["postgres"]
[python]
version = "3.11"
requirements = ["numpy==1.0"]
[apt]
runtime = ["libgomp1"]
[budget]
{budget}
"""


@pytest.mark.parametrize(
    ("name", "reference", "same"),
    [
        ("shop", "shop:latest", True),
        ("shop", "docker.io/library/shop:1", True),
        ("shop", "shop-web:latest", False),
        ("registry.example:5000/team/shop", "registry.example:5000/team/shop:2", True),
        ("shop", "registry.example:5000/team/shop:2", False),
        ("library/shop", "shop:1", True),
        ("shop", "localhost/shop:1", False),
    ],
)
def test_an_image_is_named_by_all_but_its_tag(name: str, reference: str, same: bool) -> None:
    assert matches_any_reference(name, ["other:1", reference]) is same


def test_what_a_spec_asks_for(tmp_path: Path) -> None:
    spec = tmp_path / "optbuild.toml"
    spec.write_text(SPEC.format(name="shop", budget=""))
    found = collect_requested_packages(parse_spec(spec.read_text(), str(spec), tmp_path))
    assert found == {"apache-airflow[postgres]", "numpy==1.0", "libgomp1"}


def test_a_gpu_is_what_was_said_and_unknown_for_an_engine_elsewhere(tmp_path: Path) -> None:
    def asked(gpu: str, host: str) -> Machine:
        return choose_machine(make_runtime(tmp_path, {"DOCKER_HOST": host}), InspectOptions("x", gpu=gpu))

    assert asked("auto", "tcp://10.0.0.1:2375") == UNKNOWN
    assert asked("yes", "tcp://10.0.0.1:2375").gpu is True
    assert asked("no", "unix:///none.sock") == Machine(gpu=False, how="--gpu no")
    assert asked("auto", "unix:///none.sock").gpu is not None
