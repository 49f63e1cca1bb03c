"""The layers of Python packages as text: which, why, and what a new version moves."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from builder.report.units import format_size, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builder.image.lock.layers.explain import LayerExplanation, StageCost
    from builder.image.spec.model import Spec

_WIDTH = 110
_INTRODUCTION = (
    "Lowest first: what moves least for its bytes. A new version of a package pushes its layer, and a node with "
    "overlay2 pulls that layer and all above it; bytes are compressed, estimated from the lock."
)


def format_layers_text(
    explanations: Sequence[LayerExplanation], cost: StageCost | None = None, spec: Spec | None = None
) -> str:
    """``cost``: of the one stage that the spec asks for; None: it has several. ``spec``: what it adds above is said."""
    own = [] if spec is None else _list_own_layers(spec)
    lines = (*_iterate_lines(explanations, cost), *(line for one in own for line in ("", *textwrap.wrap(one, _WIDTH))))
    return "".join(f"{line}\n" for line in lines)


def _list_own_layers(spec: Spec) -> list[str]:
    """What of the project itself lies above the packages, lowest first. Its bytes are known when it is built."""
    build, found = spec.build, []
    if build.run:
        scripts, folders = ", ".join(build.run), ", ".join(build.run_folders)
        found.append(f"Scripts of [build] run: what {scripts} leave{'s' * (len(build.run) == 1)} in {folders}")
    found += [f"Entry {number} of [files]: {name}" for number, name in enumerate(spec.files, 1)]
    return [f"above them: {one}" for one in found]


def _iterate_lines(explanations: Sequence[LayerExplanation], cost: StageCost | None) -> Iterator[str]:
    distributions = sum(not part.endswith(".libs") for one in explanations for part in one.layer.members)
    whole = format_size(sum(one.pushed for one in explanations))
    stages = pluralize(len({one.stage for one in explanations}), "build stage")
    layers = pluralize(len(explanations), "layer")
    yield f"{layers} of {pluralize(distributions, 'Python package')}, {whole}, made by {stages}"
    yield from textwrap.wrap(_INTRODUCTION, _WIDTH)
    if cost is not None:
        yield ""
        yield from textwrap.wrap(_describe_cost(cost, whole), _WIDTH)
    for one in explanations:
        yield ""
        yield f"{one.layer.name}: pushes {format_size(one.pushed)}, pulls {format_size(one.pulled)} (stage {one.stage})"
        yield from textwrap.wrap(f"why: {one.why}", _WIDTH, initial_indent="  ", subsequent_indent="       ")
        yield from textwrap.wrap(
            ", ".join(one.layer.members), _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )


def _describe_cost(cost: StageCost, whole: str) -> str:
    return (
        f"One stage, as `multi-stage = false` asks: a new version of any of the {pluralize(cost.packages, 'package')} "
        f"installs all of them again, because the build cache has no step for each, and pushes {whole}. Several stages "
        f"would make {pluralize(cost.layers, 'layer')} in {pluralize(cost.stages, 'build stage')}: a new version runs "
        f"one of these, and pushes {format_size(cost.mean)} on average, from {format_size(cost.least)} to "
        f"{format_size(cost.most)}."
    )
