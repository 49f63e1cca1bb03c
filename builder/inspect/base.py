"""Which of an image's layers are those of the image that it was made from.

A base is another program: an image that extends it cannot remove what its layers waste. So what a person names counts
first, then what the image's labels say; an image that happens to be on the engine is the base only where nothing
says that it is an earlier build, or a part, of the same program.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from builder.core.errors import BaseNotSavedError, NoSuchImageError, NotABaseError
from builder.core.image_reference import extract_repository, normalize_image_name
from builder.core.naming import LABEL_BASE_DIGEST, LABEL_BASE_LAYERS, LABEL_BASE_NAME, LABEL_CONTENT, LABEL_PROJECT
from builder.engine.compose_labels import LABEL_PROJECT as LABEL_COMPOSE
from builder.engine.inspected_image import list_diffs
from builder.engine.layers import WORKERS
from builder.inspect.lookup import find_image, list_all_image_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from builder.engine.manifests import ArchivedImage
    from builder.engine.protocols import HistoryApi
    from builder.inspect.layer_index import KnownLayers
    from builder.inspect.model import ImageContent

NO_IMAGE = "scratch"
"""``--base scratch``: none. No image can have this name, and in a Dockerfile it means the same."""
_GIVEN = "--base says so"
_GUESSED = (
    "no other program's image {place} has more of the lowest layers "
    "(a guess: --base IMAGE names another one, --base scratch none)"
)


@dataclass(frozen=True)
class DetectedBase:
    """How many of the lowest layers, the base's name, and why it is the base; 0 and empty: none is known.

    0 with a reason: a person says that there is none.
    """

    layers: int = 0
    name: str = ""
    why: str = ""


NO_BASE = DetectedBase()
_NONE_GIVEN = DetectedBase(why=_GIVEN)


@dataclass(frozen=True)
class _ImageProgram:
    """Which program an image is a build of, by its names and labels."""

    repositories: frozenset[str]
    labels: Mapping[str, str] = field(repr=False)

    def can_extend(self, other: _ImageProgram) -> bool:
        """Whether ``other`` is another program. Of an image without a name nobody knows what its earlier builds are."""
        return bool(self.repositories) and not (
            self.repositories & other.repositories
            or self._has_same_label(other, LABEL_COMPOSE)
            or self._is_rebuild_of(other)
        )

    def _has_same_label(self, other: _ImageProgram, label: str) -> bool:
        return self.labels.get(label, "") == other.labels.get(label) != ""

    def _is_rebuild_of(self, other: _ImageProgram) -> bool:
        """An image that extends one of `optbuild build` has inherited its content label too; another build has not."""
        return self._has_same_label(other, LABEL_PROJECT) and not self._has_same_label(other, LABEL_CONTENT)


def find_base(api: HistoryApi, image: Mapping[str, Any], wanted: str | None, known: KnownLayers) -> DetectedBase:
    """``wanted``, else what the labels name, else the longest tagged image below this one that is another program.

    Raises NoSuchImageError and NotABaseError for a ``wanted`` one that is not there, or is not below this image.
    """
    if wanted == NO_IMAGE:
        return _NONE_GIVEN
    diffs = list_diffs(image)
    if wanted is not None:
        found = find_image(api, wanted)
        if found is None:
            raise NoSuchImageError(wanted, list_all_image_names(api))
        return _make_given_base(wanted, list_diffs(found), diffs)
    labelled = find_labelled_base(api, image)
    return labelled if labelled.layers else _find_longest_base(api, api.images(), image, known)


def find_labelled_base(api: HistoryApi, image: Mapping[str, Any]) -> DetectedBase:
    """What the labels of an image name: of ours its layers are counted there, others name an image of this engine."""
    labels = (image.get("Config") or {}).get("Labels") or {}
    diffs = list_diffs(image)
    if counted := _read_counted_base(labels, diffs):
        return counted
    for label, name in _find_labelled_images(labels, api.images()):
        below = find_image(api, name)
        if below is not None and _is_below(list_diffs(below), diffs):
            return DetectedBase(
                len(list_diffs(below)), str(labels.get(LABEL_BASE_NAME) or name), _format_label_reason(label)
            )
    return NO_BASE


def _read_counted_base(labels: Mapping[str, str], diffs: tuple[str, ...]) -> DetectedBase | None:
    """Of an image of `optbuild build`. BuildKit leaves the image below on no engine, so its layers are counted."""
    text = str(labels.get(LABEL_BASE_LAYERS) or "")
    if not labels.get(LABEL_BASE_NAME) or not (text.isascii() and text.isdigit() and 0 < int(text) <= len(diffs)):
        return None
    return DetectedBase(int(text), str(labels[LABEL_BASE_NAME]), _format_label_reason(LABEL_BASE_LAYERS))


def find_base_in_archive(
    images: Sequence[ArchivedImage], image: ArchivedImage, labels: Mapping[str, str], wanted: str | None
) -> DetectedBase:
    """The same among the images of one archive. Raises BaseNotSavedError and NotABaseError."""
    if wanted == NO_IMAGE:
        return _NONE_GIVEN
    by_name = {normalize_image_name(name): one for one in images for name in (*one.references, one.id)}
    if wanted is not None:
        found = by_name.get(normalize_image_name(wanted))
        if found is None:
            raise BaseNotSavedError(wanted)
        return _make_given_base(wanted, found.diffs, image.diffs)
    if counted := _read_counted_base(labels, image.diffs):
        return counted
    labelled = by_name.get(normalize_image_name(labels.get(LABEL_BASE_NAME) or ""))
    if labelled is not None and _is_below(labelled.diffs, image.diffs):
        return DetectedBase(len(labelled.diffs), labels[LABEL_BASE_NAME], _format_label_reason(LABEL_BASE_NAME))
    program = _make_archived_program(image)
    below = [
        one
        for one in images
        if one.references and _is_below(one.diffs, image.diffs) and program.can_extend(_make_archived_program(one))
    ]
    longest = max(below, key=lambda one: len(one.diffs), default=None)
    why = _GUESSED.format(place="in the archive")
    return DetectedBase(len(longest.diffs), longest.references[0], why) if longest is not None else NO_BASE


def apply_common_base(before: ImageContent, after: ImageContent) -> tuple[ImageContent, ImageContent]:
    """Both with one base: layers that both have, and that are the base's in both.

    With two different bases, what is in layers of both would be waste on one side and not on the other.
    """
    both = sum(1 for _ in _iterate_common(before.chains, after.chains))
    layers = min(before.base_layers, after.base_layers, both)
    named = next((one for one in (before, after) if 0 < one.base_layers == layers), None)
    name, why = ("", "") if named is None else (named.base_name, named.base_why)
    first, second = (replace(one, base_layers=layers, base_name=name, base_why=why) for one in (before, after))
    return first, second


def _make_given_base(name: str, below: tuple[str, ...], diffs: tuple[str, ...]) -> DetectedBase:
    if not _is_below(below, diffs):
        common = sum(1 for _ in _iterate_common(below, diffs))
        raise NotABaseError(name, len(below), common)
    return DetectedBase(len(below), name, _GIVEN)


def _format_label_reason(label: str) -> str:
    return f"the image's label {label} says so"


def _iterate_common(one: Sequence[str], other: Sequence[str]) -> Iterable[str]:
    for left, right in zip(one, other, strict=False):
        if left != right:
            return
        yield left


def _is_below(below: tuple[str, ...], diffs: tuple[str, ...]) -> bool:
    """An image is made from another when that one's whole chain is the lower part of its own."""
    return 0 < len(below) < len(diffs) and diffs[: len(below)] == below


