"""Who is asked through a proxy, and under which variables nobody of a network is."""

from __future__ import annotations

import urllib.request

import pytest

from builder.core.proxies import add_proxy_exceptions, uses_proxy

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environment", "proxied"),
    [
        ({}, False),
        ({"http_proxy": PROXY}, True),
        ({"HTTP_PROXY": PROXY}, True),
        ({"all_proxy": PROXY}, True),
        ({"https_proxy": PROXY}, False),
        ({"http_proxy": "", "HTTP_PROXY": None}, False),
        ({"http_proxy": PROXY, "no_proxy": "db, web.internal"}, False),
        ({"http_proxy": PROXY, "no_proxy": ".internal"}, False),
        ({"http_proxy": PROXY, "no_proxy": "web.internal:8080"}, False),
        ({"http_proxy": PROXY, "NO_PROXY": "*"}, False),
        ({"http_proxy": PROXY, "no_proxy": "ternal,other.web.internal"}, True),
    ],
)
def test_a_proxy_counts_unless_the_host_is_listed(environment: dict[str, str | None], proxied: bool) -> None:
    assert uses_proxy(environment, "http", "web.internal") is proxied


def test_hosts_are_added_to_those_that_are_listed() -> None:
    assert add_proxy_exceptions({"no_proxy": "a"}, ["web"]) == {}
    assert add_proxy_exceptions({"https_proxy": PROXY, "no_proxy": "a,web"}, ["web"]) == {}
    found = add_proxy_exceptions({"https_proxy": PROXY, "no_proxy": "a", "NO_PROXY": "b"}, ["web", "db"])
    assert found == {"no_proxy": "a,b,web,db", "NO_PROXY": "a,b,web,db"}


def test_python_reads_them_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"http_proxy": PROXY, **add_proxy_exceptions({"http_proxy": PROXY}, ["web", "db"])}.items():
        monkeypatch.setenv(name, value)
    assert urllib.request.proxy_bypass_environment("web")  # type: ignore[attr-defined] # not in the stubs
    assert not urllib.request.proxy_bypass_environment("example.com")  # type: ignore[attr-defined] # as above
