"""What is known of one installed distribution: its metadata and its ELF files. Read once per file, then cached."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from email.parser import HeaderParser
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from builder.core.documents import Form, read_cached
from builder.core.elf import MAGIC, parse_elf
from builder.core.errors import LockError
from builder.core.files import write_private_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from pathlib import Path

_FACTS_VERSION = 2
"""Part of the cached file's name; raise it when the shape below changes."""


@dataclass(frozen=True)
class ElfRecord:
    """One ELF file; ``path`` relative to the folder that it was installed into, ``search`` as in rpath or runpath."""

    path: str
    machine: str
    needed: tuple[str, ...]
    search: tuple[str, ...]


@dataclass(frozen=True)
class DistributionFacts:
    """``requires`` are the Requires-Dist lines of the metadata, markers and all; ``extras`` its Provides-Extra."""

    name: str
    requires: tuple[str, ...]
    elf: tuple[ElfRecord, ...]
    extras: tuple[str, ...] = ()
    """Normalised by PEP 503, sorted."""


_FORM = Form(DistributionFacts)


def read_facts(folder: Path) -> dict[str, DistributionFacts]:
    """Name → facts of every distribution that was installed into ``folder`` (``pip install --target``)."""
    found: dict[str, DistributionFacts] = {}
    for info in sorted(folder.glob("*.dist-info")):
        facts = parse_metadata((info / "METADATA").read_text(encoding="utf-8", errors="replace"))
        found[facts.name] = replace(facts, elf=tuple(_iterate_elf_records(folder, info, facts.name)))
    return found


def parse_metadata(text: str) -> DistributionFacts:
    """Of a METADATA file."""
    fields = HeaderParser().parsestr(text)
    name = canonicalize_name(str(fields["Name"]))
    return DistributionFacts(name, list_field_values(fields, "Requires-Dist"), (), list_extras(fields))


def list_field_values(fields: Message, name: str) -> tuple[str, ...]:
    """Every value of a field that may be there more than once."""
    return tuple(str(line) for line in fields.get_all(name, []))


def list_extras(fields: Message) -> tuple[str, ...]:
    return tuple(sorted({canonicalize_name(line.strip()) for line in list_field_values(fields, "Provides-Extra")}))


def _iterate_elf_records(folder: Path, info: Path, name: str) -> Iterator[ElfRecord]:
    for path in _iterate_recorded_files(folder, info):
        with path.open("rb") as stream:
            if stream.read(len(MAGIC)) != MAGIC:
                continue
            stream.seek(0)
            data = stream.read()
        relative = path.relative_to(folder).as_posix()
        try:
            elf = parse_elf(data)
        except ValueError as error:
            raise LockError(f"{relative} of {name}: {error}", hint=f"ask for another version of {name}") from error
        yield ElfRecord(relative, elf.machine, elf.needed, elf.runpath or elf.rpath)


def _iterate_recorded_files(folder: Path, info: Path) -> Iterator[Path]:
    """The regular files that RECORD names, inside ``folder``. Python sources are not ELF files and not opened."""
    root = folder.resolve()
    for line in (info / "RECORD").read_text(encoding="utf-8", errors="replace").splitlines():
        relative = line.rsplit(",", 2)[0].strip('"')
        if PurePosixPath(relative).suffix in (".py", ".pyc", ".pyi", ".txt", ".json", ".js", ".css", ".html"):
            continue
        path = (folder / relative).resolve()
        if path.is_relative_to(root) and path.is_file():
            yield path


def read_cached_facts(cache_folder: Path, sha256: str) -> DistributionFacts | None:
    """What an earlier run read from the file with this hash; a damaged entry counts as none."""
    return read_cached(_resolve_cache_path(cache_folder, sha256), _FORM)


def write_cached_facts(cache_folder: Path, sha256: str, facts: DistributionFacts) -> None:
    path = _resolve_cache_path(cache_folder, sha256)
    write_private_file(path, json.dumps(asdict(facts), sort_keys=True).encode())


def _resolve_cache_path(cache_folder: Path, sha256: str) -> Path:
    return cache_folder / "facts" / f"{sha256}-{_FACTS_VERSION}.json"
