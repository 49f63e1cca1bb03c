"""What the files of a project name: more than Compose would use, never less, whatever state they are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unreadable_folder import bar

from builder.compose.model import KnownProject
from builder.store.references.compose_files import collect_image_references

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.model import ImageReferences


def read(folder: Path, text: str, *, env: dict[str, str] | None = None, **files: str) -> ImageReferences:
    """Of the project ``shop``; further files by their names, ``__`` for a dot."""
    (folder / "compose.yaml").write_text(text)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    return collect_image_references(KnownProject("shop", folder, (folder / "compose.yaml",)), env or {})


DEEP = "[" * 2000 + "]" * 2000
"""More than can be read, and Compose takes it."""

PLACES = {
    "plain": "services:\n  db:\n    image: postgres:13\n",
    "with Docker Hub's host": "services: {db: {image: docker.io/library/postgres:13}}",
    "as JSON": '{"services": {"db": {"image": "postgres:13"}}}',
    "through an anchor": "x-db: &db\n  image: postgres:13\nservices:\n  db: *db\n",
    "through an anchored name": "x-name: &name postgres:13\nservices: {db: {image: *name}}\n",
    "folded over two lines": "services:\n  db:\n    image: >-\n      postgres:13\n",
    "in an extension that no service uses yet": "x-later: {image: 'postgres:13'}\nservices: {}\n",
    "behind a profile": "services: {db: {profiles: [later], image: 'postgres:13'}}",
    "with a default": "services: {db: {image: 'postgres:${VERSION:-13}'}}",
    "with a byte order mark": "\ufeffservices: {db: {image: 'postgres:13'}}",
    "in a second document": "services: {}\n---\nservices: {db: {image: 'postgres:13'}}",
    "where Compose refuses the file": "services: {db: {image: 'postgres:13', imagee: x, ports: {}}}",
    "where YAML is broken": "services:\n  db:\n    image: postgres:13\n   broken: [\n",
    "where YAML is broken, in quotes": "services:\n  db: {image: 'postgres:13', x: [}\n",
    "in a document before one where YAML is broken": "services: {db: {build: {cache_from: ['postgres:13']}}}\n--- [\n",
    "where it is too deep to be read": f"services: {{db: {{image: 'postgres:13'}}}}\nx-deep: {DEEP}",
    "where it is too deep to say what it includes": f"include: []\nx: {DEEP}\nx-db: {{image: 'postgres:13'}}",
    "where YAML is broken, through an anchor": "x: &name postgres:13\nservices: {db: {image: *name\n",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_name_counts_wherever_it_stands(place: str, tmp_path: Path) -> None:
    found = read(tmp_path, PLACES[place])
    assert "postgres:13" in found.names
    assert "postgres:13" in found.databases
    assert bool(found.unreadable) == ("broken" in place or "too deep" in place)


def test_a_hostile_file_takes_no_time(tmp_path: Path) -> None:
    found = read(tmp_path, 'image: "x' + "{}" * 5000 + "\n\tbroken: [\n")
    assert found.unreadable
    merges = "".join(f"  a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 30))
    text = f"x-all:\n  a0: &a0 {{}}\n{merges}services: {{web: *a29}}\n"
    assert "shop-web:latest" in read(tmp_path, text).names


def test_what_stands_elsewhere_is_no_name(tmp_path: Path) -> None:
    found = read(tmp_path, "services: {web: {image: 'app:1', environment: {X: 'postgres:13'}}} # image: redis:7\n")
    assert found.names == {"app:1"}
    assert not found.patterns
    assert not found.unreadable
    assert not found.databases


@pytest.mark.parametrize(
    ("text", "env", "names", "patterns"),
    [
        ("app:${TAG}", {}, set(), {"app:*"}),
        ("app:$TAG", {}, set(), {"app:*"}),
        ("${IMAGE}", {}, set(), {"*"}),
        ("app:${TAG:?say which}", {}, set(), {"app:*"}),
        ("${REGISTRY:-}app:${TAG}", {}, set(), {"app:*"}),
        ("app:${TAG:-${OTHER}}", {}, set(), {"app:*"}),
        ("app:${TAG}", {"TAG": "2"}, {"app:2"}, set()),
        ("app:${TAG:-1}", {}, {"app:1"}, set()),
        ("app:${TAG:-1}", {"TAG": "2"}, {"app:1", "app:2"}, set()),
        ("a$$b:1", {}, set(), set()),
    ],
)
def test_variables(text: str, env: dict[str, str], names: set[str], patterns: set[str], tmp_path: Path) -> None:
    found = read(tmp_path, f"services: {{web: {{image: '{text}'}}}}", env=env)
    assert names <= found.names
    assert found.patterns == patterns


def test_the_dotenv_file_counts(tmp_path: Path) -> None:
    assert "app:3" in read(tmp_path, "services: {web: {image: 'app:${TAG}'}}", __env="TAG=3\n").names


OWN = {
    "of the file's folder": ("include: [sub/c.yml]", "sub/.env"),
    "of a file with variables": ("include: [{path: sub/c.yml, env_file: sub/x.env}]", "sub/x.env"),
    "of another folder": ("include: [{path: sub/c.yml, project_directory: other}]", "other/.env"),
}


@pytest.mark.parametrize("way", OWN)
def test_an_included_file_has_variables_of_its_own(way: str, tmp_path: Path) -> None:
    """And where it is built, a folder of its own."""
    include, env_file = OWN[way]
    (tmp_path / "sub").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "sub/c.yml").write_text(
        "services: {a: {image: 'shop:${TAG:-latest}'}, b: {image: '${IMG:-shop}:1'}, c: {image: 'open:$TAG'},"
        " d: {build: {context: ., args: {BASE: 'base:$TAG'}}}}\n"
    )
    (tmp_path / env_file).write_text("TAG=5\nIMG=web\n")
    (tmp_path / env_file).with_name("Dockerfile").write_text("ARG BASE=x:1\nFROM $BASE\n")
    found = read(tmp_path, include)
    assert {"shop:5", "shop:latest", "web:1", "shop:1", "open:5", "base:5"} <= found.names
    assert not found.patterns
    assert not found.unreadable


def test_what_the_main_files_leave_open_stays_open(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/c.yml").write_text("services: {a: {image: 'shop:$TAG'}}")
    (tmp_path / "sub/.env").write_text("TAG=5")
    found = read(tmp_path, "include: [sub/c.yml]\nservices: {b: {image: 'web:$TAG'}}")
    assert found.patterns == {"web:*"}


@pytest.mark.parametrize(
    ("data", "why"),
    [(None, "cannot be read: No such file"), (b"TAG=5\n?=1\n", "line 2: Compose refuses"), (b"# \xe9\nTAG=5\n", "")],
)
@pytest.mark.parametrize("given", [True, False])
def test_variables_that_cannot_be_read_are_said(tmp_path: Path, data: bytes | None, why: str, given: bool) -> None:
    path = tmp_path / "x.env"
    if data is not None:
        path.write_bytes(data)
    text = "services: {a: {image: 'shop:${TAG:-latest}'}}"
    (tmp_path / "c.yaml").write_text(text)
    (tmp_path / "compose.yaml").write_text(text if given else f"include: [{{path: c.yaml, env_file: {path}}}]")
    found = collect_image_references(
        KnownProject("shop", tmp_path, (tmp_path / "compose.yaml",), (path,) if given else ()), {}
    )
    assert why in found.unreadable
    assert bool(why) == bool(found.unreadable)
    assert ("shop:5" in found.names) == (data is not None)


def test_an_env_file_that_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "c.yml").write_text("services: {a: {image: 'shop:${TAG:-latest}'}}")
    bar(monkeypatch, tmp_path / "sub")
    found = read(tmp_path, "include: [{path: c.yml, project_directory: sub}]")
    assert found.unreadable == f"{tmp_path / 'sub/.env'} cannot be read: Permission denied"


def test_what_is_built_has_the_names_of_every_compose(tmp_path: Path) -> None:
    found = read(tmp_path, "name: my-shop\nservices: {web: {build: .}}\n")
    assert {"shop-web:latest", "shop_web:latest", "my-shop-web:latest", "my-shop_web:latest", "myshop_web:latest"} == (
        found.names
    )


def test_a_service_with_an_image_has_no_other_name(tmp_path: Path) -> None:
    text = "x: &x {image: 'app:1'}\nservices: {web: {<<: *x}, job: {<<: [*x]}, own: {build: ., image: 'own:1'}}\n"
    assert read(tmp_path, text).names == {"app:1", "own:1"}


def test_included_and_extended_files_count(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "include: [more.yaml]\nservices: {web: {extends: {file: base.yaml, service: web}}}\n",
        more__yaml="services: {db: {image: 'postgres:13'}}",
        base__yaml="services: {web: {image: 'app:1'}}",
    )
    assert {"postgres:13", "app:1"} <= found.names
    assert not found.unreadable


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("include: [gone.yaml]\nservices: {}\n", "gone.yaml, which its files name, is not there"),
        ("include: ['oci://registry.example/more:1']\n", "oci:/registry.example/more:1, which its files name"),
        ("services: {web: {extends: {file: gone.yaml, service: web}}}\n", "gone.yaml, which its files name"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, why: str, tmp_path: Path) -> None:
    assert why in read(tmp_path, text).unreadable


DOCKERFILES = {
    "plain": "FROM shop-base:1\n",
    "with a platform and a name": "from --platform=linux/amd64 shop-base:1 AS made\nFROM made\n",
    "over two lines": "FROM \\\n  shop-base:1\n",
    "with a default": "ARG V=1\nFROM shop-base:${V}\n",
    "with a default in place": "FROM shop-base:${V:-1}\n",
    "with a value from the file": "ARG BASE\nFROM $BASE\n",
    "with a value for a default": "ARG BASE=other:2\nFROM ${BASE}\n",
    "copied from": "FROM scratch\nCOPY --from=shop-base:1 /a /a\n",
    "mounted": "FROM scratch\nRUN --mount=type=bind,from=shop-base:1,target=/a make\n",
}


@pytest.mark.parametrize("build", ["app", "{context: ./app}", "{context: '${APP:-app}', dockerfile: Dockerfile}"])
@pytest.mark.parametrize("way", DOCKERFILES)
def test_what_a_dockerfile_builds_on_is_named(way: str, build: str, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text(DOCKERFILES[way])
    text = f"x-args: &args {{args: {{BASE: 'shop-base:1'}}}}\nservices: {{web: {{build: {build}}}}}\n"
    found = read(tmp_path, text)
    assert "shop-base:1" in found.names
    assert not {"made:latest", "scratch:latest"} & found.names
    assert found.files == ("compose.yaml", "Dockerfile")
    assert "*" not in found.patterns


@pytest.mark.parametrize(
    "build",
    [
        "{dockerfile_inline: 'FROM shop-base:1'}",
        "{context: ., cache_from: ['shop-base:1']}",
        "{context: ., cache_from: ['type=registry,ref=shop-base:1']}",
        "{context: ., additional_contexts: {base: 'docker-image://shop-base:1'}}",
        "{context: ., additional_contexts: ['base=docker-image://shop-base:1']}",
        "{dockerfile: other}",
    ],
)
def test_what_a_build_names_itself_counts(build: str, tmp_path: Path) -> None:
    assert "shop-base:1" in read(tmp_path, f"services: {{web: {{build: {build}}}}}\n", other="FROM shop-base:1").names


def test_a_base_without_a_value_names_no_image_at_all(tmp_path: Path) -> None:
    found = read(tmp_path, "services: {web: {build: .}}", Dockerfile="ARG R\nARG B\nFROM $B\nFROM ${R}/base:1\n")
    assert found.patterns == {"*/base:1"}


def test_a_file_that_is_gone_is_said(tmp_path: Path) -> None:
    found = collect_image_references(KnownProject("shop", tmp_path, (tmp_path / "compose.yaml",)), {})
    assert found.unreadable == f"{tmp_path / 'compose.yaml'} is not there"
    assert (
        collect_image_references(KnownProject("shop", tmp_path, ()), {}).unreadable == "nothing says which files it has"
    )


def test_a_file_that_is_no_text_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_bytes(b"services:\n  db:\n    image: postgres:13 # \xff\xfe\n")
    found = collect_image_references(KnownProject("shop", tmp_path, (tmp_path / "compose.yaml",)), {})
    assert "postgres:13" in found.names
    assert "not UTF-8" in found.unreadable


@pytest.mark.parametrize(
    ("given", "files", "env", "expected"),
    [
        ("", {"compose.yaml": "name: own"}, {}, "own"),
        ("", {"compose.yaml": "name: own", "over.yaml": "name: later"}, {}, "later"),
        ("", {"compose.yaml": "name: own", "over.yaml": "services: {}"}, {}, "own"),
        ("", {"compose.yaml": "name: '${TEAM:-a}-b'"}, {"TEAM": "x"}, "x-b"),
        ("", {"compose.yaml": "include: [more.yaml]", "more.yaml": "name: included"}, {}, "myapp"),
        ("", {"compose.yaml": "services: {}"}, {}, "myapp"),
        ("", {"compose.yaml": "name: own"}, {"COMPOSE_PROJECT_NAME": "said"}, "said"),
        ("given", {"compose.yaml": "name: own"}, {"COMPOSE_PROJECT_NAME": "said"}, "given"),
    ],
)
def test_a_project_is_called_what_compose_calls_it(
    tmp_path: Path, given: str, files: dict[str, str], env: dict[str, str], expected: str
) -> None:
    folder = tmp_path / "My.App"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(f"{text}\nx-services: 1\n")
    main = tuple(folder / name for name in files if name != "more.yaml")
    found = collect_image_references(KnownProject(given, folder, main), env)
    assert found.project == expected
    assert not found.unreadable


def test_what_is_built_counts_under_the_names_of_file_and_folder(tmp_path: Path) -> None:
    """A file that says its name may have been built before it said one."""
    (tmp_path / "compose.yaml").write_text("name: own\nservices: {web: {build: .}}")
    found = collect_image_references(KnownProject("", tmp_path, (tmp_path / "compose.yaml",)), {})
    folder = tmp_path.name.replace(".", "").lower()
    assert {"own-web:latest", f"{folder}-web:latest"} <= found.names
