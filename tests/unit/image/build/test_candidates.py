"""Which images a run left that failed or was killed, by what it wrote down before it began."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.naming import LABEL_CONTENT, LABEL_PROJECT
from builder.engine.client import ImageInfo
from builder.image.build.candidates import find_left_images, record_candidate, settle_candidates
from builder.state import OpenCandidate, read_state

if TYPE_CHECKING:
    from pathlib import Path

BEGUN = OpenCandidate("e", "demo", "0123456789ab", "demo:0123456789ab", None)
LABELS = {LABEL_PROJECT: "demo", LABEL_CONTENT: "0123456789ab"}


@dataclass(frozen=True)
class FakeEngine:
    images: tuple[ImageInfo, ...]

    def inspect_image(self, reference: str) -> ImageInfo | None:
        return next((one for one in self.images if reference in (one.id, *one.references)), None)

    def find_image_id(self, reference: str) -> str | None:
        found = self.inspect_image(reference)
        return None if found is None else found.id


def image(identity: str, *names: str, **labels: str) -> ImageInfo:
    return ImageInfo(identity, names, labels or LABELS, "linux/amd64", 1)


def find(candidate: OpenCandidate, *images: ImageInfo) -> list[str]:
    engine: Any = FakeEngine(images)
    return [one.id for one in find_left_images(engine, candidate)]


BUILT = replace(BEGUN, image_id="sha256:a")
CASES: dict[str, tuple[OpenCandidate, ImageInfo, bool]] = {
    "built": (BUILT, image("sha256:a", BEGUN.reference), True),
    "built, and its name went to another": (BUILT, image("sha256:a"), True),
    "built, and named by somebody else": (BUILT, image("sha256:a", BEGUN.reference, "mine:1"), False),
    "built, and promoted": (BUILT, image("sha256:a", BEGUN.reference, "demo:latest"), False),
    "killed before it could say so": (BEGUN, image("sha256:a", BEGUN.reference), True),
    "killed before it built anything": (
        replace(BEGUN, before="sha256:a"),
        image("sha256:a", BEGUN.reference),
        False,
    ),
    "built again what was there": (
        replace(BUILT, before="sha256:a"),
        image("sha256:a", BEGUN.reference),
        True,
    ),
    "a second build for comparison": (BEGUN, image("sha256:b", f"{BEGUN.reference}-repeated"), True),
    "of another project": (BUILT, image("sha256:a", BEGUN.reference, **{**LABELS, LABEL_PROJECT: "x"}), False),
    "of another content": (BUILT, image("sha256:a", BEGUN.reference, **{**LABELS, LABEL_CONTENT: "x"}), False),
    "gone": (BUILT, image("sha256:c", "other:1"), False),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_left(case: str) -> None:
    candidate, there, is_left = CASES[case]
    assert find(candidate, there) == ([there.id] if is_left else [])


def test_both_images_of_a_build_that_was_compared(tmp_path: Path) -> None:
    found = find(BUILT, image("sha256:a", BEGUN.reference), image("sha256:b", f"{BEGUN.reference}-repeated"))
    assert found == ["sha256:a", "sha256:b"]


def test_a_build_is_recorded_once_and_settled_at_the_end(tmp_path: Path) -> None:
    other = replace(BEGUN, name="other")
    for one in (BEGUN, other, BUILT):
        record_candidate(one, tmp_path)
    assert read_state(tmp_path).candidates == (other, BUILT)
    settle_candidates(tmp_path, "e", "demo")
    assert read_state(tmp_path).candidates == (other,)


def test_a_run_that_built_nothing_writes_nothing(tmp_path: Path) -> None:
    settle_candidates(tmp_path, "e", "demo")
    assert list(tmp_path.iterdir()) == []


def test_what_an_earlier_run_left_stays_recorded_beside_the_new_build(tmp_path: Path) -> None:
    for one in (BEGUN, BUILT, BEGUN, replace(BEGUN, image_id="sha256:n")):
        record_candidate(one, tmp_path)
    assert [one.image_id for one in read_state(tmp_path).candidates] == ["sha256:a", "sha256:n"]
