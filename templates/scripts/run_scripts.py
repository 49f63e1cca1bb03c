"""Runs the scripts of [build] run, and keeps what they leave below the folders of [build] run-folders.

    run_scripts.py collect OUT EPOCH    the folders, below OUT, with the time stamp EPOCH: for a COPY to /
    run_scripts.py stay TOOLS           in place: what only a build needs is unpacked from TOOLS before and gone
                                        afterwards, with all that is new elsewhere; change.py sets the time stamps

`settings.json` beside this file names scripts, folders and variables; /project has the scripts, and what of the project
they may read. Everything that is kept belongs to the user of the image, and group 0 may write. Standard library only.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from place_files import FILE_MODE, FOLDER_MODE, GID, PROGRAM_MODE, UID, find_status

if TYPE_CHECKING:
    from types import ModuleType

PROJECT = Path("/project")
ENVIRONMENT = Path("/home/airflow/.local")
FOUNDATION = "/foundation"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
CERTIFICATE_VARIABLES = (
    *("CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"),
)
"""Where programs look for the certificate of a proxy, which a build may have mounted."""
STRICT_SHELL = ("/bin/bash", "-o", "errexit", "-o", "nounset", "-o", "pipefail")
"""Of a script that names no interpreter: as the RUNs of a build."""
MOST_SHOWN = 5
"""Paths in a message."""


@dataclass(frozen=True)
class Settings:
    scripts: tuple[str, ...]
    folders: tuple[str, ...]
    network: bool
    environment: dict[str, str]


def read_settings(file: Path) -> Settings:
    found = json.loads(file.read_text("utf-8"))
    return Settings(tuple(found["scripts"]), tuple(found["folders"]), found["network"], found["environment"])


def fail(message: str, step: str) -> NoReturn:
    """The last two lines are what optbuild shows."""
    raise SystemExit(f"run_scripts.py: {message}\nrun_scripts.py: next: {step}")


def below(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def list_steps(folder: str) -> list[str]:
    """The folder, and before it those that it lies in."""
    return [str(one) for one in (*reversed(Path(folder).parents[:-1]), Path(folder))]


def make_folder(root: Path, folder: str) -> None:
    """With those that it lies in. One that the image has must be empty: else it could not be told what is new."""
    for step in list_steps(folder):
        here = below(root, step)
        if here.is_symlink() or (here.exists() and not here.is_dir()):
            fail(f"{step} of run-folders is not a folder in the image", "name another folder of the scripts' own")
        if not here.exists():
            mode, user, group = find_status(step, folder, [root])
            here.mkdir()
            os.chown(here, user, group)
            here.chmod(mode)
    if any(below(root, folder).iterdir()):
        own = f"{folder}/extra"
        fail(f"the image has files in {folder} without the scripts", f'name a folder of their own, like "{own}"')


def make_environment(settings: Settings, home: str) -> dict[str, str]:
    """Of the image, and what makes a script leave the same bytes each time; nothing of the home folder is kept."""
    found = {**os.environ, **settings.environment, "HOME": home, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    if not (ENVIRONMENT / "pyvenv.cfg").exists():  # an image of Airflow whose packages lie in a user's site folder
        found.setdefault("PYTHONUSERBASE", str(ENVIRONMENT))
    if settings.network and Path(CERTIFICATES).is_file():
        found = {**dict.fromkeys(CERTIFICATE_VARIABLES, CERTIFICATES), **found}
    return found


def list_words(script: Path) -> tuple[str, ...]:
    with script.open("rb") as file:
        return (str(script),) if file.read(2) == b"#!" else (*STRICT_SHELL, str(script))


def run_all(settings: Settings, project: Path) -> None:
    os.umask(0o022)
    with tempfile.TemporaryDirectory() as home:
        environment = make_environment(settings, home)
        for name in settings.scripts:
            run_script(name, project, environment, network=settings.network)


def run_script(name: str, project: Path, environment: dict[str, str], *, network: bool) -> None:
    words = list_words(project / name)
    try:
        code = subprocess.run(words, cwd=project, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
    except OSError as error:
        fail(
            f"{name} cannot be started: {error.strerror}",
            "its first line must name an interpreter that the build has; [apt] build installs one",
        )
    if code:
        ended = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
        access = "" if network else ", without network"
        fail(f"{name} {ended}{access}", f"correct {name}: its last lines stand above")


def tidy(root: Path, settings: Settings) -> None:
    """Modes and owners as of the project's own files. What cannot lie in an image is refused, as is nothing at all."""
    for folder in settings.folders:
        top = below(root, folder)
        if top.is_symlink() or not top.is_dir():
            fail(f"the scripts put something else in the place of {folder}", "let them leave the folder itself")
        paths = sorted(top.rglob("*"))
        if not paths:
            scripts = ", ".join(settings.scripts)
            fail(f"nothing lies in {folder} after {scripts}", "write there, or remove it from run-folders")
        for path in paths:
            tidy_path(path, path.lstat())


