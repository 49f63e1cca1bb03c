"""What the answers of the probes with a container of their own mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builder.image.verify import inside
from builder.image.verify.bench import VerifyContext
from builder.image.verify.environment import NO_DATABASE
from builder.image.verify.inside import (
    format_providers,
    format_tls,
    make_script_options,
    require_answer,
    require_no_problems,
)
from builder.image.verify.plan import VerifyPlan
from builder.image.verify.probes import ProbeResult
from builder.image.verify.scheduler import CheckFailure

if TYPE_CHECKING:
    from builder.image.verify.containers import ContainerOptions

COUNTS = {"modules": 82, "providers": 7, "scripts": 27, "optional": [], "misnamed": []}


def test_what_nothing_requires_is_named_and_not_failed() -> None:
    words = "82 modules of Airflow and 7 providers, 27 scripts"
    assert format_providers(COUNTS) == words
    assert format_providers({**COUNTS, "optional": ["boto3", "dask"]}) == f"{words}; nothing requires boto3, dask"
    assert format_providers({**COUNTS, "optional": list("abcdefg")}).endswith("a, b, c, d, e and 2 more")
    assert format_providers({**COUNTS, "misnamed": ["x.y"]}) == f"{words}; named by a package that never had it: x.y"


def test_the_first_problem_is_the_message_and_all_are_in_the_log() -> None:
    require_no_problems({"problems": []}, "hint")
    with pytest.raises(CheckFailure, match=r"^a \(and 1 more\)$") as caught:
        require_no_problems({"problems": ["a", "b"]}, "hint")
    assert (caught.value.hint, caught.value.log) == ("hint", "a\nb")


def test_a_probe_that_broke_is_a_failure_with_its_log() -> None:
    with pytest.raises(CheckFailure, match="ended with exit code 1 before it could answer") as caught:
        require_answer(ProbeResult(1, "ImportError: airflow", None))
    assert caught.value.log == "ImportError: airflow"


def test_a_probe_is_started_past_the_entrypoint_with_its_script_alone() -> None:
    start = make_script_options("tls.py", {"NO_PROXY": "localhost"}, user="61234:0")
    (script,) = start.files
    assert start.command == (script[0],)
    assert (start.entrypoint, start.user) == (("python",), "61234:0")
    assert start.environment["NO_PROXY"] == "localhost"


@pytest.mark.parametrize(
    ("variables", "home"), [(["AIRFLOW_USER_HOME_DIR=/home/airflow"], "/home/airflow"), ([], None)]
)
def test_a_user_that_nobody_made_has_the_home_that_the_entrypoint_gives_him(
    monkeypatch: pytest.MonkeyPatch, variables: list[str], home: str | None
) -> None:
    """In official images before 2.9 the packages lie below it: without it Python finds none."""
    started: list[ContainerOptions] = []

    def run(_yard: object, start: ContainerOptions, *_: object) -> ProbeResult:
        started.append(start)
        return ProbeResult(0, "", {"authorities": 148, "mounted": [], "problems": []})

    monkeypatch.setattr(inside, "run_probe", run)
    nothing: Any = None
    plan = VerifyPlan("2.8.1", (), (), "sqlite")
    attrs = {"Config": {"Env": variables}}
    inside.check_tls(VerifyContext(plan, attrs, nothing, nothing, NO_DATABASE, {}, nothing, "x_y"), 61234)
    assert started[0].environment.get("HOME") == home


def test_authorities_that_come_with_the_container_are_a_warning() -> None:
    assert format_tls({"authorities": 148, "mounted": []}).warnings == ()
    found = format_tls({"authorities": 148, "mounted": ["SSL_CERT_FILE names /corp.pem"]})
    assert found.message.startswith("148 certificate authorities")
    assert found.warnings == (
        "SSL_CERT_FILE names /corp.pem, which is not in the image: whoever starts it must mount it",
    )
