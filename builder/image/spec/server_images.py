"""Which images a spec may name: servers that a verification knows how to start, and bases that can be pinned."""

from __future__ import annotations

from builder.core.image_reference import extract_last_component, find_image_reference
from builder.core.naming import SQLITE
from builder.image.spec.allow import RefusedError, check_visible, quote


def check_database(text: str) -> str:
    """``sqlite`` or the image of a PostgreSQL server. Raises :class:`RefusedError`."""
    hint = 'write an image like "postgres:13", or "sqlite"'
    if find_image_reference(check_visible(text)) is None:
        raise RefusedError(f"{quote(text)} is not a database image", hint)
    if text != SQLITE and not is_postgres(text):
        raise RefusedError(f"{quote(text)} is not a PostgreSQL image: no other server can be started here", hint)
    return text


def check_broker(text: str) -> str:
    """The image of a Redis server. Raises :class:`RefusedError`."""
    hint = 'write an image like "redis:7"'
    if find_image_reference(check_visible(text)) is None:
        raise RefusedError(f"{quote(text)} is not the image of a broker", hint)
    if not is_redis(text):
        raise RefusedError(f"{quote(text)} is not a Redis image: no other broker can be started here", hint)
    return text


def check_base_image(text: str) -> str:
    """An image with a tag, which the lock pins by its digest. Raises :class:`RefusedError`."""
    hint = 'write an image with its tag, like "python:3.11-slim-bookworm"'
    found = find_image_reference(check_visible(text))
    if found is None:
        raise RefusedError(f"{quote(text)} is not an image", hint)
    if found.digest:
        raise RefusedError(f"{quote(text)} has a digest: the lock is what pins a base", "write the tag alone")
    if not found.tag:
        raise RefusedError(f"{quote(text)} has no tag, and `latest` is another image tomorrow", hint)
    return text


def is_redis(image: str) -> bool:
    """As :func:`is_postgres`; Valkey has Redis's programs and protocol."""
    return any(name in extract_last_component(image) for name in ("redis", "valkey"))


def is_postgres(image: str) -> bool:
    """By the last part of its name, without tag and digest, because nothing else is known before it is pulled."""
    return "postgres" in extract_last_component(image)
