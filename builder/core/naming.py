"""Names that stages agree on: labels, content tags, promoted tags; and how an ID is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SPEC_FILE = "optbuild.toml"
"""Describes an image; people write it."""
LOCK_FILE = "optbuild.lock"
"""Lies beside the spec, with exact versions and hashes; `optbuild lock` writes it."""
SCHEMA_FILE = "optbuild.schema.json"
"""Lies beside a spec whose first line names it to editors; `optbuild init` and `optbuild schema` write it."""
BACKUP_SUFFIX = ".bak"
"""Ends the name of what a compose file was before, beside it; messages name it too."""
CONTENT_TAG_LENGTH = 12
REPEATED_SUFFIX = "-repeated"
"""Ends the tag of the second image of `build --reproduce` while it is compared."""
LABEL_PROJECT = "optbuild.project"
"""On every image that we build: the spec's image name. Only what carries it can be superseded."""
LABEL_CONTENT = "optbuild.content"
"""The content tag."""
LABEL_SESSION = "optbuild.session"
"""On every container, network and volume that a verification starts; see ``builder.image.verify.session``."""
LABEL_AIRFLOW = "org.apache.airflow.version"
LABEL_BASE_KIND = "optbuild.base.kind"
"""``airflow``: the image below is one of Airflow, whose user and entrypoint stay; ``image``: any other. Absent where
we made the base."""
LABEL_BASE_LAYERS = "optbuild.base.layers"
"""How many of the lowest layers are those of the image below: nobody needs to have that image to tell."""
OCI_PREFIX = "org.opencontainers.image."
"""Of labels that the OCI image specification defines."""
LABEL_BASE_NAME = f"{OCI_PREFIX}base.name"
LABEL_BASE_DIGEST = f"{OCI_PREFIX}base.digest"
MOST_LAYERS = 40
"""Of Python packages. Docker allows 127 in an image; base, entrypoint, and images built FROM it need some."""
DEFAULT_DATABASE = "postgres:13"
"""The image that verification runs against, unless the spec's ``verify.database`` says another."""
DEFAULT_BROKER = "redis:7"
"""The same for Celery's broker, where a role needs one."""
SQLITE = "sqlite"
"""What ``verify.database`` may be besides an image."""


def make_content_tag(digest: str) -> str:
    """First 12 hex digits of the context's sha256."""
    return digest[:CONTENT_TAG_LENGTH]


def shorten_id(identity: str) -> str:
    """The 12 digits of an ID that `docker images` and `docker ps` show."""
    return identity.removeprefix("sha256:")[:12]


def sort_shortest_first(names: Iterable[str]) -> tuple[str, ...]:
    """The names of one image: where only one can be used, it is the first of these, everywhere."""
    return tuple(sorted(names, key=lambda name: (len(name), name)))


def make_candidate_reference(name: str, digest: str) -> str:
    """``NAME:<content tag>``."""
    return f"{name}:{make_content_tag(digest)}"


def list_promoted_references(name: str, tags: tuple[str, ...], roles: tuple[str, ...]) -> tuple[str, ...]:
    """``NAME:TAG`` for each tag, then ``NAME-ROLE:TAG`` for each role and tag; all of them get one image ID."""
    return tuple(f"{name}:{tag}" for tag in tags) + tuple(f"{name}-{role}:{tag}" for role in roles for tag in tags)
