"""``.dive-ci``: the limits that a project already has for dive's CI mode (its README, "CI Integration")."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from builder.errors import DiveFileError, Where
from builder.inspect.budget import DiveLimits

if TYPE_CHECKING:
    from pathlib import Path

DIVE_FILE = ".dive-ci"
DISABLED = "disabled"
DEFAULTS: dict[str, object] = {
    "lowestEfficiency": 0.9,
    "highestWastedBytes": DISABLED,
    "highestUserWastedPercent": 0.1,
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
            "there is no such file", where=Where(name), hint="name the file, or leave it away"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DiveFileError(f"cannot be read: {error}", where=Where(name)) from error
    return parse_dive_file(text, name)


def parse_dive_file(text: str, name: str) -> DiveLimits:
    """The same of what the file holds."""
    rules = _rules(_yaml(text, name), name)
    values, problems = dict(DEFAULTS), []
    known = {key.lower(): key for key in DEFAULTS}
    for key in rules:
        rule = known.get(str(key).lower())  # dive does not care about the case of letters
        if rule is None:
            near = difflib.get_close_matches(str(key).lower(), known, n=1, cutoff=0.5)
            hint = f"did you mean {known[near[0]]}?" if near else f"known here: {', '.join(DEFAULTS)}"
            problems.append(DiveFileError("unknown rule", where=_where(name, rules, key), hint=hint))
            continue
        values[rule] = rules[key]
    numbers: dict[str, float | None] = {}
    for rule, value in values.items():
        try:
            numbers[rule] = _size(value) if rule == "highestWastedBytes" else _ratio(value)
        except ValueError as error:
            written = next((key for key in rules if str(key).lower() == rule.lower()), rule)
            problems.append(DiveFileError(str(error), where=_where(name, rules, written), hint=_HINTS[rule]))
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


def _yaml(text: str, name: str) -> Any:
    from ruamel.yaml import YAML  # 20 ms that an image without such a file need not pay
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="rt", pure=True).load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = Where(name, None if mark is None else mark.line + 1)
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise DiveFileError(f"not valid YAML: {problem}", where=where, hint="correct that line") from error


def _rules(document: Any, name: str) -> dict[Any, Any]:
    if document is None:
        return {}
    rules = document.get("rules") if isinstance(document, dict) else document
    if rules is None:
        return {}
    if not isinstance(rules, dict):
        hint = "write `rules:`, and below it lines like `  lowestEfficiency: 0.95`"
        raise DiveFileError("`rules` is no mapping", where=Where(name, 1, "rules"), hint=hint)
    return rules


def _where(name: str, rules: Any, key: object) -> Where:
    try:
        line = int(rules.lc.key(key)[0]) + 1
    except (AttributeError, KeyError, TypeError):
        line = None
    return Where(name, line, f"rules.{key}")


def _ratio(value: object) -> float | None:
    if str(value) == DISABLED:
        return None
    try:
        found = float(str(value))
    except ValueError:
        raise ValueError(f"{str(value)!a} is no number") from None
    if isinstance(value, bool) or not 0 <= found <= 1:
        raise ValueError(f"{value} is not between 0 and 1")
    return found


def _size(value: object) -> int | None:
    if str(value) == DISABLED:
        return None
    found = _SIZE.fullmatch(str(value))
    unit = None if found is None else _UNITS.get(found[2].lower())
    if found is None or unit is None:
        raise ValueError(f"{str(value)!a} is no number of bytes")
    return round(float(found[1]) * unit)
