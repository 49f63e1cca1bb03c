"""Checks of the image as the engine describes it and as its layers hold it; no container is started for them."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.airflow.releases import UI_PORT
from builder.engine.archive import iterate_layer_files
from builder.engine.layers import list_diffs
from builder.engine.tarstream import BLOCK
from builder.image.verify.contents import (
    LayerInspection,
    find_config_secrets,
    parse_layer_digest,
    read_clean_layers,
    write_clean_layers,
)
from builder.image.verify.scheduler import CheckFailure, CheckPassed, NotRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import DockerClient

    from builder.image.verify.plan import VerifyPlan

ENTRYPOINT = "/entrypoint"
INIT = "dumb-init"
READING_NICENESS = 5
CACHE_FILE = "clean-layers.json"
_HINTS = {
    "compiler": "compilers belong in the builder stage ([apt] build), what they make is copied out of it",
    "apt": "remove /var/lib/apt/lists in the same RUN that filled it",
    "cache": "give installers a cache mount (RUN --mount=type=cache) or --no-cache-dir",
    "secret": "pass it as a build secret (RUN --mount=type=secret) and revoke it: every layer can be read",
}


def check_configuration(attrs: Mapping[str, Any], plan: VerifyPlan, web_ports: Mapping[str, int]) -> CheckPassed:
    """User, entrypoint, port and labels of the image contract. ``web_ports``: role → where the image's settings put it.

    An image that no spec describes may have another program in front of its entrypoint, and other ports.
    """
    config = attrs.get("Config") or {}
    user = str(config.get("User") or "root")
    entrypoint = [str(word) for word in config.get("Entrypoint") or ()]
    problems = []
    if user.partition(":")[0] not in {plan.user, "airflow"}:
        problems.append(f"runs as user {user}, expected {plan.user}")
    if not any(word.endswith(ENTRYPOINT) for word in entrypoint):
        problems.append(f"its entrypoint is {entrypoint}, expected {ENTRYPOINT}")
    elif plan.is_described and not _is_behind_init(entrypoint):
        problems.append(f"its entrypoint is {entrypoint}, expected {ENTRYPOINT} behind {INIT}")
    if plan.is_described:
        problems += _list_port_problems(set(config.get("ExposedPorts") or ()), web_ports)
    labels = config.get("Labels") or {}
    problems += [
        f"label {name} is {labels.get(name, 'missing')}, expected {value}"
        for name, value in plan.labels
        if labels.get(name) != value
    ]
    if problems:
        raise CheckFailure(
            "; ".join(problems), hint="build the image again: its configuration is not what optbuild renders"
        )
    port = f", port {UI_PORT}" if plan.is_described else ""
    return CheckPassed(f"user {user}, entrypoint{port} and {len(plan.labels)} labels")


def _is_behind_init(entrypoint: list[str]) -> bool:
    """dumb-init(1) is the first process, and starts the entrypoint itself: no shell in between."""
    first, *options, last = entrypoint if len(entrypoint) > 1 else ("", "")
    return first.rpartition("/")[2] == INIT and last == ENTRYPOINT and all(word.startswith("-") for word in options)


def _list_port_problems(exposed: set[str], web_ports: Mapping[str, int]) -> list[str]:
    if f"{UI_PORT}/tcp" not in exposed:
        return [f"it does not expose port {UI_PORT}"]
    return [
        f"its variables move the {role} to port {port}, expected {UI_PORT}"
        for role, port in web_ports.items()
        if f"{port}/tcp" not in exposed
    ]


def check_contents(
    client: DockerClient, attrs: Mapping[str, Any], plan: VerifyPlan, cache: Path, cancelled: threading.Event
) -> CheckPassed:
    """No compiler, apt list, installer's cache or secret in any layer, deleted files included.

    Layers that were found clean before are not read again: a layer's name is the sha256 of its bytes. With secrets of
    the build to look for, all of them are.
    """
    layers = [digest.removeprefix("sha256:") for digest in list_diffs(attrs)]
    known = frozenset() if plan.forbidden else read_clean_layers(cache / CACHE_FILE)
    inspection = LayerInspection(plan.forbidden)
    if not set(layers) <= known:
        _lower_priority()
        for file in iterate_layer_files(
            _iterate_archive(client, str(attrs["Id"]), cancelled), skip=lambda name: parse_layer_digest(name) in known
        ):
            inspection.inspect_file(file)
        write_clean_layers(cache / CACHE_FILE, known | set(inspection.select_clean_layers(layers)))
    config = {name: attrs.get(name) for name in ("Config", "Author", "Comment")}
    history = client.images.get(str(attrs["Id"])).history()
    findings = (*inspection.list_findings(), *find_config_secrets({**config, "history": history}, plan.forbidden))
    if findings:
        words = [str(finding) for finding in findings]
        more = f" (and {len(words) - 1} more)" if len(words) > 1 else ""
        raise CheckFailure(words[0] + more, hint=_HINTS[findings[0].kind], log="\n".join(words[:40]) if more else "")
    return CheckPassed(
        f"{len(layers)} layers, {inspection.files} files read, {len(known & set(layers))} layers known to be clean"
    )


def _lower_priority() -> None:
    """Lower this thread's priority: ten seconds of reading must not take the processor from roles that others wait for.

    setpriority(2): on Linux a thread is a PRIO_PROCESS of its own. Elsewhere this would lower the whole process.
    """
    if Path("/proc/self/task").is_dir():
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), READING_NICENESS)


def _iterate_archive(client: DockerClient, image: str, cancelled: threading.Event) -> Iterator[bytes]:
    for chunk in client.api.get_image(image, chunk_size=BLOCK):
        if cancelled.is_set():
            raise NotRun("stopped before it could end")
        yield chunk
