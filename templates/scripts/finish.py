"""Makes an installed tree small and the same each time. Runs inside the build; standard library only.

    finish.py packages ENVIRONMENT OUT   prune, strip and compile the virtual environment, move it below OUT
    finish.py stdlib OUT                 bytecode of the base's standard library, below OUT
    finish.py stamp OUT EPOCH            set every time stamp below OUT, in seconds

Bytecode depends on what its process did before: marshal writes a back reference where an object's reference count is
above one, and names are shared by the whole process. So each distribution is compiled, in sorted order, by a fork of
one interpreter that did nothing before: its bytes depend on nothing else, not on the number of workers, and can be
cached. They are those of an interpreter of its own, which would cost 60 ms of start-up for each.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import distribution
import prune

CACHE = Path("/var/cache/optbuild-finish")
"""A cache mount of the build; results of former builds, by what they were made from."""
AIRFLOW_UID, ROOT_GID = 50000, 0
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Group:
    """The files of one distribution, or those that none owns (``record`` is None then)."""

    record: Path | None
    files: tuple[Path, ...]


def groups_of(site: Path) -> list[Group]:
    """Every file of the environment in exactly one group, largest first, so that no worker waits for a late giant."""
    owned: set[Path] = set()
    groups = []
    for record in sorted(site.glob("*.dist-info/RECORD")):
        rows = csv.reader(io.StringIO(record.read_text("utf-8")))
        files = {path for row in rows if is_plain_file(path := Path(os.path.normpath(site / row[0])))} - owned
        owned |= files
        groups.append(Group(record, tuple(sorted(files))))
    rest = tuple(path for path in sorted(site.rglob("*")) if is_plain_file(path) and path not in owned)
    return sorted([*groups, Group(None, rest)], key=lambda group: (-len(group.files), str(group.record)))


def is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def finish_packages(environment: Path, out: Path) -> None:
    site = next(environment.glob("lib/python3*/site-packages"))
    groups = groups_of(site)
    keep = prune.imported_test_packages(path for group in groups for path in group.files)
    before = size_of(environment)
    CACHE.mkdir(parents=True, exist_ok=True)
    compiled = run_all([job_of(group, site, keep, environment) for group in groups])
    drop_empty_folders(site)
    print(
        f"{len(groups) - 1} distributions: {before} bytes installed, {size_of(environment)} bytes with bytecode; "
        f"workers had to compile {len(compiled)} modules of their own {' '.join(compiled)}".rstrip()
    )
    target = out / environment.relative_to("/")
    target.parent.mkdir(parents=True)
    environment.rename(target)
    give_to_airflow([target.parent, target, *target.rglob("*")])


def job_of(group: Group, site: Path, keep: frozenset[str], environment: Path) -> str:
    return json.dumps(
        {
            "base": str(environment),
            "cache": str(CACHE),
            "record": str(group.record) if group.record else None,
            "files": [str(path) for path in group.files],
            "dead": [str(path) for path in group.files if prune.is_dead(path, site, keep)],
        }
    )


def run_all(jobs: list[str]) -> list[str]:
    """As many at a time as there are processors, each by a fork of one new interpreter.

    Returns the modules that a worker had to compile before it could use them.
    """
    command = [sys.executable, str(HERE / "distribution.py"), str(len(os.sched_getaffinity(0)))]
    # the order of a set literal's members, and so its bytecode, depends on the seed of the string hash
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    text = "".join(f"{job}\n" for job in jobs)
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, env=environment, check=False)
    if done.returncode != 0:
        raise SystemExit(f"finish.py: a worker failed, its error stands above (exit code {done.returncode})")
    return done.stdout.split()


def give_to_airflow(paths: list[Path]) -> None:
    """User 50000, group 0, and the group may do what the user may: any user id with group 0 can work."""
    for path in paths:
        os.chown(path, AIRFLOW_UID, ROOT_GID, follow_symlinks=False)
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o775 if runs else 0o664)


def drop_empty_folders(folder: Path) -> None:
    for path in sorted((entry for entry in folder.rglob("*") if entry.is_dir()), reverse=True):
        if not any(path.iterdir()):
            path.rmdir()


def size_of(tree: Path) -> int:
    return sum(path.stat().st_size for path in tree.rglob("*") if is_plain_file(path))


def compile_stdlib(out: Path) -> None:
    """The sources are in the base layer already, so only bytecode goes below ``out``."""
    library = Path("/usr/lib") / f"python{sys.version_info.major}.{sys.version_info.minor}"
    staged = out / library.relative_to("/")
    for source in sorted(library.rglob("*.py")):
        copy = staged / source.relative_to(library)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        distribution.compile_file(copy, source)
        copy.unlink()
    drop_empty_folders(staged)


def stamp(out: Path, epoch: int) -> None:
    for path in [*sorted(out.rglob("*"), reverse=True), out]:
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def main(arguments: list[str]) -> None:
    match arguments:
        case ["packages", environment, out]:
            finish_packages(Path(environment), Path(out))
        case ["stdlib", out]:
            compile_stdlib(Path(out))
        case ["stamp", out, epoch]:
            stamp(Path(out), int(epoch))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
