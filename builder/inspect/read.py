"""An image on an engine, or in an archive on disk → everything that its layers hold.

The engine is asked for the image's bytes only where a layer was never read before: its content is the same wherever
its diff ID is the same, so it is kept in the cache.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from builder.core.errors import BadImageArchiveError, NoSuchImageError
from builder.core.image_reference import normalize_image_name
from builder.engine.archive import ImageArchive
from builder.engine.inspected_image import list_diffs
from builder.engine.layers import compute_chain_ids, find_best_match
from builder.engine.manifests import BLOBS
from builder.engine.tarstream import escape_unprintable
from builder.engine.timestamps import parse_timestamp
from builder.inspect.archive_file import check_archive_file, explain_bad_archive
from builder.inspect.base import find_base, find_base_in_archive
from builder.inspect.cache import LayerCache
from builder.inspect.instructions import format_instructions
from builder.inspect.layer import read_layer
from builder.inspect.layer_index import KnownLayers
from builder.inspect.lookup import find_image, list_all_image_names
from builder.inspect.model import ImageContent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from builder.core.progress import Progress
    from builder.engine.manifests import ArchivedImage
    from builder.engine.protocols import InspectableEngine
    from builder.inspect.model import LayerContent

FILE_CHUNK = 1 << 20
REPORT_EVERY = 8 << 20
MAX_ENTRIES = 3_000_000
"""Of all layers. The largest images that people make have a tenth of it."""


def read_image(
    engine: InspectableEngine, reference: str, cache_folder: Path, progress: Progress, *, base: str | None = None
) -> ImageContent:
    """What ``reference`` (a name or an ID) holds. ``base``: a name or an ID of the image that it was made from.

    Raises NoSuchImageError, BadImageNameError, NotABaseError, BadImageArchiveError, EngineFailedError.
    """
    api = engine.api
    image = require_image(engine, reference)
    identity = str(image["Id"])
    diffs = list_diffs(image)
    history = tuple(reversed(api.history(identity)))
    config = image.get("Config") or {}
    found = find_base(api, image, base, KnownLayers(cache_folder))
    cache = LayerCache(cache_folder)
    layers = cache.load(diffs)
    if not set(diffs) <= set(layers):
        size = sum(int(entry.get("Size") or 0) for entry in history)
        with _track_reading(progress, reference, api.get_image(identity), size) as chunks:
            layers = _read_missing_layers(chunks, identity, diffs, layers, cache)
    return ImageContent(
        identity,
        tuple(image.get("RepoTags") or ()),
        f"{image.get('Os', '')}/{image.get('Architecture', '')}",
        parse_timestamp(image.get("Created")),
        dict(config.get("Labels") or {}),
        _arrange_layers(layers, diffs),
        compute_chain_ids(diffs),
        list_layer_instructions(history, diffs, config.get("Shell") or ()),
        found.layers,
        found.name,
        found.why,
        *_read_start(config),
    )


def require_image(engine: InspectableEngine, reference: str) -> dict[str, Any]:
    """What the engine says of an image. Raises NoSuchImageError, BadImageNameError."""
    found = find_image(engine.api, reference)
    if found is None:
        raise NoSuchImageError(reference, list_all_image_names(engine.api))
    return found


def read_archive_file(
    path: Path, cache_folder: Path, progress: Progress, *, reference: str | None = None, base: str | None = None
) -> ImageContent:
    """What the image of an archive on disk holds. ``reference``: which, where it holds several; ``base`` is in it too.

    Raises NoSuchImageError, BaseNotSavedError, NotABaseError, NotAnImageArchiveError, BadImageArchiveError; OSError
    where the file cannot be read.
    """
    check_archive_file(path)
    try:
        layers, images = _read_archive_layers(path, LayerCache(cache_folder), progress)
    except BadImageArchiveError as error:
        raise explain_bad_archive(path, error) from error
    image = _choose_image(images, reference, str(path))
    config = _to_mapping(image.config.get("config"))
    labels = {str(key): str(value) for key, value in _to_mapping(config.get("Labels")).items()}
    found = find_base_in_archive(images, image, labels, base)
    return ImageContent(
        image.id,
        image.references,
        escape_unprintable(f"{image.config.get('os', '')}/{image.config.get('architecture', '')}"),
        parse_timestamp(image.config.get("created")),
        labels,
        _arrange_layers(layers, image.diffs),
        compute_chain_ids(image.diffs),
        _list_config_instructions(image),
        found.layers,
        found.name,
        found.why,
        *_read_start(config),
    )


def _read_archive_layers(
    path: Path, cache: LayerCache, progress: Progress
) -> tuple[dict[str, LayerContent], tuple[ArchivedImage, ...]]:
    with path.open("rb") as stream:
        pieces = iter(lambda: stream.read(FILE_CHUNK), b"")
        with _track_reading(progress, path.name, pieces, path.stat().st_size) as chunks:
            archive = ImageArchive(chunks)
            layers = _read_layers(archive, lambda diff: cache.load([diff]).get(diff), cache)
            return layers, archive.check_images()


def _read_missing_layers(
    chunks: Iterator[bytes], identity: str, diffs: tuple[str, ...], known: dict[str, LayerContent], cache: LayerCache
) -> dict[str, LayerContent]:
    """All layers. The archive must be what the engine said of the image."""
    archive = ImageArchive(chunks)
    layers = _read_layers(archive, known.get, cache)
    images = archive.check_images()
    image = next((one for one in images if one.id == identity), images[0])
    if image.diffs != diffs:
        raise BadImageArchiveError(f"the engine sent an image other than {identity}", hint="try again")
    return layers


def _read_layers(
    archive: ImageArchive, known: Callable[[str], LayerContent | None], cache: LayerCache
) -> dict[str, LayerContent]:
    """By diff ID. A plain layer is named by it; the bytes of one that is known are only compared with its name."""
    found: dict[str, LayerContent] = {}
    for layer in archive.iterate_layers():
        content = known(f"sha256:{layer.name.removeprefix(BLOBS)}") if layer.name.startswith(BLOBS) else None
        if content is None:
            content = read_layer(layer)
            cache.store(content)
        else:
            layer.finish()
        found[content.diff] = content
        if sum(len(one.entries) for one in found.values()) > MAX_ENTRIES:
            raise BadImageArchiveError(
                f"the image has more than {MAX_ENTRIES} entries", hint="no known program makes such images"
            )
    return found


@contextlib.contextmanager
def _track_reading(progress: Progress, name: str, chunks: Iterator[bytes], total: int) -> Iterator[Iterator[bytes]]:
    """The chunks, as a step that shows how far it is, not for every piece; in the end how much it was."""
    with progress.task(f"reading {name}") as task:
        done = 0

        def counted() -> Iterator[bytes]:
            nonlocal done
            told = 0
            for chunk in chunks:
                done += len(chunk)
                if done - told > REPORT_EVERY:
                    told = done
                    task.update(done=min(done, total), total=total, detail=_format_amount(done))
                yield chunk

        yield counted()
        task.update(detail=_format_amount(done))


def _format_amount(count: int) -> str:
    return f"{count / 1e6:,.0f} MB" if count >= 1_000_000 else f"{count / 1e3:,.0f} kB"


def _arrange_layers(layers: Mapping[str, LayerContent], diffs: Sequence[str]) -> tuple[LayerContent, ...]:
    return tuple(layers[diff] for diff in diffs)


def _choose_image(images: Sequence[ArchivedImage], reference: str | None, archive: str) -> ArchivedImage:
    if reference is None and len(images) == 1:
        return images[0]
    names = [name for image in images for name in image.references or (image.id,)]
    for image in images:
        if reference is not None and normalize_image_name(reference) in map(
            normalize_image_name, (*image.references, image.id)
        ):
            return image
    raise NoSuchImageError(reference, names, archive)


def list_layer_instructions(
    history: Sequence[Mapping[str, Any]], diffs: Sequence[str], shell: Sequence[str]
) -> tuple[str, ...]:
    """Of each layer; empty where the engine's history does not say which entry made which layer."""
    made_by = find_best_match(history, diffs)
    if made_by is None:
        return ("",) * len(diffs)
    lines = format_instructions((str(entry.get("CreatedBy") or "") for entry in history), shell)
    return tuple(lines[index] for index in made_by)


def _list_config_instructions(image: ArchivedImage) -> tuple[str, ...]:
    """The configuration itself says which entries made no layer."""
    found = image.config.get("history")
    entries = [entry for entry in (found if isinstance(found, list) else ()) if isinstance(entry, dict)]
    shell = _to_mapping(image.config.get("config")).get("Shell")
    lines = format_instructions(
        (str(entry.get("created_by") or "") for entry in entries),
        [str(word) for word in shell] if isinstance(shell, list) else (),
    )
    made = tuple(line for entry, line in zip(entries, lines, strict=True) if not entry.get("empty_layer"))
    return made if len(made) == len(image.diffs) else ("",) * len(image.diffs)


def _read_start(config: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Variables, and the words of entrypoint and command."""
    environment = dict(str(one).split("=", 1) for one in _to_list(config.get("Env")) if "=" in str(one))
    words = [*_to_list(config.get("Entrypoint")), *_to_list(config.get("Cmd"))]
    return environment, tuple(map(str, words))


def _to_list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _to_mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
