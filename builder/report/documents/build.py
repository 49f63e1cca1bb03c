"""`optbuild build --format json`."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from builder.report.documents.fields import Bytes, Digest, Seconds, Sha256, Version


class BuildSecondsDocument(TypedDict):
    build: Annotated[Seconds, "0 where nothing was built."]
    reproduce: Annotated[Seconds | None, "Of the second build; null without `--reproduce`."]
    verify: Annotated[Seconds | None, "Null where nothing was verified this time."]
    total: Annotated[Seconds, "Of the whole command."]


class BuildDocument(TypedDict):
    schema_version: Version
    image_id: Annotated[Digest, "The image's ID."]
    reference: Annotated[str, "The image under its content tag, `NAME:CONTENT_TAG`."]
    content_tag: Annotated[str, "12 hex digits over context, base and platform."]
    bytes: Annotated[Bytes | None, "Unpacked; null: it went straight to its registry."]
    cached: Annotated[bool, "Nothing was built: this content is on the engine, and proven."]
    verified: Annotated[bool, "All checks passed, now or before."]
    promoted: Annotated[list[str], "The names that point to it now; empty: it is a candidate."]
    pushed: Annotated[list[Digest], "The manifest's digest, once for each name that was pushed."]
    reproduced: Annotated[Literal[True] | None, "A second build gave the same; null without `--reproduce`."]
    reproduced_by: Annotated[Literal["id", "contents"] | None, "What was the same."]
    contents: Annotated[Sha256 | None, "Over both images' contents, where they could not have one ID."]
    seconds: Annotated[BuildSecondsDocument, "How long what took."]
