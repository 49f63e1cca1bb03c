"""What two builds have in common and what keeps them apart (OB103). Names of build arguments, never their values."""

from __future__ import annotations

import os.path
import posixpath
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from builder.compose.rules.layer_steps import LayerStep, collect_layer_steps
from builder.core.phrases import format_short_list
from builder.dockerfile.stages import parse_assignments, parse_run_commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.compose.model import Build
    from builder.dockerfile.facts import DockerfileAnalysis, Pin
    from builder.dockerfile.parse import Instruction

NEAR = 0.6
"""Two Dockerfiles are nearly the same from this share of equal leading instructions on."""
_PINS_IN_COMMON = 2
_MOST_PINS = 8
"""Pins that are shown; the rest is counted."""
_SHOWN = 48
"""Characters of an instruction that are shown at most."""


@dataclass(frozen=True)
class BuildDifference:
    """``lines``: one fact each, for a person. ``common_prefix``: the leading instructions that make equal layers."""

    lines: tuple[str, ...]
    common_prefix: tuple[Instruction, ...]
    near: bool
    """Whether the two are nearly the same: one Dockerfile, a long common beginning, or one base and the same pins."""
    whole: bool = False
    """Whether the common beginning is all of both."""


def compare_builds(
    a: Build,
    b: Build,
    facts_a: DockerfileAnalysis | None = None,
    facts_b: DockerfileAnalysis | None = None,
    names: tuple[str, str] = ("the first", "the second"),
) -> BuildDifference:
    """Pure. Without facts only what the compose file says is compared; ``names`` are those of the two in the lines."""
    left, right = _collect_steps(facts_a), _collect_steps(facts_b)
    prefix = _find_common_prefix(left, right, same_files=_has_same_context(a, b))
    lines = (
        *_compare_keys(a, b, names),
        *_compare_dockerfiles(a, b, facts_a, facts_b, names),
        *_compare_pins(facts_a, facts_b, names),
    )
    whole = bool(prefix) and len(prefix) == len(left) == len(right)
    return BuildDifference(
        lines, tuple(step.instruction for step in prefix), _is_nearly_same(a, b, facts_a, facts_b), whole
    )


def _is_nearly_same(a: Build, b: Build, facts_a: DockerfileAnalysis | None, facts_b: DockerfileAnalysis | None) -> bool:
    if _has_same_dockerfile(a, b):
        return True
    if facts_a is None or facts_b is None:
        return False
    left, right = _collect_steps(facts_a), _collect_steps(facts_b)
    written = _find_common_prefix(left, right, same_files=True)
    shared = _find_common_prefix(left, right, same_files=_has_same_context(a, b))
    if len(shared) > 1 and len(written) >= NEAR * max(len(left), len(right)):
        return True
    one, other = ({pin.name for pin in _list_pins(facts)} for facts in (facts_a, facts_b))
    return facts_a.base == facts_b.base and len(one & other) >= max(_PINS_IN_COMMON, min(len(one), len(other)) / 2)


def _has_same_dockerfile(a: Build, b: Build) -> bool:
    if a.dockerfile_inline is not None or b.dockerfile_inline is not None:
        return a.dockerfile_inline == b.dockerfile_inline
    if not a.context.startswith("/") or not b.context.startswith("/"):
        return (a.context, a.dockerfile) == (b.context, b.dockerfile)
    return _resolve_dockerfile_path(a) == _resolve_dockerfile_path(b)


def _resolve_dockerfile_path(build: Build) -> str:
    return posixpath.normpath(posixpath.join(build.context, build.dockerfile))


def _has_same_context(a: Build, b: Build) -> bool:
    return (a.context, a.additional_contexts) == (b.context, b.additional_contexts)


def _collect_steps(facts: DockerfileAnalysis | None) -> tuple[LayerStep, ...]:
    return () if facts is None else collect_layer_steps(facts)


def _find_common_prefix(
    left: tuple[LayerStep, ...], right: tuple[LayerStep, ...], *, same_files: bool
) -> tuple[LayerStep, ...]:
    """``same_files``: both read one context; else the first instruction that reads it ends what is common."""
    found = []
    for one, other in zip(left, right, strict=False):
        if one.identity != other.identity or (one.reads_context and not same_files):
            break
        found.append(one)
    return tuple(found)


def _compare_keys(a: Build, b: Build, names: tuple[str, str]) -> Iterator[str]:
    """What the two ``build:`` keys say differently."""
    if a.context != b.context:
        yield f"context: {' against '.join(_shorten_paths(a.context, b.context))}"
    if a.target != b.target:
        yield f"target: {a.target or 'the last stage'} against {b.target or 'the last stage'}"
    args_a, args_b = dict(a.args), dict(b.args)
    for name in sorted(args_a.keys() | args_b.keys()):
        if name not in args_a or name not in args_b:
            yield f"build argument {name}: only {names[0] if name in args_a else names[1]} sets it"
        elif args_a[name] != args_b[name]:
            yield f"build argument {name}: another value"
    for key, one, other in (
        ("secrets", a.secrets, b.secrets),
        ("additional_contexts", a.additional_contexts, b.additional_contexts),
        ("platforms", a.platforms, b.platforms),
    ):
        if one != other:
            yield f"{key} differ"
    others_a, others_b = dict(a.other), dict(b.other)
    for name in sorted(others_a.keys() | others_b.keys()):
        if others_a.get(name) != others_b.get(name):
            yield f"{name} differs"


