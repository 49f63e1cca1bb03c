"""What an image's configuration must say."""

from __future__ import annotations

from typing import Any

import pytest

from builder.image.verify.image import check_configuration
from builder.image.verify.plan import VerifyPlan
from builder.image.verify.scheduler import CheckFailure

VERSION = ("org.apache.airflow.version", "2.8.1")
PLAN = VerifyPlan("2.8.1", (), (), "sqlite", (VERSION, ("optbuild.project", "mine")))
FOREIGN = VerifyPlan("2.8.1", (), (), "sqlite", (VERSION,))
PORTS = {"webserver": 8080}

CONFIG: dict[str, Any] = {
    "User": "50000",
    "Entrypoint": ["/usr/bin/dumb-init", "--", "/entrypoint"],
    "ExposedPorts": {"8080/tcp": {}},
    "Labels": {"org.apache.airflow.version": "2.8.1", "optbuild.project": "mine"},
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"User": ""}, "runs as user root"),
        ({"User": "1000:0"}, "runs as user 1000:0"),
        ({"Entrypoint": None}, r"its entrypoint is \[\], expected /entrypoint$"),
        ({"Entrypoint": ["/entrypoint"]}, "expected /entrypoint behind dumb-init"),
        ({"Entrypoint": ["/bin/sh", "-c", "/usr/bin/dumb-init -- /entrypoint"]}, "behind dumb-init"),
        ({"Entrypoint": ["/usr/bin/dumb-init", "--", "/bin/bash", "/entrypoint"]}, "behind dumb-init"),
        ({"Entrypoint": ["/usr/bin/dumb-init", "--", "/other/entrypoint"]}, "behind dumb-init"),
        ({"ExposedPorts": None}, "it does not expose port 8080"),
        ({"ExposedPorts": {"8081/tcp": {}, "8080/udp": {}}}, "it does not expose port 8080"),
        ({"Labels": None}, "label org.apache.airflow.version is missing"),
        ({"Labels": {**CONFIG["Labels"], "org.apache.airflow.version": "2.9.0"}}, "is 2.9.0, expected 2.8.1"),
    ],
)
def test_the_configuration_keeps_the_contract(change: dict[str, Any], words: str) -> None:
    check_configuration({"Config": CONFIG}, PLAN, PORTS)
    check_configuration({"Config": {**CONFIG, "User": "50000:0"}}, PLAN, PORTS)
    check_configuration({"Config": {**CONFIG, "Entrypoint": ["dumb-init", "-v", "/entrypoint"]}}, PLAN, PORTS)
    with pytest.raises(CheckFailure, match=words):
        check_configuration({"Config": {**CONFIG, **change}}, PLAN, PORTS)


def test_a_port_that_the_variables_move_is_exposed_too() -> None:
    with pytest.raises(CheckFailure, match="its variables move the webserver to port 9090, expected 8080"):
        check_configuration({"Config": CONFIG}, PLAN, {"webserver": 9090})
    both = {**CONFIG, "ExposedPorts": {"8080/tcp": {}, "9090/tcp": {}}}
    assert "port 8080" in check_configuration({"Config": both}, PLAN, {"webserver": 9090}).message


def test_an_image_that_no_spec_describes_may_start_behind_another_program() -> None:
    own = {**CONFIG, "Entrypoint": ["/sbin/tini", "--", "/entrypoint"], "ExposedPorts": {"80/tcp": {}}}
    assert "port" not in check_configuration({"Config": own}, FOREIGN, {}).message
    with pytest.raises(CheckFailure, match="expected /entrypoint"):
        check_configuration({"Config": {**own, "Entrypoint": ["/start.sh"]}}, FOREIGN, {})
