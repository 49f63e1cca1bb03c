"""What this machine can do for optbuild, a line per requirement: what was found, and what to do about it.

Every probe runs at the same time and has a timeout; none changes anything.
"""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.core.errors import ToolMissingError, ToolTimeoutError
from builder.core.naming import DEFAULT_DATABASE, SQLITE
from builder.core.process import Command
from builder.core.redact import mask_addresses
from builder.engine.secrets import CA_VARIABLES, find_ca

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from builder.core.process import ProcessResult, Runner

NEEDED_ENGINE = 23
"""First engine whose ``docker build`` is BuildKit, with the frontend that the Dockerfile needs built in."""
RAWJSON_BUILDX = (0, 13)
"""First buildx with ``--progress rawjson``; older ones build too, with coarser progress."""
NEEDED_BYTES = 3_000_000_000
"""A first build with its base, layers, wheels and build cache, rounded up; twice of it is comfortable."""
_GET_AN_ENGINE = (
    f"install Docker Engine {NEEDED_ENGINE} or newer with buildx and start it (on Debian 12 and 13: `make engine`), "
    "or point DOCKER_HOST at one"
)
PROBE_SECONDS = 8.0
REGISTRY_SECONDS = 2.5
MAX_REASON = 90
"""Characters; of a longer reason only the innermost cause is shown."""
DEFAULT_RELEASE = "bookworm"


class FindingState(StrEnum):
    OK = "ok"
    WARNING = "warning"
    MISSING = "missing"


@dataclass(frozen=True)
class MachineFinding:
    """One line. ``advice`` is empty when there is nothing to do."""

    name: str
    state: FindingState
    found: str
    advice: str = ""


@dataclass(frozen=True)
class ProbeContext:
    """What the probes are given of the runtime. ``free_bytes`` raises OSError for a folder that cannot be seen."""

    runner: Runner
    env: Mapping[str, str]
    free_bytes: Callable[[Path], int]
    database: str = DEFAULT_DATABASE
    release: str = DEFAULT_RELEASE
    """Debian's release that the base is made from."""
    base_image: str = ""
    """The image that ``[base]`` names; empty: the base is made here."""

    def ask(self, *argv: str, timeout: float = PROBE_SECONDS) -> ProcessResult | None:
        """The answer of a tool; None when it is missing or silent."""
        env = {**self.env, "DOCKER_CLI_HINTS": "false"}
        try:
            return self.runner.run(Command(argv, env=env, timeout=timeout))
        except (ToolMissingError, ToolTimeoutError):
            return None

    def has(self, tool: str) -> bool:
        return shutil.which(tool, path=self.env.get("PATH", "")) is not None


def examine_machine(machine: ProbeContext) -> tuple[MachineFinding, ...]:
    """All lines, in the order in which the tools are needed. Never raises for what it finds."""
    probes = (
        check_engine,
        check_buildx,
        check_compose,
        check_old_compose,
        check_mmdebstrap,
        check_disk_space,
        check_ca_bundle,
        check_registry,
        *([check_base_image] if machine.base_image else []),
    )
    with ThreadPoolExecutor(max_workers=len(probes)) as pool:
        return tuple(pool.map(lambda probe: probe(machine), probes))


def check_engine(machine: ProbeContext) -> MachineFinding:
    """The engine that the docker client talks to, at least :data:`NEEDED_ENGINE`."""
    name = "Docker engine"
    if not machine.has("docker"):
        return MachineFinding(name, FindingState.MISSING, "docker is not on PATH", _GET_AN_ENGINE)
    answer = machine.ask("docker", "version", "--format", "{{json .}}")
    server = _parse_json(answer.out).get("Server") if answer else None
    if not server:
        reason = _find_reason(answer) if answer else f"it did not answer within {PROBE_SECONDS:g} s"
        return MachineFinding(name, FindingState.MISSING, reason, _GET_AN_ENGINE)
    version = str(server.get("Version", "?"))
    if _parse_numbers(version) < (NEEDED_ENGINE,):
        return MachineFinding(
            name, FindingState.MISSING, f"{version}, which is older than {NEEDED_ENGINE}", _GET_AN_ENGINE
        )
    return MachineFinding(name, FindingState.OK, f"{version} ({server.get('Os')}/{server.get('Arch')})")


