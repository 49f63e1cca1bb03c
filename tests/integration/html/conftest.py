"""Chromium without a window, driven by selenium over its own local driver: nothing is downloaded, nobody is told."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from chromium_page import Browser
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One browser with an empty profile for all tests of a session; `make browser` installs it."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert program, "chromium is missing: run `make browser`"
    assert driver, "chromedriver is missing: run `make browser`"
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = Service(driver, env={**os.environ, "SE_OFFLINE": "true", "SE_AVOID_STATS": "true"})
    found = webdriver.Chrome(options=options, service=service)
    try:
        yield found
    finally:
        found.quit()


@pytest.fixture
def browser(chromium: webdriver.Chrome) -> Iterator[Browser]:
    """A fresh window; what the one before wrote into the logs is gone."""
    chromium.switch_to.new_window("tab")
    found = Browser(chromium)
    found.emulate()
    for log in ("browser", "performance"):
        found.log(log)
    yield found
    with contextlib.suppress(Exception):
        chromium.close()
    chromium.switch_to.window(chromium.window_handles[0])
