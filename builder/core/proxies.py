"""What the proxy variables of an environment mean for a request, as curl, urllib, requests and httpx read them.

Sources: curl(1), "ENVIRONMENT"; ``urllib.request.getproxies_environment`` and ``proxy_bypass_environment``. They differ
in which case they read; a variable in either case counts here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EXCEPTIONS = "no_proxy"
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def uses_proxy(environment: Mapping[str, str | None], scheme: str, host: str) -> bool:
    """Whether a request to ``host`` is sent to a proxy."""
    proxies = (f"{scheme}_proxy", "all_proxy")
    return any(_list_values(environment, name) for name in proxies) and not _is_exception(environment, host)


def add_proxy_exceptions(environment: Mapping[str, str | None], hosts: Iterable[str]) -> dict[str, str]:
    """The variables under which these hosts too are asked without a proxy; none where there is no proxy."""
    if not any(_list_values(environment, name) for name in _PROXIES):
        return {}
    missing = [host for host in hosts if not _is_exception(environment, host)]
    words = ",".join((*_list_values(environment, EXCEPTIONS), *missing))
    return {EXCEPTIONS: words, EXCEPTIONS.upper(): words} if missing else {}


def _list_values(environment: Mapping[str, str | None], name: str) -> list[str]:
    found = (environment.get(one) for one in (name, name.upper()))
    return list(dict.fromkeys(value for value in found if value))


def _is_exception(environment: Mapping[str, str | None], host: str) -> bool:
    """A name in the list stands for its subdomains too; a star for every host."""
    listed = ",".join(_list_values(environment, EXCEPTIONS)).replace(" ", ",").lower().split(",")
    names = {word.lstrip(".").partition(":")[0] for word in listed if word}
    return "*" in names or any(host == name or host.endswith(f".{name}") for name in names)