def check_buildx(machine: ProbeContext) -> MachineFinding:
    """The build client; :data:`RAWJSON_BUILDX` for live progress."""
    name = "buildx"
    answer = machine.ask("docker", "buildx", "version") if machine.has("docker") else None
    if answer is None or not answer.ok:
        return MachineFinding(name, FindingState.MISSING, "`docker buildx` does not work", _GET_AN_ENGINE)
    version = _find_version(answer.out)
    if _parse_numbers(version) < RAWJSON_BUILDX:
        wanted = ".".join(map(str, RAWJSON_BUILDX))
        return MachineFinding(
            name, FindingState.WARNING, f"{version}, which reports little while it builds", f"update to {wanted}"
        )
    return MachineFinding(name, FindingState.OK, version)


def check_compose(machine: ProbeContext) -> MachineFinding:
    """`docker compose`, which starts what the image is for."""
    name = "Compose v2"
    answer = machine.ask("docker", "compose", "version", "--short") if machine.has("docker") else None
    if answer is None or not answer.ok:
        advice = "install the compose plugin (docker-compose-plugin, or docker-compose from Debian 13)"
        return MachineFinding(
            name, FindingState.WARNING, "`docker compose` does not work; images are built without it", advice
        )
    return MachineFinding(name, FindingState.OK, _find_version(answer.out))


def check_old_compose(machine: ProbeContext) -> MachineFinding:
    """Compose v1 reads other files, builds images one by one, and has had no fixes since 2023."""
    name = "docker-compose v1"
    if not machine.has("docker-compose"):
        return MachineFinding(name, FindingState.OK, "not there, as it should be")
    answer = machine.ask("docker-compose", "version", "--short")
    version = _find_version(answer.out) if answer and answer.ok else "?"
    if version.startswith("1."):
        advice = "call `docker compose` (two words) and remove docker-compose"
        return MachineFinding(
            name, FindingState.WARNING, f"docker-compose {version} is on PATH; it is no longer maintained", advice
        )
    if version == "?":
        return MachineFinding(name, FindingState.WARNING, "docker-compose is on PATH and does not work", "remove it")
    return MachineFinding(name, FindingState.OK, f"not there (docker-compose is {version})")


def check_mmdebstrap(machine: ProbeContext) -> MachineFinding:
    """Makes a Debian base. Without it a container of Debian's own image does, the one that base.sh names."""
    name = "mmdebstrap"
    if machine.base_image:
        return MachineFinding(name, FindingState.OK, f"not needed: the base is {machine.base_image}")
    answer = machine.ask("mmdebstrap", "--version") if machine.has("mmdebstrap") else None
    if answer and answer.ok:
        return MachineFinding(name, FindingState.OK, _find_version(answer.out))
    image = f"debian:{machine.release}-slim"
    if machine.has("docker"):
        if _is_here(machine, image):
            return MachineFinding(
                name, FindingState.OK, f"not there; a container of {image}, which is here, makes the base"
            )
        if _can_be_pulled(_inspect_manifest(machine, image)):
            return MachineFinding(
                name, FindingState.OK, f"not there; a container of {image}, which can be pulled, makes the base"
            )
    found = f"not there, and {image}, in which it could run, is neither here nor can be pulled"
    return MachineFinding(name, FindingState.MISSING, found, "`apt-get install mmdebstrap` (Debian, Ubuntu)")


def check_disk_space(machine: ProbeContext) -> MachineFinding:
    """Free bytes where the engine keeps its images."""
    name = "disk"
    answer = machine.ask("docker", "info", "--format", "{{json .DockerRootDir}}") if machine.has("docker") else None
    root = answer.out.strip().strip('"') if answer and answer.ok else ""
    try:
        free = machine.free_bytes(Path(root)) if root.startswith("/") else None
    except OSError:
        free = None
    if free is None:
        found = f"{root or 'where the engine keeps images'} cannot be seen from here"
        return MachineFinding(
            name,
            FindingState.WARNING,
            found,
            f"make sure that the engine's machine has {_format_gigabytes(NEEDED_BYTES)} free",
        )
    numbers = f"{_format_gigabytes(free)} free in {root}; a first build needs about {_format_gigabytes(NEEDED_BYTES)}"
    advice = "make room: `docker system df` shows what is held"
    if free < NEEDED_BYTES:
        return MachineFinding(name, FindingState.MISSING, numbers, advice)
    return MachineFinding(
        name,
        FindingState.WARNING if free < 2 * NEEDED_BYTES else FindingState.OK,
        numbers,
        advice * (free < 2 * NEEDED_BYTES),
    )


