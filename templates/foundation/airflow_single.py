"""Everything in one RUN on an image of Airflow: what is added goes into the folder that Airflow's own packages lie in.

    airflow_single.py EPOCH TOOLS -- INTERPRETER LAYOUT [NAME...]

TOOLS as for single.py. LAYOUT: `environment`, or `user-site` where the folder has no interpreter of its own. NAMEs are
distributions of the image whose place others take. Run below change.py, which stamps what is left. Standard library
only.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import change
import remove_distributions
import single

if TYPE_CHECKING:
    from types import ModuleType

STAGE, SCRIPTS = Path("/stage"), Path("/scripts")
TOOLS = Path("/opt/optbuild")
UV = TOOLS / "uv/bin/uv"
WHEELS = TOOLS / "wheels"
LOCK = ".lock"
"""uv leaves it where it installed."""
INSTALL = ("pip", "install", "--quiet", "--no-deps")
SETTINGS = {
    "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
    "UV_LINK_MODE": "copy",
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_NO_CONFIG": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PIP_USER": "0",
}


def list_install_commands(environment: Path, interpreter: str, layout: str, lists: Path) -> list[tuple[str, ...]]:
    """Those that install what the files in ``lists`` name."""
    own = ("--python", f"{environment}/bin/python")
    where = own if layout == "environment" else ("--python", interpreter, "--prefix", str(environment))
    wheels, sources = lists / "requirements.txt", lists / "sources.txt"
    commands = []
    if wheels.is_file() and wheels.stat().st_size:
        chosen = ("--require-hashes", "--only-binary", ":all:", "--requirements", str(wheels))
        commands.append((str(UV), *INSTALL, *where, *chosen))
    if sources.is_file() and sources.stat().st_size:
        found = ("--no-index", "--find-links", str(WHEELS), "--requirements", str(sources))
        commands.append((str(UV), *INSTALL, *where, *found))
    return commands


def finish(environment: Path, before: change.Before, finisher: ModuleType, placement: ModuleType) -> None:
    """Prune, strip and compile what was added, where it lies, and give it to Airflow's user."""
    layers = placement.read_plan(STAGE / "layers.json")
    groups = list_added_groups(environment, layers, before, placement)
    site = placement.find_site(environment)
    finisher.run_all([finisher.make_job(group, site, environment) for group in groups])
    entries = placement.list_entries(environment)
    files = {path for group in groups for path in placement.read_claims(group.record, entries)}
    files |= {path for group in groups for path in group.files if path in entries}
    for path in [*sorted(files), *clear_folders(environment, before)]:
        finisher.give_to_airflow(path, os.lstat(path))


def clear_folders(environment: Path, before: change.Before) -> list[Path]:
    """Those that were made, also in the place of a removed one; what pruning left empty is gone, as in a layer that is
    copied file by file."""
    made = []
    for path, entry in change.walk(environment, frozenset()):
        folder = change.below(environment, path)
        if entry.is_dir(follow_symlinks=False):
            status = folder.lstat()
            if before.get(str(folder)) != (status.st_mode, status.st_uid, status.st_gid):
                made.append(folder)
    for folder in sorted(made, reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    return [folder for folder in made if folder.is_dir()]


def list_added_groups(
    environment: Path, layers: tuple[Any, ...], before: change.Before, placement: ModuleType
) -> list[Any]:
    """``placement.Group``s of the plan's distributions alone; of two that claim one file the later one has it."""
    entries = placement.list_entries(environment)
    ranks = {member: rank for rank, member in enumerate(member for layer in layers for member in layer.members)}
    found = placement.find_records(environment)
    records = {name: found[name] for name in sorted(found.keys() & ranks.keys(), key=lambda name: ranks[name])}
    owners = {path: name for name, record in records.items() for path in placement.read_claims(record, entries)}
    unlisted = {path for path in entries if path not in before and path not in owners}
    owners |= placement.find_nearest_owners(unlisted, owners, ranks)
    files: dict[str, list[str]] = {name: [] for name in records}
    for path, name in sorted(owners.items()):
        files[name].append(path)
    return [placement.Group(name, record, tuple(files[name])) for name, record in records.items()]


def install(environment: Path, interpreter: str, layout: str, variables: dict[str, str], placement: ModuleType) -> None:
    """All at once; then again those that are to have a file which another one has too."""
    for command in list_install_commands(environment, interpreter, layout, STAGE):
        single.run(command, variables)
    layers = placement.read_plan(STAGE / "layers.json")
    for number, names in enumerate(placement.list_rounds(environment, layers)[1:]):
        lists = TOOLS / f"round-{number}"
        lists.mkdir()
        for file in ("requirements.txt", "sources.txt"):
            lines = (STAGE / file).read_text("utf-8").splitlines(keepends=True)
            (lists / file).write_text("".join(line for line in lines if line.partition("==")[0] in names))
        for command in list_install_commands(environment, interpreter, layout, lists):
            single.run((*command, "--reinstall"), variables)


def main(tools: Path, interpreter: str, layout: str, replaced: set[str]) -> None:
    environment = remove_distributions.ENVIRONMENT
    sys.path.append(str(SCRIPTS))
    finisher, placement = (importlib.import_module(name) for name in ("finish", "placement"))
    finisher.restart_as_needed(finisher.read_rules())
    mounts = change.read_mounts(Path("/proc/self/mountinfo").read_text())
    before = change.list_paths(single.ROOT, mounts)
    for name in single.HOLDERS:
        if (single.ROOT / name).is_dir():
            os.utime(single.ROOT / name)
    if single.NETRC.is_file() and not os.path.lexists("/root/.netrc"):
        Path("/root/.netrc").symlink_to(single.NETRC)
    for archive in single.open_archives(tools):
        single.unpack_missing(archive, single.ROOT)
    single.name_compilers(single.ROOT)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    variables = {**os.environ, **single.read_secrets(single.ROOT), **SETTINGS}
    for words in (("tools",), ("sdists",)):
        single.run(("/bin/bash", str(SCRIPTS / "install.sh"), *words), variables)
    if replaced:
        remove_distributions.remove(replaced, remove_distributions.list_sites(environment, sys.path))
    install(environment, interpreter, layout, variables, placement)
    finish(environment, before, finisher, placement)
    if f"{environment}/{LOCK}" not in before:
        (environment / LOCK).unlink(missing_ok=True)
    single.run((sys.executable, "-B", str(SCRIPTS / "finish.py"), "check", single.NOTES), variables)
    single.remove_new(single.ROOT, before, mounts | {str(environment)})


if __name__ == "__main__":
    cut = sys.argv.index("--")
    words = sys.argv[cut + 1 :]
    names = {remove_distributions.normalize(name) for name in words[2:]}
    main(Path(sys.argv[2]), words[0], words[1], names)
