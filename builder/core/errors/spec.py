"""optbuild.toml cannot be read, or says something that cannot be built."""

from __future__ import annotations

from builder.core.errors.base import OptbuildError


class SpecError(OptbuildError):
    """optbuild.toml cannot be read, or says something that cannot be built."""


class InvalidSpecError(SpecError):
    """Everything that is wrong with one optbuild.toml, in the order of its lines."""

    def __init__(self, file: str, problems: tuple[SpecError, ...]) -> None:
        text = "\n".join(f"  {problem}".replace("\n  next:", "\n    next:") for problem in problems)
        super().__init__(f"{file} has {len(problems)} errors:\n{text}")
        self.problems = problems


class UnknownAirflowError(SpecError):
    """An Airflow version that is not known here. ``supported`` says in words which are; ``nearest`` is one of them, for
    a version of the right form that was never released, or was withdrawn."""

    def __init__(self, version: str, supported: str, *, nearest: str | None = None) -> None:
        if nearest is not None:
            message = f"Airflow {version} was never released, or was withdrawn from the package index"
            super().__init__(message, hint=f"take {nearest}")
            return
        hint = "take a final release in that range, written in full like 2.8.1"
        super().__init__(f"Airflow {version!a} is not known; the known versions are {supported}", hint=hint)


class MissingFileError(OptbuildError):
    """A file that the command needs is not there."""


class AdoptionError(OptbuildError):
    """A project that `optbuild init` cannot take over: it is not one, or its files contradict each other."""
