"""The second net: a Dockerfile that says anything else than what was planned is refused, whatever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.core.errors import RenderMismatchError
from builder.image.render.context import render_context
from builder.image.render.plan import check_rendered
from builder.image.render.plans.choose import make_plan

if TYPE_CHECKING:
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec


@pytest.fixture
def text(spec: Spec, lock: Lock) -> str:
    return render_context(spec, lock).find_file("Dockerfile").data.decode()


def check(text: str, spec: Spec, lock: Lock) -> None:
    check_rendered(text, make_plan(spec, lock))


def test_what_is_rendered_is_what_was_planned(text: str, spec: Spec, lock: Lock) -> None:
    check(text, spec, lock)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("\nUSER 50000\n", "\nUSER 0\n", "USER"),
        ("\nUSER 50000\n", "\nUSER 50000\nRUN id\n", "instructions"),
        ("\nEXPOSE 8080\n", "\n", "instructions"),
        ("\nEXPOSE 8080\n", "\nEXPOSE 22\n", "EXPOSE"),
        ("\nWORKDIR /opt/airflow\n", "\nWORKDIR /\n", "WORKDIR"),
        ("\nADD base.tar /\n", "\nADD https://example.com/base.tar /\n", "ADD"),
        ("\nFROM scratch AS base\n", "\nFROM debian AS base\n", "FROM"),
        ("\nFROM builder AS python-1\n", "\nFROM debian AS python-1\n", "FROM"),
        ("\nCOPY --link --from=python-1 /out/babel/ /\n", "\nCOPY --link --from=python-1 /etc/ /\n", "COPY"),
        ("\nCOPY --link --from=python-1 /out/babel/ /\n", "\n", "instructions"),
        ("\nCMD []\n", '\nCMD ["sh"]\n', "CMD"),
        ('LANG="C.UTF-8"', 'LANG="C"', "ENV"),
        ("optbuild.project=", "optbuild.other=", "LABEL"),
    ],
)
def test_any_difference_is_refused_with_what_differs(
    old: str, new: str, words: str, *, text: str, spec: Spec, lock: Lock
) -> None:
    assert text.count(old) >= 1
    with pytest.raises(RenderMismatchError, match=rf"\({words}\)"):
        check(text.replace(old, new, 1), spec, lock)


def test_two_values_in_each_others_place_are_refused(text: str, spec: Spec, lock: Lock) -> None:
    one, other = (f"COPY --link --from={name} /out/ /" for name in ("rootfs", "check"))
    swapped = text.replace(one, "\0").replace(other, one).replace("\0", other)
    assert swapped.count(one) == swapped.count(other) == 1
    with pytest.raises(RenderMismatchError, match=r"\(COPY\)"):
        check(swapped, spec, lock)


def test_our_labels_win_over_those_of_the_spec(spec: Spec, lock: Lock) -> None:
    image = spec.image.model_copy(update={"labels": {"optbuild.project": "other", "team": "ml"}})
    labels = make_plan(spec.model_copy(update={"image": image}), lock).labels
    assert (labels["optbuild.project"], labels["team"]) == (spec.image.name, "ml")
