"""Every DAG file of a folder imports in the image. The folder is copied there: the engine may be another machine's."""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import TYPE_CHECKING, Any

from builder.core.errors import VerifyUsageError
from builder.image.verify.containers import ContainerOptions
from builder.image.verify.inside import make_script_options, require_answer
from builder.image.verify.probes import PROBE_FOLDER, format_first_problem, run_probe
from builder.image.verify.scheduler import CheckFailure, CheckPassed, NotApplicable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from builder.image.verify.bench import VerifyContext
    from builder.image.verify.plan import DagFolder

SLOW_SECONDS = 5.0
MOST_BYTES = 256 << 20
"""Of all files together. DAGs are read every few seconds: what is larger is data and belongs elsewhere."""
_LEFT_OUT = frozenset({".git", ".hg", ".svn", "__pycache__"})
_SHOWN_LOGS = 5
_HINT = "what a DAG file imports must be among the requirements, or beside it in the folder"
_TRACEBACKS = {
    "AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS": "True",
    "AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACK_DEPTH": "100",  # 2 by default, often without the file's own line
}


def pack_dags(folder: DagFolder) -> bytes:
    """A tar archive of the folder's files, the same for the same files. Raises VerifyUsageError."""
    packed, size = io.BytesIO(), 0
    try:
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for name, path in _iterate_files(folder, folder.path, ""):
                data = path.read_bytes()
                size += len(data)
                if size > MOST_BYTES:
                    message = f"{folder.shown} holds more than {MOST_BYTES >> 20} MiB; {name} has {len(data)} bytes"
                    raise VerifyUsageError(message, hint="name the folder of the DAG files alone, without data")
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(data), 0o644
                tar.addfile(member, io.BytesIO(data))
    except OSError as error:
        message = f"{folder.shown} cannot be read: {error.strerror}: {error.filename}"
        raise VerifyUsageError(message, hint="make its files readable, or name another folder") from error
    return packed.getvalue()


def hash_dags(folder: DagFolder | None) -> str:
    """What the folder holds, as one digest; empty without a folder. Raises VerifyUsageError."""
    return "" if folder is None else hashlib.sha256(pack_dags(folder)).hexdigest()


def _iterate_files(folder: DagFolder, at: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    """(name, path) of each regular file, in the order of names; a link must stay in the folder."""
    root = folder.path.resolve()
    for path in sorted(at.iterdir()):
        name = f"{prefix}{path.name}"
        if path.name in _LEFT_OUT:
            continue
        target = path.resolve() if path.is_symlink() else path
        if path.is_symlink() and not target.is_relative_to(root):
            message = f"{folder.shown}/{name} is a link out of the folder, to {target}"
            raise VerifyUsageError(message, hint="put the file itself there")
        if path.is_dir():
            if not (path.is_symlink() and at.resolve().is_relative_to(target)):  # a link to a folder around it
                yield from _iterate_files(folder, path, f"{name}/")
        elif path.is_file():
            yield name, path


def check_dags(bench: VerifyContext) -> CheckPassed:
    """Each DAG file imports; what it does meanwhile that it should not is a warning."""
    folder = bench.plan.dags
    if folder is None:
        raise NotApplicable("no folder of DAG files was named")
    start = make_dags_options(pack_dags(folder))
    answer = require_answer(run_probe(bench.yard, start, bench.plan.timeouts.dags, bench.cancelled))
    return judge_dags(answer, folder.shown)


def make_dags_options(archive: bytes) -> ContainerOptions:
    """The probe with the archive beside it."""
    start = make_script_options("dags.py", _TRACEBACKS)
    return ContainerOptions(
        start.command, start.environment, start.entrypoint, files=(*start.files, (f"{PROBE_FOLDER}/dags.tar", archive))
    )


def judge_dags(answer: Mapping[str, Any], shown: str) -> CheckPassed:
    """The probe's answer. Raises CheckFailure when a file does not import."""
    files = answer["files"]
    errors = [(_locate(shown, one, line), words, log) for one in files for line, words, log in one["errors"]]
    warnings = tuple(_list_warnings(files, shown))
    if errors:
        problems = [f"{place}: {words}" for place, words, _ in errors]
        logs = [f"{place}:\n{log}" for place, _, log in errors[:_SHOWN_LOGS] if log]
        log = "\n".join([*(problems if len(problems) > 1 else ()), *logs])
        raise CheckFailure(format_first_problem(problems), hint=_HINT, log=log, warnings=warnings)
    left = [
        f"{_count(len(answer[key]), 'file')} {why}"
        for key, why in (("skipped", "without the words dag and airflow"), ("ignored", "named in .airflowignore"))
        if answer[key]
    ]
    said = f"; left out as Airflow does: {', '.join(left)}" if left else ""
    if not files:
        raise NotApplicable(f"{shown} holds no DAG file{said}")
    dags = {dag for one in files for dag in one["dags"]}
    return CheckPassed(f"{_count(len(dags), 'DAG')} in {_count(len(files), 'file')}{said}", warnings=warnings)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _locate(shown: str, file: Mapping[str, Any], line: int | None) -> str:
    return f"{shown.rstrip('/')}/{file['file']}" + (f":{line}" if line else "")


def _list_warnings(files: list[Mapping[str, Any]], shown: str) -> Iterator[str]:
    """In the order of the files, then DAGs that are there twice."""
    places: dict[str, list[str]] = {}
    for one in files:
        for line, what in one["notes"]:
            yield f"{_locate(shown, one, line)}: {what} when the file is read, which is every few seconds"
        for line, words, _ in one["unjudged"]:
            yield f"{_locate(shown, one, line)}: not judged from there on, for that was not to be had here: {words}"
        if one["seconds"] > SLOW_SECONDS:
            yield f"{_locate(shown, one, None)}: takes {one['seconds']:.1f} s to read, over {SLOW_SECONDS:.0f} s"
        for dag in one["dags"]:
            places.setdefault(dag, []).append(_locate(shown, one, None))
    for dag, found in places.items():
        if len(found) > 1:
            yield f"the DAG {dag} is in {' and in '.join(found)}: they replace each other"
