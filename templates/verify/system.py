"""What tasks expect of the system below Python, and what nobody misses before production. Runs inside the image."""

from __future__ import annotations

import importlib.util
import locale
import os
import socket
import subprocess
import sys
import tempfile
import time

ZONE, ABBREVIATIONS = "Europe/Berlin", ("CET", "CEST")
"""A zone with summer time. Without its data the C library takes the name for UTC and says nothing (tzset(3))."""
UNCHECKED = 0b01
"""Flags of bytecode that Python never compares with its source (PEP 552)."""


def system_problems():
    """In words, each with what it breaks."""
    return [problem for check in (time_zones, encodings, host_names, scratch, shell) for problem in check()]


def time_zones():
    """The C library's (TZ, for programs and logs) and Python's (zoneinfo, which may have a package of its own)."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = ZONE
    time.tzset()
    known = time.tzname == ABBREVIATIONS
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()
    if not known:
        yield f"TZ={ZONE} means UTC: there is no data of time zones (Debian's tzdata)"
    try:
        from zoneinfo import ZoneInfo
    except ImportError:  # Python 3.8
        return
    try:
        ZoneInfo(ZONE)
    except Exception as error:  # noqa: BLE001 - ZoneInfoNotFoundError, or what a broken package raises
        yield f"zoneinfo.ZoneInfo({ZONE!r}): {error}"


def encodings():
    """A task that prints or opens a text with an umlaut."""
    try:
        locale.setlocale(locale.LC_ALL, "")
    except locale.Error:
        asked = [f"{name}={os.environ[name]}" for name in ("LC_ALL", "LANG") if os.environ.get(name)]
        yield "the locale that the environment names is not installed: {}".format(" ".join(asked))
    for what, found in (("file names", sys.getfilesystemencoding()), ("files", locale.getpreferredencoding(False))):
        if found.lower().replace("-", "") != "utf8":
            yield f"the encoding of {what} is {found}, not UTF-8: set LANG=C.UTF-8"


def host_names():
    """Its own, which Airflow writes down for each job, and localhost."""
    for name in ("localhost", socket.gethostname()):
        try:
            socket.getaddrinfo(name, 80)
        except OSError as error:
            yield f"the host name {name} cannot be resolved: {error}"


def scratch():
    try:
        with tempfile.TemporaryFile() as stream:
            stream.write(b"written")
    except OSError as error:
        yield f"no temporary file can be written: {error}"


def shell():
    """BashOperator's."""
    try:
        done = subprocess.run(["bash", "-c", "exit 7"], capture_output=True, check=False)  # noqa: S607 - the image's own
        ended = f"it ends with exit code {done.returncode}, not 7" if done.returncode != 7 else ""
    except OSError as error:
        ended = error.strerror
    if ended:
        yield f"bash, which BashOperator starts, does not work: {ended}"


def stale_bytecode():
    """Sources that were changed after their bytecode was made, which Python goes on running unasked."""
    folders = [folder for path in sys.path if os.path.isdir(path) for folder, _, _ in os.walk(path)]
    caches = sorted({folder for folder in folders if os.path.basename(folder) == "__pycache__"})
    tag = f".{sys.implementation.cache_tag}."
    found = [os.path.join(folder, name) for folder in caches for name in os.listdir(folder) if tag in name]
    return [f"{one} is not what runs: its bytecode is of another text" for one in map(stale_source, found) if one]


def stale_source(path):
    """The source of one file of bytecode, if it is another one; empty otherwise."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(16)
        source = importlib.util.source_from_cache(path)
        if int.from_bytes(head[4:8], "little") != UNCHECKED:
            return ""
        with open(source, "rb") as stream:
            return source if importlib.util.source_hash(stream.read()) != head[8:16] else ""
    except (OSError, ValueError):  # without a source there is nothing that could differ
        return ""
