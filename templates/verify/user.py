"""Runs behind the image's own entrypoint under a user id that nobody made, group 0: can it work? One JSON line."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys


def main():
    """Exit code 1 with the problems; the line is printed in either case."""
    problems = [problem for check in (identity, files, airflow) for problem in check()]
    print("optbuild: " + json.dumps({"uid": os.getuid(), "problems": problems}), flush=True)
    return 1 if problems else 0


def identity():
    """The entrypoint has to name the user, in /etc/passwd or by its environment: Airflow and libraries ask for it."""
    try:
        getpass.getuser()
    except (KeyError, OSError):
        return [f"user id {os.getuid()} has no name: the entrypoint did not add one to /etc/passwd"]
    return []


def files():
    """Write a log, and a file in every folder that a person mounts or fills."""
    home = os.environ.get("AIRFLOW_HOME", "/opt/airflow")
    optional = json.loads(os.environ.get("OPTBUILD_VERIFY", "{}")).get("optional", ())
    paths = [
        os.path.join(home, name)
        for name in ("logs", "dags", "plugins", "config")
        if name not in optional or os.path.lexists(os.path.join(home, name))
    ]
    return [problem for path in paths for problem in write(path)]


def write(folder):
    path = os.path.join(folder, "optbuild-verify.log")
    try:
        with open(path, "w") as stream:
            stream.write("written\n")
        os.unlink(path)
    except OSError as error:
        return [f"cannot write {path}: {error.strerror}"]
    return []


def airflow():
    """Airflow makes airflow.cfg and its log folders when it starts."""
    done = subprocess.run(["airflow", "version"], capture_output=True, check=False)  # noqa: S607 - the image's own
    if done.returncode == 0:
        return []
    return [f"airflow version: exit code {done.returncode}: {done.stderr.decode(errors='replace')[-1500:]}"]


if __name__ == "__main__":
    sys.exit(main())
