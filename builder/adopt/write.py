"""The text of an optbuild.toml: every value with the place that says it, and at the end what is not carried over."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.core.naming import SCHEMA_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from builder.adopt.model import Base, Found, OpenPoint
    from builder.core.errors import Where

_BARE = re.compile(r"[A-Za-z0-9_-]+")
WIDTH = 79
"""Characters of a comment's line: it is also read in a terminal of 80."""


@dataclass
class SpecWriter:
    """Collects lines; ``count`` are the values that the files gave."""

    lines: list[str] = field(default_factory=list)
    count: int = 0

    def add_table(self, name: str) -> None:
        self.lines += [*([""] if self.lines else []), f"[{name}]"]

    def add_value(self, key: str, value: str, source: object) -> None:
        self.lines.append(f"{quote_key(key)} = {quote_text(value)}  # {source}")
        self.count += 1

    def add_list(self, key: str, found: Iterable[Found]) -> None:
        """Nothing where there is nothing."""
        items = [f"    {quote_text(one.value)},  # {one.where}" for one in found]
        if items:
            self.lines += [f"{key} = [", *items, "]"]
            self.count += len(items)

    def add_mapping(self, table: str, found: Mapping[str, Found]) -> None:
        if found:
            self.add_table(table)
            for key, one in found.items():
                self.add_value(key, one.value, one.where)

    def add_base(self, base: Base) -> None:
        self.add_table("base")
        self.add_value(base.kind, base.name, base.where)

    def add_script_offer(self, places: Iterable[Where]) -> None:
        """Comments that become keys once somebody has written the script: nothing is guessed of what it may do."""
        found = ", ".join(dict.fromkeys(map(str, places)))
        self.lines += ["", *_wrap(f"For what no key says ({found}), a script of the project:")]
        self.lines += [
            "# [build]",
            '# run = ["scripts/extra.sh"]  # with those commands; it runs behind all packages',
            '# run-folders = ["/opt/extra"]  # the folders of the image that it fills; nothing else of it stays',
            "# run-network = true  # only where it downloads something",
        ]

    def add_open_points(self, points: Iterable[OpenPoint]) -> None:
        """As comments: they go with the file until somebody has settled them."""
        rows = [f"{point.where}: {point.what}: {point.reason}. Next: {point.step}." for point in points]
        if rows:
            self.lines += ["", "# Not carried over:"]
        for row in rows:
            self.lines += _wrap(row, "# - ", "#   ")

    def format(self, head: str, *, has_schema: bool) -> str:
        """``has_schema``: the first line names the schema beside the file (to taplo, Even Better TOML, tombi)."""
        comment = _wrap(head)
        schema = (f"#:schema ./{SCHEMA_FILE}",) if has_schema else ()
        return "\n".join((*schema, *comment, "", *self.lines)) + "\n"


def _wrap(text: str, first: str = "# ", later: str = "# ") -> list[str]:
    """Lines of a comment."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )


def quote_text(text: str) -> str:
    """A TOML basic string: JSON's escapes are among TOML's (toml.io, "String")."""
    return json.dumps(text, ensure_ascii=False)


def quote_key(text: str) -> str:
    return text if _BARE.fullmatch(text) else quote_text(text)
