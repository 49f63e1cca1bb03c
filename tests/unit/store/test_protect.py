"""What an optbuild.toml protects, also one with mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unreadable_folder import bar

from builder.core.errors import UnknownProtectionError
from builder.store.protect import read_protected_patterns

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_spec_protects_counts_also_where_another_key_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "optbuild.toml"
    assert read_protected_patterns(tmp_path) == {}
    path.write_text('colour = "red"\n[protect]\nimages = ["registry.example/base:*"]\n')
    assert read_protected_patterns(tmp_path) == {"registry.example/base:*": str(path)}


@pytest.mark.parametrize(
    "text", ["[protect", "[protect]\nimages = 'x'\n", "[protect]\nimages = [1]\n", "protect = 1\n"]
)
def test_what_it_protects_is_never_guessed(text: str, tmp_path: Path) -> None:
    (tmp_path / "optbuild.toml").write_text(text)
    with pytest.raises(UnknownProtectionError, match=r"optbuild\.toml"):
        read_protected_patterns(tmp_path)


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
        read_protected_patterns(tmp_path)
    assert caught.value.where is not None
    assert caught.value.where.key == key
    assert (caught.value.hint or "").startswith(hint)


def test_whether_a_folder_that_one_may_not_enter_protects_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar(monkeypatch, tmp_path / "home")
    with pytest.raises(PermissionError):
        read_protected_patterns(tmp_path / "home")
