"""OB416, OB418, OB419: what a COPY or a command of the build left behind, and no container of the image should have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.core.phrases import format_short_list
from builder.core.secret_files import is_published_folder
from builder.inspect.model import FileKind, Waste
from builder.inspect.waste.context import format_count, group_by_layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from builder.inspect.model import WastedFile
    from builder.inspect.waste.context import WasteContext, WasteLedger

_REPOSITORY = re.compile(r"^(.*/\.(git|hg|svn|bzr))(?:/|$)")
_MARKS = {"git": "HEAD", "hg": "requires", "svn": "wc.db", "bzr": "branch-format"}
"""A file that every such folder has: gitrepository-layout(5), Mercurial's and Subversion's own documentation."""
_SERVERS = (("PG_VERSION", "global/pg_control"), ("ibdata1",), ("WiredTiger", "WiredTiger.wt"))
"""Files that the data folder of PostgreSQL, of MySQL or MariaDB, and of MongoDB has."""
_SYSTEM = re.compile(r"^/(?:etc|var/lib/(?:rpm|dnf|PackageKit)|usr/lib/sysimage)/")
"""Where the system's own programs keep their databases."""
_WRITABLE = 0o222
_AIRFLOW = "airflow.db"


def find_repositories(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB416."""
    visible = context.filesystem.merged.visible
    found = {match[1]: match[2] for folder in context.filesystem.folders if (match := _REPOSITORY.match(folder))}
    roots = [root for root, kind in found.items() if f"{root}/{_MARKS[kind]}" in visible]
    for layer, part in group_by_layer(file for root in roots for file in ledger.take_folder(root)):
        here = _list_roots(roots, part)
        told = f"the history of a repository ({format_short_list(here)}), {format_count(part)}"
        name = here[0].rpartition("/")[2]
        fix = f"name `{name}` in .dockerignore; where a RUN clones, end it with `&& rm -rf {here[0]}`"
        yield Waste("OB416", told, fix, part, layer)


def _list_roots(roots: Iterable[str], files: tuple[WastedFile, ...]) -> list[str]:
    """Those that have any of the files."""
    return [root for root in roots if any(file.path.startswith(f"{root}/") for file in files)]


def find_core_dumps(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB418: whatever their names are."""
    files = ledger.take_all(_iterate_recognized(context, FileKind.CORE_DUMP))
    for layer, part in group_by_layer(files):
        names = format_short_list(file.path for file in part)
        told = f"{format_count(part, 'core dump')} of a program that crashed: {names}"
        fix = (
            "delete it in the RUN that makes it, and name it in .dockerignore where a COPY brings it; `ulimit -c 0` in "
            "front of the command makes none; it holds the program's memory with all secrets in it"
        )
        yield Waste("OB418", told, fix, part, layer)


def find_databases(context: WasteContext, ledger: WasteLedger) -> Iterator[Waste]:
    """OB419: the folder of a server, and single files that somebody may write to."""
    visible = context.filesystem.merged.visible
    roots = [
        folder
        for folder in context.filesystem.folders
        if any(all(f"{folder}/{name}" in visible for name in names) for names in _SERVERS)
    ]
    loose = (
        path
        for path in _iterate_recognized(context, FileKind.DATABASE)
        if not is_published_folder(path.rpartition("/")[0])
        and not _SYSTEM.match(path)
        and context.filesystem.files[path].entry.mode & _WRITABLE
    )
    taken = {file: None for root in roots for file in ledger.take_folder(root)}
    for layer, part in group_by_layer([*taken, *ledger.take_all(loose)]):
        single = [file.path for file in part if file not in taken]
        names = [*_list_roots(roots, part), *single]
        told = f"{format_count(names, 'database')} in the image: {format_short_list(names)}"
        yield Waste("OB419", told, _make_database_fix(single), part, layer)


def _make_database_fix(names: Iterable[str]) -> str:
    if any(name.endswith(f"/{_AIRFLOW}") for name in names):
        return (
            "a command of Airflow made it, because it had no connection: in that RUN delete it, or start the command "
            "with `AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:////tmp/airflow.db`"
        )
    return (
        "keep it on a volume, and name it in .dockerignore or delete it in the RUN that makes it; where it is data "
        "that is only read, `COPY --chmod=444` says so, and it is not counted"
    )


def _iterate_recognized(context: WasteContext, kind: FileKind) -> Iterator[str]:
    """Visible files of a kind that no package brings."""
    digests = {
        digest
        for layer in context.filesystem.content.layers
        for digest, one in layer.recognized.items()
        if one.kind is kind
    }
    if digests:
        owners = context.packages.ownership.owners
        for path, placed in context.filesystem.files.items():
            if placed.entry.digest in digests and path not in owners:
                yield path
