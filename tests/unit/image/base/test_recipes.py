"""Which script a context has, and that it finds there what it reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from render_forms import FORMS, make_forms

from builder.core.resources import read_template
from builder.image.base.recipes import DEBS, DIVIDED_ROOTS, ROOTS, BaseRecipe, find_recipe
from builder.image.lock.document import read_lock
from builder.image.render.context import render_context
from builder.image.spec.reader import read_spec

IMAGE = Path(__file__).parents[4] / "images/airflow"


@pytest.mark.parametrize("name", FORMS)
def test_a_context_has_what_its_script_reads_and_not_what_it_makes(name: str) -> None:
    form = make_forms(read_spec(IMAGE), read_lock(IMAGE / "optbuild.lock"))[name]
    context = render_context(form.spec, form.lock)
    recipe, paths = find_recipe(context), {file.path for file in context.files}
    assert recipe is (DIVIDED_ROOTS if form.lock.foundation is None else DEBS)
    assert set(recipe.inputs) <= paths
    assert not {path for path in paths if path.partition("/")[0] in recipe.products}
    assert context.find_file(recipe.script).executable
    assert {"base.sh", "debs.sh"} - paths == {"base.sh", "debs.sh"} - {recipe.script}
    settings = context.find_file("base.env").data.decode()
    assert settings.startswith("release=bookworm\narchitecture=amd64\n")


def test_a_context_that_adds_no_package_has_one_root() -> None:
    image = IMAGE.parent / "airflow-3"
    context = render_context(read_spec(image), read_lock(image / "optbuild.lock"))
    assert find_recipe(context) is ROOTS
    assert context.find_file("added.packages").data == b""


@pytest.mark.parametrize("recipe", [ROOTS, DEBS], ids=lambda recipe: recipe.script)
def test_a_script_says_of_a_vanished_version_what_is_looked_for(recipe: BaseRecipe) -> None:
    assert f"s/^/{recipe.vanished_mark}/" in read_template(recipe.script).decode()
