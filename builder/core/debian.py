"""What bases are made from: Debian's releases, apt's sources, and the packages before their dependencies.

``builder.image.lock`` makes the closure exact.
"""

from __future__ import annotations

RELEASE_PYTHON = {"bookworm": "3.11", "trixie": "3.13"}
"""The one Python that each Debian release has (its package ``python3``)."""

RELEASE_GLIBC = {"bookworm": "2.36", "trixie": "2.41"}
"""glibc of each release: wheels up to ``manylinux_2_36`` run on bookworm."""

RELEASE_EPOCH = {"bookworm": 1686355200, "trixie": 1754697600}
"""Midnight (UTC) of each release's day, 2023-06-10 and 2025-08-09: newer time stamps in a base become this one. Fixed,
so that a new Python requirement moves the image's date but not its base."""

SOURCES_VARIABLE = "OPTBUILD_DEBIAN_SOURCES"
"""Names an apt sources file to use instead of the machine's own; base.sh reads it too."""

BUILDER_PACKAGES = ("binutils", "python3-pip-whl")
"""Only in the builder stage: ``strip``, and the pip that installs the pinned uv."""


def list_runtime_packages(python: str, *, gosu: bool, extra: tuple[str, ...]) -> tuple[str, ...]:
    """The packages that the final image asks for, besides Debian's essential ones.

    ``usr-is-merged`` keeps ``usrmerge`` and with it 46 MB of Perl out. ``gosu`` where the official image has it.
    """
    own = ["ca-certificates", "curl", "dumb-init", "netbase", f"python{python}", "python3", "tzdata", "usr-is-merged"]
    return tuple(sorted({*own, *(["gosu"] if gosu else []), *extra}))
