"""``optbuild schema``: the JSON Schema of optbuild.toml."""

from __future__ import annotations

import typer  # noqa: TC002 - typer evaluates the annotations

from builder.cli.output import make_output_file, write_output
from builder.cli.report_options import Output  # noqa: TC001 - as above
from builder.cli.runtime import find_runtime


def command(ctx: typer.Context, output: Output = None) -> None:
    """Print the JSON Schema of optbuild.toml, for editors.

    Editors that know TOML (taplo, tombi, Even Better TOML) complete the keys, explain them and mark what is wrong, when
    the first line of the file names it: `#:schema ./optbuild.schema.json`. `optbuild init` writes both. What needs more
    than the file itself, such as whether this Airflow has a role, `optbuild lock` says.

        optbuild schema --output optbuild.schema.json
    """
    from builder.image.spec.schema import format_schema  # pydantic

    runtime = find_runtime(ctx)
    target = make_output_file(runtime, output)
    write_output(target, format_schema(), runtime)
