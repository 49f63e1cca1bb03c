"""Looks at an image from inside, without a database: version, folders, dependencies, imports, system, bytecode.

One JSON line on stdout.

Runs under the image's own Python (3.8 and newer), started past its entrypoint.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import re
import stat
import subprocess
import sys
import time

from modules import import_modules, normal
from system import stale_bytecode, system_problems

FOLDERS = ("", "dags", "logs", "plugins", "config")


def main():
    """Each part runs and is timed by itself: one that breaks does not take the others with it."""
    asked = json.loads(os.environ["OPTBUILD_VERIFY"])
    strays = []
    parts = {
        "version": airflow_version,
        "folders": lambda: folders(asked.get("optional", ())),
        "absent": lambda: absent_folders(asked.get("optional", ())),
        "dependencies": lambda: dependencies(asked["requirements"]),
        "imports": lambda: imports(asked["requirements"], strays),
        "strays": lambda: strays,
        "bytecode": stale_bytecode,
        "system": system_problems,
    }
    print("optbuild: " + json.dumps({name: timed(part) for name, part in parts.items()}), flush=True)


def timed(part):
    """The part's result, its seconds, and what it raised instead."""
    started = time.monotonic()
    try:
        result, error = part(), ""
    except Exception as problem:  # noqa: BLE001 - reported as this part's failure
        result, error = None, f"{type(problem).__name__}: {problem}"
    return {"result": result, "error": error, "seconds": round(time.monotonic() - started, 3)}


def airflow_version():
    """What ``airflow version`` says: its last line, which plugins' warnings may precede."""
    done = subprocess.run(["airflow", "version"], capture_output=True, check=False)  # noqa: S607 - the image's own
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode(errors="replace")[-2000:] or f"exit code {done.returncode}")
    lines = done.stdout.decode(errors="replace").split()
    return lines[-1] if lines else ""


def folders(optional):
    """What is wrong with AIRFLOW_HOME and its folders for a user id that only shares group 0."""
    absent = absent_folders(optional)
    paths = [path for path in map(folder_path, FOLDERS) if path not in absent]
    return [problem for path in paths for problem in folder_problems(path)]


def absent_folders(optional):
    """Those of the optional ones that are not there."""
    return [path for path in map(folder_path, optional) if not os.path.lexists(path)]


def folder_path(name):
    return os.path.join(os.environ.get("AIRFLOW_HOME", "/opt/airflow"), name).rstrip("/")


def folder_problems(path):
    """Empty when group 0 may list, enter and write."""
    try:
        found = os.stat(path)
    except OSError as error:
        return [f"{path}: {error.strerror}"]
    if not stat.S_ISDIR(found.st_mode):
        return [f"{path} is not a folder"]
    if found.st_gid != 0:
        return [f"{path} belongs to group {found.st_gid}, not 0"]
    if found.st_mode & 0o070 != 0o070:
        return [f"{path} has mode {stat.S_IMODE(found.st_mode):04o}: group 0 cannot write"]
    return []


def dependencies(requirements):
    """Every requirement, asked for here or by an installed distribution, that is absent or has another version."""
    from packaging.requirements import Requirement

    asked = [("the spec", Requirement(text), ("",)) for text in requirements]
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        extras = (
            "",
            *(
                extra
                for who, wanted, _ in asked
                for extra in wanted.extras
                if same(wanted.name, name) and who == "the spec"
            ),
        )
        asked += [(name, Requirement(text), extras) for text in distribution.requires or ()]
    return sorted({problem for who, wanted, extras in asked for problem in unsatisfied(who, wanted, extras)})


def unsatisfied(who, wanted, extras):
    """What is wrong with one requirement; empty when it holds or its marker does not apply."""
    if wanted.marker is not None and not any(wanted.marker.evaluate({"extra": extra}) for extra in extras):
        return []
    try:
        version = importlib.metadata.version(wanted.name)
    except importlib.metadata.PackageNotFoundError:
        return [f"{who} needs {bare(wanted)}: not installed"]
    if not wanted.specifier.contains(version, prereleases=True):
        return [f"{who} needs {bare(wanted)}: version {version} is installed"]
    return []


def bare(wanted):
    """The requirement without its marker."""
    return wanted.name + str(wanted.specifier)


def same(one, other):
    """Names of distributions compare normalised (PEP 503)."""
    return normal(one) == normal(other)


def imports(requirements, strays):
    """Every module of every requirement that does not import; what is not installed is the dependencies' matter.

    ``strays`` gets those that their distribution does not promise.
    """
    problems = []
    for text in requirements:
        name = re.match(r"[A-Za-z0-9._-]+", text).group()
        try:
            errors, stray = import_modules(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        problems += [f"{name}: import {module}: {type(one).__name__}: {one}" for module, one in errors.items()]
        strays += [
            f"{name}: import {module}: it has no {missing}, for which {name} does not ask"
            for module, missing in stray.items()
        ]
    return problems


if __name__ == "__main__":
    sys.exit(main())
