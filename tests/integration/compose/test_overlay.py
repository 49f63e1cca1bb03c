"""Files that name others: all are found, and an overlay of some says what writing them would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from real_files import environment, questioned, read, write

from builder.compose.load.discover import discover_project
from builder.core.errors import ComposeError

if TYPE_CHECKING:
    from pathlib import Path

MAIN = """\
include:
  - inc/compose.yaml
  - path: [./two/main.yml, ./two/over.yml]
    project_directory: ./two
    env_file: ./two/their.env
services:
  web:
    extends: {file: base/common.yml, service: web}
    build: .
    volumes: ["./web:/web"]
  init:
    extends: web
    command: airflow db migrate
  hidden:
    image: postgres:13
    profiles: [never]
    develop: {watch: [{path: ./src, action: sync, target: /x}]}
    configs: [c]
configs: {c: {file: ./c.txt}}
"""
TREE = {
    "proj/docker-compose.yml": MAIN,
    "proj/docker-compose.override.yml": "services:\n  web:\n    image: over:${TAG:-none}\n",
    "proj/.env": "TAG=from-env",
    "proj/src/x": "",
    "proj/inc/compose.yaml": (
        "include: [deeper/more.yml, ../../shared/up.yml]\n"
        "services:\n  inner: {image: 'inner:${INC}', build: ./ctx, env_file: i.env, volumes: ['./data:/data']}\n"
    ),
    "proj/inc/.env": "INC=from-inc",
    "proj/inc/i.env": "SECRET=canary-1",
    "proj/inc/deeper/more.yml": "services:\n  deep: {build: ., image: 'deep:${INC:-not-seen}'}\n",
    "proj/two/main.yml": "services:\n  two: {image: 'two:${THEIRS}', volumes: ['./d:/d']}\n",
    "proj/two/over.yml": "services:\n  two: {build: {context: ./c}}\n",
    "proj/two/their.env": "THEIRS=theirs",
    "proj/base/common.yml": (
        "services:\n  web:\n    extends: {file: ../../shared/root.yml, service: root}\n"
        "    volumes: ['./logs:/logs']\n    environment: {PASSWORD: canary-2}\n"
    ),
    "shared/root.yml": "services:\n  root:\n    build: {context: ./img, target: final}\n    env_file: [r.env]\n",
    "shared/r.env": "TOKEN=canary-3",
    "shared/up.yml": "services:\n  up: {image: up, build: ./up}\n",
}
SOURCES = {name for name in TREE if name.endswith((".yml", ".yaml"))}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write(tmp_path, TREE)
    return tmp_path


def test_every_file_is_a_source(tree: Path) -> None:
    project = read(cwd=tree / "proj")
    assert {str(path.relative_to(tree)) for path in project.sources} == SOURCES
    assert all(path.read_bytes() == data for path, data in project.sources.items())
    assert list(project.services) == ["deep", "hidden", "init", "inner", "two", "up", "web"]
    web, inner = project.services["web"], project.services["inner"]
    assert web.build is not None
    assert (web.build.context, web.build.target, web.image) == (str(tree / "proj"), "final", "over:from-env")
    assert (inner.image, web.raw_image) == ("inner:from-inc", "over:${TAG:-none}")
    assert {mount.source for mount in web.mounts} == {str(tree / "proj/web"), str(tree / "proj/base/logs")}


def test_paths_with_variables_are_followed(tree: Path) -> None:
    """Compose itself follows them only when it fills them in."""
    main, inner = tree / "proj/docker-compose.yml", tree / "proj/inc/compose.yaml"
    main.write_text(main.read_text().replace("base/common.yml", "'${BASE:-base}/common.yml'"))
    inner.write_text(inner.read_text().replace("deeper/more.yml", "'${DEEP}/more.yml'"))
    (tree / "proj/inc/.env").write_text("DEEP=not-seen-by-the-path\n")
    (tree / "proj/.env").write_text("DEEP=deeper\n")
    project = read(cwd=tree / "proj")
    assert {str(path.relative_to(tree)) for path in project.sources} == SOURCES
    assert project.resolved is not None
    assert project.raw is None
    assert "no such file" in project.complaints[0]


def test_no_secret_is_shown(tree: Path) -> None:
    project = read(cwd=tree / "proj")
    assert "canary" in json.dumps(project.resolved)
    answers = questioned(project.files)
    shown = f"{project!r} {project} {answers!r} {list(project.services.values())!r}"
    assert "canary" not in shown


CHANGES: dict[str, dict[str, tuple[str, str]]] = {
    "the main file": {"proj/docker-compose.yml": ("build: .", "image: x\n    pull_policy: never")},
    "the override file": {"proj/docker-compose.override.yml": ("over:", "else:")},
    "an included file": {"proj/inc/compose.yaml": ("build: ./ctx", "build: ./other")},
    "a file included by that": {"proj/inc/deeper/more.yml": ("build: .", "command: d")},
    "one outside of the project": {"shared/up.yml": ("image: up", "image: shared")},
    "the override of an included file": {"proj/two/over.yml": ("./c", "./changed")},
    "an extended file": {"proj/base/common.yml": ("./logs", "./changed")},
    "a file extended by that": {"shared/root.yml": ("target: final", "target: first")},
    "the target of extends": {"proj/base/common.yml": ("root.yml", "other.yml"), "shared/other.yml": ("", "")},
    "all of them": {
        "proj/docker-compose.yml": ("db migrate", "db init"),
        "proj/docker-compose.override.yml": ("over:", "else:"),
        "proj/inc/compose.yaml": ("inner:", "outer:"),
        "shared/root.yml": ("final", "first"),
        "shared/up.yml": ("./up", "./down"),
    },
}
NEW = "services:\n  root: {image: new, volumes: ['./here:/here']}\n"


@pytest.mark.parametrize("change", CHANGES)
def test_an_overlay_answers_what_writing_would(change: str, tree: Path) -> None:
    overlay = {}
    for name, (old, new) in CHANGES[change].items():
        path = tree / name
        text = path.read_text().replace(old, new) if path.exists() else NEW
        assert not path.exists() or text != path.read_text()
        overlay[path] = text.encode()
    files = discover_project((), env=environment(), cwd=tree / "proj")
    before = snapshot(tree)
    unchanged = questioned(files)
    promised = questioned(files, overlay)
    assert snapshot(tree) == before, "something was written beside the files"

    for path, data in overlay.items():
        path.write_bytes(data)
    written = questioned(files)
    assert promised.resolved == written.resolved != unchanged.resolved
    assert promised.raw == written.raw
    assert promised.complaints == written.complaints


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
    }


def test_an_overlay_of_a_file_behind_symbolic_links(tree: Path) -> None:
    """The project is reached by a linked folder, and its file is a link too."""
    (tree / "proj/docker-compose.yml").rename(tree / "shared/real.yml")
    (tree / "proj/docker-compose.yml").symlink_to("../shared/real.yml")
    (tree / "elsewhere").mkdir()
    (tree / "elsewhere/link").symlink_to(tree / "proj")
    (tree / "elsewhere/shared").symlink_to("../shared")
    files = discover_project((), env=environment(), cwd=tree / "elsewhere/link")
    main = tree / "elsewhere/link/docker-compose.yml"
    assert files.files[0] == main
    changed = main.read_bytes().replace(b"build: .", b"image: x")
    promised = questioned(files, {main: changed})
    main.write_bytes(changed)
    assert promised == questioned(files)


def test_an_overlay_that_breaks_the_file_names_the_real_one(tree: Path) -> None:
    files = discover_project((), env=environment(), cwd=tree / "proj")
    path = tree / "proj/docker-compose.yml"
    with pytest.raises(ComposeError) as caught:
        questioned(files, {path: path.read_bytes() + b"  broken: [\n"})
    assert caught.value.where is not None
    assert caught.value.where.file == str(path)
    assert "mirror" not in str(caught.value)
    with pytest.raises(ComposeError, match="Additional property foo") as caught:
        questioned(files, {path: path.read_bytes().replace(b"build: .", b"foo: .")})
    assert caught.value.where is not None
    assert caught.value.where.file == str(path)
    assert caught.value.where.key in {"services.web.foo", "services.init.foo"}  # which of them extends the other


def test_a_file_named_by_its_absolute_path_cannot_be_overlaid(tree: Path) -> None:
    main, base = tree / "proj/docker-compose.yml", tree / "proj/base/common.yml"
    main.write_text(main.read_text().replace("base/common.yml", str(base)))
    files = discover_project((), env=environment(), cwd=tree / "proj")
    assert read(cwd=tree / "proj").sources[base] == base.read_bytes()
    with pytest.raises(ComposeError, match="absolute path") as caught:
        questioned(files, {base: base.read_bytes() + b"\n"})
    assert caught.value.where is not None
    assert caught.value.where.file == str(base)
    changed = main.read_bytes().replace(b"build: .", b"image: x")  # the main file is reached as ever
    promised = questioned(files, {main: changed})
    main.write_bytes(changed)
    assert promised == questioned(files)
