"""Dockerfiles read back: instructions, stages, shell commands; to compare with what was planned, and to give advice."""

from builder.dockerfile.parse import Dockerfile, Heredoc, Instruction, parse_dockerfile, read_instructions

__all__ = ["Dockerfile", "Heredoc", "Instruction", "parse_dockerfile", "read_instructions"]
