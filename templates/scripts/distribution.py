"""Finishes the files of one distribution: prune, strip, compile. A process of its own for each, see finish.py.

    distribution.py WORKERS     a job per line of standard input, as many at a time as WORKERS says

A job is JSON: ``{"base": FOLDER, "cache": FOLDER, "record": FILE | null, "files": [...], "dead": [...]}``, all paths
absolute. This process has imported what a job needs and never looks into one: each is done by a fork of it, so all
begin in the same state, and none compiles a module for itself. The names of those that one did compile are its output.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.util
import io
import json
import marshal
import os
import subprocess
import sys
import tarfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

import elf

UNCHECKED_HASH = (0b01).to_bytes(4, "little")
"""PEP 552: hash-based bytecode whose source is not looked at when it is imported."""


@dataclass(frozen=True)
class Job:
    """Files that are finished together; ``record`` is the RECORD that lists them, if one does."""

    base: Path
    cache: Path
    record: Path | None
    files: tuple[Path, ...]
    dead: frozenset[Path]


def read_job(text: str) -> Job:
    job = json.loads(text)
    record = Path(job["record"]) if job["record"] else None
    files = tuple(sorted(Path(path) for path in job["files"]))
    return Job(Path(job["base"]), Path(job["cache"]), record, files, frozenset(Path(path) for path in job["dead"]))


def finish(job: Job) -> None:
    """Do the work, or take what the same work made before: what changed or was made is one tar in the cache."""
    cached = job.cache / f"{cache_key(job)}.tar"
    for path in job.dead:
        path.unlink()
    if cached.is_file():
        with tarfile.open(cached) as archive:
            archive.extractall(job.base)  # noqa: S202 - our own cache, written below
        return
    changed = [*process(job)]
    if job.record is not None:
        rewrite_record(job.record, job.dead, changed)
        changed.append(job.record)
    save(cached, changed, job.base)


def cache_key(job: Job) -> str:
    """What the result depends on: these scripts, this Python, the files (RECORD has their hashes), what is pruned."""
    total = hashlib.sha256(sys.version.encode())
    for script in (__file__, elf.__file__):
        total.update(Path(script).read_bytes())
    hashed = list_hashed(job.record)
    for path in job.files:
        content = "" if path in hashed else hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path}\0{path in job.dead}\0{content}\n".encode())
    return total.hexdigest()


def list_hashed(record: Path | None) -> frozenset[Path]:
    """The files whose content RECORD tells; some wheels leave the hashes out."""
    if record is None:
        return frozenset()
    rows = csv.reader(io.StringIO(record.read_text("utf-8")))
    return frozenset(Path(os.path.normpath(record.parent.parent / row[0])) for row in rows if row[1])


def process(job: Job) -> list[Path]:
    changed = []
    for path in job.files:
        if path in job.dead:
            continue
        if is_shared_object(path):
            strip(path)
            changed.append(path)
        elif path.suffix == ".py" and "site-packages" in path.parts and (made := compile_file(path, path)) is not None:
            changed.append(made)
    return changed


def is_shared_object(path: Path) -> bool:
    return path.suffix == ".so" or ".so." in path.name


def strip(path: Path) -> None:
    """Drop symbols that only a debugger reads, unless the result could not be loaded.

    ``strip`` moves segments of files that patchelf edited (the libraries bundled with numpy and scipy) so that the
    loader refuses them ("ELF load command address/offset not page-aligned"); those keep their symbols.
    """
    before = path.read_bytes()
    if not elf.is_elf(before):
        return
    done = subprocess.run(["strip", "--strip-unneeded", str(path)], capture_output=True, check=False)  # noqa: S607 - the builder's own
    if done.returncode != 0 or not loadable(path.read_bytes()):
        path.write_bytes(before)


def loadable(data: bytes) -> bool:
    """Whether every loaded segment's offset and address agree modulo its alignment (gABI, "Program Loading")."""
    segments = [segment for segment in elf.parse_elf(data).segments if segment.loaded]
    return all((segment.offset - segment.address) % max(segment.alignment, 1) == 0 for segment in segments)


def compile_file(source: Path, seen_as: Path) -> Path | None:
    """Write the bytecode of ``source`` as if it lay at ``seen_as``; None where it is not Python of this version."""
    data = source.read_bytes()
    try:
        code = compile(data, str(seen_as), "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None  # templates and Python 2 files that some distributions ship; nobody can import them either way
    target = Path(importlib.util.cache_from_source(str(source)))
    target.parent.mkdir(exist_ok=True)
    header = importlib.util.MAGIC_NUMBER + UNCHECKED_HASH + importlib.util.source_hash(data)
    target.write_bytes(header + marshal.dumps(code))
    return target


def rewrite_record(record: Path, dead: frozenset[Path], changed: list[Path]) -> None:
    """RECORD tells the truth afterwards: no pruned file, new hashes of stripped ones, bytecode without a hash."""
    site = record.parent.parent
    rows = {Path(os.path.normpath(site / row[0])): row for row in csv.reader(io.StringIO(record.read_text("utf-8")))}
    for path in dead:
        rows.pop(path, None)
    for path in changed:
        rows[path] = [os.path.relpath(path, site), *(hashed(path) if is_shared_object(path) else ("", ""))]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(sorted(rows.values()))
    record.write_text(text.getvalue(), "utf-8")


def hashed(path: Path) -> tuple[str, str]:
    data = path.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest}", str(len(data))


def save(cached: Path, paths: list[Path], base: Path) -> None:
    partial = cached.with_suffix(f".{os.getpid()}")
    with tarfile.open(partial, "w") as archive:
        for path in paths:
            archive.add(path, path.relative_to(base))
    partial.replace(cached)  # an interrupted build leaves no half-written entry under the final name


def serve(jobs: BinaryIO, workers: int) -> None:
    """Do each job in a fork. Raises SystemExit once one of them has failed."""
    running = 0
    while line := jobs.readline():
        if running == workers:
            wait_for_one()
            running -= 1
        if os.fork() == 0:
            work(line)
        running += 1
    for _ in range(running):
        wait_for_one()


def work(line: bytes) -> NoReturn:
    """In the fork: one job, and the end of the process."""
    code = 1
    try:
        known = len(sys.modules)
        finish(read_job(line.decode()))
        os.write(1, "".join(f"{name}\n" for name in [*sys.modules][known:] if was_compiled(name)).encode())
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it is, it must not return into the loop of the parent
        traceback.print_exc()
    finally:
        os._exit(code)


def was_compiled(name: str) -> bool:
    """Whether the module came from a source without bytecode: what one process compiles, all others do too."""
    cached = getattr(sys.modules[name], "__cached__", None)
    return cached is not None and not Path(cached).is_file()


def wait_for_one() -> None:
    _, status = os.wait()
    if status != 0:
        raise SystemExit(f"distribution.py: a worker failed with exit code {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    serve(sys.stdin.buffer, int(sys.argv[1]))
