"""``[foundation]`` of a lock: its words go into a Dockerfile, so a lock that a hand changed is refused."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from builder.core.errors import LockFileError
from builder.image.lock.document import format_lock, parse_lock
from builder.image.lock.foundation_check import iterate_foundation_problems

if TYPE_CHECKING:
    from builder.image.lock.foundation import Foundation
    from builder.image.lock.model import Lock

DIGEST = "sha256:" + "1" * 64


def test_a_foundation_survives_writing_and_reading(founded: Lock) -> None:
    assert parse_lock(format_lock(founded)) == founded
    assert format_lock(parse_lock(format_lock(founded))) == format_lock(founded)


def test_a_lock_from_before_bytes_were_recorded_is_read(founded: Lock) -> None:
    assert founded.foundation
    measured = dataclasses.replace(founded, foundation=dataclasses.replace(founded.foundation, bytes=7))
    assert "\nbytes = 7\n" in format_lock(measured)
    assert parse_lock(format_lock(measured)) == measured
    old = format_lock(measured).replace("\nbytes = 7\n", "\n")
    assert parse_lock(old).foundation == dataclasses.replace(founded.foundation, bytes=0)
    with pytest.raises(LockFileError, match="bytes"):
        parse_lock(format_lock(measured).replace("bytes = 7", 'bytes = "7"'))


def test_a_lock_of_our_own_base_says_nothing_of_it(lock: Lock) -> None:
    assert "foundation" not in format_lock(lock)
    assert "base-image" not in format_lock(lock)
    assert (lock.release, parse_lock(format_lock(lock)).foundation) == ("bookworm", None)


def test_what_it_stands_on_is_by_digest(foundation: Foundation) -> None:
    assert foundation.pinned_reference == f"python:3.11-slim-bookworm@{DIGEST}"


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ('kind = "image"', 'kind = "scratch"', "kind", "'scratch', not one of image, airflow"),
        ('kind = "image"\n', "", "kind", "is missing"),
        ('kind = "image"', 'kind = "image"\nrun = "x"', "run", "is not a key of a lock"),
        ('"python:3.11-slim-bookworm"\ndigest', '"python"\ndigest', "reference", "not an image with a tag"),
        ('"python:3.11-slim-bookworm"\ndigest', '"x:1 AS a"\ndigest', "reference", "not an image with a tag"),
        (DIGEST, DIGEST[:-1], "digest", "64 hexadecimal digits"),
        (DIGEST, "md5:" + "1" * 64, "digest", "sha256"),
        ('platform = "linux/amd64"\ndebian', 'platform = "linux/arm64"\ndebian', "platform", "the lock is for linux/a"),
        ('debian = "bookworm"', 'debian = "jammy"', "debian", "'jammy', not one of bookworm, trixie"),
        ('"2.36"', '"2.36; sh"', "glibc", "a version of glibc"),
        ('"3.11.9"', '"3.11"', "python", "a full version"),
        ("bin/python3.11", "bin/python3.11 -c x", "python-path", "a clean absolute path"),
        ("/usr/local/bin/python3.11", "/usr/../bin/python3", "python-path", "a clean absolute path"),
        ("/usr/local/bin/python3.11", "bin/python3", "python-path", "a clean absolute path"),
        ('user = ""', 'user = "root RUN"', "user", "USER:GROUP"),
        ('user = ""', r'user = "root\nRUN x"', "user", "is not a line of text"),
        ('working-folder = ""', 'working-folder = "/a b"', "working-folder", "a clean absolute path"),
        ("sha256:" + "2" * 64, "sha256:2", "layers", "not the diff ID"),
        ('    "python3",', r'    "python3\u202e",', "command", "is not a list of lines of text"),
        ('"LANG"', '"LA NG"', "environment", "'LA NG', not the name of an environment variable"),
        ('"LANG"', '"PATH"', "environment", "'PATH' twice"),
        ('"C.UTF-8"', r'"C\u2028"', "environment", "is not a list of pairs of texts"),
        ("/usr/bin:/bin", "/usr/bin:$(x)", "environment", "as PATH, not a list of plain folders"),
        ("libc6 2.36", "libC6 2.36", "packages", "'libC6', not the name of a Debian package"),
        ("2.36-9+deb12u7 amd64", "2.36&x amd64", "packages", "not a Debian version"),
        ("2.36-9+deb12u7 amd64", "2.36 arm64", "packages", "libc6 for 'arm64'; the platform runs all and amd64"),
        ("2.36-9+deb12u7 amd64", "2.36", "packages", "not a name, a version and an architecture"),
        ("libc6 2.36", "aaa 2.36", "packages", "is not sorted by name"),
        ("pip 24.0", "zip 24.0", "distributions", "is not sorted by name"),
        ("setuptools 65", "setup_tools 65", "distributions", "not a name normalised by PEP 503"),
        ("pip 24.0", "pip x", "distributions", "'x', not a version by PEP 440"),
        ("6000000", "-1", "distributions", "not a name, a version, bytes and a folder"),
        ("6000000 /usr", "6000000 usr", "distributions", "not a clean absolute path"),
    ],
)
def test_a_damaged_foundation_is_refused_with_its_key(
    founded: Lock, old: str, new: str, key: str, message: str
) -> None:
    text = format_lock(founded)
    start = text.index("[foundation]")
    assert old in text[start:]
    with pytest.raises(LockFileError) as caught:
        parse_lock(text[:start] + text[start:].replace(old, new, 1), "some.lock")
    assert caught.value.where is not None
    assert (caught.value.where.file, caught.value.where.key) == ("some.lock", f"foundation.{key}")
    assert message in str(caught.value)
    assert "optbuild lock" in str(caught.value)


def test_unprintable_words_of_an_image_are_found(founded: Lock, foundation: Foundation) -> None:
    """A lock's reader refuses them before; a base image is asked with the same function."""
    bad = dataclasses.replace(foundation, command=("sh", "-c\n"), environment=(("A", "\x1b[0m"),))
    assert [key for key, _ in iterate_foundation_problems(bad, founded.platform)] == ["command", "environment"]


@pytest.mark.parametrize("key", ["base-image", "base-airflow"])
def test_a_base_whose_foundation_is_missing_is_refused(lock: Lock, key: str) -> None:
    text = format_lock(lock).replace('debian = "bookworm"', f'debian = ""\n{key} = "python:3.11"')
    with pytest.raises(LockFileError, match="foundation: is missing"):
        parse_lock(text)
