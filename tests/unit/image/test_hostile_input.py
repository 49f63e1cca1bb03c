"""Every free field of what a person or a repository brings and every class of hostile value: refused in its place, or
harmless; and nothing outside the project is read."""

from __future__ import annotations

import copy
import functools
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

import pytest
import tomli_w
from hostile_values import iterate_places, list_values
from pydantic import BaseModel

from builder.core.errors import (
    ConstraintsError,
    InvalidSpecError,
    LockFileError,
    OptbuildError,
    RenderMismatchError,
    SpecError,
)
from builder.dockerfile import parse_dockerfile
from builder.image.lock.constraints import find_constraints, parse_constraints
from builder.image.lock.document import parse_lock, read_lock
from builder.image.render.context import render_context, render_dockerfile
from builder.image.spec.model import SpecFile
from builder.image.spec.reader import read_spec
from builder.image.spec.requirements import read_requirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

ROOT = Path(__file__).parents[3]
IMAGE = ROOT / "images/airflow"
T = TypeVar("T")
SURROGATE = re.compile("[\\ud800-\\udfff]")
KEY = "<key>"
"""Stands for the key of a mapping whose keys a person chooses."""
Field = tuple[str, ...]
GOOD: dict[Field, str] = {
    ("image", "name"): "aaa",
    ("image", "tags"): "v1",
    ("image", "labels", KEY): "team",
    ("image", "labels", "team"): "ml",
    ("image", "env", KEY): "MODE",
    ("image", "env", "MODE"): "fast",
    ("base", "debian"): "bookworm",
    ("base", "image"): "python:3.11-slim-bookworm",
    ("base", "airflow"): "apache/airflow:2.8.1-python3.11",
    ("airflow", "version"): "2.8.1",
    ("airflow", "extras"): "postgres",
    ("airflow", "constraints"): "constraints.txt",
    ("python", "version"): "3.11",
    ("python", "requirements"): "pandas==2.0.3",
    ("python", "requirements-files"): "requirements.txt",
    ("apt", "runtime"): "libgomp1",
    ("apt", "build"): "gcc",
    ("build", "run"): "extra.sh",
    ("build", "run-folders"): "/opt/extra",
    ("build", "run-files"): "requirements.txt",
    ("roles", KEY): "web",
    ("roles", "web", "command"): "webserver",
    ("roles", "web", "health", "http"): "/health",
    ("files", KEY): "data",
    ("files", "data"): "/opt/airflow/data",
    ("render", "templates"): "templates",
    ("verify", "database"): "postgres:13",
    ("verify", "dags"): "dags",
    ("verify", "broker"): "redis:7",
    ("protect", "images"): "registry.example/base:*",
    ("budget", "image-bytes"): "900MB",
    ("budget", "waste-bytes"): "20MB",
    ("budget", "package-bytes", KEY): "pandas",
    ("budget", "package-bytes", "pandas"): "80MB",
}
"""Of every field that takes a text, one that is taken."""
NUMBERS: dict[Field, object] = {("roles", "web", "health", "port"): 8080, ("budget", "waste-percent"): 2}
LISTS = {"tags", "extras", "requirements", "requirements-files", "runtime", "build", "command", "images"} | {
    *("run", "run-folders", "run-files")
}


def iterate_fields(model: type[BaseModel], path: Field = ()) -> Iterator[tuple[Field, bool]]:
    """Every leaf of the models, under the names of the file, and whether it may be a text."""
    for name, field in model.model_fields.items():
        yield from _iterate_annotation(field.annotation, (*path, field.alias or name))


def _iterate_annotation(annotation: Any, path: Field) -> Iterator[tuple[Field, bool]]:
    options = [one for one in get_args(annotation) if one is not type(None)] or [annotation]
    if get_origin(annotation) is Mapping:
        yield (*path, KEY), True
        known = next((one for one in GOOD if one[:-1] == path and one[-1] == KEY), None)
        yield from _iterate_annotation(options[-1], (*path, GOOD[known] if known else "?"))
        return
    for option in options:
        if isinstance(option, type) and issubclass(option, BaseModel):
            yield from iterate_fields(option, path)
            return
    yield path, _may_be_text(annotation)


