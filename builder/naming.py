"""Names that stages agree on: labels, content tags, promoted tags."""

from __future__ import annotations

CONTENT_TAG_LENGTH = 12
LABEL_PROJECT = "optbuild.project"
"""On every image that we build: the spec's image name. Only what carries it can be superseded."""
LABEL_CONTENT = "optbuild.content"
"""The content tag."""
LABEL_SESSION = "optbuild.session"
"""On every container, network and volume that a verification starts; see ``builder.verify.session``."""
LABEL_AIRFLOW = "org.apache.airflow.version"


def content_tag(digest: str) -> str:
    """First 12 hex digits of the context's sha256."""
    return digest[:CONTENT_TAG_LENGTH]


def candidate_reference(name: str, digest: str) -> str:
    """``NAME:<content tag>``."""
    return f"{name}:{content_tag(digest)}"


def promoted_references(name: str, tags: tuple[str, ...], roles: tuple[str, ...]) -> tuple[str, ...]:
    """``NAME:TAG`` for each tag, then ``NAME-ROLE:TAG`` for each role and tag; all of them get one image ID."""
    return tuple(f"{name}:{tag}" for tag in tags) + tuple(f"{name}-{role}:{tag}" for role in roles for tag in tags)
