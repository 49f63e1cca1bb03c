"""``optbuild images``: the images of this engine, what each is for, and what deleting it would really free."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.compose_options import (  # noqa: TC001 - typer evaluates the annotations
    EnvFiles,
    Files,
    ProjectDirectory,
    ProjectName,
    Spec,
)
from builder.cli.formats import TEXT, format_result, make_format_option
from builder.cli.output import Html, has_color, make_page_file, write_output, write_page
from builder.cli.runtime import find_runtime
from builder.cli.store_options import Filters, Protect  # noqa: TC001 - typer evaluates the annotations

if TYPE_CHECKING:
    from builder.store.model import Inventory


SORTS = "[size|unique|shared|frees|created|name|standing]"
"""As :class:`builder.store.select.SortKey`, which is not imported before it is needed."""


def command(  # noqa: PLR0917 - a parameter per option
    ctx: typer.Context,
    file: Files = None,
    project_directory: ProjectDirectory = None,
    project_name: ProjectName = None,
    env_file: EnvFiles = None,
    spec: Spec = None,
    protect: Protect = None,
    filters: Filters = None,
    sort: Annotated[
        str, typer.Option("--sort", metavar=SORTS, help="The largest, or newest, first; names by alphabet.")
    ] = "size",
    output_format: Annotated[str, make_format_option("images")] = TEXT,
    html: Html = None,
) -> None:
    """Show every image: true bytes, who uses it, why it stays.

    A layer that several images have is on disk once: `unique` is what no other image has, `frees` what deleting this
    image alone would really give back. Where an image's date was set (SOURCE_DATE_EPOCH), `created` says since when it
    has had its name here. Nothing is changed. Compose projects are known from their containers, from
    optbuild's own journals, from the current folder and from -f; `optbuild clean` removes what nothing keeps.
    """
    from builder.operations.images import read_inventory
    from builder.operations.snapshot import StoreOptions
    from builder.store.select import parse_filter, parse_sort

    runtime = find_runtime(ctx)
    order = parse_sort(sort)
    options = StoreOptions(
        tuple(file or ()),
        project_directory,
        project_name,
        tuple(env_file or ()),
        spec,
        tuple(protect or ()),
        times=True,
    )
    page = make_page_file(runtime, html)
    wanted = tuple(parse_filter(text) for text in filters or ())
    inventory = read_inventory(runtime, options, wanted, order)
    values = {"inventory": inventory, "width": runtime.width, "color": has_color(runtime)}
    write_output(None, format_result("images", output_format, values), runtime)
    write_page(page, lambda: _render_images_page(inventory))


def _render_images_page(inventory: Inventory) -> str:
    from builder.report.html import render_images_page

    return render_images_page(inventory)
