"""The context: the same bytes each time, another digest for another byte, nothing that breaks out of its place."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.core.errors import ExitCode, RenderMismatchError
from builder.core.naming import make_content_tag
from builder.core.resources import read_template
from builder.dockerfile import parse_dockerfile
from builder.image.lock.layers.stages import plan_stages
from builder.image.render.bake import format_bake_json
from builder.image.render.context import START_SCRIPT, render_context, render_dockerfile, render_wheels_context
from builder.image.render.templates import quote_dockerfile_string

if TYPE_CHECKING:
    from collections.abc import Mapping

    from render_forms import Form

    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

GOLDEN = Path(__file__).parents[3] / "golden"
UPDATE = "OPTBUILD_UPDATE_GOLDEN"
VISIBLE = st.text(st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S", "Zs")), min_size=1, max_size=40)


def with_image(spec: Spec, **changes: object) -> Spec:
    """A spec that went past the types that refuse hostile values: what the second net is for."""
    return spec.model_copy(update={"image": spec.image.model_copy(update=changes)})


def test_dockerfile_is_the_golden_one(form: Form) -> None:
    golden = GOLDEN / f"{form.golden}.Dockerfile"
    text = re.sub(r"\b\d{9,}\b", "EPOCH", render_dockerfile(form.spec, form.lock))
    text = text.replace(form.lock.uv.version, "UV")
    text = re.sub(r'(image\.created=)"[^"]*"', r'\1"CREATED"', text)
    if os.environ.get(UPDATE):
        golden.write_text(text)
    assert text == golden.read_text(), f"{UPDATE}=1 make unit writes the new one; look at the difference first"


def test_golden_is_not_left_updating() -> None:
    assert not os.environ.get("CI") or not os.environ.get(UPDATE)


def test_same_bytes_each_time(spec: Spec, lock: Lock) -> None:
    assert render_context(spec, lock) == render_context(spec, lock)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("a requirement's hash", {"python": "rehash"}),
        ("a Debian version", {"runtime": "newer"}),
        ("the epoch", {"source_date_epoch": 1}),
        ("the platform", {"platform": "linux/arm64"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_digest_moves_with(what: str, change: Mapping[str, object], spec: Spec, lock: Lock) -> None:
    match next(iter(change.items())):
        case "python", _:
            other = replace(lock, python=(replace(lock.python[0], sha256="0" * 64), *lock.python[1:]))
        case "runtime", _:
            other = replace(lock, runtime=(replace(lock.runtime[0], version="999"), *lock.runtime[1:]))
        case "platform", name:
            other = replace(lock, platform=str(name))
        case _:
            other = replace(lock, source_date_epoch=1)
    assert render_context(spec, other).compute_digest() != render_context(spec, lock).compute_digest(), what


def test_label_and_tag_are_the_digest_and_do_not_move_it(spec: Spec, lock: Lock, tmp_path: Path) -> None:
    context = render_context(spec, lock)
    context.write(tmp_path)
    labels = parse_dockerfile((tmp_path / "Dockerfile").read_text()).labels
    assert labels["optbuild.content"] == make_content_tag(context.compute_digest())


def test_rules_about_debian_packages_are_in_a_context_that_adds_some(form: Form) -> None:
    """On a base of our own base.sh carries them out."""
    slim = form.spec.slim.model_copy(update={"gconv": False})
    context = render_context(form.spec.model_copy(update={"slim": slim}), form.lock)
    files = {file.path: file.data for file in context.files}
    if form.lock.foundation is None:
        assert "foundation/slim.json" not in files
        assert b"gconv" in files["base.env"]
    else:
        assert json.loads(files["foundation/slim.json"]) == ["dpkg-symbols", "debconf-templates", "gconv"]


def test_modes_do_not_depend_on_the_umask(spec: Spec, lock: Lock, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        render_context(spec, lock).write(tmp_path)
    finally:
        os.umask(before)
    modes = {str(path.relative_to(tmp_path)): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*.*")}
    assert modes["base.sh"] == 0o755
    assert {mode for name, mode in modes.items() if name != "base.sh"} == {0o644}


def test_no_address_in_any_file(spec: Spec, lock: Lock) -> None:
    for file in render_context(spec, lock).files:
        if file.path.startswith("rootfs/"):
            continue  # the entrypoint speaks of database URLs
        assert b"://" not in file.data, file.path


def test_requirements_are_pinned_and_hashed(spec: Spec, lock: Lock) -> None:
    context = render_context(spec, lock)
    names = [f"requirements/{name}" for name in ("sdists", "build-requires", "uv")]
    names += [f"stages/{stage.name}/requirements" for stage in plan_stages(lock.layers)]
    for name in names:
        lines = context.find_file(f"{name}.txt").data.decode().splitlines()
        assert lines, name
        assert all(re.fullmatch(r"[a-z0-9-]+==\S+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)


@pytest.mark.parametrize("place", ["labels", "env"])
@pytest.mark.parametrize(
    ("value", "differs"),
    [
        ("x\nRUN id", "instructions"),
        ('x"\nUSER 0\nLABEL y="', "instructions"),
        ("x\r\nUSER 0", "instructions"),
        ("x\\", None),
    ],
    ids=["newline", "quote-newline", "crlf", "trailing-backslash"],
)
def test_a_hostile_value_that_cannot_be_written_is_refused(
    value: str, differs: str | None, place: str, form: Form
) -> None:
    what = differs or {"labels": "LABEL", "env": "ENV"}[place]
    with pytest.raises(RenderMismatchError, match=rf"does not say what was planned \({what}\)"):
        render_dockerfile(with_image(form.spec, **{place: {"team": value}}), form.lock)


@pytest.mark.parametrize("place", ["labels", "env"])
def test_a_line_separator_is_written_as_itself_and_changes_no_instruction(place: str, form: Form) -> None:
    """Python would end a line there; Docker's parser does not."""
    value = "a\u2028RUN id"
    harmless, hostile = (
        parse_dockerfile(render_dockerfile(with_image(form.spec, **{place: {"team": text}}), form.lock))
        for text in ("a", value)
    )
    assert {"labels": hostile.labels, "env": hostile.environment}[place]["team"] == value
    assert [one.name for one in hostile.instructions] == [one.name for one in harmless.instructions]
    assert [one.value for one in hostile.instructions if one.name == "USER"][-1:] == ["50000"]


