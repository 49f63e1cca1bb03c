"""Which of an image's layers are those of the image that it was made from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.engine.layers import WORKERS, ImageApi, plain_name
from builder.errors import EngineFailedError, NoSuchImageError, NotABaseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from builder.engine.manifests import ArchivedImage
    from builder.inspect.known import KnownLayers

LABEL_NAME = "org.opencontainers.image.base.name"
LABEL_DIGEST = "org.opencontainers.image.base.digest"


@dataclass(frozen=True)
class Base:
    """How many of the lowest layers, and the base's name; 0 and empty: none is known."""

    layers: int = 0
    name: str = ""


NO_BASE = Base()


def base_of(api: ImageApi, image: Mapping[str, Any], wanted: str | None, known: KnownLayers) -> Base:
    """``wanted``, else what the labels name, else the longest tagged image whose layers are the lowest of this one.

    Raises NoSuchImageError and NotABaseError for a ``wanted`` one that is not there, or is not below this image.
    """
    diffs = _diffs(image)
    if wanted is not None:
        found = _inspect(api, wanted)
        if found is None:
            raise NoSuchImageError(wanted, [name for entry in api.images() for name in entry.get("RepoTags") or ()])
        return _checked(wanted, _diffs(found), diffs)
    listed = api.images()
    labels = (image.get("Config") or {}).get("Labels") or {}
    for name in _labelled(labels, listed):
        below = _inspect(api, name)
        if below is not None and _is_below(_diffs(below), diffs):
            return Base(len(_diffs(below)), str(labels.get(LABEL_NAME) or name))
    return _longest(api, listed, image, known)


def base_in(
    images: Sequence[ArchivedImage], image: ArchivedImage, labels: Mapping[str, str], wanted: str | None
) -> Base:
    """The same among the images of one archive."""
    by_name = {plain_name(name): one for one in images for name in (*one.references, one.id)}
    if wanted is not None:
        found = by_name.get(plain_name(wanted))
        if found is None:
            raise NoSuchImageError(wanted, sorted(by_name), "the archive")
        return _checked(wanted, found.diffs, image.diffs)
    labelled = by_name.get(plain_name(labels.get(LABEL_NAME) or ""))
    if labelled is not None and _is_below(labelled.diffs, image.diffs):
        return Base(len(labelled.diffs), labels[LABEL_NAME])
    below = [one for one in images if one.references and _is_below(one.diffs, image.diffs)]
    longest = max(below, key=lambda one: len(one.diffs), default=None)
    return Base(len(longest.diffs), longest.references[0]) if longest is not None else NO_BASE


def _checked(name: str, below: tuple[str, ...], diffs: tuple[str, ...]) -> Base:
    if not _is_below(below, diffs):
        common = sum(1 for _ in _common(below, diffs))
        raise NotABaseError(name, len(below), common)
    return Base(len(below), name)


def _common(one: Sequence[str], other: Sequence[str]) -> Iterable[str]:
    for left, right in zip(one, other, strict=False):
        if left != right:
            return
        yield left


def _is_below(below: tuple[str, ...], diffs: tuple[str, ...]) -> bool:
    """An image is made from another when that one's whole chain is the lower part of its own."""
    return 0 < len(below) < len(diffs) and diffs[: len(below)] == below


def _labelled(labels: Mapping[str, str], listed: Iterable[Mapping[str, Any]]) -> list[str]:
    """IDs of the images on the engine that the labels mean; the digest is the more exact of the two."""
    digest, name = str(labels.get(LABEL_DIGEST) or ""), str(labels.get(LABEL_NAME) or "")
    by_digest = [
        str(entry["Id"])
        for entry in listed
        if digest and any(str(one).endswith(f"@{digest}") for one in entry.get("RepoDigests") or ())
    ]
    by_name = [
        str(entry["Id"])
        for entry in listed
        if name and plain_name(name) in {plain_name(str(tag)) for tag in entry.get("RepoTags") or ()}
    ]
    return by_digest + by_name


def _longest(api: ImageApi, listed: Sequence[Mapping[str, Any]], image: Mapping[str, Any], known: KnownLayers) -> Base:
    """An image that is below another one has no more bytes, so most of an engine's images need no look."""
    diffs, most = _diffs(image), image.get("Size")
    tagged = {
        str(entry["Id"]): str(tags[0])
        for entry in listed
        if (tags := [tag for tag in entry.get("RepoTags") or () if not str(tag).startswith("<none>")])
        and entry["Id"] != image["Id"]
        and (most is None or (entry.get("Size") or 0) <= most)
    }
    layers = _layers_of(api, tagged, known, [str(entry["Id"]) for entry in listed])
    found = [Base(len(below), tagged[one]) for one, below in layers.items() if _is_below(below, diffs)]
    return max(found, key=lambda base: (base.layers, base.name), default=NO_BASE)


def _layers_of(
    api: ImageApi, wanted: Iterable[str], known: KnownLayers, present: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Of each image that is still there."""
    remembered = {one: known.get(one) for one in wanted}
    unknown = [one for one, diffs in remembered.items() if diffs is None]
    with ThreadPoolExecutor(min(WORKERS, len(unknown) or 1)) as pool:
        images = zip(unknown, pool.map(lambda one: _inspect(api, one), unknown), strict=True)
        asked = {one: _diffs(found) for one, found in images if found is not None}
    known.learn(asked.items(), present=present)
    return {one: diffs for one, diffs in {**remembered, **asked}.items() if diffs is not None}


def _inspect(api: ImageApi, name: str) -> dict[str, Any] | None:
    """None where there is no such image, or no longer."""
    try:
        return api.inspect_image(name)
    except EngineFailedError as error:
        if getattr(error, "status_code", None) == 404:
            return None
        raise


def _diffs(image: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(diff) for diff in (image.get("RootFS") or {}).get("Layers") or ())
