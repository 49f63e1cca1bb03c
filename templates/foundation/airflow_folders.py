"""Makes what an image of Airflow lacks below its AIRFLOW_HOME: official ones have no plugins and no config.

    airflow_folders.py     in place; change.py keeps what this changed

A folder gets the owner and the mode of AIRFLOW_HOME itself, and the group may write. Standard library only.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDERS = ("config", "dags", "logs", "plugins")
DEFAULT_HOME = "/opt/airflow"


def make_folders(home: Path) -> list[Path]:
    """Those that were made. Raises SystemExit where there is no such home."""
    if not home.is_dir():
        raise SystemExit(f"airflow_folders.py: the base image has no folder {home}: is it an image of Airflow?")
    status = home.stat()
    made = [home / name for name in FOLDERS if not os.path.lexists(home / name)]
    for folder in made:
        folder.mkdir()
        os.chown(folder, status.st_uid, status.st_gid)
        folder.chmod(0o775)
    return made


if __name__ == "__main__":
    make_folders(Path(os.environ.get("AIRFLOW_HOME") or DEFAULT_HOME))
