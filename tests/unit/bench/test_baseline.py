"""The baselines: what each must have to be the one that the issue names, and how the best attempt is found."""

from __future__ import annotations

import pytest
import yaml
from baseline import Baseline, choose_best, make_baselines, make_compose_file, write_pins, write_requirements
from bases import make_mmdebstrap_argv
from dockerfile_parse import DockerfileParser

from builder.image.lock.model import Distribution

BASELINES = make_baselines()


def list_instructions(one: Baseline, keyword: str, tmp_path: object) -> list[str]:
    parser = DockerfileParser(path=str(tmp_path))
    parser.content = one.dockerfile
    return [part["value"] for part in parser.structure if part["instruction"] == keyword]


def test_each_letter_has_attempts_of_different_text() -> None:
    assert {letter: sum(one.letter == letter for one in BASELINES) for letter in "abc"} == {"a": 3, "b": 3, "c": 3}
    assert len({one.name for one in BASELINES}) == len({one.dockerfile for one in BASELINES}) == len(BASELINES)


@pytest.mark.parametrize("one", BASELINES, ids=lambda one: one.name)
def test_each_has_what_its_letter_says(one: Baseline, tmp_path: object) -> None:
    runs = " ".join(list_instructions(one, "RUN", tmp_path))
    stages = list_instructions(one, "FROM", tmp_path)
    if one.letter == "a":
        assert len(stages) == 1
        assert "--no-install-recommends build-essential" in runs
        assert "pip install --no-cache-dir" in runs
        return
    assert len(stages) == 2
    assert "--mount=type=cache" in runs
    assert "compileall" in runs or "UV_COMPILE_BYTECODE=1" in runs
    assert any(copy.startswith("--link --from=builder") for copy in list_instructions(one, "COPY", tmp_path))
    assert ("strip" in runs and "-name tests" in runs and "*.libs/*" in runs) == (one.letter == "c")


def test_the_best_is_the_quickest_of_the_smallest() -> None:
    attempts = {"c1": (1000.0, 9.0), "c2": (1004.0, 7.0), "c3": (1100.0, 1.0)}
    assert choose_best(attempts) == "c2"


def test_no_attempt_no_best() -> None:
    with pytest.raises(ValueError, match="empty"):
        choose_best({})


def test_requirements_name_the_very_files_of_the_lock() -> None:
    one = Distribution("numpy", "1.24.3", "wheel", "ab" * 32, 17)
    assert write_requirements((one,)) == f"numpy==1.24.3 --hash=sha256:{'ab' * 32}\n"


def test_pip_is_given_no_hashes() -> None:
    """It would refuse connexion[flask], which no lock can name."""
    assert write_pins((Distribution("numpy", "1.24.3", "wheel", "ab" * 32, 17),)) == "numpy==1.24.3\n"
    assert all("pins.txt" in one.dockerfile for one in BASELINES if one.letter == "a")


def test_three_services_build_one_folder() -> None:
    document = yaml.safe_load(make_compose_file(("a", "b"), {"ca": "file: /ca.crt", "index": "environment: INDEX"}))
    build = {"context": ".", "secrets": ["ca", "index"]}
    assert document["services"] == {"a": {"build": build}, "b": {"build": build}}
    assert document["secrets"] == {"ca": {"file": "/ca.crt"}, "index": {"environment": "INDEX"}}


def test_the_base_has_no_recommended_packages(tmp_path: object) -> None:
    argv = make_mmdebstrap_argv(("curl", "python3"), "bookworm", tmp_path)  # type: ignore[arg-type]  # any path
    assert "--include=curl,python3" in argv
    assert "--aptopt=APT::Install-Recommends false" in argv
    assert argv[-2:] == ("bookworm", str(tmp_path))
