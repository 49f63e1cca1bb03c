"""The bumps of our side, and the calls that build."""

from __future__ import annotations

from our_build import Bump, apply_bump, count_build_calls
from part_second import find_parts
from part_start import parse_times


def make_spec() -> dict[str, dict[str, object]]:
    return {"airflow": {"version": "2.8.1"}, "python": {"requirements": ["numpy==1.24.3", "pandas==2.0.3"]}}


def test_a_requirement_takes_the_place_of_its_name() -> None:
    spec = make_spec()
    apply_bump(spec, Bump("numpy-patch", requirement="numpy==1.24.4"))
    assert spec["python"]["requirements"] == ["pandas==2.0.3", "numpy==1.24.4"]
    assert spec["airflow"] == {"version": "2.8.1"}


def test_a_requirement_that_is_not_there_is_added() -> None:
    spec: dict[str, dict[str, object]] = {"airflow": {"version": "3.3.2"}}
    apply_bump(spec, Bump("bump", requirement="rich==14.3.3"))
    assert spec["python"] == {"requirements": ["rich==14.3.3"]}


def test_another_airflow() -> None:
    spec = make_spec()
    apply_bump(spec, Bump("airflow", airflow="2.8.4"))
    assert spec == {**make_spec(), "airflow": {"version": "2.8.4"}}


def test_another_project_has_other_requirements() -> None:
    spec = make_spec()
    apply_bump(spec, Bump("second", requirements=("statsmodels==0.14.1",)))
    assert spec["python"]["requirements"] == ["statsmodels==0.14.1"]


def test_only_builds_are_build_calls() -> None:
    assert count_build_calls("buildx version\nbuildx inspect\n") == 0
    assert count_build_calls("buildx build --load .\nbuildx bake --print\nimage inspect buildx\n") == 2


def test_times_of_bash() -> None:
    assert parse_times("a warning\n0.750 0.101\n") == 0.851


def test_the_parts_of_a_layer() -> None:
    site = "home/airflow/.local/lib/python3.11/site-packages"
    paths = (
        f"{site}/Flask_AppBuilder-4.3.10.dist-info/METADATA",
        f"{site}/numpy.libs/libopenblas.so",
        f"{site}/numpy/__init__.py",
        f"{site}/a.dist-information/x",
    )
    assert find_parts(paths) == {"flask-appbuilder==4.3.10", "numpy.libs"}
