"""`optbuild images --html FILE` on the real engine, and its page in the browser."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from builder.core.process import Command, LocalRunner, ProcessResult

if TYPE_CHECKING:
    from pathlib import Path

    from chromium_page import Browser

    from builder.engine.client import Engine

_MAIN = "from builder.cli.main import main; main()"


def list_images(folder: Path, *words: str) -> ProcessResult:
    argv = (sys.executable, "-c", _MAIN, "images", *words)
    done = LocalRunner().run(Command(argv, cwd=folder, timeout=120))
    assert done.ok, done.err
    return done


@pytest.mark.alone
def test_the_page_of_this_engine(engine: Engine, postgres_image: str, browser: Browser, tmp_path: Path) -> None:
    assert "wrote page.html (" in list_images(tmp_path, "--html", "page.html").err
    rows = json.loads(list_images(tmp_path, "--format", "json").out)["images"]
    shown = next(row["names"][0] for row in rows if row["id"] == engine.find_image_id(postgres_image))
    browser.open(tmp_path / "page.html")
    assert browser.tiles()
    browser.keys("#search", shown)  # of several names the page shows the first
    browser.until(lambda: browser.text("#found"), "something is said")
    assert browser.text("#found") != "nothing found"
    assert browser.said() == []
    assert browser.violations() == []
