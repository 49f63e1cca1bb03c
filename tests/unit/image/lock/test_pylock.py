"""Choosing the one file of a distribution out of uv's second pass."""

from __future__ import annotations

import pytest
from packaging.tags import parse_tag

from builder.core.errors import LockError
from builder.image.lock.pylock import parse_pylock
from builder.image.lock.target import LockTarget

HEAD = 'lock-version = "1.0"\ncreated-by = "uv"\n[[packages]]\nname = "Ruamel_X"\nversion = "1.0"\n'


def wheel(tags: str, sha: str, *, build: str = "") -> str:
    name = f"ruamel_x-1.0-{build}{tags}.whl"
    stamp = "2023-12-20T17:06:16Z"
    return f'{{ url = "https://h/{name}", upload-time = {stamp}, size = 5, hashes = {{ sha256 = "{sha}" }} }}'


def chosen(text: str, target: LockTarget) -> str:
    (file,) = parse_pylock(HEAD + text, target)
    return file.sha256


def test_the_best_wheel_wins(target: LockTarget) -> None:
    rows = [
        wheel("py3-none-any", "a"),
        wheel("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", "b"),
        wheel("cp311-cp311-manylinux_2_28_x86_64", "c"),
        wheel("cp311-cp311-manylinux_2_38_x86_64", "too-new-glibc"),
        wheel("cp311-cp311-musllinux_1_1_x86_64", "musl"),
        wheel("cp312-cp312-manylinux_2_28_x86_64", "other-python"),
        wheel("cp311-cp311-manylinux_2_28_aarch64", "other-machine"),
    ]
    assert chosen(f"wheels = [{', '.join(rows)}]", target) == "c"
    assert chosen(f"wheels = [{', '.join(rows[:2])}]", target) == "b"
    assert chosen(f"wheels = [{', '.join(rows)}]", LockTarget("3.11", "bookworm", "linux/arm64")) == "other-machine"
    assert chosen(f"wheels = [{', '.join(rows)}]", LockTarget("3.12", "trixie")) == "other-python"


def test_a_higher_build_number_wins(target: LockTarget) -> None:
    rows = [wheel("py3-none-any", "one", build="1-"), wheel("py3-none-any", "two", build="2-")]
    assert chosen(f"wheels = [{', '.join(rows)}]", target) == "two"


def test_without_a_wheel_the_sdist(target: LockTarget) -> None:
    sdist = 'sdist = { url = "https://h/x-1.0.tar.gz", hashes = { sha256 = "s" } }\n'
    (file,) = parse_pylock(HEAD + sdist + f"wheels = [{wheel('cp312-cp312-win_amd64', 'w')}]", target)
    assert (file.name, file.kind, file.sha256, file.size, file.uploaded) == ("ruamel-x", "sdist", "s", None, None)


def test_upload_times_are_seconds(target: LockTarget) -> None:
    (file,) = parse_pylock(HEAD + f"wheels = [{wheel('py3-none-any', 'a')}]", target)
    assert file.uploaded == 1_703_091_976


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no wheel for Python 3.11 on x86_64-manylinux_2_36, and no source"),
        ('vcs = { type = "git", url = "https://h/x" }', "comes from a URL, a repository or a folder"),
        ('archive = { url = "https://h/x.zip" }', "comes from a URL"),
        ('sdist = { url = "https://h/x-1.0.tar.gz", hashes = { md5 = "s" } }', "gives no sha256"),
    ],
)
def test_what_cannot_be_pinned_is_refused(target: LockTarget, text: str, message: str) -> None:
    with pytest.raises(LockError, match=message):
        parse_pylock(HEAD + text, target)


def test_the_target_ranks_as_installers_do(target: LockTarget) -> None:
    ranks = [
        target.tags[next(iter(parse_tag(tag)))]
        for tag in (
            "cp311-cp311-manylinux_2_36_x86_64",
            "cp311-cp311-manylinux1_x86_64",
            "cp310-abi3-linux_x86_64",
            "py3-none-any",
        )
    ]
    assert ranks == sorted(ranks)


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(LockError, match="'windows/amd64'"):
        LockTarget("3.11", "bookworm", "windows/amd64")


def test_uv_is_not_asked_for_a_glibc_that_it_does_not_know() -> None:
    assert LockTarget("3.13", "trixie").uv_platform == "x86_64-manylinux_2_40"
