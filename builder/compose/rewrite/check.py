"""Prove an edit before it is written: Compose's answers before and after differ in what was planned, and only there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from builder.compose.rewrite.rewrite import make_edited_project, rewrite_files
from builder.core.errors import ComposeError, UnprovenEditError, Where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from builder.compose.load.config import ConfigResult
    from builder.compose.model import ComposeConfig, FileEdit, Project, SharedTarget

PLANNED = ("image", "build", "pull_policy")
SHOWN = 5
"""Differences in one message."""
UNPROVEN_HINT = "nothing was written; write the keys by hand, or simplify what the service merges and extends"


def prove_edits(
    project: Project,
    edits: tuple[FileEdit, ...],
    targets: tuple[SharedTarget, ...],
    ask_again: Callable[[Mapping[Path, bytes]], ConfigResult],
) -> None:
    """Ask Compose about the new bytes, and see that a second rewrite would change nothing.

    Raises UnprovenEditError with the first differences, never with a value.
    """
    if not edits:
        return
    try:
        answers = ask_again({edit.path: edit.after for edit in edits})
        again = rewrite_files(make_edited_project(project, edits), targets)
    except ComposeError as error:
        raise _make_unproven_error(edits, [f"they can no longer be read: {error.message}"]) from error
    problems = [*_find_problems(project, answers, targets)]
    problems += [f"a second rewrite would change {edit.path} once more" for edit in again]
    if problems:
        raise _make_unproven_error(edits, problems)


def find_differences(before: ComposeConfig, after: ComposeConfig, targets: tuple[SharedTarget, ...]) -> tuple[str, ...]:
    """One sentence for everything that is not as planned. It names the place, never a value: answers hold secrets."""
    by_name = {name: target for target in targets for name in target.services}
    old, new = _extract_services(before), _extract_services(after)
    found = [*_compare_values(_remove_services(before), _remove_services(after), "")]
    for name in sorted({*old, *new, *by_name}):
        if name not in old or name not in new:
            found.append(f"services.{name} is {'missing' if name in old else 'new' if name in new else 'unknown'}")
            continue
        target = by_name.get(name)
        planned = PLANNED if target else ()
        rest = [{key: value for key, value in side[name].items() if key not in planned} for side in (old, new)]
        found += _compare_values(rest[0], rest[1], f"services.{name}")
        found += _check_sharer(old[name], new[name], name, target) if target else ()
    return tuple(found)


def _find_problems(project: Project, answers: ConfigResult, targets: tuple[SharedTarget, ...]) -> Iterator[str]:
    if all(before is None or now is None for before, now in _pair_configs(project, answers)):
        yield "Compose gives no answers before and after that could be compared"
    for before, now in _pair_configs(project, answers):
        if before is not None and now is not None:
            yield from find_differences(before, now, targets)
        elif now is None and before is not None:
            yield f"Compose refuses what it accepted before: {'; '.join(answers.complaints)}"
        elif before is None and now is not None:
            yield "Compose accepts what it refused before"
    refused = any(before is not None and now is None for before, now in _pair_configs(project, answers))
    said = [{_mask_names(words) for words in complaints} for complaints in (project.complaints, answers.complaints)]
    if said[0] != said[1] and not refused:
        yield "Compose complains about something else than before"


def _pair_configs(
    project: Project, answers: ConfigResult
) -> tuple[tuple[ComposeConfig | None, ComposeConfig | None], ...]:
    return (project.resolved, answers.resolved), (project.raw, answers.raw)


_NAMES = re.compile(r'"[^"]*"|(?<=interpolating )[^\s:]+|\bservices?[. ][\w.-]+|(?<!\w)/[^\s:]+|\bline \d+')


def _mask_names(words: str) -> str:
    """The complaint without names: of several services with one mistake, Compose names any."""
    return _NAMES.sub("*", words)


def _check_sharer(old: dict[str, Any], new: dict[str, Any], name: str, target: SharedTarget) -> Iterator[str]:
    """What a sharer should have now."""
    place = f"services.{name}"
    if name == target.builder:
        if old.get("build") is None:
            yield f"{place}.build should be kept, but is missing"
        yield from _compare_values(old.get("build"), new.get("build"), f"{place}.build")
    elif new.get("build") is not None:
        yield f"{place}.build is still there"
    if new.get("image") != (old.get("image") if target.keeps_name else target.image):
        yield f"{place}.image is not as planned"
    if new.get("pull_policy") != (target.pull_policy or old.get("pull_policy")):
        yield f"{place}.pull_policy is not as planned"


def _extract_services(answer: ComposeConfig) -> dict[str, dict[str, Any]]:
    return {str(name): service or {} for name, service in (answer.get("services") or {}).items()}


def _remove_services(answer: ComposeConfig) -> dict[str, Any]:
    """Everything else. Of the file's own extensions (``x-…``) not the planned keys: services take them from there."""
    rest = {key: value for key, value in answer.items() if key != "services"}
    return {key: _strip_planned_keys(value) if key.startswith("x-") else value for key, value in rest.items()}


def _strip_planned_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strip_planned_keys(inner) for key, inner in value.items() if key not in PLANNED}
    return [_strip_planned_keys(item) for item in value] if isinstance(value, list) else value


def _compare_values(old: Any, new: Any, place: str) -> Iterator[str]:
    """The deepest places at which the two differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _compare_values(old.get(key), new.get(key), f"{place}.{key}" if place else str(key))
            if (key in old) != (key in new) and old.get(key) == new.get(key):
                yield f"{place}.{key} is {'missing' if key in old else 'new'}"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for at, (first, second) in enumerate(zip(old, new, strict=True)):
            yield from _compare_values(first, second, f"{place}.{at}")
    elif old != new:
        yield f"{place} changes"


def _make_unproven_error(edits: tuple[FileEdit, ...], problems: list[str]) -> UnprovenEditError:
    more = len(problems) - SHOWN
    told = [*problems[:SHOWN], *([f"and {more} more"] if more > 0 else ())]
    message = "the rewritten files would not mean what was planned: " + "; ".join(told)
    return UnprovenEditError(message, where=Where(str(edits[0].path)), hint=UNPROVEN_HINT)
