"""OB205: the top-level key ``version``, in every file of the project that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.compose.display import format_relative_path
from builder.compose.yaml.parse import parse_compose_file
from builder.core.errors import ComposeError, Where
from builder.findings.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.rules.context import RuleContext


def find_obsolete_version_keys(context: RuleContext) -> Iterator[Finding]:
    """A file that cannot be read with places is reported elsewhere."""
    for path, data in context.project.sources.items():
        try:
            document = parse_compose_file(path, data)
        except ComposeError:
            continue
        entry = document.root.entry("version") if document.root is not None else None
        if entry is not None:
            yield Finding(
                "OB205",
                Where(format_relative_path(context.project, path), document.line(entry.start), "version"),
                "Compose ignores `version` and warns about it at every start",
                fix="delete the line",
            )
