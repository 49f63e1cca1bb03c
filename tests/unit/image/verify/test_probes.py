"""What the answers of the probes mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builder.image.verify import probes
from builder.image.verify.plan import VerifyPlan
from builder.image.verify.scheduler import CheckFailure, NotRun


@pytest.mark.parametrize("line", ["", "ready", "optbuild: {", "optbuild: [1]", 'x optbuild: {"a": 1}'])
def test_what_is_no_answer_is_none(line: str) -> None:
    assert probes.parse_probe_answer(line) is None


def static(answer: dict[str, Any] | None) -> probes.StaticProbe:
    return probes.StaticProbe(lambda: probes.ProbeResult(127, "python: not found", answer))


def part(result: Any, error: str = "") -> dict[str, Any]:
    return {"result": result, "error": error, "seconds": 1.5}


def test_the_version_must_equal() -> None:
    assert probes.check_version(static({"version": part("2.8.1")}), "2.8.1").seconds == 1.5
    with pytest.raises(CheckFailure, match=r"says 2\.8\.0, expected 2\.8\.1"):
        probes.check_version(static({"version": part("2.8.0")}), "2.8.1")


def test_without_python_one_check_fails_and_the_others_did_not_run() -> None:
    probe = static(None)
    with pytest.raises(NotRun):
        probes.check_problems(probe, "imports", "", "")
    with pytest.raises(CheckFailure, match="exit code 127") as caught:
        probes.check_version(probe, "2.8.1")
    assert caught.value.log == "python: not found"


def test_problems_are_counted_and_all_of_them_are_in_the_log() -> None:
    with pytest.raises(CheckFailure, match=r"^a \(and 1 more\)$") as caught:
        probes.check_problems(static({"imports": part(["a", "b"])}), "imports", "", "hint")
    assert (caught.value.log, caught.value.hint) == ("a\nb", "hint")


@pytest.mark.parametrize(
    ("problem", "step"),
    [
        ("mlflow: import mlflow: ModuleNotFoundError: No module named 'pkg_resources'", "setuptools<82"),
        ("a: import a: ModuleNotFoundError: No module named 'pkg_resources.extern'", "setuptools<82"),
        ("a: import a: ImportError: libgomp.so.1: cannot open shared object file", "[apt] runtime"),
        ("a: import a: ModuleNotFoundError: No module named 'my_pkg_resources'", "[apt] runtime"),
    ],
)
def test_a_package_that_does_not_import_has_a_next_step(problem: str, step: str) -> None:
    with pytest.raises(CheckFailure) as caught:
        probes.check_imports(static({"imports": part([problem])}), 7)
    assert step in (caught.value.hint or "")


def test_what_a_package_has_beside_itself_is_noted() -> None:
    stray = "mlflow-skinny: import pylint_plugins: it has no astroid, for which mlflow-skinny does not ask"
    fine = probes.check_imports(static({"imports": part([]), "strays": part([stray])}), 7)
    assert (fine.message, fine.notes) == ("7 requirements import", (stray,))


def test_folders_that_the_image_may_lack_are_noted() -> None:
    fine = probes.check_folders(static({"folders": part([]), "absent": part([])}))
    assert (fine.message, fine.notes) == ("group 0 can write them all", ())
    lacking = probes.check_folders(static({"folders": part([]), "absent": part(["/opt/airflow/plugins"])}))
    assert "/opt/airflow/plugins" in lacking.notes[0]
    with pytest.raises(CheckFailure, match="mode 0755"):
        probes.check_folders(static({"folders": part(["/opt/airflow has mode 0755"]), "absent": part([])}))


CLASH = "Moto needs Responses>=0.9: version 0.1 is installed"


def test_what_two_distributions_of_the_base_want_of_each_other_is_noted() -> None:
    probe = static({"dependencies": part([CLASH])})
    found = probes.check_dependencies(probe, "apache/airflow:2.8.1", {"moto", "responses"})
    assert found.notes == (f"so it is in the base apache/airflow:2.8.1 already: {CLASH}",)
    for kept in (set[str](), {"moto"}, {"responses"}):
        with pytest.raises(CheckFailure, match="Moto needs"):
            probes.check_dependencies(probe, "apache/airflow:2.8.1", kept)


def test_what_the_spec_wants_is_never_the_bases_matter() -> None:
    probe = static({"dependencies": part([CLASH, "the spec needs pandas==2.0.3: version 2.1.4 is installed"])})
    with pytest.raises(CheckFailure, match=r"^the spec needs pandas==2\.0\.3: [^(]*$"):
        probes.check_dependencies(probe, "x", {"moto", "responses", "spec", "pandas"})


@pytest.mark.parametrize(("labels", "optional"), [((), ["plugins", "config"]), ((("optbuild.project", "a"),), [])])
def test_an_image_of_ours_has_every_folder(labels: Any, optional: list[str]) -> None:
    plan = VerifyPlan("2.8.1", (), (), "sqlite", labels)
    for start in (probes.make_probe_options(plan), probes.make_user_probe_options(61234, plan)):
        assert json.loads(start.environment["OPTBUILD_VERIFY"])["optional"] == optional


def test_a_part_that_broke_is_a_failure_of_that_part() -> None:
    probe = static({"imports": part(None, "KeyError: 'x'"), "folders": part([])})
    with pytest.raises(CheckFailure, match="KeyError"):
        probes.check_problems(probe, "imports", "", "")
    assert probes.check_problems(probe, "folders", "fine", "").message == "fine"


def test_the_probe_runs_once_for_all_its_checks() -> None:
    runs: list[int] = []

    def run() -> probes.ProbeResult:
        runs.append(1)
        return probes.ProbeResult(0, "", {"version": part("1"), "folders": part([])})

    probe = probes.StaticProbe(run)
    probes.check_version(probe, "1")
    probes.check_problems(probe, "folders", "", "")
    assert runs == [1]


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (probes.ProbeResult(1, "denied", None), "ended with exit code 1"),
        (probes.ProbeResult(1, "", {"problems": ["cannot write /x"]}), "cannot write /x"),
    ],
)
def test_a_refused_user_is_named_by_its_id(ended: probes.ProbeResult, words: str) -> None:
    with pytest.raises(CheckFailure, match=f"user 61234, group 0: .*{words}"):
        probes.check_user_probe(61234, ended)


def test_the_random_user_is_neither_root_nor_the_images_own() -> None:
    assert all(uid >= 60000 for uid in (probes.choose_random_uid() for _ in range(50)))
