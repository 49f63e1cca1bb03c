"""What an image's configuration must say."""

from __future__ import annotations

from typing import Any

import pytest

from builder.image.verify.image import check_configuration
from builder.image.verify.plan import VerifyPlan
from builder.image.verify.scheduler import CheckFailure

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
