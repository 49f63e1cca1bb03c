"""Keys of compose files, and since when they are there."""

from __future__ import annotations

import pytest

from builder.compose.load.key_versions import find_key_version, is_older


@pytest.mark.parametrize(
    ("path", "key", "version"),
    [
        ((), "models", "2.38.0"),
        (("services", "a"), "provider", "2.36.0"),
        (("services", "a", "develop", "watch", "0"), "include", "2.34.0"),
        (("configs", "a"), "content", "2.23.1"),
        ((), "provider", None),
        (("services",), "provider", None),
        (("services", "a"), "imagee", None),
        (("services", "a", "b", "c", "d", "e"), "x", None),
    ],
)
def test_a_key_counts_at_its_place_only(path: tuple[str, ...], key: str, version: str | None) -> None:
    assert find_key_version(path, key) == version


@pytest.mark.parametrize(
    ("version", "than", "older"),
    [
        ("2.26.1-4", "2.36.0", True),
        ("2.9.0", "2.36.0", True),
        ("v2.36.0-desktop.1", "2.36.0", False),
        ("2.36.0", "2.36.0", False),
        ("5.0.0", "2.36.0", False),
        ("2.36", "2.36.0", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, than: str, older: bool) -> None:
    assert is_older(version, than) == older
