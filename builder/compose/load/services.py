"""One service of Compose's answer as a value. Filled in, Compose writes one form of each key; raw, any that may stand
in a file."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from builder.compose.load.builds import build_of, pairs, text
from builder.compose.model import Mount, Service

if TYPE_CHECKING:
    from collections.abc import Mapping

_SWITCHED_OFF = ("NONE",)


def service_of(name: str, found: Mapping[str, Any], raw: Mapping[str, Any] | None) -> Service:
    """``found`` is what Compose says of the service, ``raw`` the same before its variables were filled in."""
    platform = text(found.get("platform")) or None
    raw = raw or {}
    return Service(
        name=name,
        image=text(found.get("image")) or None,
        build=build_of(found.get("build"), platform=platform),
        raw_build=build_of(raw.get("build"), platform=text(raw.get("platform")) or None),
        raw_image=text(raw.get("image")) or None,
        pull_policy=text(found.get("pull_policy")) or None,
        platform=platform,
        profiles=tuple(map(str, found.get("profiles") or ())),
        depends_on=_depends_on(found.get("depends_on")),
        command=_words(found.get("command")),
        entrypoint=_words(found.get("entrypoint")),
        environment=pairs(found.get("environment")),
        mounts=_mounts(found),
        health_test=_health(found.get("healthcheck")),
        container_name=text(found.get("container_name")) or None,
        restart=text(found.get("restart")) or None,
        replicas=_replicas(found),
        user=text(found.get("user")) or None,
        ports=tuple(_port(port) for port in found.get("ports") or ()),
    )


def _depends_on(found: Any) -> dict[str, str]:
    if not isinstance(found, dict):
        return {str(name): "service_started" for name in found or ()}
    default = "service_started"
    return {
        name: text((how or {}).get("condition")) or default if isinstance(how, dict) else default
        for name, how in sorted(found.items())
    }


def _words(found: Any) -> tuple[str, ...] | None:
    """A text is split as a shell would, which is what Compose does with it."""
    if found is None:
        return None
    if not isinstance(found, str):
        return tuple(map(text, found))
    try:
        return tuple(shlex.split(found))
    except ValueError:
        return (found,)


def _mounts(found: Mapping[str, Any]) -> tuple[Mount, ...]:
    volumes = tuple(_mount(volume) for volume in found.get("volumes") or ())
    tmpfs = found.get("tmpfs") or ()
    paths = (tmpfs,) if isinstance(tmpfs, str) else tmpfs
    return (*volumes, *(Mount("tmpfs", "", str(path).split(":")[0]) for path in paths))


def _mount(found: Any) -> Mount:
    if isinstance(found, dict):
        return Mount(text(found.get("type")) or "volume", text(found.get("source")), text(found.get("target")))
    source, _, rest = text(found).partition(":")
    if not rest:
        return Mount("volume", "", source)
    return Mount("bind" if source.startswith(("/", ".", "~")) else "volume", source, rest.split(":")[0])


def _health(found: Any) -> tuple[str, ...] | None:
    if not isinstance(found, dict):
        return None
    if text(found.get("disable")) == "true":
        return _SWITCHED_OFF
    test = found.get("test")
    if isinstance(test, str):
        return ("CMD-SHELL", test)
    return tuple(map(text, test)) if test else None


def _replicas(found: Mapping[str, Any]) -> int:
    """``scale`` wins over ``deploy.replicas``; what is no number (a variable, ``mode: global``) counts as one."""
    deploy = found.get("deploy")
    wanted = found.get("scale")
    if wanted is None and isinstance(deploy, dict):
        wanted = deploy.get("replicas")
    return int(text(wanted)) if text(wanted).isdecimal() else 1


def _port(found: Any) -> str:
    if not isinstance(found, dict):
        return text(found)
    parts = (text(found.get(key)) for key in ("host_ip", "published", "target"))
    protocol = text(found.get("protocol"))
    return ":".join(part for part in parts if part) + (f"/{protocol}" if protocol not in {"", "tcp"} else "")
