"""The machine's apt sources, reduced to one release."""

from __future__ import annotations

import pytest

from builder.image.lock.apt_sources import select_release_sources

DEB822 = """\
# a snapshot of some day
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main
 contrib
Architectures: i386
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 xyz

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian
Suites: trixie
Components: main

Types: deb-src
URIs: http://mirror.example/source-only
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://mirror.example/disabled
Suites: bookworm
Components: main
"""
LINES = """\
# deb http://mirror.example/commented bookworm main
deb http://mirror.example/debian bookworm main contrib # why
deb [arch=i386 signed-by=/k.gpg] http://mirror.example/debian bookworm-updates main
deb [ arch=amd64 ] http://mirror.example/security bookworm-security main
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian bookworm-backports main
deb http://node.example nodistro main
"""


def test_deb822_stanzas_keep_their_key_and_lose_other_suites() -> None:
    kept = select_release_sources({"debian.sources": DEB822}, "bookworm")["debian.sources"]
    first, second = kept.split("\n\n")
    assert first.splitlines()[:2] == ["Types: deb", "Suites: bookworm bookworm-updates"]
    assert " contrib" in first
    assert "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n xyz" in first
    assert "i386" not in first
    assert "Suites: bookworm-security" in second
    for other in ("trixie", "source-only", "disabled", "backports", "snapshot"):
        assert other not in kept


def test_one_line_sources() -> None:
    kept = select_release_sources({"sources.list": LINES}, "bookworm")["sources.list"]
    assert kept.splitlines() == [
        "deb http://mirror.example/debian bookworm main contrib",
        "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm-updates main",
        "deb http://mirror.example/security bookworm-security main",
    ]


@pytest.mark.parametrize("files", [{}, {"a.list": ""}, {"debian.sources": DEB822}])
def test_a_machine_without_the_release_has_none(files: dict[str, str]) -> None:
    assert select_release_sources(files, "sid") == {}
