"""``optbuild build``: context → candidate, proven and promoted with ``--verify``."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli.formats import TEXT, format_result, make_format_option
from builder.cli.output import make_output_file
from builder.cli.runtime import find_runtime
from builder.core.progress import LineProgress, SilentProgress

if TYPE_CHECKING:
    from builder.core.runtime import Runtime


class ProgressKind(StrEnum):
    AUTO = "auto"
    PLAIN = "plain"
    RAWJSON = "rawjson"
    QUIET = "quiet"


def command(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of optbuild.toml and optbuild.lock.")
    ] = Path(),
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Prove every role, then move the image's tags to it.")
    ] = False,
    reproduce: Annotated[
        bool,
        typer.Option(
            "--reproduce",
            help="Build twice with separate caches, and once with all files of [slim]; fail, naming the file or "
            "module, if the first two differ or the third can import more.",
        ),
    ] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Do not use the build cache.")] = False,
    push: Annotated[
        bool, typer.Option("--push", help="Push what was promoted; without --verify, the candidate.")
    ] = False,
    compression: Annotated[
        str,
        typer.Option(
            "--compression", metavar="KIND[:LEVEL]", help="Of pushed layers: gzip or zstd (Docker 23 pulls it)."
        ),
    ] = "gzip",
    builder: Annotated[str | None, typer.Option(metavar="NAME", help="The buildx builder to use.")] = None,
    platform: Annotated[
        str | None, typer.Option(metavar="OS/ARCH", help="The platform; it must be the lock's.")
    ] = None,
    cache_from: Annotated[
        list[str] | None, typer.Option("--cache-from", metavar="SOURCE", help="As in buildx; may be repeated.")
    ] = None,
    cache_to: Annotated[
        list[str] | None, typer.Option("--cache-to", metavar="TARGET", help="As in buildx; may be repeated.")
    ] = None,
    progress: Annotated[
        ProgressKind, typer.Option("--progress", help="plain: every line of every step; rawjson: BuildKit's events.")
    ] = ProgressKind.AUTO,
    metadata_file: Annotated[
        Path | None, typer.Option("--metadata-file", metavar="FILE", help="Write image ID, pushed digest, ... (JSON).")
    ] = None,
    refresh_base: Annotated[
        bool,
        typer.Option("--refresh-base", help="If the mirror no longer has a locked Debian version, lock its new one."),
    ] = False,
    output_format: Annotated[str, make_format_option("build")] = TEXT,
) -> None:
    """Build the image of a locked optbuild.toml, and prove it.

    The image gets a tag made from its content. With --verify, every role is started from it and checked; the image's
    own tags move to it only when all checks pass. If an image of the same content is already proven, nothing is built.
    A push without --verify carries the tag of the content only, straight from the builder where it can.
    """
    from builder.engine.buildx import BuildOptions
    from builder.engine.compression import parse_compression
    from builder.operations.build import BuildFlow  # start-up of `optbuild --help`

    options = BuildOptions(
        no_cache=no_cache,
        push=push,
        builder=builder,
        platform=platform,
        cache_from=tuple(cache_from or ()),
        cache_to=tuple(cache_to or ()),
        progress=progress.value,
        compression=parse_compression(compression),
    )
    runtime = _with_progress_kind(find_runtime(ctx), progress)
    metadata = make_output_file(runtime, metadata_file)
    flow = BuildFlow(
        runtime, runtime.cwd / folder, options, verify=verify, refresh_base=refresh_base, reproduce=reproduce
    )
    result = flow.run()
    try:
        if metadata is not None:
            from builder.report.build import format_metadata_json  # only with --metadata-file

            metadata.save(format_metadata_json(result).encode())
    finally:  # also where that file cannot be written: this is the result of minutes of work
        runtime.out.write(format_result("build", output_format, {"result": result}))


def _with_progress_kind(runtime: Runtime, kind: ProgressKind) -> Runtime:
    """``plain`` means lines also on a terminal; beside BuildKit's own events nothing else is shown."""
    if kind in (ProgressKind.QUIET, ProgressKind.RAWJSON):
        return replace(runtime, progress=SilentProgress())
    if kind is ProgressKind.PLAIN and not isinstance(runtime.progress, SilentProgress):
        return replace(runtime, progress=LineProgress(runtime.err))
    return runtime
