"""How the layers of a pushed image are compressed: what may be asked for, who can do it, and whether it was done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.core.errors import BuildRefusedError, EngineFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

HIGHEST_LEVELS = {"gzip": 9, "zstd": 22}
"""Kind → its highest level; the lowest is 0 (docs.docker.com/build/exporters, "Compression")."""
ANOTHER_BUILDER = (
    "`docker buildx create --name optbuild --driver docker-container`, then --builder optbuild; or give the engine "
    "containerd's image store (docs.docker.com/engine/storage/containerd)"
)


@dataclass(frozen=True)
class Compression:
    """``level`` None: the builder's own choice."""

    kind: str = "gzip"
    level: int | None = None

    def __str__(self) -> str:
        return self.kind if self.level is None else f"{self.kind}:{self.level}"

    @property
    def is_default(self) -> bool:
        """What every builder and every engine does without being asked."""
        return self == DEFAULT_COMPRESSION

    def list_output_attributes(self) -> tuple[str, ...]:
        """Of BuildKit's image exporter; none where nothing is asked for.

        Layers that the builder has compressed otherwise already would stay as they are without ``force-compression``,
        and Docker's own media types have no zstd.
        """
        if self.is_default:
            return ()
        level = () if self.level is None else (f"compression-level={self.level}",)
        return (f"compression={self.kind}", *level, "force-compression=true", "oci-mediatypes=true")


DEFAULT_COMPRESSION = Compression()


def parse_compression(text: str) -> Compression:
    """``KIND`` or ``KIND:LEVEL``. Raises BuildRefusedError."""
    kind, colon, level = text.partition(":")
    highest = HIGHEST_LEVELS.get(kind)
    if highest is None:
        raise BuildRefusedError(
            f"--compression {text}: there is no {kind!r}", hint=f"one of {', '.join(HIGHEST_LEVELS)}; default: gzip"
        )
    if not colon:
        return Compression(kind)
    if not re.fullmatch(r"[0-9]{1,2}", level) or int(level) > highest:
        raise BuildRefusedError(
            f"--compression {text}: {level!r} is not a level of {kind}", hint=f"{kind}:0 to {kind}:{highest}"
        )
    return Compression(kind, int(level))


def check_compression(wanted: Compression, *, push: bool, builder: str, capable: bool) -> None:
    """Refuse what would be ignored. ``capable``: the ``builder`` sends layers to a registry itself.

    The engine's own image store (overlay2) compresses with gzip when it pushes, and its exporter passes over
    ``compression=zstd`` without a word. Raises BuildRefusedError.
    """
    if wanted.is_default:
        return
    if not push:
        raise BuildRefusedError(
            f"--compression {wanted}: only what is pushed is compressed", hint="add --push, or leave --compression out"
        )
    if not capable:
        raise BuildRefusedError(
            f"--compression {wanted}: the builder {builder!r} has the docker driver on the engine's classic image "
            "store, which always pushes with gzip of its own level",
            hint=ANOTHER_BUILDER,
        )


def check_manifest(manifest: Mapping[str, Any], wanted: Compression, config_digest: str, reference: str) -> None:
    """Whether a pushed ``manifest`` (OCI image-spec, "Image Manifest") is the image and compressed as was asked.

    ``config_digest`` of the image that was meant. Raises EngineFailedError.
    """
    found = (manifest.get("config") or {}).get("digest")
    if found != config_digest:
        raise EngineFailedError(
            f"{reference} in its registry is another image: its configuration is {found}, {config_digest} was pushed",
            hint="does somebody else push this name? Build and push again",
        )
    types = {str(layer.get("mediaType", "")) for layer in manifest.get("layers") or ()}
    others = sorted(name for name in types if not name.endswith(wanted.kind))
    if others:
        raise EngineFailedError(
            f"{reference} was pushed, but not with {wanted.kind}: the registry has layers of {', '.join(others)}. "
            "The builder passed over the compression that was asked for",
            hint=f"{ANOTHER_BUILDER}; or leave --compression out",
        )
