"""A second build that shares no cache with the first gives the same image ID, or its first difference is named."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from typing import Any

import pytest

from builder.core.errors import EngineFailedError, NotReproducibleError
from builder.image.build import repeat
from builder.image.build.build import build_candidate
from builder.operations.reproduce import check_reproducible

SOAK_ROUNDS = 10


def list_images(engine: Any, name: str) -> list[str]:
    return sorted(tag for image in engine.client.images.list(name=name) for tag in image.tags)


def test_a_build_that_depends_on_nothing_gives_the_same_id_and_leaves_nothing(
    small: Any, engine: Any, name: str
) -> None:
    job = small.make(name)
    candidate = build_candidate(job)
    small.notes.notes.clear()
    small.notes.tasks.clear()
    assert check_reproducible(job, candidate, small.prepare).seconds > 0
    assert list_images(engine, name) == [candidate.reference]
    assert list((small.home / "cache/optbuild/contexts").iterdir()) == []
    steps = [label for label in small.notes.tasks + small.notes.notes if "RUN" in label]
    assert len(steps) == 1
    assert not steps[0].endswith("cached"), "the step ran once more"


UUID = "/proc/sys/kernel/random/uuid"
"""Another text each time it is read."""
NUMBER = f"$((0x$(head -c 4 {UUID})))"
"""From 0 to 65,535, another one each time."""
CASES = {
    "clock": (
        f"cat {UUID} > /out/b; echo one > /out/c",
        r"layer 2 \(COPY /out/ / # buildkit\), /b: content sha256 \w{12} / \w{12} \(first / second build\)\.",
        "a clock",
    ),
    "kept in a cache mount": (
        f"[ -f /cache/x ] || cat {UUID} > /cache/x; cat /cache/x > /out/b; cat {UUID} > /out/m.pyc",
        r"layer 2 .*, /b: .*content .*, and 1 more in this layer\.",
        "a clock",
    ),
    "bytecode": (f"cat {UUID} > /out/m.pyc", "/m.pyc: content", "bytecode"),
    "library": (f"cat {UUID} > /out/m.cpython-311.so", "/m.cpython-311.so: content", "library"),
    "time": (
        f"mkdir /out/d; touch --date=@$((1750000000 + {NUMBER})) /out/d/late",  # both in one second?
        r"layer 2 .*, /d/late: time 20\d\d-.* / 20\d\d-.* \(first / second",
        "source-date-epoch",
    ),
    "mode": (
        f"for i in 1 2 3 4 5 6; do touch /out/b$i; chmod $(printf %o $(({NUMBER} % 512))) /out/b$i; done",
        r"/b\d: mode \d{4} / \d{4}",
        "",
    ),
    "owner": (f"touch /out/b; chown {NUMBER}:7 /out/b", r"/b: owner \d+:7 / \d+:7", ""),
    "size": (f"head -c {NUMBER} /dev/zero > /out/b", r"/b: size \d+ / \d+ bytes; content", ""),
    "link": (f"ln -s $(cat {UUID}) /out/b", r"/b: link to [-\w]+ / [-\w]+", ""),
    "name": (f"touch /out/$(cat {UUID})", r"/[-\w]+: only the (first|second) build has it", ""),
    "folder that WORKDIR makes": ("sleep 1.1; touch /out/b", r"layer 3 .*, /made: time", "source-date-epoch"),
}
"""What goes wrong → a step that does it, the difference that is named, and words of the hint."""


@pytest.mark.parametrize("case", CASES)
def test_the_first_file_that_differs_is_named(small: Any, engine: Any, name: str, case: str) -> None:
    run, found, hint = CASES[case]
    job = small.make(name, run=run, end="WORKDIR /made\n" if "WORKDIR" in case else "")
    candidate = build_candidate(job)
    with pytest.raises(NotReproducibleError) as caught:
        check_reproducible(job, candidate, small.prepare)
    assert caught.value.exit_code == 1
    assert re.search(found, str(caught.value)), str(caught.value)
    assert hint in str(caught.value.hint)
    assert list_images(engine, name) == [candidate.reference], "the second image is gone"


DELETE = (
    'RUN ["/bin/busybox", "sh", "-c", '
    '"/bin/busybox rmdir /cache; {more}; /bin/busybox touch -d @1700000000 /file / /etc"]\n'
)
"""A step of the final stage that deletes a folder of the base."""


def list_base_layers(engine: Any, image_id: str) -> tuple[str, ...]:
    return tuple(engine.api.inspect_image(image_id)["RootFS"]["Layers"][:1])


def test_a_deleted_file_of_the_base_leaves_equal_contents(small: Any, engine: Any, name: str) -> None:
    """How a deletion is noted is another thing each time: two IDs, and only on somebody else's image is that enough."""
    job = small.make(name, end=DELETE.format(more=":"))
    candidate = build_candidate(job)
    found = check_reproducible(job, candidate, small.prepare, list_base_layers(engine, candidate.image_id))
    assert re.fullmatch(r"[0-9a-f]{64}", found.contents)
    with pytest.raises(NotReproducibleError, match=r"/\.wh\.cache: .*time"):
        check_reproducible(job, candidate, small.prepare)
    assert list_images(engine, name) == [candidate.reference]


def test_a_file_that_differs_beside_a_deletion_is_named(small: Any, engine: Any, name: str) -> None:
    job = small.make(name, end=DELETE.format(more=f"/bin/busybox cat {UUID} > /file"))
    candidate = build_candidate(job)
    with pytest.raises(NotReproducibleError, match=r"/file: .*content sha256"):
        check_reproducible(job, candidate, small.prepare, list_base_layers(engine, candidate.image_id))


def test_neither_folder_nor_umask_change_the_id(
    small: Any, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    first = build_candidate(small.make(name))
    old = os.umask(0o077)
    try:
        other = replace(small, home=tmp_path_factory.mktemp("a-longer-folder-name") / "home")
        job = other.make(name)
        check_reproducible(job, first, other.prepare)
    finally:
        os.umask(old)


def test_a_second_build_that_shares_a_cache_is_no_proof(
    small: Any, engine: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = small.make(name)
    candidate = build_candidate(job)
    monkeypatch.setattr(repeat, "append_behind_end", lambda *_args: None)
    monkeypatch.setattr(repeat, "replace", lambda job, **_changes: job)
    with pytest.raises(EngineFailedError, match="it proves nothing"):
        check_reproducible(job, candidate, small.prepare)
    assert list_images(engine, name) == [candidate.reference]


def test_a_second_build_that_fails_leaves_the_first(small: Any, engine: Any, name: str) -> None:
    job = small.make(name)
    candidate = build_candidate(job)

    def fail(_context: object, _folder: object) -> None:
        raise RuntimeError("no base")

    with pytest.raises(RuntimeError, match="no base"):
        check_reproducible(job, candidate, fail)
    assert list_images(engine, name) == [candidate.reference]


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_the_sample_image_is_the_same_ten_times_of_ten(optbuild: Any) -> None:
    """Each time the first build is kept, and the second makes everything anew: base, packages, bytecode."""
    ids = set()
    for number in range(SOAK_ROUNDS):
        done = optbuild.run("build", "--reproduce", "--format", "json", umask=0o077 if number % 2 else 0o022)
        assert done.code == 0, done.err
        result = json.loads(done.out)
        assert result["reproduced"] is True
        ids.add(result["image_id"])
    assert len(ids) == 1
