"""`optbuild verify --format json`."""

from __future__ import annotations

from typing import Annotated, TypedDict

from builder.image.verify.model import CheckStatus
from builder.report.documents.fields import Digest, Seconds, Version


class CheckDocument(TypedDict):
    name: Annotated[str, "As in the table of checks."]
    status: Annotated[CheckStatus, "`noted` is as good as `passed`."]
    seconds: Annotated[Seconds, "Of this check."]
    message: Annotated[str, "What was seen."]
    hint: Annotated[str, "The next step after a failure; else empty."]
    log: Annotated[str, "The end of what the container said, when it failed; else empty."]
    excused: Annotated[bool, "Not run because there is nothing that it could look at."]
    warnings: Annotated[list[str], "What works and should be changed all the same."]
    notes: Annotated[list[str], "What is the base's, with its consequence."]


class VerificationDocument(TypedDict):
    schema_version: Version
    image: Annotated[str, "As it was named."]
    image_id: Annotated[Digest, "The image's ID."]
    database: Annotated[str, "What the roles ran against: an image's name, `sqlite` or `external`."]
    passed: Annotated[bool, "Every check that was not excused is good."]
    seconds: Annotated[Seconds, "Of the whole run, by the clock."]
    checks: Annotated[list[CheckDocument], "In the order of the report."]
