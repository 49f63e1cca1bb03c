"""Images on disk: what is asked of them, and what would lose some."""

from __future__ import annotations

from builder.errors.base import OptbuildError


class StoreUsageError(OptbuildError):
    """An option of `images` or `clean` that says nothing."""


class UnknownProtectionError(OptbuildError):
    """What an optbuild.toml protects cannot be read, so nothing may be deleted."""
