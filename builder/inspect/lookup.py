"""One question about one image of an engine, with an error of its own for each mistake of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.core.errors import BadImageNameError, EngineFailedError

if TYPE_CHECKING:
    from builder.engine.protocols import ImageApi


def find_image(api: ImageApi, reference: str) -> dict[str, Any] | None:
    """What the engine says of a name or an ID; None: there is no such image, or no longer.

    Raises BadImageNameError for what no image can be called.
    """
    try:
        return api.inspect_image(reference)
    except EngineFailedError as error:
        status = getattr(error, "status_code", None)
        if status == 400:  # it cannot parse the reference
            raise BadImageNameError(reference) from error
        if status != 404:
            raise
    return None


def list_all_image_names(api: ImageApi) -> list[str]:
    """Every name of every image."""
    return [str(name) for entry in api.images() for name in entry.get("RepoTags") or ()]
