"""OB204: databases whose data is on no volume."""

from __future__ import annotations

import posixpath
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from builder.compose.services.settings import contains_path
from builder.compose.services.start_commands import substitute_image_defaults
from builder.core.image_reference import extract_repository, split_image_name
from builder.findings.model import Finding
from builder.products.find import ENTRYPOINT, find_storage
from builder.products.table import NEW_POSTGRES, POSTGRES_ROOT, POSTGRES_STORAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Mount, Service
    from builder.compose.rules.context import RuleContext
    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.products.model import Storage

CODE = "OB204"


def find_unpersisted_data(context: RuleContext) -> Iterator[Finding]:
    """Only known database images, and only where they start as the server."""
    for service in context.project.services.values():
        facts = context.facts.get(service.name)
        image = _choose_image(service, facts)
        known = find_storage(extract_repository(image)) if image else None
        if image is None or known is None:
            continue
        product, storage = known
        if not _is_database_server(service, storage) or (storage.only_on_request and not _is_persistent(service)):
            continue
        postgres = _parse_postgres_version(image) if storage is POSTGRES_STORAGE else None
        reason = _explain_data_loss(service, facts, storage, postgres)
        if reason is not None:
            data, says = reason
            yield Finding(
                CODE,
                context.line(context.project, service.name, "volumes"),
                f"{service.name}: {product.name} keeps its data in "
                f"{_describe_data_folder(storage, data, postgres)}; {says}",
                (service.name,),
                _format_volume_fix(
                    service, data, unsure=storage is POSTGRES_STORAGE and postgres is None and data == storage.data
                ),
                ("copy out the data that is in there now first (pg_dump, mysqldump, ...): a new volume starts empty",),
            )


def _choose_image(service: Service, facts: DockerfileAnalysis | None) -> str | None:
    if service.build is None:
        return substitute_image_defaults(service)
    return facts.root_base if facts is not None else None


def _parse_postgres_version(image: str) -> int | None:
    """The major version; None: the tag does not say it."""
    match = re.match(r"(?:pg)?(\d+)", split_image_name(image)[1])
    return int(match[1]) if match else None


def _is_database_server(service: Service, storage: Storage) -> bool:
    """``command: psql …`` in a database image is a client, and starts nothing that keeps data."""
    if service.entrypoint:
        return False
    first = service.command[0].rpartition("/")[2] if service.command else ""
    return not first or first.startswith("-") or first in (*storage.servers, ENTRYPOINT)


def _is_persistent(service: Service) -> bool:
    """Redis as a cache or broker has nothing to lose; one that asks for persistence needs it."""
    words = " ".join(service.command or ())
    return re.search(r"--appendonly\s+yes|--save\s+\d", words) is not None


def _explain_data_loss(
    service: Service, facts: DockerfileAnalysis | None, storage: Storage, postgres: int | None
) -> tuple[str, str] | None:
    """The data folder and why it does not last, as the end of a sentence; None: it does, or it cannot be known."""
    data, declared = _find_data_folder(service, facts, storage), storage.declared
    if storage is POSTGRES_STORAGE and postgres is not None and postgres >= NEW_POSTGRES:
        declared = (POSTGRES_ROOT,)
        data = f"{POSTGRES_ROOT}/{postgres}/docker" if data == storage.data else data
    if not data.startswith("/") or "$" in data:
        return None
    inside = any(_is_lasting_mount(mount) and contains_path(POSTGRES_ROOT, mount.target) for mount in service.mounts)
    if storage is POSTGRES_STORAGE and postgres is None and inside:  # the version decides whether that is enough
        return None
    mounts = sorted((one for one in service.mounts if contains_path(one.target, data)), key=lambda one: len(one.target))
    mount = mounts[-1] if mounts else None
    own = max((path for path in declared if contains_path(path, data)), key=len, default=None)
    if mount is not None and (own is None or len(posixpath.normpath(mount.target)) >= len(posixpath.normpath(own))):
        return None if _is_lasting_mount(mount) else (data, _explain_mount_loss(mount))
    if mount is not None and own is not None:
        return data, (  # with a PostgreSQL before 18 a mount at the parent folder looks right and is not
            f"the mount at {mount.target} does not hold it: the image declares a volume at {own}, and Docker puts an "
            "anonymous one there, which `compose down` and the next `up` leave behind"
        )
    if own is not None:
        return data, (
            "it is on no named volume. The anonymous volume that the image declares is not safe: after `compose "
            "down` the next `up` starts with an empty one"
        )
    return data, "that folder is in the container's own layer and is removed with the container"


def _find_data_folder(service: Service, facts: DockerfileAnalysis | None, storage: Storage) -> str:
    words = service.command or ()
    for word, following in pairwise((*words, "")):
        if storage.option and word == storage.option and following:
            return following
        if storage.option and word.startswith(f"{storage.option}="):
            return word.partition("=")[2]
    environment = {**(facts.environment if facts is not None else {}), **service.environment}
    return (environment.get(storage.variable) if storage.variable else None) or storage.data


def _describe_data_folder(storage: Storage, data: str, postgres: int | None) -> str:
    """The folder to mount, as a person reads it; where the tag hides the version, both that it may be."""
    if storage is POSTGRES_STORAGE and postgres is None and data == storage.data:
        return f"{data} (from version {NEW_POSTGRES} on below {POSTGRES_ROOT})"
    return data


def _is_lasting_mount(mount: Mount) -> bool:
    return mount.kind == "bind" or (mount.kind == "volume" and bool(mount.source))


def _explain_mount_loss(mount: Mount) -> str:
    if mount.kind == "tmpfs":
        return "that is a tmpfs, which is empty again after every stop"
    return "that volume has no name: after `compose down` the next `up` starts with an empty one"


def _format_volume_fix(service: Service, data: str, *, unsure: bool) -> str:
    """``unsure``: a PostgreSQL whose version the tag does not say; from 18 on it refuses to start with this mount."""
    volume = f"{re.sub(r'[^a-zA-Z0-9_.-]', '-', service.name)}-data"
    target = POSTGRES_ROOT if re.fullmatch(rf"{POSTGRES_ROOT}/\d+/docker", data) else data
    later = f"  # from PostgreSQL {NEW_POSTGRES} on: {POSTGRES_ROOT}" if unsure else ""
    lines = ("volumes:", f"  - {volume}:{target}{later}", "# and at the end of the file", "volumes:", f"  {volume}:")
    return "\n".join(lines)