def _shorten_paths(one: str, other: str) -> tuple[str, ...]:
    """Two paths relative to what they have in common."""
    if not (one.startswith("/") and other.startswith("/")):
        return one, other
    common = posixpath.commonpath((one, other))
    shown = [os.path.relpath(path, common) for path in (one, other)]
    return tuple(path if path == "." else f"./{path}" for path in shown)


def _compare_dockerfiles(
    a: Build,
    b: Build,
    facts_a: DockerfileAnalysis | None,
    facts_b: DockerfileAnalysis | None,
    names: tuple[str, str],
) -> Iterator[str]:
    """Where the two Dockerfiles part."""
    if _has_same_dockerfile(a, b):
        return
    files = [_describe_dockerfile(build, name) for build, name in zip((a, b), names, strict=True)]
    if facts_a is None or facts_b is None:
        yield f"Dockerfile: {files[0]} against {files[1]}"
        return
    if facts_a.base != facts_b.base:
        yield f"base image: {facts_a.base} against {facts_b.base}"
    left, right = _collect_steps(facts_a), _collect_steps(facts_b)
    equal = len(_find_common_prefix(left, right, same_files=True))
    if equal == len(left) == len(right):
        yield f"{files[0]} and {files[1]} say the same"
        return
    yield _describe_parting(files, left[equal:], right[equal:])


def _describe_parting(
    files: list[str], left: tuple[LayerStep, ...], right: tuple[LayerStep, ...], stage: str = ""
) -> str:
    """The first instructions that differ; where only the stages differ that they copy from, those of the stages."""
    if left and right and left[0].words == right[0].words and left[0].values == right[0].values:
        for one, other in zip(left[0].sources, right[0].sources, strict=False):
            if one.fingerprint != other.fingerprint:
                pairs = zip(one.steps, other.steps, strict=False)
                equal = sum(1 for _ in takewhile(lambda pair: pair[0].identity == pair[1].identity, pairs))
                return _describe_parting(files, one.steps[equal:], other.steps[equal:], f" (stage {one.name})")
    shown = [_describe_step(steps, 0) for steps in (left, right)]
    return f"{files[0]} {shown[0]}; {files[1]} {shown[1]}{stage}"


def _describe_dockerfile(build: Build, name: str) -> str:
    return f"the inline Dockerfile of {name}" if build.dockerfile_inline is not None else build.dockerfile


def _describe_step(steps: tuple[LayerStep, ...], index: int) -> str:
    if index >= len(steps):
        return "ends there"
    instruction = steps[index].instruction
    return f"line {instruction.line}: {summarize_instruction(instruction)}"


def summarize_instruction(instruction: Instruction) -> str:
    """A few words that name an instruction without its values: ``RUN apt-get install …``."""
    if instruction.name in ("ENV", "ARG", "LABEL"):
        return f"{instruction.name} {', '.join(parse_assignments(instruction))}"[:_SHOWN]
    if instruction.name in ("CMD", "ENTRYPOINT", "HEALTHCHECK", "ONBUILD"):
        return instruction.name
    if instruction.name != "RUN":
        return f"{instruction.name} {instruction.value}"[:_SHOWN]
    called = [
        " ".join(word for word in command.words[:2] if not word.startswith(("-", "http")) and "=" not in word)
        for command in parse_run_commands(instruction)
        if command.program not in ("set", "cd", "[", "fi", "done")
    ]
    return f"RUN {', '.join(dict.fromkeys(called))}"[:_SHOWN]


def _list_pins(facts: DockerfileAnalysis) -> tuple[Pin, ...]:
    """Whatever installs them."""
    return (*facts.pins, *facts.other_pins)


def _compare_pins(
    facts_a: DockerfileAnalysis | None, facts_b: DockerfileAnalysis | None, names: tuple[str, str]
) -> Iterator[str]:
    """Requirements with another version, and those that only one has."""
    if facts_a is None or facts_b is None:
        return
    left = {pin.name: pin.spec for pin in _list_pins(facts_a) if not pin.from_argument}
    right = {pin.name: pin.spec for pin in _list_pins(facts_b) if not pin.from_argument}
    changed = [
        f"{name}: {left[name] or 'any version'} against {right[name] or 'any version'}"
        for name in sorted(left.keys() & right.keys())
        if left[name] != right[name]
    ]
    yield from changed[:_MOST_PINS]
    if len(changed) > _MOST_PINS:
        yield f"{len(changed) - _MOST_PINS} more requirements with another version"
    for owner, only in zip(names, (left.keys() - right.keys(), right.keys() - left.keys()), strict=True):
        if only:
            yield f"only in {owner}: {format_short_list(sorted(only), _MOST_PINS)}"
