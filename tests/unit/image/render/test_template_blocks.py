"""The blocks of every shipped template: one of a project adds to each kind of base and of stages, and takes nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from own_templates import TEMPLATES, list_blocks, refuse, with_template
from render_forms import FORMS

from builder.image.render.context import render_context, render_dockerfile
from builder.image.render.plans.choose import make_plan
from builder.image.render.templates import SHIPPED

if TYPE_CHECKING:
    from render_forms import Form

    from builder.image.spec.model import Spec

GUIDE = Path(__file__).parents[4] / "docs/how-to/templates.md"
NAMES = dict(zip(FORMS, ("debian", "debian-single", "image", "image-single", "airflow", "airflow-single"), strict=True))
BEGINNINGS = {
    "debian-single": "FROM scratch AS notice\n\nADD base.tar /\n\nADD added.tar /",
    "image-single": "FROM {{ foundation }} AS notice",
    "airflow-single": "FROM {{ foundation }} AS notice",
}
"""Of a stage of its own; with several stages it begins with one of them."""


def fill(form: Form, folder: Path, **blocks: str) -> Spec:
    """The spec with a template that fills those blocks."""
    name = f"{NAMES[form.golden]}.Dockerfile.j2"
    body = "".join(f"{{% block {block} %}}\n{text}\n\n{{% endblock %}}" for block, text in blocks.items())
    return with_template(form.spec, folder, f'{{% extends "{SHIPPED}{name}" %}}\n{body}', name)


def test_the_guide_names_every_block_of_every_template() -> None:
    section = GUIDE.read_text().split("**A template")[0]
    rows = re.findall(r"^\| (`[a-z`, -]+`) \| (`[a-z`, ]+`) \|$", section, re.MULTILINE)
    said = {name: re.findall(r"`(\w+)`", blocks) for names, blocks in rows for name in re.findall("`([a-z-]+)`", names)}
    shipped = [one.name.removesuffix(".Dockerfile.j2") for one in TEMPLATES.glob("*.Dockerfile.j2")]
    wanted = {name: list_blocks(f"{name}.Dockerfile.j2") for name in shipped if not name.endswith("wheels")}
    assert said == wanted


def test_a_template_that_fills_nothing_gives_the_same_context(form: Form, tmp_path: Path) -> None:
    assert make_plan(form.spec, form.lock).template == f"{NAMES[form.golden]}.Dockerfile.j2"
    assert render_context(fill(form, tmp_path), form.lock) == render_context(form.spec, form.lock)


def test_a_stage_a_file_and_a_label_are_added(form: Form, tmp_path: Path) -> None:
    beginning = BEGINNINGS.get(NAMES[form.golden], "FROM builder AS notice")
    spec = fill(
        form,
        tmp_path,
        stages=f"\n{beginning}\n\nRUN mkdir /out",
        files="COPY --link --from=notice /out/ /",
        environment="{{ super() }}\n\nENV TEAM=ml",
        labels='{{ super() }}\n\nLABEL org.example.owner="ml"',
    )
    before, after = (render_dockerfile(one, form.lock).splitlines() for one in (form.spec, spec))
    left = iter(after)
    assert all(line in left for line in before if line), "every line of the shipped one, in its order"
    added = [line.split()[0] for line in after if line not in before and line[:1].isupper()]
    begun = [line.split()[0] for line in beginning.splitlines() if line and line not in before]
    assert added == [*begun, "RUN", "COPY", "ENV", "LABEL"]


def test_no_block_may_be_emptied(form: Form, tmp_path: Path) -> None:
    name = f"{NAMES[form.golden]}.Dockerfile.j2"
    filled = [block for block in list_blocks(name) if block not in ("stages", "files", "environment")]
    for block in filled:
        error = refuse(fill(form, tmp_path, **{block: "# nothing"}), form.lock)
        assert "is missing: " in str(error), block
        assert error.where
        assert error.where.file == f"own/{name}"
        assert error.where.line is not None


@pytest.mark.parametrize(
    ("block", "added", "words"),
    [
        ("labels", "RUN id", "RUN may not be added in the last stage"),
        ("base", "RUN id", "RUN may not be added in"),
        ("packages", "USER 7", "USER may not be added in"),
        ("stages", "FROM python:3.11 AS more", "begins with no stage"),
        ("files", "COPY --from=nowhere / /", "COPY --from=nowhere"),
    ],
)
def test_what_may_not_be_added_is_refused_with_the_line(
    form: Form, tmp_path: Path, block: str, added: str, words: str
) -> None:
    error = refuse(fill(form, tmp_path, **{block: f"{{{{ super() }}}}\n\n{added}"}), form.lock)
    assert words in str(error)
    assert error.where
    assert (error.where.file, error.where.line) == (f"own/{NAMES[form.golden]}.Dockerfile.j2", 5)
