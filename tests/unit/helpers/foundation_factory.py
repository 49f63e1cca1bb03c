"""Foundations as values, for tests: what a test does not name is that of an ordinary image."""

from __future__ import annotations

from typing import Any

from builder.image.lock.foundation import Foundation, InstalledDistribution, InstalledPackage

DIGEST = "sha256:" + "d" * 64
SITE = "/home/airflow/.local/lib/python3.11/site-packages"


def make_foundation(**changes: Any) -> Foundation:
    """One of ``[base] airflow``, with two layers and pandas 2.1.4."""
    ordinary: dict[str, Any] = {
        "kind": "airflow",
        "reference": "apache/airflow:2.8.1-python3.11",
        "digest": DIGEST,
        "platform": "linux/amd64",
        "layers": ("sha256:" + "1" * 64, "sha256:" + "2" * 64),
        "debian": "bookworm",
        "glibc": "2.36",
        "python": "3.11.7",
        "python_path": "/usr/local/bin/python3.11",
        "user": "50000",
        "entrypoint": ("/usr/bin/dumb-init", "--", "/entrypoint"),
        "command": (),
        "shell": (),
        "working_folder": "/opt/airflow",
        "environment": (("PATH", "/home/airflow/.local/bin:/usr/bin:/bin"),),
        "packages": (InstalledPackage("libc6", "2.36-9+deb12u4", "amd64"),),
        "distributions": (
            InstalledDistribution("apache-airflow", "2.8.1", SITE, 40_000_000),
            InstalledDistribution("pandas", "2.1.4", SITE, 60_000_000),
        ),
        "contract": "official",
    }
    return Foundation(**{**ordinary, **changes})


def make_python_foundation(**changes: Any) -> Foundation:
    """One of ``[base] image``: an official image of Python, which has no user and no entrypoint of its own."""
    ordinary: dict[str, Any] = {
        "kind": "image",
        "reference": "python:3.11-slim-bookworm",
        "python": "3.11.9",
        "user": "",
        "entrypoint": (),
        "command": ("python3",),
        "working_folder": "",
        "environment": (("PATH", "/usr/local/bin:/usr/bin:/bin"), ("LANG", "C.UTF-8")),
        "packages": (),
        "distributions": (),
        "contract": Foundation.contract,
    }
    return make_foundation(**{**ordinary, **changes})
