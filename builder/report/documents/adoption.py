"""`optbuild init --format json`."""

from __future__ import annotations

from typing import Annotated, TypedDict

from builder.report.documents.fields import Version


class OpenPointDocument(TypedDict):
    file: Annotated[str, "Below the folder."]
    line: Annotated[int | None, "Counted from 1; null: the file as a whole."]
    what: Annotated[str, "The words of the file, without secrets."]
    reason: Annotated[str, "Why no key says it."]
    next: Annotated[str, "What to do instead."]


class RemarkDocument(TypedDict):
    file: Annotated[str, "Below the folder."]
    line: Annotated[int | None, "Counted from 1; null: the file as a whole."]
    text: Annotated[str, "What was carried over in another form, or does nothing here."]


class AdoptionDocument(TypedDict):
    schema_version: Version
    spec: Annotated[str, "Path of the optbuild.toml."]
    schema: Annotated[str | None, "Path of the schema that its first line names; null with `--no-schema`."]
    written: Annotated[bool, "False with `--dry-run`."]
    text: Annotated[str, "The whole file."]
    sources: Annotated[list[str], "The files that it was made from."]
    carried: Annotated[int, "How many values were taken over."]
    open: Annotated[list[OpenPointDocument], "What was not carried over."]
    remarks: Annotated[list[RemarkDocument], "Nothing to do about these."]
