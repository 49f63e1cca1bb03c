"""``optbuild render``: spec and lock to the build context."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.formats import TEXT, format_result, make_format_option
from builder.cli.output import check_output_folder
from builder.cli.runtime import find_runtime
from builder.core.errors import NotWrittenError, OptbuildError

if TYPE_CHECKING:
    from builder.core.runtime import Runtime
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec


def command(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of optbuild.toml and its lock.")] = Path(),
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Write the whole build context there.")
    ] = None,
    output_format: Annotated[str, make_format_option("render")] = TEXT,
    force: Annotated[
        bool, typer.Option("--force", help="With --output: also replace files that no earlier render wrote.")
    ] = False,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Say which package lies in which layer, why, and what a new version moves."),
    ] = False,
) -> None:
    """Print the Dockerfile of a locked optbuild.toml.

    With --output, the whole context is written: run its base.sh, which makes the Debian base, or its debs.sh, which
    downloads what another base lacks; then plain `docker build` builds it. Only files that an earlier render wrote
    there are replaced. The same spec and lock give the same bytes each time; no engine and no network is used.
    """
    from builder.image.base.recipes import find_recipe
    from builder.image.render.bake import format_bake_json
    from builder.image.render.context import render_context
    from builder.image.render.folder import make_folder_files, write_folder
    from builder.operations.project import load_project  # start-up of `optbuild --help`

    runtime = find_runtime(ctx)
    if force and output is None:
        raise OptbuildError("--force needs --output", hint="add --output FOLDER")
    if explain and (output is not None or output_format != TEXT):
        other = "--output" if output is not None else f"--format {output_format}"
        raise OptbuildError(
            f"--explain writes no context: it takes no {other}", hint=f"leave out {other}, or --explain"
        )
    project = load_project(runtime.cwd / folder)
    if explain:
        _explain_layers(runtime, project.spec, project.lock)
        return
    context = render_context(project.spec, project.lock)
    roles = tuple(role.name for role in project.roles)
    if output is None:
        runtime.out.write(
            format_result("render", output_format, {"spec": project.spec, "context": context, "roles": roles})
        )
        return
    files = make_folder_files(context, format_bake_json(project.spec, context, roles))
    folder_out = check_output_folder(runtime, output, [file.path for file in files])
    try:
        write_folder(folder_out, files, force=force)
    except OSError as error:
        raise NotWrittenError(str(output), error.strerror or str(error)) from error
    runtime.progress.note(
        f"wrote {len(files)} files to {output}\nnext: {output}/{find_recipe(context).script} && docker build "
        f"--build-arg SOURCE_DATE_EPOCH={context.source_date_epoch} {output}"
    )


def _explain_layers(runtime: Runtime, spec: Spec, lock: Lock) -> None:
    from builder.image.lock.layers.explain import estimate_stage_cost, explain_layers
    from builder.report.layers import format_layers_text

    cost = None if spec.build.multi_stage else estimate_stage_cost(lock)
    runtime.out.write(format_layers_text(explain_layers(lock), cost, spec))
