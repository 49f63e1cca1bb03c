"""Which projects there are: by containers, journals, and files beside the known ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from container_samples import CONTAINER, LABELS
from unreadable_folder import bar

from builder.compose.model import KnownProject
from builder.store.model import ImageUser
from builder.store.projects import (
    find_project_variants,
    find_projects_by_labels,
    find_projects_in_folder,
    merge_projects,
    parse_containers,
)


def test_containers() -> None:
    assert parse_containers([CONTAINER]) == (
        ImageUser("c1", "shop-web-1", "sha256:1", "app:1", "exited", "shop", ("data",)),
    )
    assert parse_containers([{"Id": "0123456789abcdef"}]) == (
        ImageUser("0123456789abcdef", "0123456789ab", "", "", "unknown"),
    )


def test_projects_by_their_containers() -> None:
    (found,) = find_projects_by_labels([CONTAINER, CONTAINER, {"Id": "c2", "Labels": None}])
    folder = Path("/srv/shop")
    assert found.files == (folder / "compose.yaml", folder / "more.yaml")
    assert (found.name, found.directory, found.env_files) == ("shop", folder, (folder / "prod.env",))


@pytest.mark.parametrize(
    ("folder", "file", "path"),
    [
        (r"C:\Users\me\shop", r"C:\Users\me\shop\compose.yaml", r"C:\Users\me\shop\compose.yaml"),
        (r"\\wsl$\Debian\shop", r"\\wsl$\Debian\shop\compose.yaml", r"\\wsl$\Debian\shop\compose.yaml"),
        (r"\\wsl.localhost\Debian\shop", "compose.yaml", r"\\wsl.localhost\Debian\shop\compose.yaml"),
        (r"Q:\shop", "compose.yaml", r"Q:\shop\compose.yaml"),
        ("q:/shop", "deploy/compose.yaml", r"q:\shop\deploy\compose.yaml"),
        (r"Q:\shop", "-", r"Q:\shop\-"),
        ("/run/desktop/mnt/host/q/shop", "compose.yaml", "/run/desktop/mnt/host/q/shop/compose.yaml"),
        ("/srv/shop", "a:b.yaml", "/srv/shop/a:b.yaml"),
        ("/srv/shop", "-", "/srv/shop/-"),
    ],
)
def test_a_path_of_windows_is_not_put_behind_the_folder(folder: str, file: str, path: str) -> None:
    labels = {
        **LABELS,
        "com.docker.compose.project.working_dir": folder,
        "com.docker.compose.project.config_files": file,
    }
    (found,) = find_projects_by_labels([{**CONTAINER, "Labels": labels}])
    assert [str(one) for one in found.files] == [path]
    assert str(found.directory) == folder


def test_several_files_of_windows_are_several() -> None:
    files = r"Q:\shop\a.yml,Q:\shop\b.yml"
    labels = {
        **LABELS,
        "com.docker.compose.project.working_dir": r"Q:\shop",
        "com.docker.compose.project.config_files": files,
    }
    (found,) = find_projects_by_labels([{**CONTAINER, "Labels": labels}])
    assert ",".join(map(str, found.files)) == files


def test_a_folder_of_windows_is_not_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").write_text("services: {}")
    project = KnownProject("shop", Path(r"Q:\shop"), (Path(r"Q:\shop\a.yml"),))
    assert find_project_variants(project) == ()


def test_the_same_project_from_two_sources_is_one() -> None:
    one = KnownProject("shop", Path("/p"), (Path("/p/c.yaml"),), sources=("a",))
    two = KnownProject("shop", Path("/p"), (Path("/p/c.yaml"),), sources=("b",))
    assert [project.sources for project in merge_projects((one, two))] == [("a", "b")]


def test_compose_files_beside_the_known_ones(tmp_path: Path) -> None:
    for name in ("compose.yaml", "docker-compose.prod.yml", "compose.yaml.bak", "values.yaml"):
        (tmp_path / name).write_text("")
    project = KnownProject("shop", tmp_path, (tmp_path / "compose.yaml",))
    assert [one.files for one in find_project_variants(project)] == [
        (tmp_path / "compose.yaml", tmp_path / "docker-compose.prod.yml")
    ]
    assert [one.files for one in find_projects_in_folder(tmp_path)] == [
        (tmp_path / "compose.yaml",),
        (tmp_path / "docker-compose.prod.yml",),
    ]
    assert find_projects_in_folder(tmp_path / "gone") == ()
    assert find_project_variants(KnownProject("gone", tmp_path / "gone", ())) == ()


def test_a_folder_that_one_may_not_enter_hides_no_files_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("home", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "compose.prod.yaml").write_text("")
    bar(monkeypatch, tmp_path / "home")
    project = KnownProject("shop", tmp_path / "home", (tmp_path / "mine" / "compose.yaml",))
    assert [one.files[1:] for one in find_project_variants(project)] == [(tmp_path / "mine" / "compose.prod.yaml",)]
