"""optbuild: one small, pinned, proven image out of the many that an Airflow project builds."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("optbuild")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"
