"""Answers of Compose about files as they are, kept by what they depend on: bytes, variables, the version of Compose.

One JSON file per project in the cache folder. It holds digests and facts (:class:`ServiceFacts`), never a value.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping  # noqa: TC003 - read where the document is
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.compose.load.combinations import CombinationAnswer, ServiceFacts
from builder.compose.load.interpolate import find_env_files, interpolate_text
from builder.compose.load.source_files import walk_all_sources
from builder.compose.yaml.nodes import Scalar, Sequence, find_value, follow, resolve_alias
from builder.compose.yaml.parse import read_tree
from builder.core.documents import Form, dump_document, read_cached, write_document
from builder.core.errors import ComposeError, StateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.load.combinations import Combination
    from builder.compose.load.source_files import ReachedFile
    from builder.compose.model import ProjectFiles

SCHEMA_VERSION = 1
FOLDER = "combinations"
_VARIABLE = re.compile(rb"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_NAMED = ("env_file", "label_file")
"""Keys whose files Compose opens when it reads a service."""


@dataclass(frozen=True)
class CachedAnswer:
    """``key`` of :func:`make_key`. ``facts`` None: refused."""

    key: str
    interpolated: bool
    facts: Mapping[str, ServiceFacts] | None


@dataclass(frozen=True)
class CachedAnswers:
    answers: tuple[CachedAnswer, ...]


_FORM = Form(CachedAnswers, SCHEMA_VERSION)


def resolve_cache_path(cache_folder: Path, files: ProjectFiles) -> Path:
    words = "\0".join(map(str, (files.directory, *files.files))).encode(errors="surrogateescape")
    return cache_folder / FOLDER / f"{hashlib.sha256(words).hexdigest()[:16]}.json"


def read_answers(path: Path) -> dict[str, CombinationAnswer]:
    """Key → answer; none of what cannot be read."""
    found = read_cached(path, _FORM)
    kept = found.answers if found is not None else ()
    return {one.key: CombinationAnswer(one.facts, one.interpolated) for one in kept}


def write_answers(path: Path, answers: Mapping[str, CombinationAnswer]) -> None:
    """What cannot be written is asked again the next time."""
    kept = tuple(CachedAnswer(key, one.interpolated, one.facts) for key, one in sorted(answers.items()))
    with suppress(StateError):
        write_document(path, dump_document(asdict(CachedAnswers(kept)), SCHEMA_VERSION))


def make_key(combination: Combination, version: str, env: Mapping[str, str]) -> str | None:
    """Equal for equal answers. None: not known, because a file cannot be read."""
    digest = hashlib.sha256()

    def add(*words: object) -> None:
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode(errors="surrogateescape")
            digest.update(b"%d:" % len(data) + data)

    try:
        sources = tuple(walk_all_sources(combination.files, env, {}))
    except ComposeError:
        return None
    named = {path: _read_bytes(path) for path in _iterate_opened_files(combination.files, sources, env)}
    add(SCHEMA_VERSION, version, combination.files)
    for source in sources:
        add(source.path, source.problem, source.data)
    for path, data in sorted(named.items()):
        add(path, data is None, data or b"")
    texts = (*(source.data for source in sources), *(data for data in named.values() if data is not None))
    names = {name.decode() for text in texts for name in _VARIABLE.findall(text)}
    for name in sorted({*names, "HOME", *(name for name in env if name.startswith("COMPOSE_"))}):
        add(name, name in env, env.get(name, ""))
    return digest.hexdigest()


def _read_bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _iterate_opened_files(
    files: ProjectFiles, sources: tuple[ReachedFile, ...], env: Mapping[str, str]
) -> Iterator[Path]:
    """What Compose reads beside the compose files themselves."""
    yield from find_env_files(files, env)
    for source in sources:
        for text in _iterate_named_texts(source.data):
            yield Path(os.path.normpath(source.folder / interpolate_text(text, source.variables)))
        yield source.folder / ".env"  # an included file has one of its own


def _iterate_named_texts(data: bytes) -> Iterator[str]:
    for root in read_tree(data).roots:
        for node in follow(root):
            for key in _NAMED:
                value = find_value(node, key)
                items = value.items if isinstance(value, Sequence) else () if value is None else (value,)
                for item in items:
                    found = resolve_alias(item)
                    path = found if isinstance(found, Scalar) else find_value(found, "path")
                    if isinstance(path, Scalar) and "\0" not in path.value:
                        yield path.value
