"""From what an engine, files and folders say to values: containers, projects, volumes, layers, protection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from barred import bar

from builder.engine.layers import Layer
from builder.errors import UnknownProtectionError
from builder.store.inventory import read_images
from builder.store.layercache import FILE, read_layers, write_layers
from builder.store.model import BuildCache, KnownProject, User, Volume
from builder.store.names import fits
from builder.store.projects import beside, by_containers, merged, neighbours, users_of
from builder.store.protect import protected_by
from builder.store.usage import build_cache_of, volumes_of

LABELS = {
    "com.docker.compose.project": "shop",
    "com.docker.compose.project.working_dir": "/srv/shop",
    "com.docker.compose.project.config_files": "/srv/shop/compose.yaml,/srv/shop/more.yaml",
    "com.docker.compose.project.environment_file": "/srv/shop/prod.env",
}
CONTAINER = {
    "Id": "c1",
    "Names": ["/other/alias", "/shop-web-1"],
    "ImageID": "sha256:1",
    "Image": "app:1",
    "State": "exited",
    "Labels": LABELS,
    "Mounts": [{"Type": "volume", "Name": "data"}, {"Type": "bind", "Source": "/x"}],
}


def test_containers() -> None:
    assert users_of([CONTAINER]) == (User("c1", "shop-web-1", "sha256:1", "app:1", "exited", "shop", ("data",)),)
    assert users_of([{"Id": "0123456789abcdef"}]) == (User("0123456789abcdef", "0123456789ab", "", "", "unknown"),)


def test_projects_by_their_containers() -> None:
    (found,) = by_containers([CONTAINER, CONTAINER, {"Id": "c2", "Labels": None}])
    folder = Path("/srv/shop")
    assert found.files == (folder / "compose.yaml", folder / "more.yaml")
    assert (found.name, found.directory, found.env_files) == ("shop", folder, (folder / "prod.env",))


def test_the_same_project_from_two_sources_is_one() -> None:
    one = KnownProject("shop", Path("/p"), (Path("/p/c.yaml"),), sources=("a",))
    two = KnownProject("shop", Path("/p"), (Path("/p/c.yaml"),), sources=("b",))
    assert [project.sources for project in merged((one, two))] == [("a", "b")]


def test_compose_files_beside_the_known_ones(tmp_path: Path) -> None:
    for name in ("compose.yaml", "docker-compose.prod.yml", "compose.yaml.bak", "values.yaml"):
        (tmp_path / name).write_text("")
    project = KnownProject("shop", tmp_path, (tmp_path / "compose.yaml",))
    assert [one.files for one in neighbours(project)] == [
        (tmp_path / "compose.yaml", tmp_path / "docker-compose.prod.yml")
    ]
    assert [one.files for one in beside(tmp_path)] == [
        (tmp_path / "compose.yaml",),
        (tmp_path / "docker-compose.prod.yml",),
    ]
    assert beside(tmp_path / "gone") == ()
    assert neighbours(KnownProject("gone", tmp_path / "gone", ())) == ()


def test_volumes_with_who_uses_them() -> None:
    answer = {
        "Volumes": [
            {"Name": "small", "UsageData": {"Size": 5}},
            {"Name": "data", "UsageData": {"Size": 50}, "Labels": {"com.docker.compose.project": "shop"}},
            {"Name": "dark", "UsageData": {"Size": -1}},
            {"Name": "darker", "UsageData": None},
        ]
    }
    found = volumes_of(answer, users_of([CONTAINER]))
    assert found[0] == Volume("data", 50, ("shop-web-1",), ("shop",))
    assert [(one.name, one.bytes) for one in found[1:]] == [("small", 5), ("dark", None), ("darker", None)]
    assert volumes_of({"Volumes": None}, ()) == ()


def test_the_build_cache() -> None:
    records = [
        {"Size": 10, "InUse": False, "Shared": False},
        {"Size": 20, "InUse": True, "Shared": False},
        {"Size": 40, "InUse": False, "Shared": True},
    ]
    assert build_cache_of({"BuildCache": records}) == BuildCache(bytes=30, shared=40, idle=10, records=3)
    assert build_cache_of({}) == BuildCache(0, 0, 0, 0)


class Api:
    """An engine with two images, one of which vanishes while it is looked at; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def images(self, *, all: bool = False) -> list[dict[str, Any]]:  # noqa: A002 - the SDK's name
        assert all
        tags = ["app:1", "<none>:<none>"]
        first = {"Id": "sha256:1", "RepoTags": tags, "ParentId": "sha256:0"}
        return [first, {"Id": "sha256:2"}, first]

    def inspect_image(self, image: str) -> dict[str, Any]:
        self.asked.append(image)
        if image == "sha256:2":
            error = RuntimeError("no such image")
            error.status_code = 404  # type: ignore[attr-defined]
            raise error
        return {"RootFS": {"Layers": ["sha256:d"]}}

    def history(self, image: str) -> list[dict[str, Any]]:
        return [{"Size": 7, "CreatedBy": "COPY x /"}]

    def containers(self) -> list[dict[str, Any]]:
        return []

    def usage(self, kind: str) -> dict[str, Any]:
        return {}


