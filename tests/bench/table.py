"""A run's lines as text for a terminal, and as Markdown for the README."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from measurement import Figure
    from results import Results
    from targets import Line

ATTEMPTS_HEAD = ("attempt", "what it varies", "unpacked", "cold CPU", "")
HEAD = ("what", "ours", "baseline", "ratio", "target", "holds")


def format_table(lines: Sequence[Line]) -> str:
    return _align([HEAD, *(make_row(line) for line in lines)])


def format_attempts(results: Results) -> str:
    """Each baseline's variants; the one that we are held against is marked. Nothing where none was measured."""
    best = results.facts.get("best", {}).values()
    rows = []
    for key, record in sorted(results.records.items()):
        part, name, _ = key.split("/")
        if part == "attempts":
            found = record["figures"]
            size, cpu = _format_value(found["unpacked"], "B"), _format_value(found["cpu"], "s")
            rows.append((name, found["says"], size, cpu, "kept" if name in best else ""))
    return "\n" + _align([ATTEMPTS_HEAD, *rows]) if rows else ""


def _align(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns of equal width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    return "".join("  ".join(row).rstrip() + "\n" for row in padded)


def format_markdown(lines: Sequence[Line]) -> str:
    """Without what was not measured."""
    rows = [make_row(line) for line in lines if line.value is not None]
    head = f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def make_row(line: Line) -> tuple[str, ...]:
    holds = {True: "yes", False: "NO", None: f"not measured: {line.reason}"}[line.holds]
    ratio = "—" if line.value is None or line.other is None else f"{line.value:.4f}"
    ours, other = format_figure(line.ours, line.unit), format_figure(line.other, line.unit)
    return (line.what, ours, other, ratio, f"<= {line.limit:g}", holds)


def format_figure(figure: Figure | None, unit: str) -> str:
    """The median; the least and the largest too where there were several rounds that differ."""
    if figure is None:
        return "—"
    if figure.least == figure.largest:
        return _format_value(figure.median, unit)
    least, largest = (_format_value(value, "") for value in (figure.least, figure.largest))
    return f"{_format_value(figure.median, unit)} ({least}-{largest}, {figure.rounds} rounds)"


def _format_value(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if unit in ("B", "calls", "IDs") or value >= 10_000 else f"{value:.3g}"
    return f"{number} {unit}".rstrip()