def _may_be_text(annotation: Any) -> bool:
    return annotation is str or any(_may_be_text(one) for one in get_args(annotation) if not isinstance(one, str))


FIELDS = tuple(iterate_fields(SpecFile))
TEXT_FIELDS = tuple(path for path, is_text in FIELDS if is_text)


def test_every_text_field_of_the_spec_has_a_good_value() -> None:
    """A new field of the models is met here until it has one."""
    assert set(TEXT_FIELDS) == set(GOOD)
    assert len(TEXT_FIELDS) >= 29


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """With files that the good values name, and links that lead out of it."""
    folder, outside = tmp_path / "project", tmp_path / "outside"
    for made in (folder / "dags", folder / "data", folder / "templates", outside):
        made.mkdir(parents=True)
    (outside / "secret.txt").write_text("secret==1\n")
    (folder / "constraints.txt").write_text("pandas==2.0.3\n")
    (folder / "extra.sh").write_text("#!/bin/sh\n")
    (folder / "requirements.txt").write_text("numpy==1.24.3\n")
    (folder / "templates/debian.Dockerfile.j2").write_text('{% extends "optbuild/debian.Dockerfile.j2" %}')
    (folder / "link").symlink_to(outside / "secret.txt")
    (folder / "linked").symlink_to(outside)
    return folder


def make_document(field: Field, text: str) -> dict[str, Any]:
    """A good spec with this text in this field."""
    document: dict[str, Any] = {}
    for path, good in GOOD.items():
        if path[-1] != KEY and not _is_left_out(path, field):
            value = text if path == field else good
            _find_table(document, path[:-1])[path[-1]] = [value] if path[-1] in LISTS else value
    for path, number in NUMBERS.items():
        _find_table(document, path[:-1])[path[-1]] = number
    if field == ("verify", "broker"):
        document["roles"]["worker"] = {}
        document["airflow"]["extras"].append("celery")
    if field[-1] == KEY:
        table = _find_table(document, field[:-1])
        table[text] = table.pop(GOOD[field])
    return document


def _is_left_out(path: Field, field: Field) -> bool:
    """Of the bases there is one, a broker needs a role that asks for it, and files and scripts have instructions of
    their own."""
    base = field if field[0] == "base" else ("base", "debian")
    if path[0] in ("files", "build"):
        return field[0] != path[0]
    return (path[0] == "base" and path != base) or (path == ("verify", "broker") and path != field)


def _find_table(document: dict[str, Any], path: Field) -> dict[str, Any]:
    table = document
    for part in path:
        table = table.setdefault(part, {})
    return table


def find_problems(error: OptbuildError) -> tuple[OptbuildError, ...]:
    return error.problems if isinstance(error, InvalidSpecError) else (error,)


def use_spec(spec: Spec) -> Spec:
    """Reads what the commands read because a spec names it."""
    read_requirements(spec)
    find_constraints(spec, None, Path("/nonexistent"), fetch=lambda _url: b"pandas==2.0.3\n")
    return spec


class OpenedFiles:
    """The paths that Python opens while it is watched; an audit hook stays for good, so there is one."""

    active: list[str] | None = None

    @classmethod
    def hook(cls, event: str, arguments: tuple[Any, ...]) -> None:
        if cls.active is not None and event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str):
            cls.active.append(arguments[0])


sys.addaudithook(OpenedFiles.hook)


@pytest.fixture
def opened() -> Iterator[list[str]]:
    OpenedFiles.active = []
    yield OpenedFiles.active
    OpenedFiles.active = None


def is_outside(path: str, project: Path) -> bool:
    """A folder beside the project, or a file that no code of ours is in."""
    real = os.path.realpath(path)
    return real.startswith(f"{project.parent}/outside") or real in ("/etc/passwd", "/etc/hostname")


