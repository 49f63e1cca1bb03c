"""One service of Compose's answer as a value. Filled in, Compose writes one form of each key; raw, any that may be
in a file."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from builder.compose.load.builds import format_scalar, parse_build, parse_pairs
from builder.compose.model import Mount, Service

if TYPE_CHECKING:
    from collections.abc import Mapping

_SWITCHED_OFF = ("NONE",)


def parse_service(name: str, found: Mapping[str, Any], raw: Mapping[str, Any] | None, project: str = "") -> Service:
    """``found`` is what Compose says of the service, ``raw`` the same before its variables were filled in;
    ``project`` is the name of its project."""
    platform = format_scalar(found.get("platform")) or None
    raw = raw or {}
    return Service(
        name=name,
        image=format_scalar(found.get("image")) or None,
        build=parse_build(found.get("build"), platform=platform),
        raw_build=parse_build(raw.get("build"), platform=format_scalar(raw.get("platform")) or None),
        raw_image=format_scalar(raw.get("image")) or None,
        pull_policy=format_scalar(found.get("pull_policy")) or None,
        platform=platform,
        profiles=tuple(map(str, found.get("profiles") or ())),
        depends_on=_parse_depends_on(found.get("depends_on")),
        command=_parse_words(found.get("command")),
        entrypoint=_parse_words(found.get("entrypoint")),
        environment=parse_pairs(found.get("environment")),
        mounts=_collect_mounts(found),
        health_test=_parse_health_test(found.get("healthcheck")),
        container_name=format_scalar(found.get("container_name")) or None,
        restart=format_scalar(found.get("restart")) or None,
        replicas=_parse_replicas(found),
        user=format_scalar(found.get("user")) or None,
        is_watched=bool((found.get("develop") or {}).get("watch")),
        project=project,
    )


def _parse_depends_on(found: Any) -> dict[str, str]:
    if not isinstance(found, dict):
        return {str(name): "service_started" for name in found or ()}
    default = "service_started"
    return {
        name: format_scalar((how or {}).get("condition")) or default if isinstance(how, dict) else default
        for name, how in sorted(found.items())
    }


def _parse_words(found: Any) -> tuple[str, ...] | None:
    """A text is split as a shell would, which is what Compose does with it."""
    if found is None:
        return None
    if not isinstance(found, str):
        return tuple(map(format_scalar, found))
    try:
        return tuple(shlex.split(found))
    except ValueError:
        return (found,)


def _collect_mounts(found: Mapping[str, Any]) -> tuple[Mount, ...]:
    volumes = tuple(_parse_mount(volume) for volume in found.get("volumes") or ())
    tmpfs = found.get("tmpfs") or ()
    paths = (tmpfs,) if isinstance(tmpfs, str) else tmpfs
    return (*volumes, *(Mount("tmpfs", "", str(path).split(":")[0]) for path in paths))


def _parse_mount(found: Any) -> Mount:
    if isinstance(found, dict):
        return Mount(
            format_scalar(found.get("type")) or "volume",
            format_scalar(found.get("source")),
            format_scalar(found.get("target")),
        )
    source, _, rest = format_scalar(found).partition(":")
    if not rest:
        return Mount("volume", "", source)
    return Mount("bind" if source.startswith(("/", ".", "~")) else "volume", source, rest.split(":")[0])


def _parse_health_test(found: Any) -> tuple[str, ...] | None:
    if not isinstance(found, dict):
        return None
    if format_scalar(found.get("disable")) == "true":
        return _SWITCHED_OFF
    test = found.get("test")
    if isinstance(test, str):
        return ("CMD-SHELL", test)
    return tuple(map(format_scalar, test)) if test else None


def _parse_replicas(found: Mapping[str, Any]) -> int:
    """``scale`` wins over ``deploy.replicas``; what is not a number (a variable, ``mode: global``) counts as one."""
    deploy = found.get("deploy")
    wanted = found.get("scale")
    if wanted is None and isinstance(deploy, dict):
        wanted = deploy.get("replicas")
    return int(format_scalar(wanted)) if format_scalar(wanted).isdecimal() else 1
