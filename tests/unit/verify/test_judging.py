"""What the answers of probes and roles mean."""

from __future__ import annotations

import importlib.util
import threading
from typing import TYPE_CHECKING, Any

import pytest

from builder.airflow.model import HttpHealth
from builder.resources import template_folder
from builder.verify import probes, web
from builder.verify.board import CheckFailure, NotRun
from builder.verify.containers import wait_until
from builder.verify.image import check_configuration
from builder.verify.plan import VerifyPlan

if TYPE_CHECKING:
    from types import ModuleType

HEALTH = HttpHealth("/health", 8080, ("metadatabase", "scheduler"))
HEALTHY = '200 {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "healthy"}}'
DEAD = HEALTHY.replace('"scheduler": {"status": "healthy"}', '"scheduler": {"status": "unhealthy"}')
UP, GONE, NO_DATABASE = "metadatabase is healthy", "scheduler is missing", "metadatabase is missing"


def template(name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(name, template_folder() / "verify" / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("answer", "fine", "words"),
    [
        pytest.param(HEALTHY, True, "metadatabase is healthy, scheduler is healthy", id="healthy"),
        pytest.param(DEAD, False, "metadatabase is healthy, scheduler is unhealthy", id="200 with a dead scheduler"),
        pytest.param('200 {"metadatabase": {"status": "healthy"}}', False, f"{UP}, {GONE}", id="missing"),
        pytest.param('200 {"metadatabase": "healthy"}', False, f"{NO_DATABASE}, {GONE}", id="another shape"),
        pytest.param("200 <html>", False, "the answer is not JSON", id="no JSON"),
        pytest.param("200 [1]", False, f"{NO_DATABASE}, {GONE}", id="a list"),
        pytest.param("503 {}", False, "HTTP status 503", id="503"),
        pytest.param("", False, "nothing answers", id="nothing"),
    ],
)
def test_only_json_that_says_healthy_is_believed(answer: str, fine: bool, words: str) -> None:
    assert web.judge_http(HEALTH, answer) == (fine, words)


def test_a_role_without_components_is_believed_on_its_status() -> None:
    assert web.judge_http(HttpHealth("/", 5555), "200 anything") == (True, "HTTP status 200")


@pytest.mark.parametrize("line", ["", "ready", "optbuild: {", "optbuild: [1]", 'x optbuild: {"a": 1}'])
def test_what_is_no_answer_is_none(line: str) -> None:
    assert probes.answer(line) is None


def static(answer: dict[str, Any] | None) -> probes.StaticProbe:
    return probes.StaticProbe(lambda: probes.Ended(127, "python: not found", answer))


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


def test_a_part_that_broke_is_a_failure_of_that_part() -> None:
    probe = static({"imports": part(None, "KeyError: 'x'"), "folders": part([])})
    with pytest.raises(CheckFailure, match="KeyError"):
        probes.check_problems(probe, "imports", "", "")
    assert probes.check_problems(probe, "folders", "fine", "").message == "fine"


def test_the_probe_runs_once_for_all_its_checks() -> None:
    runs: list[int] = []

    def run() -> probes.Ended:
        runs.append(1)
        return probes.Ended(0, "", {"version": part("1"), "folders": part([])})

    probe = probes.StaticProbe(run)
    probes.check_version(probe, "1")
    probes.check_problems(probe, "folders", "", "")
    assert runs == [1]


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (probes.Ended(1, "denied", None), "ended with exit code 1"),
        (probes.Ended(1, "", {"problems": ["cannot write /x"]}), "cannot write /x"),
    ],
)
def test_a_refused_user_is_named_by_its_id(ended: probes.Ended, words: str) -> None:
    with pytest.raises(CheckFailure, match=f"user 61234, group 0: .*{words}"):
        probes.judge_user(61234, ended)


def test_the_random_user_is_neither_root_nor_the_images_own() -> None:
    assert all(uid >= 60000 for uid in (probes.random_uid() for _ in range(50)))


PLAN = VerifyPlan("2.8.1", (), (), "sqlite", (("org.apache.airflow.version", "2.8.1"),))
CONFIG = {
    "User": "50000",
    "Entrypoint": ["/usr/bin/dumb-init", "--", "/entrypoint"],
    "Labels": {"org.apache.airflow.version": "2.8.1"},
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"User": ""}, "runs as user root"),
        ({"User": "1000:0"}, "runs as user 1000:0"),
        ({"Entrypoint": None}, "its entrypoint is None"),
        ({"Labels": None}, "label org.apache.airflow.version is missing"),
        ({"Labels": {"org.apache.airflow.version": "2.9.0"}}, "is 2.9.0, expected 2.8.1"),
    ],
)
def test_the_configuration_keeps_the_contract(change: dict[str, Any], words: str) -> None:
    check_configuration({"Config": CONFIG}, PLAN)
    check_configuration({"Config": {**CONFIG, "User": "50000:0"}}, PLAN)
    with pytest.raises(CheckFailure, match=words):
        check_configuration({"Config": {**CONFIG, **change}}, PLAN)


def test_waiting_ends_with_the_answer_the_time_or_the_cancellation() -> None:
    cancelled = threading.Event()
    assert wait_until(lambda: 0, 1, cancelled) == 0
    assert wait_until(lambda: None, 0, cancelled) is None
    cancelled.set()
    with pytest.raises(NotRun):
        wait_until(lambda: None, 10, cancelled)


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("pandas/__init__.py", "pandas"),
        ("pylab.py", "pylab"),
        ("sklearn/svm/_x.cpython-311-x86_64-linux-gnu.so", "sklearn"),
        ("_cffi_backend.cpython-311-x86_64-linux-gnu.so", "_cffi_backend"),
        ("pandas-2.0.3.dist-info/RECORD", ""),
        ("../../../bin/airflow", ""),
        ("share/data.txt", ""),
    ],
)
def test_modules_are_found_by_the_files_of_a_distribution(path: str, module: str) -> None:
    assert template("modules").top_level(path) == module


def test_modules_of_a_distribution_are_those_that_one_imports() -> None:
    assert template("modules").modules_of("packaging") == ["packaging"]
    assert template("modules").modules_of("pytest") == ["py", "pytest"]
