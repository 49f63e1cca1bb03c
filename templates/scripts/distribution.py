"""Finishes the files of one distribution: prune, strip, compile. A process of its own for each, see finish.py.

    distribution.py WORKERS     a job per line of standard input, as many at a time as WORKERS says

A job is JSON, see :class:`Job`; all paths are absolute. This process has imported what a job needs and never looks into
one: each is done by a fork of it, so all begin in the same state, and none compiles a module for itself. The names of
those that one did compile are its output.
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
import re
import shutil
import subprocess
import sys
import tarfile
import traceback
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO, NoReturn

import compact
import elf
import prune
from imports import Imports, name_module, read_imports
from ledger import Ledger

HEADER_BYTES = 16
"""What stands before the code in a file with bytecode (PEP 552)."""
UNCHECKED_HASH = (0b01).to_bytes(4, "little")
"""PEP 552: hash-based bytecode whose source is not looked at when it is imported."""


@dataclass(frozen=True)
class Job:
    """Files that are finished together; ``record`` is the RECORD that lists them, if one does."""

    base: Path
    """The environment; no file outside of it is touched, whatever a RECORD lists."""
    site: Path
    cache: Path
    notes: Path
    """A folder: what check.py reads later is written there, a file for each job."""
    record: Path | None
    rules: tuple[str, ...]
    files: tuple[Path, ...]

    @property
    def distribution(self) -> str:
        """The normalized name (PEP 503), or nothing: no distribution owns these files."""
        return normalize_name(self.record.parent.name.split("-")[0]) if self.record else ""


@cache
def is_inside(folder: Path, environment: Path) -> bool:
    """Also when links are followed."""
    return folder.resolve().is_relative_to(environment.resolve())


def normalize_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_job(text: str) -> Job:
    job = json.loads(text)
    record = Path(job["record"]) if job["record"] else None
    base, site, cache, notes = (Path(job[key]) for key in ("base", "site", "cache", "notes"))
    files = (path for path in map(Path, job["files"]) if is_inside(path.parent, base))
    return Job(base, site, cache, notes, record, tuple(job["rules"]), tuple(sorted(files)))


def finish(job: Job) -> None:
    """Do the work, or take what the same work made before: what changed or was made is one tar in the cache."""
    cached = job.cache / f"{cache_key(job)}.tar"
    notes = cached.with_suffix(".json")
    if cached.is_file() and notes.is_file():
        for path in json.loads(notes.read_text("utf-8"))["pruned"]:
            (job.base / path).unlink()
        with tarfile.open(cached) as archive:
            archive.extractall(job.base)  # noqa: S202 - our own cache, written below
    else:
        result = process(job)
        write_notes(notes, job, result)
        save(cached, result.changed, job.base)
    job.notes.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(notes, job.notes / f"{job.distribution or '-'}.json")


def cache_key(job: Job) -> str:
    """What the result depends on: these scripts, this Python, the files (RECORD has their hashes), the rules."""
    total = hashlib.sha256(sys.version.encode())
    for script in sorted(Path(__file__).parent.glob("*.py")):
        total.update(script.read_bytes())
    total.update(json.dumps(job.rules).encode())
    hashed = list_hashed(job.record)
    for path in job.files:
        content = "" if path in hashed else hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path}\0{content}\n".encode())
    return total.hexdigest()


def list_hashed(record: Path | None) -> frozenset[Path]:
    """The files whose content RECORD tells; some wheels leave the hashes out."""
    if record is None:
        return frozenset()
    rows = csv.reader(io.StringIO(record.read_text("utf-8")))
    return frozenset(Path(os.path.normpath(record.parent.parent / row[0])) for row in rows if row[1])


@dataclass
class Result:
    """What was done to the files of one job."""

    pruned: dict[Path, str]
    """File → rule. They are gone."""
    changed: list[Path]
    imports: dict[str, Imports]
    ledger: Ledger


def process(job: Job) -> Result:
    pruned = prune.find_pruned(job.files, job.site, job.rules, job.distribution)
    compiled = compile_files([path for path in job.files if path not in pruned], job)
    imports = read_all_imports(compiled, job.site)
    tests = list_modules([path for path, rule in pruned.items() if rule == "tests"], job.site)
    while revived := prune.list_imported_tests(pruned, tests, imports, job.site, job.distribution):
        for path in revived:
            del pruned[path]
        more = compile_files(sorted(revived), job)
        compiled |= more
        imports |= read_all_imports(more, job.site)
    ledger = Ledger()
    for path, rule in pruned.items():
        if (
            rule != prune.INSTALLER_NOTES
        ):  # not the wheel's: one that holds a time is a byte shorter in every tenth build
            ledger.add(rule, path.stat().st_size)
        path.unlink()
    changed = [*compiled.values(), *strip_files(job, pruned, ledger)]
    if job.record is not None:
        if ledger.rules:
            changed.append(ledger.write(job.record.parent))
        rewrite_record(job.record, frozenset(pruned), changed)
        changed.append(job.record)
    return Result(pruned, sorted(changed), imports, ledger)


def compile_files(files: list[Path], job: Job) -> dict[Path, Path]:
    """Source → bytecode, for what can be imported and is Python of this version."""
    sources = (path for path in files if path.suffix == ".py" and path.is_relative_to(job.site))
    return {path: made for path in sources if (made := compile_file(path, path)) is not None}


def list_modules(files: list[Path], site: Path) -> dict[str, Path]:
    below = (path for path in files if path.is_relative_to(site))
    return {name: path for path in below if (name := name_module(path.relative_to(site)))}


def read_all_imports(compiled: dict[Path, Path], site: Path) -> dict[str, Imports]:
    """Module → its imports, from the finished bytecode: whatever this does, it cannot change what was compiled."""
    found = {}
    for source, bytecode in compiled.items():
        if name := name_module(source.relative_to(site)):
            code = marshal.loads(bytecode.read_bytes()[HEADER_BYTES:])  # noqa: S302 - made above
            found[name] = read_imports(code, name, is_package=source.name == "__init__.py")
    return found


def strip_files(job: Job, pruned: dict[Path, str], ledger: Ledger) -> list[Path]:
    if "symbols" not in job.rules:
        return []
    changed = []
    for path in job.files:
        if path not in pruned and is_shared_object(path):
            before = path.stat().st_size
            strip(path)
            changed.append(path)
            if saved := before - path.stat().st_size:
                ledger.add("symbols", saved)
    return changed


def write_notes(notes: Path, job: Job, result: Result) -> None:
    """What a later run and check.py need to know; complete or not there at all."""
    gone = list_modules(list(result.pruned), job.site)
    left = list_modules([path for path in job.files if path not in result.pruned], job.site)
    text = json.dumps(
        {
            "distribution": job.distribution,
            "pruned": {str(path.relative_to(job.base)): rule for path, rule in sorted(result.pruned.items())},
            "gone": {name: result.pruned[path] for name, path in sorted(gone.items())},
            "modules": sorted(left),
            "imports": {name: [sorted(one.at_import), sorted(one.later)] for name, one in result.imports.items()},
            "entry_points": read_entry_points(job),
        }
    )
    partial = notes.with_suffix(f".{os.getpid()}")
    partial.write_text(text, "utf-8")
    partial.replace(notes)


def read_entry_points(job: Job) -> list[str]:
    """Modules that other programs import because the distribution's metadata names them."""
    file = job.record.parent / "entry_points.txt" if job.record else None
    if file is None or not file.is_file():
        return []
    values = (line.partition("=")[2].strip() for line in file.read_text("utf-8").splitlines() if "=" in line)
    return sorted({re.split(r"[:\s\[]", value)[0] for value in values})


def is_shared_object(path: Path) -> bool:
    return path.suffix == ".so" or ".so." in path.name


def strip(path: Path) -> None:
    """Drop symbols that only a debugger reads, unless the result could not be loaded.

    ``strip`` moves segments of files that patchelf edited (the libraries bundled with numpy and scipy) so that the
    loader refuses them ("ELF load command address/offset not page-aligned"); compact.py then drops what it can.
    """
    before = path.read_bytes()
    if not elf.is_elf(before):
        return
    done = subprocess.run(["strip", "--strip-unneeded", str(path)], capture_output=True, check=False)  # noqa: S607 - the builder's own
    after = path.read_bytes()
    kept = after if done.returncode == 0 and loadable(after) else before
    if (smallest := compact.compact(kept)) != after:
        path.write_bytes(smallest)


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
        rows[path] = [os.path.relpath(path, site), *(("", "") if path.suffix == ".pyc" else hashed(path))]
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