def write_spec(project: Path, field: Field, text: str) -> None:
    if SURROGATE.search(text):  # no TOML: a file with such bytes in this place
        good = tomli_w.dumps(make_document(field, "SURROGATE"))
        (project / "optbuild.toml").write_bytes(good.encode().replace(b"SURROGATE", b"\xed\xa0\x80"))
    else:
        (project / "optbuild.toml").write_text(tomli_w.dumps(make_document(field, text)), encoding="utf-8")


def catch(kinds: tuple[type[OptbuildError], ...], call: Callable[[], T]) -> T | OptbuildError:
    """What it returns, or the error that it may raise; any other one is a bug of ours."""
    try:
        return call()
    except kinds as error:
        return error


@pytest.mark.parametrize("field", TEXT_FIELDS, ids=".".join)
def test_a_field_of_the_spec(field: Field, project: Path, lock: Lock, opened: list[str]) -> None:
    """Refused with the line and the key, or taken unchanged, and then the Dockerfile says what was planned."""
    write_spec(project, field, GOOD[field])
    planned = list_instructions(read_spec(project), lock)
    for kind, value in list_values(project.parent / "outside", ".".join(field), one_of=2):
        for text in iterate_places(GOOD[field], value):
            write_spec(project, field, text)
            found = catch((SpecError, ConstraintsError), lambda: use_spec(read_spec(project)))
            if isinstance(found, OptbuildError):
                _check_refusal(find_problems(found), kind, text)
            else:
                _check_harmless(found, lock, planned, kind)
    assert not [path for path in opened if is_outside(path, project)]


def list_instructions(spec: Spec, lock: Lock) -> list[str]:
    """Their names; none where the lock is of another base."""
    if spec.base.kind != "debian":
        return []
    return [one.name for one in parse_dockerfile(render_dockerfile(spec, lock)).instructions]


def _check_refusal(problems: tuple[OptbuildError, ...], kind: str, text: str) -> None:
    for problem in problems:
        assert problem.where, kind
        assert problem.where.line or "-files" in str(problem.where) or "constraints" in str(problem.where), kind
        assert problem.hint or problem.message, kind
        _check_message(problem, kind)


def _check_message(error: OptbuildError, kind: str) -> None:
    assert len(str(error)) < 3000, f"{kind}: the message is as long as what was refused"
    assert str(error).replace("\n", "").isprintable(), kind


def _check_harmless(spec: Spec, lock: Lock, planned: list[str], kind: str) -> None:
    if spec.base.kind == "debian":
        found = parse_dockerfile(render_dockerfile(spec, lock))
        assert [one.name for one in found.instructions] == planned, kind
        assert [one.value for one in found.instructions if one.name == "USER"] == ["50000"], kind


LINES = ("pandas{}", "pandas=={}", "pandas==2.0.3{}", "pandas==2.0.3 ; {}", "{}")


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_a_requirements_file(line: str, project: Path, opened: list[str]) -> None:
    document = make_document(("image", "name"), "aaa")
    document["python"]["requirements"] = []
    (project / "optbuild.toml").write_text(tomli_w.dumps(document))
    spec = read_spec(project)
    for kind, value in list_values(project.parent / "outside", line):
        data = b"numpy==1.24.3\n" + line.format(value).encode("utf-8", "surrogatepass") + b"\n"
        (project / "requirements.txt").write_bytes(data)
        found = catch((SpecError,), lambda: read_requirements(spec))
        if isinstance(found, OptbuildError):
            problems = find_problems(found)
            _check_refusal(problems, kind, value)
            assert {one.where.file for one in problems if one.where} == {"requirements.txt"}, kind
            continue
        for one in found:
            assert one.isprintable(), kind
            assert not set(one) & set("$`\\#{}"), kind
    assert not [path for path in opened if is_outside(path, project)]


