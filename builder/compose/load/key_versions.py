"""Since which version of Compose a key may be written: a file that uses a newer one is right, and Compose is old.

Source: Docker's release notes of Compose (docs.docker.com/compose/releases/release-notes) and the "Requires: Docker
Compose …" lines of its reference of the compose file.
"""

from __future__ import annotations

import re

_SINCE = {
    "": {"models": "2.38.0", "include": "2.20.0"},
    "services.*": {
        "provider": "2.36.0",
        "models": "2.38.0",
        "use_api_socket": "2.37.2",
        "post_start": "2.30.0",
        "pre_stop": "2.30.0",
        "gpus": "2.30.0",
        "label_file": "2.32.2",
        "develop": "2.22.0",
        "attach": "2.20.0",
        "uts": "2.15.1",
        "cgroup": "2.15.0",
    },
    "services.*.build": {
        "provenance": "2.39.0",
        "sbom": "2.39.0",
        "entitlements": "2.27.1",
        "ulimits": "2.23.1",
        "additional_contexts": "2.17.0",
        "dockerfile_inline": "2.17.0",
        "privileged": "2.15.0",
    },
    "services.*.develop.watch.*": {"initial_sync": "2.39.4", "include": "2.34.0", "exec": "2.32.0"},
    "services.*.networks.*": {
        "interface_name": "2.36.0",
        "gw_priority": "2.33.1",
        "driver_opts": "2.27.1",
        "mac_address": "2.23.2",
    },
    "services.*.env_file.*": {"format": "2.30.0", "path": "2.24.0", "required": "2.24.0"},
    "services.*.depends_on.*": {"required": "2.20.0"},
    "services.*.volumes.*": {"image": "2.35.0"},
    "networks.*": {"enable_ipv4": "2.33.1"},
    "configs.*": {"content": "2.23.1"},
}
"""Place, each ``*`` a name or a number → key → version."""


def find_key_version(path: tuple[str, ...], key: str) -> str | None:
    """The first version that knows ``key`` below ``path``; None: not known here."""
    for place, keys in _SINCE.items():
        parts = place.split(".") if place else []
        if len(parts) == len(path) and all(part in ("*", given) for part, given in zip(parts, path, strict=True)):
            return keys.get(key)
    return None


def is_older(version: str, than: str) -> bool:
    """Whether a Compose of this version is older; distributions add to it (``2.26.1-4``)."""
    found, needed = (tuple(map(int, re.findall(r"\d+", text)[:3])) for text in (version, than))
    return found < needed