def _find_labelled_images(labels: Mapping[str, str], listed: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Label and ID of the images on the engine that the labels mean; the digest is the more exact of the two."""
    digest, name = str(labels.get(LABEL_BASE_DIGEST) or ""), str(labels.get(LABEL_BASE_NAME) or "")
    by_digest = [
        (LABEL_BASE_DIGEST, str(entry["Id"]))
        for entry in listed
        if digest and any(str(one).endswith(f"@{digest}") for one in entry.get("RepoDigests") or ())
    ]
    by_name = [
        (LABEL_BASE_NAME, str(entry["Id"]))
        for entry in listed
        if name and normalize_image_name(name) in map(normalize_image_name, _list_tags(entry))
    ]
    return by_digest + by_name


def _find_longest_base(
    api: HistoryApi, listed: Sequence[Mapping[str, Any]], image: Mapping[str, Any], known: KnownLayers
) -> DetectedBase:
    """An image that is below another one has no more bytes, so most of an engine's images need no look."""
    diffs, most = list_diffs(image), image.get("Size")
    program = _make_program(image, (image.get("Config") or {}).get("Labels"))
    tagged = {
        str(entry["Id"]): tags[0]
        for entry in listed
        if (tags := _list_tags(entry))
        and entry["Id"] != image["Id"]
        and (most is None or (entry.get("Size") or 0) <= most)
        and program.can_extend(_make_program(entry, entry.get("Labels")))
    }
    layers = _find_layers(api, tagged, known, [str(entry["Id"]) for entry in listed])
    why = _GUESSED.format(place="on the engine")
    found = [DetectedBase(len(below), tagged[one], why) for one, below in layers.items() if _is_below(below, diffs)]
    return max(found, key=lambda base: (base.layers, base.name), default=NO_BASE)


def _list_tags(entry: Mapping[str, Any]) -> list[str]:
    return [str(tag) for tag in entry.get("RepoTags") or () if not str(tag).startswith("<none>")]


def _make_program(entry: Mapping[str, Any], labels: Mapping[str, str] | None) -> _ImageProgram:
    """Of an image as the engine lists or describes it."""
    digests = (str(one) for one in entry.get("RepoDigests") or () if not str(one).startswith("<none>"))
    return _ImageProgram(frozenset(map(extract_repository, (*_list_tags(entry), *digests))), labels or {})


def _make_archived_program(image: ArchivedImage) -> _ImageProgram:
    config = image.config.get("config")
    labels = config.get("Labels") if isinstance(config, dict) else None
    return _ImageProgram(
        frozenset(map(extract_repository, image.references)), labels if isinstance(labels, dict) else {}
    )


def _find_layers(
    api: HistoryApi, wanted: Iterable[str], known: KnownLayers, present: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Of each image that is still there."""
    remembered = {one: known.find_layers(one) for one in wanted}
    unknown = [one for one, diffs in remembered.items() if diffs is None]
    with ThreadPoolExecutor(min(WORKERS, len(unknown) or 1)) as pool:
        images = zip(unknown, pool.map(lambda one: find_image(api, one), unknown), strict=True)
        asked = {one: list_diffs(found) for one, found in images if found is not None}
    known.record_layers(asked.items(), present=present)
    return {one: diffs for one, diffs in {**remembered, **asked}.items() if diffs is not None}
