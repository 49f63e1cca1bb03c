"""Which image a reference means: the one on the engine, else the one of the registry; by digest, so that it stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from builder.core.errors import BaseUnreachableError
from builder.core.image_reference import find_image_reference, parse_image_reference
from builder.inspect.lookup import find_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from builder.core.progress import Progress
    from builder.engine.protocols import ImageApi
    from builder.foundation.request import FoundationRequest

Puller: TypeAlias = "Callable[[str], None]"
"""Brings the image of a reference to the engine. Raises BaseUnreachableError."""


def find_base_image(
    api: ImageApi, request: FoundationRequest, pull: Puller, progress: Progress
) -> tuple[dict[str, Any], str]:
    """What the engine says of the image, and its digest. Raises BaseRefusedError, BaseUnreachableError."""
    wanted = parse_image_reference(request.reference)
    if request.pinned:
        pinned = f"{wanted.repository}@{request.pinned}"
        return _require(api, pinned, pull), request.pinned
    image = None if request.refresh else find_image(api, request.reference)
    if image is None:
        pull(request.reference)
        image = find_image(api, request.reference)
    if image is None:
        raise BaseUnreachableError(f"{request.reference} was pulled, and the engine does not have it", hint="try again")
    digest = _choose_digest(wanted.repository, image, request)
    if request.known and digest != request.known:
        progress.note(f"the tag moved: {request.reference} was {request.known}, and is {digest} now")
    elif request.refresh and request.known:
        progress.note(f"the tag did not move: {request.reference} is {digest}")
    return image, digest


def _require(api: ImageApi, pinned: str, pull: Puller) -> dict[str, Any]:
    image = find_image(api, pinned)
    if image is None:
        pull(pinned)
        image = find_image(api, pinned)
    if image is None:
        raise BaseUnreachableError(f"{pinned} was pulled, and the engine does not have it", hint="try again")
    return image


def _choose_digest(repository: str, image: dict[str, Any], request: FoundationRequest) -> str:
    """The one of the lock before if the image has it; an image that was pushed twice may have several."""
    digests = sorted(list_digests(repository, image.get("RepoDigests") or ()))
    if not digests:
        raise request.refuse(
            "has no digest: it was made on this engine, and never pushed or pulled, so no other machine can get it",
            f"push it to a registry under the name that [base] has: docker push {request.reference}",
        )
    return request.known if request.known in digests else digests[0]


def list_digests(repository: str, names: Iterable[str]) -> list[str]:
    """The digests under which the registry of ``repository`` has an image; ``names``: the engine's RepoDigests."""
    found = (find_image_reference(name) for name in names)
    return [one.digest for one in found if one is not None and one.repository == repository and one.digest]
