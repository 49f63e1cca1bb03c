"""Paths of Windows and of Docker Desktop: where they are here, and what is said where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.compose.model import KnownProject
from builder.store.foreign_paths import explain_foreign_path, find_local_path
from builder.store.references.compose_files import collect_image_references


@pytest.mark.parametrize(
    "text",
    [
        r"C:\Users\me\proj\compose.yaml",
        "c:/Users/me/proj/compose.yaml",
        "/run/desktop/mnt/host/c/Users/me/proj/compose.yaml",
        "/host_mnt/c/Users/me/proj/compose.yaml",
    ],
)
def test_a_mounted_drive_is_read_where_it_is(tmp_path: Path, text: str) -> None:
    assert find_local_path(text, tmp_path) == Path(text)
    (tmp_path / "c").mkdir()
    assert find_local_path(text, tmp_path) == tmp_path / "c/Users/me/proj/compose.yaml"


@pytest.mark.parametrize(
    "text", [r"\\wsl$\Debian\srv\x", "/mnt/c/x", "/srv/c:/x", "/run/desktop/mnt/host/wsl/x", "relative"]
)
def test_every_other_path_stays_as_it_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "c").mkdir()
    assert find_local_path(text, tmp_path) == Path(text)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (r"Q:\Users\me\proj\compose.yaml", "cannot be read from here: it is a path of Windows"),
        (r"\\wsl$\Debian\srv\compose.yaml", "cannot be read from here: it is a path of Windows"),
        (
            "/run/desktop/mnt/host/q/compose.yaml",
            "cannot be read from here: it is a path of Docker Desktop's own machine",
        ),
        ("/srv/that/is/gone/compose.yaml", "is not there"),
    ],
)
def test_the_note_says_which_of_both_it_is(path: str, why: str) -> None:
    found = collect_image_references(KnownProject("proj", Path(path).parent, (Path(path),)), {})
    assert found.unreadable == f"{path} {why}"
    assert bool(explain_foreign_path(Path(path))) == (why != "is not there")
