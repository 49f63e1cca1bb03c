"""Imports every module that lies in the image, one interpreter per distribution. Runs inside; standard library only.

Prints one JSON object: distribution → module → null, or why it cannot be imported. Modules named ``__main__`` are left
out: they are programs. Where a distribution ends its interpreter or takes too long, each module that follows says so.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.metadata
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

SECONDS = 300
SUFFIXES = (".py", *importlib.machinery.EXTENSION_SUFFIXES)


def list_modules(distribution):
    """Dotted names of what its RECORD lists below site-packages, sorted."""
    names = {name_module(str(path)) for path in distribution.files or ()}
    return sorted(name for name in names if name and not name.endswith("__main__"))


def name_module(path):
    suffix = next((ending for ending in SUFFIXES if path.endswith(ending)), None)
    if suffix is None:
        return ""
    parts = path.removesuffix(suffix).split("/")
    if parts[-1] == "__init__" and len(parts) > 1:
        del parts[-1]
    return ".".join(parts) if all(part.isidentifier() for part in parts) else ""


def import_modules(names, answer):
    """In an interpreter of its own: a line of JSON for each module, as soon as it is known."""
    for name in names:
        try:
            importlib.import_module(name)
            problem = None
        except BaseException as error:  # noqa: BLE001 - a module may raise what it likes, SystemExit too
            problem = f"{type(error).__name__}: {error}"[:300]
        answer.write(json.dumps([name, problem]) + "\n")
        answer.flush()


def ask_interpreter(distribution):
    """Module → null or a problem, for one distribution."""
    names = list_modules(distribution)
    command = [sys.executable, __file__, "--import"]
    try:
        done = subprocess.run(
            command, input=json.dumps(names), capture_output=True, text=True, timeout=SECONDS, check=False
        )
        text, ended = done.stdout, f"the interpreter ended with {done.returncode}"
    except subprocess.TimeoutExpired as late:
        text, ended = (late.stdout or b"").decode(), f"took more than {SECONDS} s"
    found = dict(json.loads(line) for line in text.splitlines() if line.startswith("["))
    return {name: found.get(name, ended) for name in names}


def main():
    distributions = sorted(importlib.metadata.distributions(), key=lambda one: one.metadata["Name"])
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        answers = pool.map(ask_interpreter, distributions)
        found = {one.metadata["Name"]: answer for one, answer in zip(distributions, answers, strict=True)}
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1:] == ["--import"]:
        stdout = os.fdopen(os.dup(1), "w")  # what modules print must not mix with the answer
        os.dup2(2, 1)
        import_modules(json.load(sys.stdin), stdout)
    else:
        main()
