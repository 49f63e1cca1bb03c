"""Which time the real engine gives of an image whose date was set, and of one that has the build's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from tiny_images import TEST_LABEL, own_value, removed_afterwards

if TYPE_CHECKING:
    from pathlib import Path

    from builder.engine.client import Engine

MAIN = "from builder.cli.main import main; main()"
LONGEST = 120.0
"""Seconds between the build and the look, on a busy machine."""


def build(folder: Path, name: str, value: str, *words: str) -> None:
    (folder / "Dockerfile").write_text(f"FROM scratch\nLABEL {TEST_LABEL}={value}\nCOPY Dockerfile /{name}\n")
    argv = ("docker", "build", "--quiet", "--no-cache", "--tag", f"optbuild-test-times:{name}-{value}", *words, ".")
    subprocess.run(argv, cwd=folder, check=True, capture_output=True)


def look(folder: Path, value: str, *words: str) -> str:
    env = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache")}
    argv = (sys.executable, "-c", MAIN, "images", "--filter", f"label={TEST_LABEL}={value}", *words)
    return subprocess.run(argv, cwd=folder, env=env, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("epoch", [0, 315532800, 1705608000])
def test_a_set_date_is_not_shown_and_json_has_both_times(engine: Engine, tmp_path: Path, epoch: int) -> None:
    value = own_value()
    with removed_afterwards(engine, value):
        build(tmp_path, "set", value, "--build-arg", f"SOURCE_DATE_EPOCH={epoch}")
        build(tmp_path, "now", value)
        rows: list[dict[str, Any]] = json.loads(look(tmp_path, value, "--format", "json"))["images"]
        text = look(tmp_path, value)
    by_name = {row["names"][0].partition(":")[2].partition("-")[0]: row for row in rows}
    assert [by_name[name]["created_is_set"] for name in ("set", "now")] == [True, False]
    named = datetime.fromisoformat(by_name["set"]["named"]).timestamp()
    assert abs(time.time() - named) < LONGEST
    assert by_name["now"]["created"] is not None
    lines = {
        line.partition(":")[2].partition("-")[0]: line for line in text.splitlines() if line.startswith("optbuild-")
    }
    assert "named " in lines["set"]
    assert "named " not in lines["now"]
    assert "named: since the image got its name on this engine" in " ".join(text.split())
