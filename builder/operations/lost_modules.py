"""``build --reproduce``: every module that could be imported before pruning still can, by importing all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.core.errors import LostModulesError
from builder.core.slim_rules import RULES, Scope
from builder.image.build.build import build_candidate
from builder.image.render.context import render_context
from builder.image.spec.model import SlimTable
from builder.image.verify.every_module import find_lost_modules, import_every_module

if TYPE_CHECKING:
    from builder.image.build.model import BuildJob, Candidate
    from builder.image.spec.model import Spec
    from builder.operations.project import ImageProject


def check_modules(job: BuildJob, project: ImageProject, candidate: Candidate) -> int:
    """How many modules were imported. Builds the image once more with all files of its packages, and removes it.

    Raises LostModulesError, and what a build raises.
    """
    context = render_context(keep_all_files(project.spec), project.lock)
    whole = replace(job, context=context, options=replace(job.options, cache_to=()), push_directly=False)
    job.runtime.progress.note(f"building {whole.reference} with all files, to import every module of both images")
    other = build_candidate(whole)
    try:
        with job.runtime.progress.task("importing every module of two images"):
            before, after = (import_every_module(job.runtime, one.reference) for one in (other, candidate))
    finally:
        if other.reference != candidate.reference:
            job.engine.remove_reference(other.reference)
    if lost := find_lost_modules(before, after):
        raise LostModulesError(tuple(f"{one.module} ({one.distribution}): {one.problem}" for one in lost))
    return sum(map(len, after.values()))


def keep_all_files(spec: Spec) -> Spec:
    """The same image without a rule of ``[slim]`` for Python packages. The base stays: it has no modules."""
    flags = spec.slim.read_flags() | {rule.name: True for rule in RULES if rule.scope is Scope.PYTHON}
    return spec.model_copy(update={"slim": SlimTable.model_validate(flags, by_alias=True)})