def tidy_path(path: Path, status: os.stat_result) -> None:
    is_folder = stat.S_ISDIR(status.st_mode)
    if not (is_folder or stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        fail(f"{path} is neither a file nor a folder nor a link", "let the script remove it in the end")
    os.chown(path, UID, GID, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        path.chmod(FOLDER_MODE if is_folder else PROGRAM_MODE if status.st_mode & 0o111 else FILE_MODE)


def collect(root: Path, settings: Settings, project: Path, out: Path, epoch: int) -> None:
    """The folders on the way have the mode and owner that they have in the image: a later layer's entry overrides."""
    for folder in settings.folders:
        make_folder(root, folder)
    run_all(settings, project)
    tidy(root, settings)
    out.mkdir(parents=True)
    for folder in settings.folders:
        for step in list_steps(folder):
            target, status = below(out, step), below(root, step).stat()
            target.mkdir(exist_ok=True)
            os.chown(target, status.st_uid, status.st_gid)
            target.chmod(stat.S_IMODE(status.st_mode))
        for child in sorted(below(root, folder).iterdir()):
            shutil.move(child, below(out, folder) / child.name)
    for path in (*out.rglob("*"), out):
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def find_harm(
    change: ModuleType, before: dict[str, tuple[int, int, int] | None], root: Path, skipped: frozenset[str], mark: int
) -> list[str]:
    """What the image had before and the scripts changed or removed; not what change.py leaves out of a layer."""
    now = {path: entry.stat(follow_symlinks=False) for path, entry in change.walk(root, skipped)}
    harmed = [path for path in before if path not in now and path not in skipped]
    for path, attributes in before.items():
        if path not in now or change.LEFT_OUT.fullmatch(path):
            continue
        status = now[path]
        is_other = attributes != (status.st_mode, status.st_uid, status.st_gid)
        if is_other if attributes is not None else status.st_ctime_ns > mark:
            harmed.append(path)
    return sorted(harmed)


def stay(root: Path, settings: Settings, project: Path, tools: Path) -> None:
    sys.path.append(FOUNDATION)
    change, single = (importlib.import_module(name) for name in ("change", "single"))
    for folder in settings.folders:
        make_folder(root, folder)
    mounts = change.read_mounts(Path("/proc/self/mountinfo").read_text())
    skipped = mounts | frozenset(settings.folders)
    before = change.list_paths(root, skipped)
    for name in single.HOLDERS:
        if (root / name).is_dir():
            os.utime(root / name)
    for archive in single.open_archives(tools):
        single.unpack_missing(archive, root)
    single.name_compilers(root)
    mark = change.mark_time(root)
    run_all(settings, project)
    harmed = find_harm(change, before, root, skipped, mark)
    if harmed:
        shown = ", ".join(harmed[:MOST_SHOWN]) + (f" and {len(harmed) - MOST_SHOWN} more" * (len(harmed) > MOST_SHOWN))
        fail(
            f"the scripts changed or removed what the image has: {shown}",
            "let them write into run-folders alone; or set multi-stage = true, where the image never sees the rest",
        )
    single.remove_new(root, before, skipped)
    tidy(root, settings)


def main(words: list[str], root: Path) -> None:
    settings = read_settings(Path(__file__).with_name("settings.json"))
    if words[0] == "collect":
        collect(root, settings, PROJECT, Path(words[1]), int(words[2]))
    else:
        stay(root, settings, PROJECT, Path(words[1]))


if __name__ == "__main__":
    main(sys.argv[1:], Path("/"))
