"""What `optbuild init` took over and what it did not, as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from builder.adopt.model import Adoption, SchemaFile
    from builder.report.documents.adoption import AdoptionDocument

SCHEMA_VERSION = 1


def format_adoption_json(adoption: Adoption, path: str, schema: SchemaFile | None, *, written: bool) -> str:
    """The machine-readable form; ``schema_version`` changes when a key does."""
    document: AdoptionDocument = {
        "schema_version": SCHEMA_VERSION,
        "spec": path,
        "schema": None if schema is None else schema.path,
        "written": written,
        "text": adoption.text,
        "sources": list(adoption.sources),
        "carried": adoption.carried,
        "open": [
            {
                "file": point.where.file,
                "line": point.where.line,
                "what": point.what,
                "reason": point.reason,
                "next": point.step,
            }
            for point in adoption.open
        ],
        "remarks": [{"file": one.where.file, "line": one.where.line, "text": one.text} for one in adoption.remarks],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
