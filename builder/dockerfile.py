"""Dockerfiles read back: what a rendered text really says, to compare with what was planned."""

from __future__ import annotations

import io
from dataclasses import dataclass

from dockerfile_parse import DockerfileParser


@dataclass(frozen=True)
class Instruction:
    """One instruction; ``value`` with line continuations resolved, ``line`` counts from 1."""

    name: str
    value: str
    line: int


@dataclass(frozen=True)
class Dockerfile:
    """A parsed Dockerfile; ``labels`` and ``environment`` are the last stage's, unquoted and unescaped."""

    instructions: tuple[Instruction, ...]
    labels: dict[str, str]
    environment: dict[str, str]


def parse_dockerfile(text: str) -> Dockerfile:
    """Read ``text``; comments are dropped."""
    parser = DockerfileParser(fileobj=io.BytesIO(text.encode()), env_replace=False)
    instructions = tuple(
        Instruction(entry["instruction"].upper(), entry["value"], entry["startline"] + 1)
        for entry in parser.structure
        if entry["instruction"] != "COMMENT"
    )
    return Dockerfile(instructions, dict(parser.labels), dict(parser.envs))
