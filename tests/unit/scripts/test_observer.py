"""The observer asks the roles themselves, whatever proxy the image names."""

from __future__ import annotations

import importlib.util
import urllib.request
from typing import Any

import pytest

from builder.core.resources import find_template_folder


def load() -> Any:
    spec = importlib.util.spec_from_file_location("observer", find_template_folder() / "verify" / "observer.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Seen(urllib.request.BaseHandler):
    """Notes whom a request goes to; runs behind a ProxyHandler, in place of the network."""

    handler_order = 200

    def __init__(self) -> None:
        self.hosts: list[str] = []

    def http_open(self, request: urllib.request.Request) -> Any:
        self.hosts.append(request.host)
        raise OSError("nobody")

    https_open = http_open


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_request_goes_to_a_proxy(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    observer, seen = load(), Seen()
    observer.OPENER.add_handler(seen)
    assert observer.fetch(f"{scheme}://webserver:8080/health") == ""
    assert seen.hosts == ["webserver:8080"]
    usual = Seen()
    with pytest.raises(OSError, match="nobody"):
        urllib.request.build_opener(usual).open(f"{scheme}://webserver:8080/health")
    assert usual.hosts == ["proxy.example:3128"], "without that the request would go there"
