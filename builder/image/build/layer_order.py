"""One image ID, whatever order the engine wrote a layer's entries in.

The ID is a digest over the layers' tars. Engines with a storage driver write the same layer in one of two orders
(``builder.engine.walk_order``), depending on what else they have; builders with a store of their own always in one, and
a fresh engine on overlay2 too. That one is ours: what was built otherwise is put into it, before anybody gets its ID.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from builder.core.errors import EngineFailedError
from builder.core.naming import LABEL_BASE_LAYERS, shorten_id
from builder.image.build.foreign_layers import has_foreign_layers
from builder.image.build.order_memory import EngineMemory, read_order_memory, update_order_memory
from builder.image.build.preflight import DiskEstimate, check_disks, explain_full_disk, measure_disks
from builder.image.build.saved_image import order_image, save_image
from builder.image.build.workspace import CONTEXTS, make_build_folder

if TYPE_CHECKING:
    from builder.core.runtime import Runtime
    from builder.engine.client import Engine, ImageInfo
    from builder.image.build.order_memory import OrderMemory
    from builder.image.build.saved_image import OrderedImage, SavedImage


def put_layers_in_order(
    runtime: Runtime, engine: Engine, image: ImageInfo, reference: str, *, from_cache: bool
) -> ImageInfo:
    """The image under ``reference`` as a fresh engine would have written it: ``image``, or what takes its place.

    Layers of an image below (``[base]``) stay as they are: everybody has those. ``from_cache``: it may hold what the
    engine made before this. Costs 0.1 s, and reading the whole image where the engine may have written another order.
    Raises DiskFullError, EngineFailedError, BadImageArchiveError, StateError.
    """
    if engine.info.containerd_store:
        return image
    memory = read_order_memory(runtime.cache_folder)
    other = memory.replaced.get(image.id)
    if other is not None and engine.find_image_id(other) is not None:
        return _exchange_image(engine, image, other, reference)
    unknown = memory.list_unknown(engine.info.identity, list_own_layers(image))
    if not unknown or _was_surely_walked(runtime, engine, image, unknown, from_cache=from_cache):
        return image
    estimate = DiskEstimate(image.unpacked)
    check_disks(runtime, engine, estimate)
    with explain_full_disk(partial(measure_disks, runtime, engine), estimate):
        return _read_and_order(runtime, engine, image, reference, unknown)


def list_own_layers(image: ImageInfo) -> tuple[str, ...]:
    """Diff IDs of the layers that are not those of an image below."""
    below = image.labels.get(LABEL_BASE_LAYERS, "")
    return image.diffs[int(below) if below.isdecimal() else 0 :]


def _was_surely_walked(
    runtime: Runtime, engine: Engine, image: ImageInfo, unknown: tuple[str, ...], *, from_cache: bool
) -> bool:
    """Whether the engine can only have walked the layers when it wrote them. What is found out is remembered."""
    folder, identity = runtime.cache_folder, engine.info.identity
    seen = read_order_memory(folder).engines.get(identity)
    if not engine.info.walks_layers or (seen or EngineMemory()).mixed:
        return False
    if has_foreign_layers(engine.api, image.id):
        update_order_memory(folder, lambda memory: memory.with_mixed(identity))
        return False
    if seen is None and from_cache:  # whatever it held when that was made may be gone
        return False
    update_order_memory(folder, lambda memory: memory.with_native(identity, unknown))
    return True


def _read_and_order(
    runtime: Runtime, engine: Engine, image: ImageInfo, reference: str, unknown: tuple[str, ...]
) -> ImageInfo:
    with make_build_folder(runtime.cache_folder / CONTEXTS) as folder:
        with runtime.progress.task(f"reading the order of files in {_count_layers(len(unknown))} of {reference}"):
            saved = save_image(engine.api.get_image(image.id), folder / "image.tar", unknown)
        ordered = order_image(saved)
        if ordered is not None:
            image = _replace_image(runtime, engine, image, reference, ordered)
    checked = (*saved.ordered, *(ordered.moved.values() if ordered else ()))
    identity = engine.info.identity

    def remember(memory: OrderMemory) -> OrderMemory:
        found = memory.with_checked(identity, checked)
        return found if len(saved.ordered) == len(saved.orders) else found.with_mixed(identity)

    update_order_memory(runtime.cache_folder, remember)
    _note_what_stays(runtime, saved, ordered)
    return image


def _replace_image(
    runtime: Runtime, engine: Engine, image: ImageInfo, reference: str, ordered: OrderedImage
) -> ImageInfo:
    """Load the ordered one, and say why."""
    count = _count_layers(len(ordered.moved))
    with runtime.progress.task(f"loading {reference} with {count} in the usual order"):
        engine.load(ordered.iterate_archive())
    if engine.find_image_id(ordered.id) is None:
        raise EngineFailedError(f"the engine loaded {reference} with {count} put in order, but not as {ordered.id}")
    found = _exchange_image(engine, image, ordered.id, reference)
    update_order_memory(runtime.cache_folder, lambda memory: memory.with_replaced(image.id, found.id))
    why = "had layers below from another build" if engine.info.walks_layers else "sorts files by whole path"
    runtime.progress.note(
        f"this engine {why} and wrote {count} in another order than others do; put right: "
        f"{reference} is {shorten_id(found.id)}, which was {shorten_id(image.id)}"
    )
    return found


def _exchange_image(engine: Engine, image: ImageInfo, other: str, reference: str) -> ImageInfo:
    """Give the name to the image ``other``, and remove the one that had it where nothing else needs that."""
    engine.tag(other, reference)
    engine.remove_unnamed(image.id)
    found = engine.inspect_image(reference)
    if found is None or found.id != other:
        raise EngineFailedError(f"{reference} was moved by somebody else while its layers were put in order")
    return found


def _note_what_stays(runtime: Runtime, saved: SavedImage, ordered: OrderedImage | None) -> None:
    stuck = list(saved.stuck)
    if ordered is None:
        stuck += [(diff, "its digest is also elsewhere in the image's configuration") for diff in saved.movable]
    for diff, why in stuck:
        runtime.progress.note(
            f"layer {saved.image.diffs.index(diff) + 1} ({shorten_id(diff)}) is not in the order that other engines "
            f"write, and stays so, because {why}: the image may have another ID there"
        )


def _count_layers(count: int) -> str:
    return f"{count} layer{'s' * (count != 1)}"
