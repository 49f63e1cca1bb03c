"""OB219: health checks that cannot fail."""

from __future__ import annotations

import pytest
from project_factories import service
from rule_inputs import context_of, started

from builder.compose.rules.passing_checks import find_passing_checks

PAGE = "http://localhost:8080/health"


@pytest.mark.parametrize(
    ("test", "end"),
    [
        (("CMD-SHELL", 'airflow jobs check --hostname "$${HOSTNAME}" || true'), "|| true"),
        (("CMD-SHELL", f"curl --fail {PAGE} || exit 0"), "|| exit 0"),
        (("CMD-SHELL", f"curl --fail {PAGE}; true"), "; true"),
        (("CMD-SHELL", f"curl --fail {PAGE} || echo down"), "|| echo down"),
        (("CMD-SHELL", "pg_isready -U airflow ||:"), "||:"),
        (("CMD", "bash", "-c", f"curl --fail {PAGE} || true"), "|| true"),
        (("CMD-SHELL", f"curl --fail {PAGE}\nexit 0"), "exit 0"),
    ],
)
def test_a_check_whose_end_is_always_true(test: tuple[str, ...], end: str) -> None:
    (found,) = find_passing_checks(context_of(started("web", "webserver", health_test=test)))
    assert f"ends with `{end}`, so it passes whatever comes before" in found.message
    assert found.fix == f"take `{end}` out of the test"


@pytest.mark.parametrize("test", [("CMD", "true"), ("CMD-SHELL", "exit 0"), ("CMD", "echo", "ok"), ("CMD-SHELL", ":")])
def test_a_check_that_asks_nothing(test: tuple[str, ...]) -> None:
    (found,) = find_passing_checks(context_of(service("db", image="postgres:13", health_test=test)))
    assert "says nothing of the service" in found.message


@pytest.mark.parametrize(
    "test",
    [
        ("CMD", "curl", PAGE),
        ("CMD", "curl", "-s", PAGE),
        ("CMD-SHELL", f"curl -o /dev/null {PAGE}"),
        ("CMD-SHELL", f"curl -s {PAGE} || exit 1"),
        ("CMD", "bash", "-c", f"curl {PAGE}"),
    ],
)
def test_a_curl_that_passes_with_errors(test: tuple[str, ...]) -> None:
    (found,) = find_passing_checks(context_of(started("web", "webserver", health_test=test)))
    assert found.fix == "write `curl --fail` in the test"
    assert list(find_passing_checks(context_of(service("api", image="mine", health_test=test)))) == []


@pytest.mark.parametrize(
    "test",
    [
        None,
        ("NONE",),
        ("CMD", "curl", "--fail", PAGE),
        ("CMD", "curl", "-sf", PAGE),
        ("CMD", "curl", "--fail-with-body", PAGE),
        ("CMD-SHELL", f"curl --fail {PAGE} || exit 1"),
        ("CMD-SHELL", f"curl -s {PAGE} | grep -q healthy"),
        ("CMD-SHELL", f"curl -s {PAGE} || (echo down; exit 1)"),
        ("CMD-SHELL", "test -f /ready && echo ok"),
        ("CMD-SHELL", "airflow db check || kill 1"),
        ("CMD", "pg_isready"),
        ("CMD-SHELL", '[ "$$(redis-cli ping)" = PONG ]'),
    ],
)
def test_a_check_that_can_fail(test: tuple[str, ...] | None) -> None:
    assert list(find_passing_checks(context_of(started("web", "webserver", health_test=test)))) == []
