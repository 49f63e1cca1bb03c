"""The second net: a Dockerfile that says anything else than what was planned is refused, whatever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.core.errors import RenderMismatchError
from builder.image.lock.layers.stages import plan_stages
from builder.image.render.context import render_context
from builder.image.render.plan import FIXED_VALUES, check_rendered, plan_environment, plan_labels

if TYPE_CHECKING:
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec


@pytest.fixture
def text(spec: Spec, lock: Lock) -> str:
    return render_context(spec, lock).find_file("Dockerfile").data.decode()


def check(text: str, spec: Spec, lock: Lock) -> None:
    check_rendered(text, plan_environment(spec), plan_labels(spec, lock), plan_stages(lock.layers))


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


@pytest.mark.parametrize("name", FIXED_VALUES)
def test_every_instruction_with_a_fixed_value_is_in_the_file(name: str, text: str) -> None:
    assert f"\n{name} " in text


def test_our_labels_win_over_those_of_the_spec(spec: Spec, lock: Lock) -> None:
    image = spec.image.model_copy(update={"labels": {"optbuild.project": "other", "team": "ml"}})
    labels = plan_labels(spec.model_copy(update={"image": image}), lock)
    assert (labels["optbuild.project"], labels["team"]) == (spec.image.name, "ml")
