"""How one image goes: by its ID, never by force, names one by one, and not at all where something needs it meanwhile.

The only way in which optbuild deletes an image that is not its own half-made one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.engine.protocols import ImageStore

CONFLICT = "the engine says that something uses it"


def remove_image(shelf: ImageStore, image_id: str, why_stay: Callable[[tuple[str, ...]], str]) -> str:
    """Delete an image with all its names. Empty: it is gone; else why it stays, with every name that it had.

    ``why_stay`` reads everything again, and is asked before each single step, with the names that are taken already:
    something may need one of those meanwhile. The engine deletes an image by ID only
    while it has one name; the others are taken one at a time, each only while it still points here.
    """
    taken: list[str] = []
    try:
        reason = _remove_names(shelf, image_id, why_stay, taken)
        if not reason and not shelf.remove(image_id):
            reason = CONFLICT
    except BaseException:
        _restore_removed_names(shelf, image_id, taken)
        raise
    if reason:
        _restore_removed_names(shelf, image_id, taken)
    return reason


def _remove_names(
    shelf: ImageStore, image_id: str, why_stay: Callable[[tuple[str, ...]], str], taken: list[str]
) -> str:
    """Until one is left; the reason to stop before that."""
    while not (reason := why_stay(tuple(taken))):
        names = shelf.list_references(image_id)
        if len(names) < 2:
            return ""
        if shelf.find_image_id(names[0]) == image_id:  # a name can move between two questions
            taken.append(names[0])
            shelf.untag(names[0])
    return reason


def _restore_removed_names(shelf: ImageStore, image_id: str, taken: list[str]) -> None:
    """As far as nobody took the name meanwhile."""
    if shelf.find_image_id(image_id) is None:
        return
    for name in taken:
        if shelf.find_image_id(name) is None:
            shelf.tag(image_id, name)
