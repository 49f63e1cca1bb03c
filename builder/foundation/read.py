"""The image of ``[base]`` → a foundation: what of it a lock records, and what only making the lock needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from builder.core.image_reference import parse_image_reference
from builder.core.naming import LABEL_BASE_KIND, LABEL_PROJECT
from builder.core.redact import mask_addresses
from builder.core.secret_name import is_secret_name
from builder.core.secret_value import is_literal_secret
from builder.engine.inspected_image import list_diffs
from builder.engine.timestamps import parse_timestamp
from builder.foundation.distributions import list_distributions
from builder.foundation.find import find_base_image
from builder.foundation.interpreter import find_interpreter
from builder.foundation.system import read_system
from builder.image.lock.document import NEWEST_EPOCH
from builder.image.lock.foundation import Foundation, InstalledPackage, ReadFoundation
from builder.image.lock.foundation_check import iterate_foundation_problems
from builder.inspect.base import NO_IMAGE
from builder.inspect.filesystem import build_filesystem
from builder.inspect.packages.debian import find_debian_packages
from builder.inspect.read import read_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from builder.core.progress import Progress
    from builder.engine.protocols import InspectableEngine
    from builder.foundation.find import Puller
    from builder.foundation.interpreter import Interpreter
    from builder.foundation.request import FoundationRequest
    from builder.image.lock.foundation import Contract, FoundationKind
    from builder.inspect.filesystem import ImageFilesystem

_FINGERPRINT = re.compile(r"(?:[0-9A-Fa-f]{40}[\s,]*)+")
"""``GPG_KEY`` of the official Python images: whose signature their sources had, and public."""


def read_foundation(
    engine: InspectableEngine, request: FoundationRequest, pull: Puller, cache_folder: Path, progress: Progress
) -> ReadFoundation:
    """Find the image, pull it if need be, read its layers. No container is started.

    Raises BaseRefusedError (what was found and what is needed), BaseUnreachableError, and what reading an image raises.
    """
    image, digest = find_base_image(engine.api, request, pull, progress)
    config: Mapping[str, Any] = image.get("Config") or {}
    environment = tuple(_iterate_environment(config.get("Env") or ()))
    _check_configuration(request, image, environment)
    name = f"{parse_image_reference(request.reference).repository}@{digest}"  # a tag may move meanwhile
    content = read_image(engine, name, cache_folder, progress, base=NO_IMAGE)
    filesystem = build_filesystem(content)
    shell = _to_words(config.get("Shell"))
    packages = find_debian_packages(filesystem)
    versions = {one.name: one.version for one in packages}
    system = read_system(filesystem, request, versions, shell)
    interpreter = _require_interpreter(filesystem, request, dict(environment), versions)
    distributions, metadata = list_distributions(filesystem, interpreter.sites, progress)
    foundation = Foundation(
        kind=request.kind,
        reference=request.reference,
        digest=digest,
        platform=request.platform,
        layers=list_diffs(image),
        debian=system.release,
        glibc=system.glibc,
        python=interpreter.version,
        python_path=interpreter.path,
        user=str(config.get("User") or ""),
        entrypoint=_to_words(config.get("Entrypoint")),
        command=_to_words(config.get("Cmd")),
        shell=shell,
        working_folder=str(config.get("WorkingDir") or ""),
        environment=environment,
        packages=tuple(InstalledPackage(one.name, one.version, one.architecture) for one in packages),
        distributions=distributions,
        contract=choose_contract(request.kind, config.get("Labels") or {}),
        bytes=sum(layer.bytes for layer in content.layers),
    )
    _check_airflow(request, foundation)
    for key, message in iterate_foundation_problems(foundation, request.platform):
        raise request.refuse(f"cannot be recorded in a lock: {key} {message}", "take another image, or mend this one")
    return ReadFoundation(foundation, system.status, metadata, read_creation_time(image))


def choose_contract(kind: FoundationKind, labels: Mapping[str, str]) -> Contract:
    """Whose promises the image keeps, by its labels: one of `optbuild build` keeps ours, unless it was made from an
    image of Airflow itself."""
    is_ours = bool(labels.get(LABEL_PROJECT))
    if is_ours and labels.get(LABEL_BASE_KIND) != "airflow":
        return "optbuild"
    return "official" if kind == "airflow" or is_ours else ""


def read_creation_time(image: Mapping[str, Any]) -> int:
    """Seconds since 1970, by the image's own configuration; 0 where that has no time that a lock can hold."""
    created = int(parse_timestamp(image.get("Created")) or 0)
    return created if 0 < created <= NEWEST_EPOCH else 0


def _check_configuration(
    request: FoundationRequest, image: Mapping[str, Any], environment: tuple[tuple[str, str], ...]
) -> None:
    """All that the engine says without the layers."""
    platform = f"{image.get('Os', '')}/{image.get('Architecture', '')}"
    if image.get("Os") == "windows":
        raise request.refuse("is a Windows image", "take an image of Linux, like python:3.11-slim-bookworm")
    if platform != request.platform:
        raise request.refuse(
            f"is for {platform} on this engine, and the lock is for {request.platform}",
            f"docker pull --platform {request.platform} {request.reference}, or lock with --platform {platform}",
        )
    triggers = (image.get("Config") or {}).get("OnBuild")
    if triggers:
        raise request.refuse(
            f"has {len(triggers)} ONBUILD instructions: whoever builds on it would run what no lock shows",
            "take an image without them",
        )
    for name, value in environment:
        secret = is_secret_name(name) and is_literal_secret(value) and not _FINGERPRINT.fullmatch(value)
        if secret or mask_addresses(value) != value:
            raise request.refuse(
                f"has a value in its variable {name} that looks like a secret, and a lock would repeat it",
                "make the image without it: everybody who can pull it can read it; give it to the container instead",
            )


def _require_interpreter(
    filesystem: ImageFilesystem, request: FoundationRequest, environment: Mapping[str, str], versions: Mapping[str, str]
) -> Interpreter:
    found = find_interpreter(filesystem, environment, versions)
    if found is None:
        raise request.refuse(
            f"has no python3 on its PATH, and Python {request.python} is needed", "take an image that has it"
        )
    if found.minor != request.python:
        raise request.refuse(
            f"has Python {found.minor} at {found.path}, and the spec says {request.python}",
            f'write version = "{found.minor}" in [python], or take an image with Python {request.python}',
        )
    if not found.version:
        raise request.refuse(
            f"has Python {found.minor} at {found.path}, and nothing in it says which one in full",
            "set PYTHON_VERSION in that image, as the official ones do",
        )
    return found


def _check_airflow(request: FoundationRequest, foundation: Foundation) -> None:
    if not foundation.has_airflow:
        return
    found = next((one for one in foundation.distributions if one.name == "apache-airflow"), None)
    if found is None:
        raise request.refuse(
            "has no apache-airflow, which is what would be extended",
            f'write image = "{request.reference}" instead, or take an image whose python3 finds it',
        )
    if found.version != request.airflow:
        raise request.refuse(
            f"has Airflow {found.version}, and the spec says {request.airflow}",
            f'write version = "{found.version}" in [airflow], or take the image of {request.airflow}',
        )


def _iterate_environment(lines: Iterable[object]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, _, value = str(line).partition("=")
        yield name, value


def _to_words(value: Any) -> tuple[str, ...]:
    return tuple(str(word) for word in value or ())
