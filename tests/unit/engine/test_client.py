"""What of the client needs no engine."""

from __future__ import annotations

import pytest

from builder.core.errors import EngineTooOldError, ExitCode
from builder.engine.client import check_engine_version, parse_major_version, split_reference


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("name:tag", ("name", "tag")),
        ("name", ("name", "latest")),
        ("127.0.0.1:5000/team/name:tag", ("127.0.0.1:5000/team/name", "tag")),
        ("127.0.0.1:5000/name", ("127.0.0.1:5000/name", "latest")),
        ("name@sha256:12", ("name", "sha256:12")),
        ("127.0.0.1:5000/name:tag@sha256:12", ("127.0.0.1:5000/name", "sha256:12")),
    ],
)
def test_a_registry_port_is_no_tag(reference: str, expected: tuple[str, str]) -> None:
    assert split_reference(reference) == expected


@pytest.mark.parametrize(("version", "number"), [("26.1.5+dfsg1", 26), ("v23.0", 23), ("20.10.24", 20)])
def test_the_engine_version_is_its_leading_number(version: str, number: int) -> None:
    assert parse_major_version(version) == number


def test_an_old_engine_is_refused_with_a_way_to_get_one() -> None:
    with pytest.raises(EngineTooOldError, match="is version 20") as caught:
        check_engine_version("20.10.24+dfsg1")
    assert caught.value.exit_code is ExitCode.ENGINE
    assert "make engine" in str(caught.value)
    check_engine_version("23.0.0")
