"""Which Docker engine is meant: ``DOCKER_HOST``, ``DOCKER_CONTEXT``, the context store; as the docker client does it.

The SDK knows the first only. Order and file layout: docker/cli, ``cli/command/cli.go`` (``resolveContextName``) and
``cli/context/store`` (``meta/<sha256 of the name>/meta.json``, ``tls/<the same>/docker/``).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.core.errors import EngineMissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_HOST = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class Endpoint:
    """Where an engine listens. ``certificates`` is a folder with ca.pem, cert.pem, key.pem; None: no TLS."""

    host: str
    certificates: Path | None = None
    verify: bool = True

    @property
    def is_local(self) -> bool:
        """Its files can be on this machine's disk."""
        return self.host.startswith(("unix://", "npipe://"))


def resolve_endpoint(env: Mapping[str, str]) -> Endpoint:
    """The engine that the docker client would use with this environment. Raises EngineMissingError."""
    folder = Path(env.get("DOCKER_CONFIG") or Path(env.get("HOME") or "/") / ".docker")
    if host := env.get("DOCKER_HOST"):
        return _make_host_endpoint(host, env, folder)
    name = env.get("DOCKER_CONTEXT") or str(_read_json(folder / "config.json").get("currentContext") or "default")
    if name == "default":
        return _make_host_endpoint(DEFAULT_HOST, env, folder)
    return _read_context_endpoint(name, folder / "contexts")


def _make_host_endpoint(host: str, env: Mapping[str, str], folder: Path) -> Endpoint:
    """``DOCKER_TLS_VERIFY`` counts when it is not empty, whatever it says, as in the docker client."""
    verify = bool(env.get("DOCKER_TLS_VERIFY"))
    path = env.get("DOCKER_CERT_PATH")
    tls = verify or bool(path)
    return Endpoint(host, Path(path) if path else folder if tls else None, verify or not tls)


def _read_context_endpoint(name: str, store: Path) -> Endpoint:
    identity = hashlib.sha256(name.encode()).hexdigest()
    docker = _read_json(store / "meta" / identity / "meta.json").get("Endpoints", {}).get("docker", {})
    if not docker.get("Host"):
        raise EngineMissingError(f"docker context {name!r}", f"{store} holds no such context (`docker context ls`)")
    certificates = store / "tls" / identity / "docker"
    present = certificates.is_dir()
    return Endpoint(docker["Host"], certificates if present else None, not docker.get("SkipTLSVerify", False))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
