"""The names of images, by the rules of distribution/reference, which Docker, Compose and BuildKit use.

Source: https://github.com/distribution/reference, ``reference.go``, ``regexp.go`` and ``normalize.go``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

MAX_PATH_LENGTH = 255
"""Characters of a name without its domain (``RepositoryNameTotalLengthMax``)."""
_HUB = "docker.io"
_OLD_HUB = "index.docker.io"
"""Means Docker Hub too. ``registry-1.docker.io`` does not: an engine keeps images from there under that name."""
_OFFICIAL = "library/"
_DEFAULT_TAG = "latest"

_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*")
_HOST_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
"""The algorithms of go-digest, which distribution/reference asks."""
_IDENTIFIER = re.compile(r"[0-9a-f]{64}")
_IMAGE_ID = re.compile(r"sha256:[0-9a-f]+|[0-9a-f]{64}")


class ImageReferenceError(ValueError):
    """A text is not an image reference. The message says what is wrong with it, as the end of a sentence."""


@dataclass(frozen=True)
class ImageReference:
    """One image name, taken apart and normalised: how Docker Hub was written makes no difference."""

    domain: str
    """The registry, with its port: ``docker.io``, ``localhost:5000``, ``[::1]:5000``."""
    path: str
    """``library/redis`` for ``redis``."""
    tag: str = ""
    """Empty: none was written."""
    digest: str = ""
    """``sha256:…``; empty: none was written."""

    @property
    def repository(self) -> str:
        """As people and engines write it, without tag and digest: ``redis``, ``localhost:5000/redis``."""
        return _shorten(self.domain, self.path)

    @property
    def normalized(self) -> str:
        """In full, with the tag and the digest that were written."""
        tag, digest = self.tag and f":{self.tag}", self.digest and f"@{self.digest}"
        return f"{self.domain}/{self.path}{tag}{digest}"

    @property
    def engine_name(self) -> str:
        """As an engine lists it, and finds it: by the digest where there is one (``ParseDockerRef``), else by the tag,
        which is ``latest`` where none is written."""
        return f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag or _DEFAULT_TAG}"

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What may be written before :attr:`repository`, and be the same image: ``library/``, ``docker.io/``, …"""
        if self.domain != _HUB:
            return ("",)
        official = self.path.removesuffix(self.repository)
        hosts = ("", f"{_HUB}/", f"{_OLD_HUB}/")
        return tuple(dict.fromkeys(host + folder for host in hosts for folder in ("", official)))


@lru_cache(maxsize=4096)  # a project of a thousand services compares each name with all others
def parse_image_reference(text: str) -> ImageReference:
    """``redis``, ``docker.io/library/redis:7``, ``host:5000/team/app:1@sha256:…``. Raises ImageReferenceError.

    An ID is not a reference: an engine looks it up in another way.
    """
    if not text:
        raise ImageReferenceError("the name is empty")
    if _IDENTIFIER.fullmatch(text):
        raise ImageReferenceError("64 hexadecimal digits are the ID of an image, not a name")
    before, at, digest = text.partition("@")
    written, colon, tag = _split_tag(before)
    domain, path = _split_domain(written)
    _check_path(path)
    if _DOMAIN.fullmatch(domain) is None:
        raise ImageReferenceError(f"{domain!r} is not the name of a registry")
    if colon:
        _check_tag(tag)
    if at and _DIGEST.fullmatch(digest) is None:
        raise ImageReferenceError(f"{digest!r} is not a digest: sha256: and 64 hexadecimal digits")
    return ImageReference(domain, path, tag, digest)


def find_image_reference(text: str) -> ImageReference | None:
    """As :func:`parse_image_reference`; None for a text that is not a reference."""
    try:
        return parse_image_reference(text)
    except ImageReferenceError:
        return None


