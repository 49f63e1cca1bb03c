"""Checks of the image as the engine describes it and as its layers hold it; no container is started for them."""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.airflow.releases import UI_PORT
from builder.engine.archive import iterate_layer_files
from builder.engine.layers import list_diffs
from builder.engine.sdk_client import SdkApi
from builder.engine.tarstream import BLOCK
from builder.image.verify.contents import (
    PRIVILEGE,
    LayerInspection,
    parse_layer_digest,
    read_clean_layers,
    write_clean_layers,
)
from builder.image.verify.credentials import CONFIG_HINT, find_config_secrets
from builder.image.verify.scheduler import CheckFailure, CheckPassed, NotRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import DockerClient

    from builder.image.verify.contents import LayerFinding
    from builder.image.verify.plan import VerifyPlan

ENTRYPOINT = "/entrypoint"
INIT = "dumb-init"
READING_NICENESS = 5
CACHE_FILE = "clean-layers.json"
_HINTS = {
    "compiler": "compilers belong in the builder stage ([apt] build), what they make is copied out of it",
    "apt": "remove /var/lib/apt/lists in the same RUN that filled it",
    "cache": "give installers a cache mount (RUN --mount=type=cache) or --no-cache-dir",
    PRIVILEGE: "remove the right in the RUN that gives it (chmod u-s,g-s,o-w FILE; setcap -r FILE), or install the "
    "Debian package that brings the file",
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


@dataclass(frozen=True)
class LayerAnswer:
    """What a look through all layers found."""

    findings: tuple[LayerFinding, ...]
    files: int
    layers: int
    known: int
    """Layers that were found clean before."""


class LayerReader:
    """One look through the layers for all checks that ask: the first one reads, the others wait.

    Layers that were found clean before are not read again: a layer's name is the sha256 of its bytes. With secrets of
    the build to look for, all of them are.
    """

    def __init__(
        self, client: DockerClient, attrs: Mapping[str, Any], cache: Path, forbidden: tuple[bytes, ...]
    ) -> None:
        self._client, self._attrs, self._cache, self._forbidden = client, attrs, cache, forbidden
        self._lock = threading.Lock()
        self._answer: LayerAnswer | None = None

    def read(self, cancelled: threading.Event) -> LayerAnswer:
        """Raises NotRun when all is cancelled."""
        with self._lock:
            if self._answer is None:
                self._answer = self._read_once(cancelled)
            return self._answer

    def _read_once(self, cancelled: threading.Event) -> LayerAnswer:
        layers = [digest.removeprefix("sha256:") for digest in list_diffs(self._attrs)]
        base = layers[0] if layers else ""
        known = frozenset() if self._forbidden else read_clean_layers(self._cache / CACHE_FILE)
        inspection = LayerInspection(self._forbidden)
        if not set(layers) <= known:
            _lower_priority()
            for file in iterate_layer_files(
                _iterate_archive(self._client, str(self._attrs["Id"]), cancelled),
                skip=lambda name: parse_layer_digest(name) in known,
            ):
                inspection.inspect_file(file)
            write_clean_layers(self._cache / CACHE_FILE, known | set(inspection.select_clean_layers(layers, base)))
        return LayerAnswer(inspection.list_findings(base), inspection.files, len(layers), len(known & set(layers)))


def check_contents(reader: LayerReader, cancelled: threading.Event) -> CheckPassed:
    """No compiler, apt list, installer's cache or secret in any layer, deleted files included."""
    found = reader.read(cancelled)
    _require_none([finding for finding in found.findings if finding.kind != PRIVILEGE])
    return CheckPassed(f"{found.layers} layers, {found.files} files read, {found.known} layers known to be clean")


def check_privileges(reader: LayerReader, cancelled: threading.Event) -> CheckPassed:
    """No file above the base gives whoever starts or changes it the rights of another user."""
    found = reader.read(cancelled)
    _require_none([finding for finding in found.findings if finding.kind == PRIVILEGE])
    return CheckPassed("no setuid or setgid file, capability or file that everybody may write was added to the base")


def _require_none(findings: list[LayerFinding]) -> None:
    words = [str(finding) for finding in findings]
    if words:
        more = f" (and {len(words) - 1} more)" if len(words) > 1 else ""
        raise CheckFailure(words[0] + more, hint=_HINTS[findings[0].kind], log="\n".join(words[:40]) if more else "")


def check_credentials(client: DockerClient, attrs: Mapping[str, Any], forbidden: tuple[bytes, ...]) -> CheckPassed:
    """No secret in the image's configuration and history, which `docker inspect` shows to everybody who has it."""
    steps = [str(step.get("CreatedBy") or "") for step in client.images.get(str(attrs["Id"])).history()]
    words = find_config_secrets(attrs, list(reversed(steps)), forbidden)
    if words:
        more = f" (and {len(words) - 1} more)" if len(words) > 1 else ""
        raise CheckFailure(words[0] + more, hint=CONFIG_HINT, log="\n".join(words[:40]) if more else "")
    return CheckPassed(f"environment, labels, commands and {len(steps)} steps of the history")


def _lower_priority() -> None:
    """Lower this thread's priority: ten seconds of reading must not take the processor from roles that others wait for.

    setpriority(2): on Linux a thread is a PRIO_PROCESS of its own. Elsewhere this would lower the whole process.
    """
    if Path("/proc/self/task").is_dir():
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), READING_NICENESS)


def _iterate_archive(client: DockerClient, image: str, cancelled: threading.Event) -> Iterator[bytes]:
    for chunk in SdkApi(client).get_image(image, chunk_size=BLOCK):  # with the time that the engine needs to pack it
        if cancelled.is_set():
            raise NotRun("stopped before it could end")
        yield chunk