def test_images_are_read_once_and_what_vanished_is_left_out() -> None:
    api = Api()
    (found,) = read_images(api, {}, sized=True)
    assert (found.id, found.names, found.parent, found.layers.bytes) == ("sha256:1", ("app:1",), "sha256:0", 7)
    api.asked.clear()
    assert read_images(api, {"sha256:1": found.layers.layers, "sha256:2": ()}, sized=True)[0] == found
    assert api.asked == []


def test_layers_are_kept_and_whatever_is_broken_is_asked_again(tmp_path: Path) -> None:
    known = {
        "sha256:1": (Layer("sha256:d", "sha256:d", 7, "COPY"),),
        "sha256:2": (Layer("sha256:e", "sha256:e", None),),
    }
    assert read_layers(tmp_path) == {}
    write_layers(tmp_path / "new", known)
    assert read_layers(tmp_path / "new") == known
    for broken in ("", "[]", '{"schema_version": 1}', '{"schema_version": 1, "images": {"a": [["d", "7", ""]]}}'):
        (tmp_path / "new" / FILE).write_text(broken)
        assert read_layers(tmp_path / "new") == {}


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    write_layers(tmp_path / "file", {})


def test_what_a_spec_protects_counts_also_where_another_key_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "optbuild.toml"
    assert protected_by(tmp_path) == {}
    path.write_text('colour = "red"\n[protect]\nimages = ["registry.example/base:*"]\n')
    assert protected_by(tmp_path) == {"registry.example/base:*": str(path)}


@pytest.mark.parametrize(
    "text", ["[protect", "[protect]\nimages = 'x'\n", "[protect]\nimages = [1]\n", "protect = 1\n"]
)
def test_what_it_protects_is_never_guessed(text: str, tmp_path: Path) -> None:
    (tmp_path / "optbuild.toml").write_text(text)
    with pytest.raises(UnknownProtectionError, match=r"optbuild\.toml"):
        protected_by(tmp_path)


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("[protect]\nimage = ['x']\n", "protect.image", "write `images`"),
        ("[protected]\nimages = ['x']\n", "protected", "write `[protect]`"),
        ("[protect]\nimages = ['x']\nkeep = 2\n", "protect.keep", "write `images`"),
    ],
)
def test_a_misspelt_key_does_not_protect_nothing(text: str, key: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / "optbuild.toml").write_text(text)
    with pytest.raises(UnknownProtectionError, match="unknown key") as caught:
        protected_by(tmp_path)
    assert caught.value.where is not None
    assert caught.value.where.key == key
    assert (caught.value.hint or "").startswith(hint)


def test_whether_a_folder_that_one_may_not_enter_protects_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar(monkeypatch, tmp_path / "home")
    with pytest.raises(PermissionError):
        protected_by(tmp_path / "home")


def test_a_folder_that_one_may_not_enter_hides_no_files_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("home", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "compose.prod.yaml").write_text("")
    bar(monkeypatch, tmp_path / "home")
    project = KnownProject("shop", tmp_path / "home", (tmp_path / "mine" / "compose.yaml",))
    assert [one.files[1:] for one in neighbours(project)] == [(tmp_path / "mine" / "compose.prod.yaml",)]


@pytest.mark.parametrize(
    ("pattern", "name", "meant"),
    [
        ("postgres", "postgres:13", True),
        ("postgres:*", "postgres:13", True),
        ("postgres:1?", "postgres:13", True),
        ("docker.io/library/postgres:13", "postgres:13", True),
        ("*/app", "registry.example/app:1", True),
        ("registry.example:5000/*", "registry.example:5000/app:1", True),
        ("*", "app:1", True),
        ("app@sha256:*", "app@sha256:0123", True),
        ("postgres:14", "postgres:13", False),
        ("postgre", "postgres:13", False),
        ("postgres:latest", "postgres:13", False),
        ("app", "registry.example/app:1", False),
    ],
)
def test_patterns(pattern: str, name: str, meant: bool) -> None:
    assert fits(pattern, name) is meant