@pytest.mark.parametrize("line", ["pandas{}", "pandas=={}", "pandas==2.0.3{}", "{}"])
def test_a_line_of_a_constraints_file(line: str, project: Path) -> None:
    for kind, value in list_values(project.parent / "outside", line):
        data = b"numpy==1.24.3\n" + line.format(value).encode("utf-8", "surrogatepass") + b"\n"
        found = catch((ConstraintsError,), functools.partial(parse_constraints, data, "2.8.1/3.11", "constraints.txt"))
        if isinstance(found, OptbuildError):
            _check_refusal((found,), kind, value)
            continue
        for name, version in found.pins.items():
            assert re.fullmatch(r"[a-z0-9-]+==[A-Za-z0-9.!+_-]+", f"{name}=={version}"), kind


FOUNDATION = {
    "kind": "image",
    "reference": "python:3.11-slim-bookworm",
    "digest": f"sha256:{'a' * 64}",
    "platform": "linux/amd64",
    "debian": "bookworm",
    "glibc": "2.36",
    "python": "3.11.9",
    "python-path": "/usr/local/bin/python3.11",
    "user": "50000",
    "working-folder": "/opt/airflow",
    "layers": [f"sha256:{'b' * 64}"],
    "entrypoint": ["/entrypoint"],
    "command": ["bash"],
    "shell": ["/bin/bash", "-c"],
    "environment": [["LANG", "C.UTF-8"]],
    "packages": ["libc6 2.36-9+deb12u7 amd64"],
    "distributions": ["pip 24.0 1000 /usr/local/lib/python3.11/site-packages"],
}


def read_lock_document() -> dict[str, Any]:
    return tomllib.loads((IMAGE / "optbuild.lock").read_text())