def test_a_newline_is_never_rendered(spec: Spec, lock: Lock) -> None:
    with pytest.raises(RenderMismatchError) as caught:
        render_dockerfile(with_image(spec, labels={"team": "x\nRUN id"}), lock)
    assert "nothing was written" in str(caught.value)
    assert caught.value.exit_code is ExitCode.BUG


@given(value=VISIBLE)
def test_quoted_text_reads_back(value: str) -> None:
    text = f"FROM scratch\nLABEL key={quote_dockerfile_string(value)}\nUSER 1\n"
    found = parse_dockerfile(text)
    assert [one.name for one in found.instructions] == ["FROM", "LABEL", "USER"]


def test_ours_wins_over_a_label_of_the_spec(spec: Spec, lock: Lock) -> None:
    changed = with_image(spec, labels={"optbuild.project": "other", "team": "ml"})
    labels = parse_dockerfile(render_dockerfile(changed, lock)).labels
    assert labels["optbuild.project"] == spec.image.name
    assert labels["team"] == "ml"


def test_the_switch_decides_whether_the_start_script_is_rewritten(spec: Spec, lock: Lock) -> None:
    """install.sh calls what rewrites it where that lies in the context."""
    off = spec.model_copy(update={"build": spec.build.model_copy(update={"pause_gc_at_start": False})})
    paths = [{file.path for file in render_context(one, lock).files} for one in (spec, off)]
    assert paths[0] - paths[1] == {START_SCRIPT}
    assert paths[1] <= paths[0]
    assert f"/{START_SCRIPT} ]" in read_template("scripts/install.sh").decode()


def test_bake_has_one_target_with_every_tag(spec: Spec, lock: Lock) -> None:
    context = render_context(spec, lock)
    document = json.loads(format_bake_json(spec, context, ("init", "webserver")))
    (target,) = document["target"].values()
    assert target["tags"] == [
        f"ml-pipeline-airflow:{make_content_tag(context.compute_digest())}",
        "ml-pipeline-airflow:latest",
        "ml-pipeline-airflow-init:latest",
        "ml-pipeline-airflow-webserver:latest",
    ]


@pytest.mark.parametrize(
    ("name", "script", "changes"),
    [
        ("airflow", "base.sh", False),
        ("debian-single", "base.sh", True),
        ("image", "debs.sh", True),
        ("image-single", "debs.sh", True),
    ],
)
def test_a_context_has_what_its_base_needs(name: str, script: str, *, changes: bool, forms: dict[str, Form]) -> None:
    form = forms[name]
    paths = {file.path for file in render_context(form.spec, form.lock).files}
    assert paths & {"base.sh", "debs.sh"} == {script}
    assert ("foundation/change.py" in paths) is changes


def test_every_mounted_source_is_in_the_context(form: Form) -> None:
    """Or is what its script makes."""
    context = render_context(form.spec, form.lock)
    made = {"base.tar", "added.tar", "builder.tar", "debs", "builder-debs"}
    mounts = re.findall(r"--mount=type=bind,source=([^, ]+)", context.find_file("Dockerfile").data.decode())
    there = {parent for file in context.files for parent in (file.path, *map(str, Path(file.path).parents))}
    assert mounts
    assert {*mounts} <= there | made


def test_what_is_added_alone_tells_two_bases_apart(form: Form) -> None:
    """Of what base.tar is made from."""
    if form.lock.foundation is not None:
        assert "added.packages" not in {file.path for file in render_context(form.spec, form.lock).files}
        return
    more = replace(form.lock.runtime[0], name="libgomp1")
    locks = (form.lock, replace(form.lock, runtime=(*form.lock.runtime, more)))
    contexts = [{file.path: file.data.decode() for file in render_context(form.spec, lock).files} for lock in locks]
    added = [context["added.packages"].splitlines() for context in contexts]
    assert [[line.split()[0] for line in lines] for lines in added] == [["gosu"], ["gosu", "libgomp1"]]
    one, other = ({*context["runtime.packages"].splitlines()} for context in contexts)
    assert one - {*added[0]} == other - {*added[1]}
    assert [context["Dockerfile"].count("\nADD added.tar /\n") for context in contexts] == [1, 1]


def test_wheels_are_built_on_what_the_image_stands_on(forms: dict[str, Form]) -> None:
    images = [render_wheels_context(forms[name].lock) for name in ("airflow", "image")]
    dockerfiles = [image.find_file("Dockerfile").data.decode() for image in images]
    assert "FROM scratch AS base\n\nADD base.tar /\n" in dockerfiles[0]
    assert "\nADD added.tar /\n" in dockerfiles[0]
    assert f"FROM python:3.11-slim-bookworm@sha256:{'5c' * 32} AS builder\n" in dockerfiles[1]
    assert "foundation/change.py" in {file.path for file in images[1].files}
