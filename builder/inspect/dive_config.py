"""``.dive-ci``: the limits that a project already has for dive's CI mode (its README, "CI Integration")."""

from __future__ import annotations

import difflib
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from builder.core.errors import DiveFileError, Where
from builder.inspect.budget import DiveLimits

if TYPE_CHECKING:
    from pathlib import Path

    from builder.compose.yaml.nodes import Anchored

DIVE_FILE = ".dive-ci"
DISABLED = "disabled"
DEFAULTS = {
    "lowestEfficiency": "0.9",
    "highestWastedBytes": DISABLED,
    "highestUserWastedPercent": "0.1",
}
"""What dive takes for a rule that the file does not name."""
_UNITS: dict[str, int] = {
    "": 1,
    "b": 1,
    **{f"{unit}b": int(1000**power) for power, unit in enumerate("kmgtp", 1)},
    **{f"{unit}ib": int(1024**power) for power, unit in enumerate("kmgtp", 1)},
}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]{0,3})\s*", re.IGNORECASE)


def read_dive_file(path: Path, name: str) -> DiveLimits:
    """The limits in ``path``; ``name`` is how messages call it. Raises DiveFileError, with every bad rule at once."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DiveFileError(
            "there is no such file", where=Where(name), hint="name an existing file, or leave the option out"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DiveFileError(f"cannot be read: {error}", where=Where(name)) from error
    return parse_dive_file(text, name)


def parse_dive_file(text: str, name: str) -> DiveLimits:
    """The same of what the file holds."""
    rules = _read_rules(text, name)
    values, problems = dict(DEFAULTS), []
    known = {key.lower(): key for key in DEFAULTS}
    for key, (value, where) in rules.items():
        rule = known.get(key.lower())  # dive does not care about the case of letters
        if rule is None:
            near = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.5)
            hint = f"did you mean {known[near[0]]}?" if near else f"known here: {', '.join(DEFAULTS)}"
            problems.append(DiveFileError("unknown rule", where=where, hint=hint))
            continue
        values[rule] = value
    numbers: dict[str, float | None] = {}
    for rule, value in values.items():
        try:
            numbers[rule] = _parse_size(value) if rule == "highestWastedBytes" else _parse_ratio(value)
        except ValueError as error:
            where = next(where for key, (_, where) in rules.items() if key.lower() == rule.lower())
            problems.append(DiveFileError(str(error), where=where, hint=_HINTS[rule]))
    if problems:
        raise problems[0] if len(problems) == 1 else DiveFileError("\n".join(str(one) for one in problems))
    size = numbers["highestWastedBytes"]
    return DiveLimits(
        name,
        numbers["lowestEfficiency"],
        None if size is None else int(size),
        numbers["highestUserWastedPercent"],
    )


_RATIO_HINT = 'write a ratio from 0 to 1, like 0.95, or "disabled"'
_HINTS = {
    "lowestEfficiency": _RATIO_HINT,
    "highestWastedBytes": 'write a number with its unit, like 20MB, or "disabled"',
    "highestUserWastedPercent": _RATIO_HINT,
}


_Rules = dict[str, tuple[str, Where]]
"""Key → value and place, as they are written."""


def _read_rules(text: str, name: str) -> _Rules:
    from builder.compose.rewrite.resolve import iterate_named_entries
    from builder.compose.yaml.nodes import Mapping, Scalar, find_value, resolve_alias
    from builder.compose.yaml.parse import read_tree  # 30 ms with YAML that an image without such a file need not pay

    tree = read_tree(text.encode())
    if tree.fault is not None:
        where = Where(name, tree.line(tree.fault.at), tree.fault.key)
        raise DiveFileError(tree.fault.message, where=where, hint="correct that line")
    root = tree.roots[0] if tree.roots else None
    rules = find_value(root, "rules") if isinstance(root, Mapping) else root
    if rules is None or (isinstance(rules, Scalar) and rules.is_null):
        return {}
    if not isinstance(rules, Mapping):
        hint = "write `rules:`, and below it lines like `  lowestEfficiency: 0.95`"
        raise DiveFileError("`rules` is not a mapping", where=Where(name, 1, "rules"), hint=hint)
    return {
        str(entry.name): (
            _normalize_number(tree.text, resolve_alias(entry.value)),
            Where(name, tree.line(entry.start), f"rules.{entry.name}"),
        )
        for entry in iterate_named_entries(rules)
    }


_WHOLE = re.compile(r"[-+]?(?:0x[0-9a-fA-F_]+|0o[0-7_]+|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_.]*[eE][-+]?[0-9]+|\.(?:inf|nan|Inf|NaN|INF|NAN))")


def _normalize_number(text: str, node: Anchored) -> str:
    """The text of a value; of a number that is written in another way (``1_000``, ``0x10``, ``1e6``) its usual form."""
    from builder.compose.yaml.nodes import Scalar

    if not isinstance(node, Scalar):
        return text[node.start : node.end]
    if node.style or node.tag is not None:
        return node.value
    with suppress(ValueError):
        if _WHOLE.fullmatch(node.value):
            return str(int(node.value) if node.value.isdecimal() else int(node.value, 0))
        if _FLOAT.fullmatch(node.value):
            return str(float(re.sub(r"\.(?=[a-zA-Z])", "", node.value)))
    return node.value


def _parse_ratio(value: str) -> float | None:
    if value == DISABLED:
        return None
    try:
        found = float(value)
    except ValueError:
        raise ValueError(f"{value!a} is not a number") from None
    if not 0 <= found <= 1:
        raise ValueError(f"{value} is not between 0 and 1")
    return found


def _parse_size(value: str) -> int | None:
    if value == DISABLED:
        return None
    found = _SIZE.fullmatch(value)
    unit = None if found is None else _UNITS.get(found[2].lower())
    if found is None or unit is None:
        raise ValueError(f"{value!a} is not a number of bytes")
    return round(float(found[1]) * unit)
