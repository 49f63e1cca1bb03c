"""Makes of an image of Airflow a builder for what is added to it: without the packages that it has, and quick to start.

    airflow_builder.py     in place; run it with the interpreter's own path, for the environment's goes away

Standard library only.
"""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

import stdlib
from remove_distributions import ENVIRONMENT


def main(environment: Path, library: Path) -> None:
    shutil.rmtree(environment, ignore_errors=True)
    if environment.exists():
        raise SystemExit(f"airflow_builder.py: {environment} cannot be removed: the builder stage must run as root")
    stdlib.compile_quickly(library)


if __name__ == "__main__":
    main(ENVIRONMENT, Path(sysconfig.get_path("stdlib")))
