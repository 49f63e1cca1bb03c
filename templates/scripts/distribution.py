"""Finishes the files of one distribution: prune, strip, compile. Runs inside the build; standard library only.

What is made depends on the distribution's own files alone: not on the process, on what it did before, nor on the order
of distributions. So several processes share the work, and results are kept in a cache.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import re
import shutil
import stat
import sys
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import prune
from bytecode import compile_source, find_bytecode_path, write_file
from imports import Imports, name_module, read_imports
from ledger import Ledger
from symbols import is_shared_object, strip_libraries

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Job:
    """Files that are finished together; ``record`` is the RECORD that lists them, if one does. Paths are absolute."""

    base: str
    """The environment; no file outside of it is touched, whatever a RECORD lists."""
    site: str
    cache: Path
    notes: Path
    """A folder: what check.py reads later is written there, a file for each job."""
    record: Path | None
    rules: tuple[str, ...]
    files: tuple[str, ...]
    """Sorted, all inside, see :func:`list_inside`."""

    @property
    def distribution(self) -> str:
        """The normalized name (PEP 503), or nothing: no distribution owns these files."""
        return normalize_name(self.record.parent.name.split("-")[0]) if self.record else ""

    def relate(self, path: str) -> str:
        """``path`` below site-packages; one that lies elsewhere begins with a slash."""
        return path.removeprefix(f"{self.site}/")


def list_inside(environment: Path, files: Iterable[str]) -> tuple[str, ...]:
    """Sorted, without those that lie outside, also by a link."""
    return tuple(sorted(path for path in files if is_inside(path.rpartition("/")[0], str(environment))))


@cache
def is_inside(folder: str, environment: str) -> bool:
    """Also when links are followed."""
    return f"{os.path.realpath(folder)}/".startswith(f"{os.path.realpath(environment)}/")


def normalize_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def finish(job: Job) -> None:
    """Do the work, or take what the same work made before: what changed or was made is one tar in the cache."""
    cached = job.cache / f"{cache_key(job)}.tar"
    notes = cached.with_suffix(".json")
    if cached.is_file() and notes.is_file():
        for path in json.loads(notes.read_text("utf-8"))["pruned"]:
            os.unlink(f"{job.base}/{path}")
        restore(cached, job.base)
    else:
        result = process(job)
        write_notes(notes, job, result)
        save(cached, result, job.base)
    job.notes.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(notes, job.notes / f"{job.distribution or '-'}.json")


@cache
def hash_scripts() -> bytes:
    """These scripts and this Python."""
    parts = [sys.version.encode(), *(script.read_bytes() for script in sorted(Path(__file__).parent.glob("*.py")))]
    return hashlib.sha256(b"\0".join(parts)).digest()


def cache_key(job: Job) -> str:
    """What the result depends on: these scripts, this Python, the files (RECORD has their hashes), the rules."""
    total = hashlib.sha256(hash_scripts())
    total.update(json.dumps(job.rules).encode())
    hashed = list_hashed(job.record)
    for path in job.files:
        content = "" if path in hashed else hashlib.sha256(Path(path).read_bytes()).hexdigest()
        total.update(f"{path}\0{content}\n".encode())
    return total.hexdigest()


def list_hashed(record: Path | None) -> frozenset[str]:
    """The files whose content RECORD tells; some wheels leave the hashes out."""
    if record is None:
        return frozenset()
    return frozenset(path for path, row in read_record(record).items() if row[1])


def read_record(record: Path) -> dict[str, list[str]]:
    """Absolute path → its row."""
    site = record.parent.parent
    rows = csv.reader(io.StringIO(record.read_text("utf-8")))
    return {os.path.normpath(f"{site}/{row[0]}"): row for row in rows}


@dataclass
class Result:
    """What was done to the files of one job."""

    pruned: dict[str, str]
    """File → rule. They are gone."""
    bytecode: dict[str, bytes]
    """File → its content."""
    changed: list[str]
    """Other files that were made or changed."""
    imports: dict[str, Imports]
    """By module."""


def process(job: Job) -> Result:
    pruned = prune.find_pruned(job.files, job.site, job.rules, job.distribution)
    bytecode, imports = compile_files((path for path in job.files if path not in pruned), job)
    tests = list_modules((path for path, rule in pruned.items() if rule == "tests"), job)
    named = read_entry_points(job)
    while revived := prune.list_imported_tests(
        pruned, tests, imports, named, site=job.site, distribution=job.distribution
    ):
        for path in revived:
            del pruned[path]
        more = compile_files(sorted(revived), job)
        bytecode |= more[0]
        imports |= more[1]
    ledger = Ledger()
    for path, rule in pruned.items():
        if rule != prune.INSTALLER_NOTES:  # not the wheel's: its length differs from build to build
            ledger.add(rule, os.stat(path).st_size)
        os.unlink(path)
    changed = strip_files(job, pruned, ledger)
    if job.record is not None:
        if ledger.rules:
            changed.append(str(ledger.write(job.record.parent)))
        rewrite_record(job, job.record, pruned, bytecode, changed)
        changed.append(str(job.record))
    return Result(pruned, bytecode, changed, imports)


def compile_files(files: Iterable[str], job: Job) -> tuple[dict[str, bytes], dict[str, Imports]]:
    """Write the bytecode of what can be imported and is Python of this version: file → content, module → imports."""
    bytecode, imports = {}, {}
    for path in files:
        relative = job.relate(path)
        if not path.endswith(".py") or relative.startswith("/"):
            continue
        if made := compile_source(read_file(path), path):
            code, data = made
            target = find_bytecode_path(path)
            write_file(target, data)
            bytecode[target] = data
            if name := name_module(relative):
                imports[name] = read_imports(code, name, is_package=path.endswith("/__init__.py"))
    return bytecode, imports


def read_file(path: str) -> bytes:
    with open(path, "rb", buffering=0) as stream:
        return stream.read()


def list_modules(files: Iterable[str], job: Job) -> dict[str, str]:
    """Dotted name → file."""
    below = ((job.relate(path), path) for path in files)
    return {name: path for relative, path in below if not relative.startswith("/") and (name := name_module(relative))}


def strip_files(job: Job, pruned: dict[str, str], ledger: Ledger) -> list[str]:
    """The shared objects; all of them: RECORD gets their hashes anew."""
    if "symbols" not in job.rules:
        return []
    libraries = [path for path in job.files if path not in pruned and is_shared_object(path)]
    for saved in strip_libraries(libraries).values():
        if saved:
            ledger.add("symbols", saved)
    return libraries


def write_notes(notes: Path, job: Job, result: Result) -> None:
    """What a later run and check.py need to know; complete or not there at all."""
    gone = list_modules(result.pruned, job)
    left = list_modules((path for path in job.files if path not in result.pruned), job)
    text = json.dumps(
        {
            "distribution": job.distribution,
            "pruned": {path.removeprefix(f"{job.base}/"): rule for path, rule in sorted(result.pruned.items())},
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


def rewrite_record(
    job: Job, record: Path, dead: Iterable[str], bytecode: Iterable[str], changed: Iterable[str]
) -> None:
    """RECORD tells the truth afterwards: no pruned file, new hashes of changed ones, bytecode without a hash."""
    rows = read_record(record)
    for path in dead:
        rows.pop(path, None)
    for path in bytecode:
        rows[path] = [job.relate(path), "", ""]
    for path in changed:
        relative = job.relate(path)
        name = os.path.relpath(path, job.site) if relative.startswith("/") else relative
        rows[path] = [name, *describe_content(path)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(sorted(rows.values()))
    record.write_text(text.getvalue(), "utf-8")


def describe_content(path: str) -> tuple[str, str]:
    """Hash and size, as RECORD has them."""
    data = read_file(path)
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest}", str(len(data))


def save(cached: Path, result: Result, base: str) -> None:
    """Whatever was made or changed, complete or not there at all."""
    partial = cached.with_suffix(f".{os.getpid()}")
    with tarfile.open(partial, "w") as archive:
        for path in sorted([*result.bytecode, *result.changed]):
            data = result.bytecode.get(path) or read_file(path)
            member = tarfile.TarInfo(path.removeprefix(f"{base}/"))
            member.size, member.mode = len(data), stat.S_IMODE(os.stat(path).st_mode)
            archive.addfile(member, io.BytesIO(data))
    partial.replace(cached)


def restore(cached: Path, base: str) -> None:
    """What :func:`save` kept, over what is there."""
    with tarfile.open(cached) as archive:
        for member in archive:
            path = f"{base}/{member.name}"
            write_file(path, archive.extractfile(member).read())  # type: ignore[union-attr] # regular files alone
            os.chmod(path, member.mode)
