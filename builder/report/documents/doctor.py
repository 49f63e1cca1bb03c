"""`optbuild doctor --format json`."""

from __future__ import annotations

from typing import Annotated, TypedDict

from builder.doctor.model import FindingState
from builder.report.documents.fields import Version


class DoctorFindingDocument(TypedDict):
    name: Annotated[str, "What was looked at: `Docker engine`, `disk`, ..."]
    state: Annotated[FindingState, "`missing`: a build cannot start."]
    found: Annotated[str, "What is there, in words."]
    advice: Annotated[str, "What to do next; empty where nothing is to be done."]


class DoctorDocument(TypedDict):
    schema_version: Version
    ready: Annotated[bool, "Nothing that a build needs is missing."]
    findings: Annotated[list[DoctorFindingDocument], "A line of the report each."]
