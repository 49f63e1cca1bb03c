"""Checks of the image as the engine describes it and as its layers hold it; no container is started for them."""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.airflow.releases import UI_PORT
from builder.core.phrases import format_short_list
from builder.engine.archive import iterate_layer_files
from builder.engine.inspected_image import list_diffs
from builder.engine.sdk_client import SdkApi
from builder.engine.tarstream import BLOCK
from builder.image.verify.contents import (
    PRIVILEGE,
    KnownLayers,
    LayerInspection,
    parse_layer_digest,
    read_known_layers,
    write_known_layers,
)
from builder.image.verify.credentials import CONFIG_HINT, find_config_secrets
from builder.image.verify.scheduler import CheckFailure, CheckPassed, NotRun

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

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
_PLURALS = {
    "a compiler or linker": "compilers or linkers",
    "apt's lists or packages": "files of apt's lists and packages",
    "a package installer's cache": "files of a package installer's cache",
    "a setuid file": "setuid files",
    "a setgid file": "setgid files",
    "a file with capabilities": "files with capabilities",
    "a file that every user may write": "files that every user may write",
    "pip": "copies of pip",
}
"""What a finding says of one file → what a note says of several."""


def check_configuration(attrs: Mapping[str, Any], plan: VerifyPlan, web_ports: Mapping[str, int]) -> CheckPassed:
    """User, entrypoint, port and labels of the image contract, and that the image stands on the base of its lock.

    ``web_ports``: role → where the image's settings put it. An image that no spec describes may have another program in
    front of its entrypoint, and other ports; one that extends an Airflow image keeps that one's user and entrypoint.
    """
    config = attrs.get("Config") or {}
    user = str(config.get("User") or "root")
    entrypoint = [str(word) for word in config.get("Entrypoint") or ()]
    problems = []
    if plan.entrypoint:
        problems += _list_kept_problems(user, tuple(entrypoint), plan)
    elif user.partition(":")[0] not in {plan.user, "airflow"}:
        problems.append(f"runs as user {user}, expected {plan.user}")
    if not plan.entrypoint and not any(word.endswith(ENTRYPOINT) for word in entrypoint):
        problems.append(f"its entrypoint is {entrypoint}, expected {ENTRYPOINT}")
    elif plan.has_own_contract and not _is_behind_init(entrypoint):
        problems.append(f"its entrypoint is {entrypoint}, expected {ENTRYPOINT} behind {INIT}")
    if plan.is_described:
        problems += _list_port_problems(set(config.get("ExposedPorts") or ()), web_ports)
    problems += _list_base_problems(list_diffs(attrs), plan)
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


def _list_kept_problems(user: str, entrypoint: tuple[str, ...], plan: VerifyPlan) -> list[str]:
    """Of an image that keeps what its base has."""
    problems = [f"runs as user {user}, its base as {plan.user}"] if user != plan.user else []
    if entrypoint != plan.entrypoint:
        problems.append(f"its entrypoint is {list(entrypoint)}, its base's is {list(plan.entrypoint)}")
    return problems


def _list_base_problems(diffs: tuple[str, ...], plan: VerifyPlan) -> list[str]:
    base = plan.base
    if base is None or not base.diffs or diffs[: len(base.diffs)] == base.diffs:
        return []
    return [f"its lowest {len(base.diffs)} layers are not those of {base.name}, which the lock names"]


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
    """What a look through all layers found. ``remarks`` are of the base's layers; ``layers`` counts those above."""

    findings: tuple[LayerFinding, ...]
    files: int
    layers: int
    known: int
    """Layers that were looked at before."""
    base: str = ""
    remarks: tuple[LayerFinding, ...] = ()


class LayerReader:
    """One look through the layers for all checks that ask: the first one reads, the others wait.

    Layers that were found clean before are not read again: a layer's name is the sha256 of its bytes. With secrets of
    the build to look for, all of them are.
    """

    def __init__(self, client: DockerClient, attrs: Mapping[str, Any], cache: Path, plan: VerifyPlan) -> None:
        self._client, self._attrs, self._cache = client, attrs, cache
        self._forbidden, self._base = plan.forbidden, plan.base
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
        count = 0 if self._base is None else self._base.layers
        own = layers[count:]
        below = set(layers[:count]) - set(own)
        known = read_known_layers(self._cache / CACHE_FILE)
        seen = set() if self._forbidden else (known.clean & set(own)) | (known.bases.keys() & below)
        inspection = LayerInspection(self._forbidden)
        if not set(layers) <= seen:
            self._inspect(inspection, seen, cancelled)
            known = self._remember(known, inspection, layers[:1], own, below - seen)
        findings = [
            one
            for one in inspection.list_findings(layers[0] if layers else "")
            if one.layer not in below or not one.is_excusable
        ]
        name = "" if self._base is None else self._base.name
        remarks = known.list_remarks(dict.fromkeys(layer for layer in layers[:count] if layer in below))
        return LayerAnswer(tuple(findings), inspection.files, len(own), len(seen - below), name, remarks)

    def _inspect(self, inspection: LayerInspection, seen: Container[str], cancelled: threading.Event) -> None:
        _lower_priority()
        for file in iterate_layer_files(
            _iterate_archive(self._client, str(self._attrs["Id"]), cancelled),
            skip=lambda name: parse_layer_digest(name) in seen,
        ):
            inspection.inspect_file(file)

    def _remember(
        self, known: KnownLayers, inspection: LayerInspection, lowest: list[str], own: list[str], below: set[str]
    ) -> KnownLayers:
        """``below``: layers of the base that were read now."""
        clean = inspection.select_clean_layers(own, "".join(lowest))
        made = KnownLayers(known.clean | set(clean), known.bases).with_base(below, inspection.list_remarks(below))
        write_known_layers(self._cache / CACHE_FILE, made)
        return made


def check_contents(reader: LayerReader, cancelled: threading.Event) -> CheckPassed:
    """No compiler, apt list, installer's cache or secret in any layer above the base, deleted files included."""
    found = reader.read(cancelled)
    _require_none([finding for finding in found.findings if finding.kind != PRIVILEGE])
    above = " above the base" if found.base else ""
    message = f"{found.layers} layers{above}, {found.files} files read, {found.known} layers known to be clean"
    return CheckPassed(message, notes=_make_notes(found, [one for one in found.remarks if one.kind != PRIVILEGE]))


def check_privileges(reader: LayerReader, cancelled: threading.Event) -> CheckPassed:
    """No file above the base gives whoever starts or changes it the rights of another user."""
    found = reader.read(cancelled)
    _require_none([finding for finding in found.findings if finding.kind == PRIVILEGE])
    message = "no setuid or setgid file, capability or file that everybody may write was added to the base"
    return CheckPassed(message, notes=_make_notes(found, [one for one in found.remarks if one.kind == PRIVILEGE]))


def _make_notes(found: LayerAnswer, remarks: list[LayerFinding]) -> tuple[str, ...]:
    """A sentence for each thing that the base has, with the first of its files."""
    by_kind: dict[str, list[str]] = {}
    for one in remarks:
        by_kind.setdefault(one.what, []).append(one.path)
    named = ((_PLURALS.get(what, f"files with {what}"), paths) for what, paths in by_kind.items())
    return tuple(
        f"the base {found.base} has {what} ({len(paths)}): {format_short_list(paths)}" for what, paths in named
    )


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
