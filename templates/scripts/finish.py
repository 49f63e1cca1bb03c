"""Makes an installed tree small and the same each time. Runs inside the build; standard library only.

finish.py packages ENVIRONMENT STAGE ROUNDS OUT EPOCH
                           prune, strip and compile a virtual environment; its layers below OUT, with owners, modes
                           and times, EPOCH for folders. Where distributions claim one file nothing is done: ROUNDS
                           has what to install one after the other, each then finished with `-` as ROUNDS
finish.py check NOTES      fail where pruning broke an import, see check.py; NOTES: of all stages
finish.py stdlib OUT       bytecode of the base's standard library, below OUT
finish.py stamp OUT EPOCH  set every time stamp below OUT, in seconds
"""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bytecode
import check
import distribution
import placement
import workers
from distribution import Job

if TYPE_CHECKING:
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


def finish_packages(environment: Path, out: Path, layers: tuple[Layer, ...], folder_epoch: int) -> None:
    """Finish every distribution, and move its files below the folders of their layers in ``out``."""
    groups = placement.list_groups(environment, layers)
    site = placement.find_site(environment)
    # largest first, so that no worker waits for a late giant
    ordered = sorted(groups, key=lambda group: (-len(group.files), group.name))
    before = run_all([make_job(group, site, environment) for group in ordered])
    placement.move_files(environment, placement.map_layers(environment, groups, layers), out)
    after = sum(dress(out / layer.name, layer.stamp, folder_epoch) for layer in layers)
    print(f"{len(groups)} distributions: {before} bytes installed, {after} bytes with bytecode")


def dress(root: Path, stamp: int, folder_epoch: int) -> int:
    """Owners, modes and times of a layer; the bytes of its files. A folder has the same in each layer that has it: the
    upper one's count."""
    airflow = root / AIRFLOW_HOME
    airflow.mkdir(parents=True, exist_ok=True)
    size = 0
    for folder, folders, files in os.walk(root, topdown=False):
        mine = f"{folder}/".startswith(f"{airflow}/")
        for name in (*files, *folders):
            path = f"{folder}/{name}"
            status = os.lstat(path)
            if stat.S_ISDIR(status.st_mode):
                continue  # it was the folder of an earlier round
            if mine:
                give_to_airflow(path, status)
            os.utime(path, (stamp, stamp), follow_symlinks=False)
            size += status.st_size if stat.S_ISREG(status.st_mode) else 0
        if mine:
            give_to_airflow(folder, os.lstat(folder))
        else:
            Path(folder).chmod(0o755)
        os.utime(folder, (folder_epoch, folder_epoch))
    return size


def write_rounds(rounds: list[list[str]], stage: Path, out: Path) -> None:
    """A folder per round below ``out``, each a stage of its own."""
    for number, names in enumerate(rounds):
        (out / str(number)).mkdir(parents=True)
        for file in ("requirements.txt", "sources.txt"):
            lines = (stage / file).read_text("utf-8").splitlines(keepends=True)
            (out / str(number) / file).write_text("".join(line for line in lines if line.partition("==")[0] in names))


def make_job(group: Group, site: Path, environment: Path) -> Job:
    """Of its own files alone: what another distribution has must not change the bytes of this one."""
    files = (path for path in group.files if stat.S_ISREG(os.lstat(path).st_mode))
    return Job(
        base=str(environment),
        site=str(site),
        cache=CACHE,
        notes=NOTES,
        record=group.record,
        rules=tuple(read_rules()),
        files=distribution.list_inside(environment, files),
    )


def read_rules() -> list[str]:
    """The rules of pruning that the spec's ``[slim]`` leaves switched on."""
    rules: list[str] = json.loads((HERE / "slim.json").read_text("utf-8"))
    return rules


def run_all(jobs: list[Job]) -> int:
    """As many at a time as there are processors. The bytes of their files before."""
    CACHE.mkdir(parents=True, exist_ok=True)
    size = sum(os.lstat(path).st_size for job in jobs for path in job.files)
    workers.run_jobs(distribution.finish, jobs, lambda begun: _say_progress(begun, len(jobs)), workers.report_compiled)
    return size


def _say_progress(begun: int, total: int) -> None:
    if total > 1:
        workers.say_line(f"optbuild-progress {begun}/{total} distributions")


def restart_as_needed(rules: list[str]) -> None:
    """Start this program again where the interpreter would compile in another way than all others do.

    It reads both settings when it starts: the order of a set literal's members, and so its bytecode, depends on the
    seed of the string hash; column positions are left out of all bytecode or of none.
    """
    wanted = {"PYTHONHASHSEED": "0", **({COLUMNS_OFF: "1"} if "column-positions" in rules else {})}
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **wanted})  # noqa: S606 - ourselves


def give_to_airflow(path: str | Path, status: os.stat_result) -> None:
    """User 50000, group 0, and the group may do what the user may: any user id with group 0 can work."""
    os.chown(path, AIRFLOW_UID, ROOT_GID, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        runs = stat.S_ISDIR(status.st_mode) or status.st_mode & 0o100
        os.chmod(path, 0o775 if runs else 0o664)


def compile_stdlib(out: Path) -> None:
    """The sources are in the base layer already, so only bytecode goes below ``out``."""
    library = Path("/usr/lib") / f"python{sys.version_info.major}.{sys.version_info.minor}"
    # largest first, so that no worker waits for a late giant
    sources = sorted(library.rglob("*.py"), key=lambda source: -source.stat().st_size)
    workers.run_jobs(lambda source: compile_below(out, source), sources)


def compile_below(out: Path, source: Path) -> None:
    """Write the bytecode of ``source`` at its place below ``out``; nothing where it is not Python."""
    if made := bytecode.compile_source(source.read_bytes(), str(source)):
        bytecode.write_file(f"{out}{bytecode.find_bytecode_path(str(source))}", made[1])


def stamp(out: Path, epoch: int) -> None:
    for path in [*sorted(out.rglob("*"), reverse=True), out]:
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def main(arguments: list[str]) -> None:
    restart_as_needed(read_rules())
    match arguments:
        case ["packages", environment, stage, rounds, out, folder_epoch]:
            layers = placement.read_plan(Path(stage) / "layers.json")
            found = [] if rounds == "-" else placement.list_rounds(Path(environment), layers)
            if len(found) > 1:
                write_rounds(found, Path(stage), Path(rounds))
            else:
                finish_packages(Path(environment), Path(out), layers, int(folder_epoch))
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
