"""The second net: a Dockerfile that says anything else than what was planned is refused, whatever it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from builder.core.errors import RenderMismatchError
from builder.image.lock.foundation import InstalledDistribution
from builder.image.render.context import render_context, render_dockerfile
from builder.image.render.plan import check_rendered
from builder.image.render.plans.choose import make_plan

if TYPE_CHECKING:
    from render_forms import Form

    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec


@pytest.fixture
def text(spec: Spec, lock: Lock) -> str:
    return render_context(spec, lock).find_file("Dockerfile").data.decode()


def check(text: str, spec: Spec, lock: Lock) -> None:
    check_rendered(text, make_plan(spec, lock))


def test_what_is_rendered_is_what_was_planned(form: Form) -> None:
    check(render_dockerfile(form.spec, form.lock), form.spec, form.lock)


def test_every_planned_value_is_held(form: Form) -> None:
    """Each instruction whose value is planned, with another value."""
    plan = make_plan(form.spec, form.lock)
    text = render_dockerfile(form.spec, form.lock)
    planned = {f"{one.name} {one.value}" for one in plan.instructions if one.value is not None}
    for line in planned:
        assert f"\n{line}\n" in text
        with pytest.raises(RenderMismatchError, match=rf"\({line.partition(' ')[0]}\)"):
            check_rendered(text.replace(f"\n{line}\n", f"\n{line}x\n", 1), plan)


def test_labels_say_what_the_image_stands_on(forms: dict[str, Form]) -> None:
    names = [f"org.opencontainers.image.base.{name}" for name in ("name", "digest")]
    counted = [f"optbuild.base.{name}" for name in ("kind", "layers")]
    own, image = (make_plan(forms[name].spec, forms[name].lock).labels for name in ("airflow", "image"))
    assert [own.get(name) for name in names] == ["debian:bookworm", None]
    assert [image[name] for name in names] == ["python:3.11-slim-bookworm", f"sha256:{'5c' * 32}"]
    assert [image[name] for name in counted] == ["image", "1"]
    assert not set(counted) & own.keys(), "a base that is made here is no image"


def test_the_path_of_a_foundation_stands_behind_the_packages(forms: dict[str, Form]) -> None:
    form = forms["image"]
    path = make_plan(form.spec, form.lock).environment["PATH"]
    assert (
        path == "/home/airflow/.local/bin:/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    )


@pytest.mark.parametrize(("user", "needed"), [("", 0), ("root", 0), ("0", 0), ("1000", 2), ("app:app", 2)])
def test_build_stages_are_roots_whoever_the_foundation_runs_as(user: str, needed: int, forms: dict[str, Form]) -> None:
    form = forms["image"]
    assert form.lock.foundation is not None
    lock = replace(form.lock, foundation=replace(form.lock.foundation, user=user))
    assert render_dockerfile(form.spec, lock).count("\nUSER root\n") == needed


def test_on_airflow_nothing_is_removed_where_nothing_is_replaced(forms: dict[str, Form]) -> None:
    """A RUN in the final stage would cost the one image ID; without it user and shell are the foundation's anyway."""
    form = forms["airflow-base"]
    assert form.lock.foundation is not None
    lock = replace(form.lock, foundation=replace(form.lock.foundation, distributions=()))
    final = render_dockerfile(form.spec, lock).rpartition("\nFROM base\n")[2]
    assert [
        word for word in ("RUN ", "USER ", "SHELL ", "ENTRYPOINT ", "WORKDIR ", "CMD ") if f"\n{word}" in final
    ] == []
    assert final.count("\nCOPY --link --from=") == len(lock.layers) + 2


def test_on_airflow_what_is_removed_is_named_and_the_user_comes_back(forms: dict[str, Form]) -> None:
    form = forms["airflow-base"]
    final = render_dockerfile(form.spec, form.lock).rpartition("\nFROM base\n")[2]
    removed = final.partition("remove_distributions.py \\\n")[2].partition("\n\n")[0]
    assert removed.replace("\\", "").split() == ["numpy", "pandas"]
    assert final.endswith("\nUSER 50000\n")
    assert final.index("remove_distributions.py") < final.index("COPY ")  # else it would remove what came


def test_on_airflow_no_builder_is_made_where_nothing_is_added(forms: dict[str, Form]) -> None:
    form = forms["airflow-base"]
    lock = replace(form.lock, python=(), layers=())
    text = render_dockerfile(form.spec, lock)
    assert [line for line in text.splitlines() if line.startswith("FROM ")][1:] == ["FROM base AS rootfs", "FROM base"]


def test_scripts_are_rewritten_only_where_no_environment_has_an_interpreter(forms: dict[str, Form]) -> None:
    form = forms["airflow-base"]
    assert form.lock.foundation is not None
    newer = replace(form.lock.foundation, environment=(("VIRTUAL_ENV", "/home/airflow/.local"),))
    assert "user_site.py" in render_dockerfile(form.spec, form.lock)
    assert "user_site.py" not in render_dockerfile(form.spec, replace(form.lock, foundation=newer))


def test_a_child_of_an_image_of_ours_gets_what_differs_and_nothing_else(forms: dict[str, Form]) -> None:
    """It has user, entrypoint, folders and variables from its base, and says that it stands on an image."""
    form, site = forms["image"], "/home/airflow/.local/lib/python3.11/site-packages"
    assert form.lock.foundation is not None
    kept = tuple(InstalledDistribution(one.name, one.version, site, 1) for one in form.lock.python)
    foundation = replace(
        form.lock.foundation,
        contract="optbuild",
        user="50000",
        environment=(("VIRTUAL_ENV", "/home/airflow/.local"),),
        distributions=kept,
    )
    lock = replace(form.lock, foundation=foundation, python=(), layers=())
    plan = make_plan(form.spec, lock)
    final = render_dockerfile(form.spec, lock).rpartition("\nFROM base\n")[2]
    assert [line.partition(" ")[0] for line in final.splitlines() if line[:1].isupper()] == ["COPY", "ENV", "LABEL"]
    assert dict(plan.environment) == dict(form.spec.image.env)
    assert plan.labels["optbuild.base.kind"] == "image"
    assert "\nENTRYPOINT " in render_dockerfile(form.spec, form.lock), "on anybody else's image it is ours"


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
