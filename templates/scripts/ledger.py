"""What pruning took from one distribution: rule → files and bytes, beside the distribution's other metadata.

The file depends on its distribution alone, so it lies in the same layer and is the same in every image. ``optbuild
inspect`` adds them up. Schema: ``{"schema_version": 1, "rules": {RULE: {"files": COUNT, "bytes": COUNT}}}``; bytes are
unpacked, of the whole file or, under ``symbols``, of what it lost.
"""

from __future__ import annotations

import json
from pathlib import Path

FILE = "optbuild-pruned.json"
SCHEMA_VERSION = 1


class Ledger:
    """Adds up, then writes itself."""

    def __init__(self) -> None:
        self.rules: dict[str, dict[str, int]] = {}

    def add(self, rule: str, size: int) -> None:
        """One more file with ``size`` bytes that are gone."""
        sums = self.rules.setdefault(rule, {"files": 0, "bytes": 0})
        sums["files"] += 1
        sums["bytes"] += size

    def write(self, folder: Path) -> Path:
        """The file below the distribution's ``.dist-info``."""
        file = folder / FILE
        text = json.dumps({"schema_version": SCHEMA_VERSION, "rules": self.rules}, sort_keys=True)
        file.write_text(f"{text}\n", "utf-8")
        return file
