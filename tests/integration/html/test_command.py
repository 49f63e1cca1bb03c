"""`optbuild images --html FILE` on the real engine, and its page in the browser."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from builder.core.process import Command, LocalRunner

if TYPE_CHECKING:
    from pathlib import Path

    from chromium_page import Browser

    from builder.engine.client import Engine

_MAIN = "from builder.cli.main import main; main()"


def test_the_page_of_this_engine(engine: Engine, postgres_image: str, browser: Browser, tmp_path: Path) -> None:
    argv = (sys.executable, "-c", _MAIN, "images", "--html", "page.html")
    done = LocalRunner().run(Command(argv, cwd=tmp_path, timeout=120))
    assert done.ok, done.err
    assert "wrote page.html (" in done.err
    browser.open(tmp_path / "page.html")
    assert browser.tiles()
    browser.keys("#search", postgres_image.split(":", maxsplit=1)[0])
    browser.until(lambda: browser.text("#found"), "something is said")
    assert browser.text("#found") != "nothing found"
    assert browser.said() == []
    assert browser.violations() == []
