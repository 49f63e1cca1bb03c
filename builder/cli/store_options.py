"""Options that `images` and `clean` share."""

from __future__ import annotations

from typing import Annotated

import typer

Protect = Annotated[
    list[str] | None,
    typer.Option(
        "--protect", metavar="PATTERN", help="Images that must stay, besides those of [protect] (repeatable)."
    ),
]
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="KEY=VALUE",
        help="Only such images: standing=, name=, label=, project=, older=4d, newer=12h (repeatable).",
    ),
]
