"""optbuild: one small, pinned, proven image out of the many that an Airflow project builds."""

from __future__ import annotations

__version__ = "0.1.0"
"""Of the program and of its distribution, ``optbuild-airflow``: its build reads it here."""
