"""What a run has measured, on disk after each measurement: a run that is stopped goes on where it stood.

One JSON file per image. A record carries the fingerprint of all that its figure depends on; a record whose fingerprint
is not today's is measured again, so a changed tree or lock never mixes with the figures of an earlier one.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

SCHEMA_VERSION = 1


@dataclass
class Results:
    """``path`` holds the records by key, ``PART/SUBJECT/ROUND``: figures, a fingerprint, when, how long, the load."""

    path: Path
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    """Of the machine and the tree; not measured."""

    def find(self, key: str, fingerprint: str) -> dict[str, Any] | None:
        record = self.records.get(key)
        return record["figures"] if record is not None and record["fingerprint"] == fingerprint else None

    def record(self, key: str, fingerprint: str, measure: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """The figures of ``key``: those on disk, or measured now and written at once."""
        if (known := self.find(key, fingerprint)) is not None:
            return known
        started = time.time()
        figures = dict(measure())
        self.records[key] = {
            "figures": figures,
            "fingerprint": fingerprint,
            "at": round(started),
            "seconds": round(time.time() - started, 1),
            "load": round(os.getloadavg()[0], 2),
        }
        self.save()
        return figures

    def keep(self, fingerprints: Collection[str]) -> None:
        """Forget what was measured of another tree, lock or baseline."""
        self.records = {key: one for key, one in self.records.items() if one["fingerprint"] in fingerprints}

    def save(self) -> None:
        document = {
            "schema_version": SCHEMA_VERSION,
            "facts": self.facts,
            "records": dict(sorted(self.records.items())),
        }
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        part.replace(self.path)

    def list_values(self, part: str, subject: str, figure: str) -> tuple[float, ...]:
        """``figure`` in every round of ``part`` that has it."""
        found = (
            record["figures"].get(figure)
            for key, record in sorted(self.records.items())
            if key.startswith(f"{part}/{subject}/")
        )
        return tuple(float(value) for value in found if value is not None)


def load_results(path: Path) -> Results:
    """Those of an earlier run; empty where there are none, or where they have another schema."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        return Results(path)
    document = json.loads(path.read_text(encoding="utf-8"))
    if document.get("schema_version") != SCHEMA_VERSION:
        return Results(path)
    return Results(path, document["records"], document["facts"])


def hash_files(paths: Iterable[Path], *texts: str) -> str:
    """Twelve hex digits over the contents of files, and of all files below folders, and over ``texts``."""
    total = hashlib.sha256()
    for text in texts:
        total.update(f"{len(text)} {text}\n".encode())
    for path in paths:
        files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        for file in files:
            if "__pycache__" in file.parts:
                continue
            data = file.read_bytes()
            name = file.relative_to(path) if path.is_dir() else file.name
            total.update(f"{name} {len(data)}\n".encode() + data)
    return total.hexdigest()[:12]
