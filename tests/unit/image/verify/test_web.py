"""What the answers of a webserver are worth."""

from __future__ import annotations

import pytest

from builder.airflow.model import HttpHealth
from builder.image.verify import web

HEALTH = HttpHealth("/health", 8080, ("metadatabase", "scheduler"))


HEALTHY = '200 {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "healthy"}}'


DEAD = HEALTHY.replace('"scheduler": {"status": "healthy"}', '"scheduler": {"status": "unhealthy"}')


UP, GONE, NO_DATABASE = "metadatabase is healthy", "scheduler is missing", "metadatabase is missing"


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
    assert web.check_http_answer(HEALTH, answer) == (fine, words)


def test_a_role_without_components_is_believed_on_its_status() -> None:
    assert web.check_http_answer(HttpHealth("/", 5555), "200 anything") == (True, "HTTP status 200")