def check_ca_bundle(machine: ProbeContext) -> MachineFinding:
    """The certificates that a build is given, so that it trusts whom this machine trusts (a company's proxy)."""
    import ssl  # OpenSSL costs 20 ms, and only this probe needs it

    name = "CA bundle"
    variable, named = next(((key, machine.env[key]) for key in CA_VARIABLES if machine.env.get(key)), ("", ""))
    if named and not Path(named).is_file():
        return MachineFinding(
            name, FindingState.MISSING, f"{variable} names {named}, which is not a file", "correct or unset it"
        )
    bundle = find_ca(machine.env)
    if bundle is None:
        advice = "`apt-get install ca-certificates`, or let SSL_CERT_FILE name your bundle"
        return MachineFinding(name, FindingState.WARNING, "none found; builds trust Debian's own list only", advice)
    source = f" (from {variable})" if named else ""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(bundle)
        count = context.cert_store_stats()["x509_ca"]
    except OSError as error:  # SSLError is one
        found = f"{bundle}{source} cannot be read as certificates: {error.strerror or error}"
        return MachineFinding(
            name, FindingState.MISSING, found, "it must be a PEM file; `update-ca-certificates` makes Debian's"
        )
    return MachineFinding(name, FindingState.OK, f"{bundle}{source}, {count} certificate{'s' * (count != 1)}")


def check_registry(machine: ProbeContext) -> MachineFinding:
    """Whether the image of ``verify.database`` is here, or could be pulled."""
    name, image = "registry", machine.database
    if not machine.has("docker"):
        return MachineFinding(name, FindingState.WARNING, "not asked: docker is not on PATH", _GET_AN_ENGINE)
    if image == SQLITE:
        return MachineFinding(name, FindingState.OK, "not needed: verify.database is sqlite")
    reached = _inspect_manifest(machine, image)
    if _can_be_pulled(reached):
        return MachineFinding(name, FindingState.OK, f"{image} can be pulled")
    if _is_here(machine, image):
        return MachineFinding(name, FindingState.OK, f"not reachable, and not needed: {image} is here already")
    reason = _find_reason(reached) if reached else f"no answer within {REGISTRY_SECONDS:g} s"
    advice = "nothing needs to be done: `optbuild verify` makes a PostgreSQL from Debian's packages and uses that"
    return MachineFinding(name, FindingState.WARNING, f"{image} cannot be pulled: {reason}", advice)


def check_base_image(machine: ProbeContext) -> MachineFinding:
    """Whether the image that ``[base]`` names is here, or could be pulled: a lock reads it, a build stands on it."""
    name, image = "base image", machine.base_image
    if not machine.has("docker"):
        return MachineFinding(name, FindingState.WARNING, "not asked: docker is not on PATH", _GET_AN_ENGINE)
    if _is_here(machine, image):
        return MachineFinding(name, FindingState.OK, f"{image} is here")
    reached = _inspect_manifest(machine, image)
    if _can_be_pulled(reached):
        return MachineFinding(name, FindingState.OK, f"{image} can be pulled")
    reason = _find_reason(reached) if reached else f"no answer within {REGISTRY_SECONDS:g} s"
    advice = f"`docker login` where it asks for one, then `docker pull {image}`; or name another image in [base]"
    return MachineFinding(name, FindingState.MISSING, f"{image} is not here and cannot be pulled: {reason}", advice)


def _inspect_manifest(machine: ProbeContext, image: str) -> ProcessResult | None:
    """What the image's registry says of it; nothing is pulled."""
    return machine.ask("docker", "buildx", "imagetools", "inspect", image, timeout=REGISTRY_SECONDS)


def _can_be_pulled(answer: ProcessResult | None) -> bool:
    return answer is not None and answer.ok


def _is_here(machine: ProbeContext, image: str) -> bool:
    answer = machine.ask("docker", "image", "inspect", "--format", "{{.Id}}", image)
    return answer is not None and answer.ok


def is_ready(findings: tuple[MachineFinding, ...]) -> bool:
    """Nothing that a build needs is missing."""
    return all(finding.state is not FindingState.MISSING for finding in findings)


def _parse_json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _find_version(text: str) -> str:
    found = re.search(r"\d+\.\d+(?:\.\d+)?", text)
    return found.group() if found else "?"


def _parse_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _find_reason(answer: ProcessResult) -> str:
    """The last line of what a tool said: docker ends with the cause."""
    lines = [line.strip() for line in (answer.err.strip() or answer.out.strip()).splitlines() if line.strip()]
    text = mask_addresses(lines[-1]).removeprefix("ERROR: ") if lines else f"exit code {answer.code}"
    return text.rpartition(": ")[2] if len(text) > MAX_REASON else text


def _format_gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
