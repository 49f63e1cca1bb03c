"""Makes an installed tree small and the same each time. Runs inside the build; standard library only.

    finish.py rounds ENVIRONMENT STAGE OUT     where distributions claim one file: what to install one after the other
    finish.py packages ENVIRONMENT PLAN OUT    prune, strip and compile the virtual environment, its layers below OUT
    finish.py dress PLAN OUT FOLDER_EPOCH      owners, modes and time stamps of those layers
    finish.py check NOTES                      fail where pruning broke an import, see check.py; NOTES: of all stages
    finish.py stdlib OUT                       bytecode of the base's standard library, below OUT
    finish.py stamp OUT EPOCH                  set every time stamp below OUT, in seconds

Bytecode depends on what its process did before: marshal writes a back reference where an object's reference count is
above one, and names are shared by the whole process. So each distribution is compiled, in sorted order, by a fork of
one interpreter that did nothing before: its bytes depend on nothing else, not on the number of workers, and can be
cached. They are those of an interpreter of its own, which would cost 60 ms of start-up for each.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import check
import distribution
import placement
from placement import Group, Layer

CACHE = Path("/var/cache/optbuild-finish")
"""A cache mount of the build; results of former builds, by what they were made from."""
NOTES = Path("/opt/optbuild/notes")
"""What each distribution had and imports: `packages` writes it, `check` reads that of all stages."""
COLUMNS_OFF = "PYTHONNODEBUGRANGES"
AIRFLOW_UID, ROOT_GID = 50000, 0
AIRFLOW_HOME = "home/airflow"
"""Of the user; all below it is the user's."""
HERE = Path(__file__).parent


def finish_packages(environment: Path, out: Path, layers: tuple[Layer, ...]) -> None:
    """Finish every distribution, and move its files below the folders of their layers in ``out``."""
    groups = placement.list_groups(environment, layers)
    site = placement.find_site(environment)
    before = size_of(environment)
    CACHE.mkdir(parents=True, exist_ok=True)
    # largest first, so that no worker waits for a late giant
    ordered = sorted(groups, key=lambda group: (-len(group.files), group.name))
    compiled = run_all([job_of(group, site, environment) for group in ordered])
    print(
        f"{len(groups)} distributions: {before} bytes installed, {size_of(environment)} bytes with bytecode; "
        f"workers had to compile {len(compiled)} modules of their own {' '.join(compiled)}".rstrip()
    )
    for path, layer in placement.map_layers(environment, groups, layers).items():
        target = out / layer.name / path.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


def dress(out: Path, layers: tuple[Layer, ...], folder_epoch: int) -> None:
    """Owners, modes and times of all layers. A folder has the same in each layer that has it: the upper one's count."""
    for layer in layers:
        root = out / layer.name
        airflow = root / AIRFLOW_HOME
        airflow.mkdir(parents=True, exist_ok=True)
        for folder in (root, airflow.parent):
            folder.chmod(0o755)
        give_to_airflow([airflow, *airflow.rglob("*")])
        for path in [*sorted(root.rglob("*"), reverse=True), root]:
            epoch = folder_epoch if path.is_dir() and not path.is_symlink() else layer.stamp
            os.utime(path, (epoch, epoch), follow_symlinks=False)


def write_rounds(environment: Path, stage: Path, out: Path) -> None:
    """A folder per round below ``out``, each a stage of its own; nothing where one round does."""
    rounds = placement.list_rounds(environment, placement.read_plan(stage / "layers.json"))
    for number, names in enumerate(rounds if len(rounds) > 1 else ()):
        (out / str(number)).mkdir(parents=True)
        for file in ("requirements.txt", "sources.txt"):
            lines = (stage / file).read_text("utf-8").splitlines(keepends=True)
            (out / str(number) / file).write_text("".join(line for line in lines if line.partition("==")[0] in names))


def job_of(group: Group, site: Path, environment: Path) -> str:
    """Of its own files alone: what another distribution has must not change the bytes of this one."""
    files = [path for path in group.files if is_plain_file(path)]
    return json.dumps(
        {
            "base": str(environment),
            "site": str(site),
            "cache": str(CACHE),
            "notes": str(NOTES),
            "record": str(group.record),
            "files": [str(path) for path in files],
            "rules": read_rules(),
        }
    )


def is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def read_rules() -> list[str]:
    """The rules of pruning that the spec's ``[slim]`` leaves switched on."""
    rules: list[str] = json.loads((HERE / "slim.json").read_text("utf-8"))
    return rules


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
    if "column-positions" in read_rules() and COLUMNS_OFF not in os.environ:
        # read by the interpreter when it starts: it and all that it starts compile without
        os.execve(sys.executable, sys.orig_argv, {**os.environ, COLUMNS_OFF: "1"})  # noqa: S606 - ourselves
    match arguments:
        case ["rounds", environment, stage, out]:
            write_rounds(Path(environment), Path(stage), Path(out))
        case ["packages", environment, plan, out]:
            finish_packages(Path(environment), Path(out), placement.read_plan(Path(plan)))
        case ["dress", plan, out, folder_epoch]:
            dress(Path(out), placement.read_plan(Path(plan)), int(folder_epoch))
        case ["check", notes]:
            check.check(Path(notes))
        case ["stdlib", out]:
            compile_stdlib(Path(out))
        case ["stamp", out, epoch]:
            stamp(Path(out), int(epoch))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
