"""optbuild: one small, pinned, proven image out of the many that an Airflow project builds."""

from __future__ import annotations

__version__: str


def __getattr__(name: str) -> str:
    """``__version__`` when it is asked for: importlib.metadata costs 25 ms that a start-up need not pay."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("optbuild")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0+unknown"
