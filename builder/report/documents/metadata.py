"""`optbuild build --metadata-file FILE`."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypedDict

from builder.report.documents.fields import Bytes, Digest, Seconds, Version

MetadataDocument = TypedDict(
    "MetadataDocument",
    {
        "containerimage.config.digest": Annotated[Digest, "Of the image's configuration."],
        "image.name": Annotated[str, "The names that were pushed, with commas between; else the content tag's."],
        "containerimage.digest": NotRequired[
            Annotated[Digest, "Of the manifest that was pushed, else what buildx wrote; missing where it wrote none."]
        ],
        "schema_version": Version,
        "image_id": Annotated[Digest, "The image's ID."],
        "reference": Annotated[str, "The image under its content tag."],
        "content_tag": Annotated[str, "12 hex digits over context, base and platform."],
        "cached": Annotated[bool, "Nothing was built: this content is on the engine, and proven."],
        "seconds": Annotated[Seconds, "Of the build."],
        "bytes": Annotated[Bytes | None, "Unpacked; null: it went straight to its registry."],
        "buildx": Annotated[dict[str, Any] | None, "What buildx itself wrote; null: nothing was built."],
    },
)
"""The keys with a dot are those of `docker buildx build`; its other ones stand beside them."""
