"""Which images of servers ``[verify]`` may name: those that a verification knows how to start."""

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


def is_redis(image: str) -> bool:
    """As :func:`is_postgres`; Valkey has Redis's programs and protocol."""
    return any(name in extract_last_component(image) for name in ("redis", "valkey"))


def is_postgres(image: str) -> bool:
    """By the last part of its name, without tag and digest, because nothing else is known before it is pulled."""
    return "postgres" in extract_last_component(image)
