"""The instructions of a Dockerfile with what decides about the layer that each makes: its words, the arguments that it
declares, the build context, and the whole of the stages from which it takes files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.dockerfile.parse import Instruction
from builder.dockerfile.stages import (
    find_source_stages,
    find_stage,
    list_feeding_stages,
    parse_assignments,
    parse_flags,
)

if TYPE_CHECKING:
    from builder.dockerfile.facts import DockerfileAnalysis
    from builder.dockerfile.stages import Stage

_COPIES = ("COPY", "ADD")


@dataclass(frozen=True)
class SourceStage:
    """A stage from which an instruction takes files. ``fingerprint``: of all that decides about it but the context."""

    name: str
    steps: tuple[LayerStep, ...] = field(repr=False)
    fingerprint: str
    reads_context: bool


@dataclass(frozen=True)
class LayerStep:
    """One instruction of the stages that a target has."""

    instruction: Instruction
    words: str
    values: tuple[tuple[str, str | None], ...] = ()
    sources: tuple[SourceStage, ...] = ()
    reads_context: bool = False
    """Whether files of the build context decide about its layer."""
    parent: DockerfileAnalysis | None = field(default=None, repr=False)
    """Of FROM: the build of the project that makes the base. Only one and the same build is taken for equal."""

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal where the same context makes the same layer of it."""
        fingerprints = tuple(one.fingerprint for one in self.sources)
        return (self.instruction.name, self.words, self.values, fingerprints, id(self.parent) if self.parent else None)


def collect_layer_steps(facts: DockerfileAnalysis) -> tuple[LayerStep, ...]:
    """FROM and all instructions of the chain, in order."""
    if not facts.chain:
        return ()
    collector = _Collector(facts.stages)
    for stage in list_feeding_stages(facts.stages, facts.chain):  # in the order of the file: no stage waits for another
        collector.make_source(stage)
    head = _make_head(facts.base or "", facts.chain[0], facts.parent)
    return (head, *(step for stage in facts.chain for step in collector.make_steps(stage)))


def _make_head(base: str, stage: Stage, parent: DockerfileAnalysis | None = None) -> LayerStep:
    return LayerStep(Instruction("FROM", base, stage.line), base, parent=parent)


class _Collector:
    """Each stage is read once, whoever copies from it."""

    def __init__(self, stages: tuple[Stage, ...]) -> None:
        self._stages = stages
        self._known: dict[int, SourceStage] = {}

    def make_steps(self, stage: Stage) -> tuple[LayerStep, ...]:
        """Of the stage's own instructions."""
        return tuple(self._make_step(stage, instruction) for instruction in stage.instructions)

    def _make_step(self, stage: Stage, instruction: Instruction) -> LayerStep:
        bodies = "\0".join(heredoc.body for heredoc in instruction.heredocs)
        declared = parse_assignments(instruction) if instruction.name == "ARG" else {}
        words = "" if declared else " ".join(instruction.value.split())
        known = dict(stage.arguments)
        found = find_source_stages(self._stages, stage, instruction)
        sources = tuple(self.make_source(one) for one in found)
        reads = _reads_context(instruction) or any(one.reads_context for one in sources)
        values = tuple((name, known.get(name)) for name in declared)
        return LayerStep(instruction, f"{words}\0{bodies}", values, sources, reads)

    def make_source(self, stage: Stage) -> SourceStage:
        """The stage with all that it begins with."""
        if stage.index not in self._known:
            below = find_stage(self._stages[: stage.index], stage.base)
            before = None if below is None else self.make_source(below)
            own = self.make_steps(stage)
            steps = (*(before.steps if before else (_make_head(stage.base, stage),)), *own)
            text = repr((before.fingerprint if before else stage.base, [step.identity for step in own]))
            self._known[stage.index] = SourceStage(
                stage.name or str(stage.index),
                steps,
                hashlib.sha256(text.encode(errors="replace")).hexdigest(),
                any(step.reads_context for step in steps),
            )
        return self._known[stage.index]


def _reads_context(instruction: Instruction) -> bool:
    """A COPY from anything but the Dockerfile itself and another stage, or a RUN that binds something in."""
    flags = parse_flags(instruction)
    if instruction.name in _COPIES:
        return not instruction.heredocs and not any(flag.startswith("--from=") for flag in flags)
    mounts = [flag for flag in flags if flag.startswith("--mount=") and "from=" not in flag]
    return any("type=bind" in mount or "type=" not in mount for mount in mounts)
