"""`inspect --sbom` on an archive; no engine."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from archive_factories import BASE, numpy, save, tar
from runtime_factory import make_runtime

from builder.cli import main as cli
from builder.core.progress import LineProgress
from builder.image.lock.document import write_lock
from builder.image.lock.model import Distribution, Lock, LockInputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOCK = Lock(
    platform="linux/amd64",
    inputs=LockInputs("2.8.1", (), "3.11", (), "none", "bookworm", (), ()),
    constraints=None,
    given_up=(),
    source_date_epoch=0,
    uv=Distribution("uv", "0.9", "wheel", "0" * 64, 1),
    python=(Distribution("numpy", "1.0", "wheel", "a" * 64, 1),),
    build_requires=(),
    shared_libraries=(),
    runtime=(),
    build=(),
)
SPEC = """
[image]
name = "shop"
[base]
debian = "bookworm"
[airflow]
version = "2.8.1"
[python]
version = "3.11"
"""
Ran = tuple[int, str, str]


@pytest.fixture
def inspect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """``inspect(*words)``: exit code, stdout, stderr."""
    save(tmp_path / "shop.tar", tar(BASE), tar(numpy("1.0", 1000)))
    (tmp_path / "image").mkdir()
    write_lock(tmp_path / "image" / "optbuild.lock", LOCK)
    env = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "DOCKER_CONTEXT": "none"}

    def run(*words: str, **more: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()

        runtime = make_runtime(tmp_path, {**env, **more}, progress=LineProgress(err), out=out, err=err)
        code = cli.run(("inspect", "shop.tar", *words), lambda **_: runtime)
        return code, out.getvalue(), err.getvalue() + capsys.readouterr().err

    return run


def hashes(text: str) -> dict[str, Any]:
    return {one["name"]: one.get("hashes") for one in json.loads(text)["components"]}


def test_without_a_lock_there_are_no_hashes_and_it_says_so(inspect: Callable[..., Ran]) -> None:
    code, out, err = inspect("--sbom", "cyclonedx")
    assert code == 0
    assert hashes(out) == {"numpy": None}
    assert "has no hashes: --lock DIR" in err
    assert inspect("--sbom", "cyclonedx")[1] == out


@pytest.mark.parametrize("lock", ["image", "image/optbuild.lock"])
def test_with_a_lock(inspect: Callable[..., Ran], lock: str, tmp_path: Path) -> None:
    code, out, err = inspect("--sbom", "cyclonedx", "--lock", lock, "-o", "bom.json")
    assert (code, out) == (0, "")
    assert "no hashes" not in err
    assert hashes((tmp_path / "bom.json").read_text()) == {"numpy": [{"alg": "SHA-256", "content": "a" * 64}]}


@pytest.mark.parametrize("spec", ["image", "image/optbuild.toml"])
def test_the_lock_beside_the_spec_counts_too(inspect: Callable[..., Ran], spec: str, tmp_path: Path) -> None:
    (tmp_path / "image" / "optbuild.toml").write_text(SPEC)
    code, out, _ = inspect("--sbom", "cyclonedx", "--spec", spec)
    assert code == 0
    assert hashes(out) == {"numpy": [{"alg": "SHA-256", "content": "a" * 64}]}


def test_a_lock_of_another_image_is_told(inspect: Callable[..., Ran], tmp_path: Path) -> None:
    write_lock(tmp_path / "image" / "optbuild.lock", replace(LOCK, python=()))
    code, out, err = inspect("--sbom", "cyclonedx", "--lock", "image")
    assert (code, hashes(out)) == (0, {"numpy": None})
    assert "the image is not what the lock says: `optbuild diff IMAGE LOCK` shows where" in err


def test_it_judges_no_budget(inspect: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / ".dive-ci").write_text("rules: [")
    (tmp_path / "optbuild.toml").write_text(f'{SPEC}[budget]\nimage-bytes = "1B"\n')
    assert inspect()[0] == 2
    assert inspect("--sbom", "cyclonedx")[0] == 0


def test_the_time_is_the_one_that_is_asked_for(inspect: Callable[..., Ran]) -> None:
    _, out, _ = inspect("--sbom", "cyclonedx", SOURCE_DATE_EPOCH="86400")
    assert json.loads(out)["metadata"]["timestamp"] == "1970-01-02T00:00:00+00:00"


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        pytest.param(("--lock", "image"), {}, "--lock needs --sbom", id="lock alone"),
        pytest.param(("--sbom", "cyclonedx", "--lock", "none.lock"), {}, "there is no lock yet", id="no lock there"),
        pytest.param(("--sbom", "spdx"), {}, "'spdx' is not one of", id="another format"),
        pytest.param(("--sbom", "cyclonedx"), {"SOURCE_DATE_EPOCH": "soon"}, "SOURCE_DATE_EPOCH=soon", id="time"),
    ],
)
def test_what_it_cannot_do_is_told(
    inspect: Callable[..., Ran], words: tuple[str, ...], env: dict[str, str], said: str
) -> None:
    code, out, err = inspect(*words, **env)
    assert (code, out) == (2, "")
    assert said in err