def find_lock_texts() -> tuple[tuple[str | int, ...], ...]:
    """Every place of a lock that holds a text, of rows the first that has it; keys of mappings too."""
    document = {**read_lock_document(), "foundation": FOUNDATION}
    seen: dict[tuple[str, ...], tuple[str | int, ...]] = {}

    def walk(value: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(value, str):
            seen.setdefault(tuple(part for part in path if isinstance(part, str)), path)
        elif isinstance(value, dict):
            for key, one in value.items():
                walk(one, (*path, key))
        elif isinstance(value, list):
            for index, one in enumerate(value):
                walk(one, (*path, index))

    walk(document, ())
    found = [path for key, path in seen.items() if key[0] != "shared-libraries"]
    library = next(path for key, path in seen.items() if key[0] == "shared-libraries")
    return (*found, library)


def put(document: dict[str, Any], path: tuple[str | int, ...], text: str) -> dict[str, Any]:
    changed: Any = copy.deepcopy(document)
    place = changed
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = text
    return dict(changed)


def get(document: Any, path: tuple[str | int, ...]) -> str:
    for part in path:
        document = document[part]
    return str(document)


LOCK_TEXTS = find_lock_texts()


@pytest.fixture(scope="session")
def spec() -> Spec:
    return read_spec(IMAGE)


@pytest.fixture(scope="session")
def lock() -> Lock:
    return read_lock(IMAGE / "optbuild.lock")


@pytest.mark.parametrize("path", LOCK_TEXTS, ids=lambda path: ".".join(map(str, path)))
def test_a_text_of_the_lock(path: tuple[str | int, ...], spec: Spec, tmp_path: Path) -> None:
    """Refused with its key, or taken, and then the context differs in what it says and in no instruction."""
    document = small_lock()
    if path[0] == "foundation":
        document["foundation"] = FOUNDATION
    planned = {one.name for one in parse_dockerfile(render_dockerfile(spec, parse_document(small_lock()))).instructions}
    for kind, value in list_values(tmp_path, str(path), one_of=2):
        for text in iterate_places(get(document, path), value):
            if SURROGATE.search(text):
                continue  # TOML cannot say it
            found = catch((LockFileError,), functools.partial(parse_document, put(document, path, text)))
            if isinstance(found, OptbuildError):
                assert found.where, kind
                assert found.where.key, kind
                assert found.hint, kind
                _check_message(found, kind)
            elif path[0] == "foundation":
                assert text.isprintable(), kind
            else:
                _check_lock_is_harmless(spec, found, planned, kind)


def small_lock() -> dict[str, Any]:
    """The lock with few rows of each kind, those that the paths name among them: a case takes milliseconds."""
    return copy.deepcopy(_shorten_lock())


@functools.cache
def _shorten_lock() -> dict[str, Any]:
    document = read_lock_document()
    for path in LOCK_TEXTS:
        if len(path) > 1 and isinstance(path[1], int):
            document[str(path[0])] = document[str(path[0])][: max(path[1] + 1, 2)]
    return document


def parse_document(document: dict[str, Any]) -> Lock:
    return parse_lock(tomli_w.dumps(document))


def _check_lock_is_harmless(spec: Spec, lock: Lock, planned: set[str], kind: str) -> None:
    context = catch((RenderMismatchError,), lambda: render_context(spec, lock))
    if isinstance(context, OptbuildError):
        return  # the second net: nothing is written
    found = parse_dockerfile(context.find_file("Dockerfile").data.decode())
    assert {one.name for one in found.instructions} == planned, kind
    for file in context.files:
        if file.path.endswith((".txt", ".packages", ".env")):
            for line in file.data.decode().splitlines():
                assert line.isprintable(), (kind, file.path)
                assert not set(line) & set("$`\\\"'"), (kind, file.path, line)


DOCUMENTS = {
    "not UTF-8": b"[image]\nname = '\xff'\n",
    "duplicate keys": b"[image]\nname = 'a'\nname = 'b'\n",
    "duplicate tables": b"[image]\nname = 'a'\n[image]\nname = 'b'\n",
    "nested": b"a = " + b"[" * 100_000,
    "nested tables": b"[" + b".".join([b"a"] * 100_000) + b"]\n",
    "megabytes": b"a = '" + b"a" * 6_000_000 + b"'\n",
    "NUL": b"[image]\nname = 'a\x00'\n",
    "UTF-16": "[image]\nname = 'a'\n".encode("utf-16"),
    "empty": b"",
    "numbers": b"[image]\nname = 1\n[base]\ndebian = nan\n[airflow]\nversion = 1e999999\n",
    "large number": b"[layers]\nmax = " + b"9" * 5_000 + b"\n",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_whole_file(name: str, project: Path) -> None:
    """Of spec and lock: refused with its file, never a bug of ours."""
    (project / "optbuild.toml").write_bytes(DOCUMENTS[name])
    with pytest.raises(SpecError) as caught:
        read_spec(project)
    assert "optbuild.toml" in str(caught.value)
    assert len(str(caught.value)) < 3000
    (project / "optbuild.lock").write_bytes(DOCUMENTS[name])
    with pytest.raises(LockFileError) as refused:
        read_lock(project / "optbuild.lock")
    assert refused.value.where
    assert len(str(refused.value)) < 3000


@pytest.mark.parametrize("kind", ["pipe", "folder", "link to itself"])
@pytest.mark.parametrize("name", ["optbuild.toml", "optbuild.lock", "requirements.txt", "constraints.txt"])
def test_what_is_no_plain_file_is_refused_at_once(kind: str, name: str, project: Path) -> None:
    """A pipe would be waited for, for good."""
    (project / "optbuild.toml").write_text(tomli_w.dumps(make_document(("image", "name"), "aaa")))
    path = project / name
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path)
    read = functools.partial(read_lock, path) if name == "optbuild.lock" else lambda: use_spec(read_spec(project))
    assert isinstance(catch((OptbuildError,), read), OptbuildError)


def test_a_file_that_becomes_a_link_after_the_spec_was_read_is_not_followed(project: Path) -> None:
    (project / "optbuild.toml").write_text(tomli_w.dumps(make_document(("image", "name"), "aaa")))
    spec = read_spec(project)
    for name in ("constraints.txt", "requirements.txt"):
        (project / name).unlink()
        (project / name).symlink_to(project.parent / "outside/secret.txt")
        with pytest.raises(OptbuildError, match="leads out of the folder"):
            use_spec(spec)
        (project / name).unlink()
        (project / name).write_text("pandas==2.0.3\n")
