"""What the rules of [slim] leave out of Debian packages that an image of somebody else gets, as base.sh does for a base
of our own. What the image has itself stays. For change.py. Standard library only.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

RULES_FILE = Path(__file__).with_name("slim.json")
"""Names of the rules that are carried out; a context that only builds wheels has no such file."""
LEDGER = "usr/share/optbuild/pruned.json"
"""Where `optbuild inspect` looks; a base of our own has one."""
SCHEMA_VERSION = 1
PATHS = {
    "dpkg-symbols": re.compile(r"/var/lib/dpkg/info/[^/]*\.symbols"),
    "gconv": re.compile(r"/usr/lib/(?:.*/)?gconv/.*"),
    "leap-second-zones": re.compile(r"/usr/share/zoneinfo/right/.*"),
}
"""Rule → what it takes. That of debconf's templates needs none: no cache gets into a layer."""
PERL_FILES = "var/lib/dpkg/info/perl-base.list"
UNUSED = re.compile(r"/usr/share/(?:bug|gdb)/.*")
"""By no rule of a spec: read when a bug is reported to Debian, and by a debugger."""


def read_rules(file: Path = RULES_FILE) -> list[str]:
    rules: list[str] = json.loads(file.read_text("utf-8")) if file.is_file() else []
    return rules


def prune(root: Path, added: Collection[str], rules: Iterable[str]) -> None:
    """Remove what the rules take of ``added``, the paths that are new in ``root``, and write how much that was."""
    taken: dict[str, list[str]] = {}
    for rule in rules:
        if found := find_files(root, added, rule):
            taken[rule] = found
    if taken:
        write_ledger(root, {rule: measure(root, paths) for rule, paths in taken.items()})
    paths = {path for found in taken.values() for path in found} | {path for path in added if UNUSED.fullmatch(path)}
    for path in sorted(paths, reverse=True):
        here = root / path.lstrip("/")
        if os.path.lexists(here) and not is_folder(here):
            here.unlink()
    remove_empty_folders(root, added, paths)


def find_files(root: Path, added: Collection[str], rule: str) -> list[str]:
    """No folders."""
    if rule == "perl":
        file = root / PERL_FILES
        listed = {*file.read_text("utf-8").splitlines()} if file.is_file() else set()
        # dpkg names what lies below /usr by the links that lead there
        return [path for path in sorted(added) if {path, path.removeprefix("/usr")} & listed and is_plain(root, path)]
    pattern = PATHS.get(rule)
    return [path for path in sorted(added) if pattern and pattern.fullmatch(path) and is_plain(root, path)]


def is_plain(root: Path, path: str) -> bool:
    here = root / path.lstrip("/")
    return os.path.lexists(here) and not is_folder(here)


def is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def measure(root: Path, paths: Iterable[str]) -> tuple[int, int]:
    """Files and their bytes; one with two names is one."""
    statuses = [(root / path.lstrip("/")).lstat() for path in paths]
    sizes = {(status.st_dev, status.st_ino): status.st_size for status in statuses}
    return len(sizes), sum(sizes.values())


def write_ledger(root: Path, sums: dict[str, tuple[int, int]]) -> None:
    """Added to what the image says of itself."""
    file = root / LEDGER
    total = read_ledger(file)
    for rule, (files, size) in sums.items():
        known = total.get(rule, (0, 0))
        total[rule] = (known[0] + files, known[1] + size)
    rules = {rule: {"files": files, "bytes": size} for rule, (files, size) in total.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"schema_version": SCHEMA_VERSION, "rules": rules}) + "\n", "utf-8")


def read_ledger(file: Path) -> dict[str, tuple[int, int]]:
    """Rule → files and bytes; nothing where it is none of ours."""
    try:
        rules = json.loads(file.read_bytes())["rules"]
        return {rule: (int(sums["files"]), int(sums["bytes"])) for rule, sums in rules.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def remove_empty_folders(root: Path, added: Collection[str], gone: Iterable[str]) -> None:
    """Those that are new, and have nothing left."""
    parents = {str(parent) for path in gone for parent in Path(path).parents} & {*added}
    for folder in sorted(parents, reverse=True):
        here = root / folder.lstrip("/")
        if is_folder(here) and not any(here.iterdir()):
            here.rmdir()
