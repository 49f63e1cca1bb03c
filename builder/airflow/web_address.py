"""Where a web server of Airflow answers, as its start command and its settings say: for advice and for verification."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from builder.airflow.model import WebOptions
    from builder.airflow.variables import ConfigOption


@dataclass(frozen=True)
class WebAddress:
    """Everything that it serves is below ``prefix`` (``/airflow``, or empty)."""

    scheme: str
    port: int
    prefix: str = ""

    def format_url(self, host: str, path: str) -> str:
        """``http://localhost:8080/airflow/health``; ``path`` is one of Airflow's own."""
        return f"{self.format_origin(host)}{self.prefix}{path}"

    def format_origin(self, host: str) -> str:
        """``http://localhost:8080``"""
        return f"{self.scheme}://{host}:{self.port}"


def find_web_address(
    options: WebOptions | None,
    default_port: int,
    calls: Iterable[tuple[str, ...]],
    read: Callable[[ConfigOption], str],
) -> WebAddress:
    """Of a role with these options. ``calls``: the words behind ``airflow`` that start it; ``read`` gives an option's
    value, empty where it is not set.

    Airflow 2 answers 404 to everything that is not below the path of its base URL (init_wsgi_middlewares.py), and
    speaks TLS alone once it has a certificate.
    """
    if options is None:
        return WebAddress("http", default_port)
    port = _find_port_option(calls) or read(options.port)
    is_secure = options.certificate is not None and bool(read(options.certificate))
    return WebAddress(
        "https" if is_secure else "http",
        int(port) if port.isdigit() else default_port,
        _parse_path(read(options.address)),
    )


def _parse_path(address: str) -> str:
    """``/airflow`` of ``https://data.example/airflow/``, and of ``airflow``: some options are a path alone."""
    path = urlsplit(address).path.strip("/") if "://" in address else address.strip("/")
    return f"/{path}" if path else ""


def _find_port_option(calls: Iterable[tuple[str, ...]]) -> str:
    """Of ``--port``; empty: nothing says it there."""
    for call in calls:
        for word, following in pairwise((*call, "")):
            if word in ("-p", "--port") and following.isdigit():
                return following
            if word.startswith("--port=") and word.partition("=")[2].isdigit():
                return word.partition("=")[2]
    return ""
