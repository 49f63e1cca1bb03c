"""The options that name a compose project, what becomes of its groups, and how long it may take.

Names and meanings of the first four are Compose's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Files = Annotated[
    list[str] | None,
    typer.Option("--file", "-f", metavar="FILE", help="A compose file (repeatable), as docker compose takes it."),
]
ProjectDirectory = Annotated[
    str | None,
    typer.Option("--project-directory", metavar="DIR", help="The folder that relative paths in the files start from."),
]
ProjectName = Annotated[
    str | None,
    typer.Option("--project-name", "-p", metavar="NAME", help="The project's name, instead of the folder's."),
]
EnvFiles = Annotated[
    list[str] | None,
    typer.Option("--env-file", metavar="FILE", help="The file to use instead of .env, for the variables in the files."),
]
Groups = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="NAME", help="Also share the image of this service, Airflow or not."),
]
BuilderService = Annotated[
    str | None, typer.Option("--builder-service", metavar="SERVICE", help="The one service that keeps `build:`.")
]
ImageOnly = Annotated[
    bool, typer.Option("--image-only", help="No service keeps `build:`: the image is built outside Compose.")
]
Spec = Annotated[
    Path | None,
    typer.Option("--spec", metavar="DIR", help="The folder of the optbuild.toml that makes the Airflow image."),
]
Remote = Annotated[
    bool,
    typer.Option(
        "--remote", help="Let Compose fetch files that are included from repositories or registries: off unless asked."
    ),
]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long a step may take to become healthy.")
]
HEALTHY_SECONDS = 300.0
"""Unless ``--timeout`` says otherwise."""