@lru_cache(maxsize=4096)
def normalize_image_name(text: str) -> str:
    """One text for each image, the one under which an engine lists it: ``docker.io/library/redis`` → ``redis:latest``.

    An ID stays as it is. So does what is not a reference, because a variable in it has no value, but for Docker Hub's
    names and the tag ``latest``, which are known without the value.
    """
    if not text or _IMAGE_ID.fullmatch(text):
        return text
    found = find_image_reference(text)
    return add_default_tag(_shorten(*_split_domain(text))) if found is None else found.engine_name


def add_default_tag(text: str) -> str:
    """``text``, otherwise as it is written, with the tag that Docker assumes where none is given."""
    return text if "@" in text or ":" in text.rpartition("/")[2] else f"{text}:{_DEFAULT_TAG}"


def split_image_name(text: str) -> tuple[str, str]:
    """What is written before the tag, and the tag; a digest is left out. Any text can be taken apart, also one with
    variables in it: a colon before a slash belongs to the registry's port."""
    before, _, tag = _split_tag(text.partition("@")[0])
    return before, tag


def extract_repository(text: str) -> str:
    """:attr:`ImageReference.repository` of any text: ``docker.io/library/redis:${TAG}`` → ``redis``."""
    return _shorten(*_split_domain(split_image_name(text)[0]))


def extract_last_component(text: str) -> str:
    """``postgres`` of any text like ``registry.example/library/postgres:13@sha256:…``, in lower case."""
    return split_image_name(text)[0].rpartition("/")[2].lower()


def has_registry(text: str) -> bool:
    """Whether the text itself names a registry. Docker asks Docker Hub for every other name."""
    first, slash, _ = text.partition("/")
    return bool(slash) and _is_domain(first)


def is_taggable(text: str) -> bool:
    """Whether an image can be given this name: a reference without a digest."""
    found = find_image_reference(text)
    return found is not None and not found.digest


def list_prefixes(text: str) -> tuple[str, ...]:
    """:attr:`ImageReference.prefixes` of any text; what is not a reference has one way to be written."""
    found = find_image_reference(text)
    return ("",) if found is None else found.prefixes


def _split_tag(before: str) -> tuple[str, str, str]:
    """A text without a digest: name, colon, tag."""
    folder, slash, last = before.rpartition("/")
    word, colon, tag = last.partition(":")
    return f"{folder}{slash}{word}", colon, tag


def _is_domain(first: str) -> bool:
    """Of a name's first component, where others follow. A namespace is lower case, so upper case is a host's too."""
    return first == "localhost" or "." in first or ":" in first or first.lower() != first


def _split_domain(name: str) -> tuple[str, str]:
    """Registry and path of a name (``splitDockerDomain``); of a name on Docker Hub in full."""
    first, slash, rest = name.partition("/")
    domain, path = (first, rest) if slash and _is_domain(first) else (_HUB, name)
    domain = _HUB if domain == _OLD_HUB else domain
    return domain, f"{_OFFICIAL}{path}" if domain == _HUB and "/" not in path else path


def _shorten(domain: str, path: str) -> str:
    """The other way round (``familiarizeName``)."""
    if domain != _HUB:
        return f"{domain}/{path}"
    word = path.removeprefix(_OFFICIAL)
    return path if "/" in word else word


def _check_path(path: str) -> None:
    if path.lower() != path:
        raise ImageReferenceError(f"{path.removeprefix(_OFFICIAL)!r} must be lower case")
    wrong = next((word for word in path.split("/") if _COMPONENT.fullmatch(word) is None), None)
    if wrong is not None:
        allowed = "lower-case letters and digits with single `.`, `_`, `__` or `-` between them"
        raise ImageReferenceError(f"{wrong!r} is not a part of an image name: {allowed}")
    if len(path) > MAX_PATH_LENGTH:
        raise ImageReferenceError(
            f"it has {len(path)} characters without the registry, and {MAX_PATH_LENGTH} are the most allowed"
        )


def _check_tag(tag: str) -> None:
    if _TAG.fullmatch(tag) is None:
        raise ImageReferenceError(f"{tag!r} is not a tag: letters, digits, `.`, `_`, `-`; at most 128 of them")
