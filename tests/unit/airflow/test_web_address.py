"""Where a web server answers, by its command and its settings."""

from __future__ import annotations

import pytest

from builder.airflow.find import find_role
from builder.airflow.web_address import find_web_address

BASE, PORT, CERTIFICATE = (
    f"AIRFLOW__WEBSERVER__{name}" for name in ("BASE_URL", "WEB_SERVER_PORT", "WEB_SERVER_SSL_CERT")
)


@pytest.mark.parametrize(
    ("words", "settings", "url"),
    [
        ((), {}, "http://h:8080/health"),
        ((), {BASE: "http://localhost:8080"}, "http://h:8080/health"),
        ((), {BASE: "https://data.example/airflow"}, "http://h:8080/airflow/health"),
        ((), {BASE: "https://data.example/a/b/"}, "http://h:8080/a/b/health"),
        ((), {CERTIFICATE: "/c.pem"}, "https://h:8080/health"),
        ((), {PORT: "9090"}, "http://h:9090/health"),
        ((), {PORT: "${PORT}"}, "http://h:8080/health"),
        (("--port", "7000"), {PORT: "9090"}, "http://h:7000/health"),
        (("--port=7000",), {BASE: "http://x/y", CERTIFICATE: "/c"}, "https://h:7000/y/health"),
        (("-p", "7000", "--debug"), {}, "http://h:7000/health"),
    ],
)
def test_path_port_and_scheme(words: tuple[str, ...], settings: dict[str, str], url: str) -> None:
    known = find_role("webserver", "2.8.1")
    assert known is not None
    found = find_web_address(known.web, 8080, [("webserver", *words)], lambda option: settings.get(option.name, ""))
    assert found.format_url("h", "/health") == url


def test_a_role_of_which_no_option_is_known_stays_where_it_is() -> None:
    found = find_web_address(None, 5000, [("serve", "--port", "1")], lambda _: "http://x/y")
    assert found.format_url("h", "/") == "http://h:5000/"
