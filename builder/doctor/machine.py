"""What this machine can do for optbuild, a line per requirement: what was found, and what to do about it.

Every probe runs at the same time and has a timeout; none changes anything.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from builder.doctor.images import NO_ANSWER, can_be_pulled, check_base_image, check_registry, inspect_manifest, is_here
from builder.doctor.model import (
    GET_AN_ENGINE,
    NEEDED_ENGINE,
    PROBE_SECONDS,
    FindingState,
    MachineFinding,
    ProbeContext,
    find_reason,
    parse_object,
)
from builder.engine.client import walks_layers
from builder.engine.secrets import CA_VARIABLES, find_ca

RAWJSON_BUILDX = (0, 13)
"""First buildx with ``--progress rawjson``; older ones build too, with coarser progress."""
INSTALL_MMDEBSTRAP = "`apt-get install mmdebstrap` (Debian, Ubuntu)"
NEEDED_BYTES = 3_000_000_000
"""A first build with its base, layers, wheels and build cache, rounded up; twice of it is comfortable."""


def examine_machine(machine: ProbeContext) -> tuple[MachineFinding, ...]:
    """All lines, in the order in which the tools are needed. Never raises for what it finds."""
    probes = (
        check_engine,
        check_buildx,
        check_compose,
        check_old_compose,
        check_mmdebstrap,
        check_disk_space,
        check_layer_order,
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
        return MachineFinding(name, FindingState.MISSING, "docker is not on PATH", GET_AN_ENGINE)
    answer = machine.ask("docker", "version", "--format", "{{json .}}")
    server = parse_object(answer.out).get("Server") if answer else None
    if not server:
        reason = find_reason(answer) if answer else f"it did not answer within {PROBE_SECONDS:g} s"
        return MachineFinding(name, FindingState.MISSING, reason, GET_AN_ENGINE)
    version = str(server.get("Version", "?"))
    if _parse_numbers(version) < (NEEDED_ENGINE,):
        return MachineFinding(
            name, FindingState.MISSING, f"{version}, which is older than {NEEDED_ENGINE}", GET_AN_ENGINE
        )
    return MachineFinding(name, FindingState.OK, f"{version} ({server.get('Os')}/{server.get('Arch')})")


def check_buildx(machine: ProbeContext) -> MachineFinding:
    """The build client; :data:`RAWJSON_BUILDX` for live progress."""
    name = "buildx"
    answer = machine.ask("docker", "buildx", "version") if machine.has("docker") else None
    if answer is None or not answer.ok:
        return MachineFinding(name, FindingState.MISSING, "`docker buildx` does not work", GET_AN_ENGINE)
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
        if is_here(machine, image):
            return MachineFinding(
                name, FindingState.OK, f"not there; a container of {image}, which is here, makes the base"
            )
        reached = inspect_manifest(machine, image)
        if can_be_pulled(reached):
            return MachineFinding(
                name, FindingState.OK, f"not there; a container of {image}, which can be pulled, makes the base"
            )
        if reached is None:
            found = f"not there; a container of {image} would make the base, but {NO_ANSWER}"
            return MachineFinding(name, FindingState.WARNING, found, INSTALL_MMDEBSTRAP)
    found = f"not there, and {image}, in which it could run, is neither here nor can be pulled"
    return MachineFinding(name, FindingState.MISSING, found, INSTALL_MMDEBSTRAP)


def check_disk_space(machine: ProbeContext) -> MachineFinding:
    """Free bytes where the engine keeps its images."""
    name = "disk"
    root = str(machine.engine_info.get("DockerRootDir") or "")
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


def check_layer_order(machine: ProbeContext) -> MachineFinding:
    """Whether the engine writes a layer's files in the one order on which the image's ID depends."""
    name = "layer order"
    info = machine.engine_info
    driver = str(info.get("Driver") or "")
    if not driver:
        return MachineFinding(
            name, FindingState.WARNING, "the engine does not say how it stores layers", "see `docker info`"
        )
    if walks_layers(info):
        return MachineFinding(name, FindingState.OK, f"{driver} writes files in the order that gives one image ID")
    driver += " without native diff" if driver == "overlay2" else ""
    found = f"{driver} sorts files in its own way; each new image is read once more and put right, which takes seconds"
    advice = "nothing, or an engine with overlay2 on a plain disk, or with containerd's image store"
    return MachineFinding(name, FindingState.WARNING, found, advice)


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


def is_ready(findings: tuple[MachineFinding, ...]) -> bool:
    """Nothing that a build needs is missing."""
    return all(finding.state is not FindingState.MISSING for finding in findings)


def _find_version(text: str) -> str:
    found = re.search(r"\d+\.\d+(?:\.\d+)?", text)
    return found.group() if found else "?"


def _parse_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _format_gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
