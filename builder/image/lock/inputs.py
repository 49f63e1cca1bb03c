"""What of a spec a lock depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from builder.image.lock.model import LockInputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.image.spec.model import Spec

NO_CONSTRAINTS = "none"


def find_constraints_choice(spec: Spec) -> str:
    """What the spec asks for, in one word: ``official``, ``none``, a file or a URL."""
    return NO_CONSTRAINTS if spec.airflow.constraints is False else spec.airflow.constraints


def make_lock_inputs(spec: Spec, requirements: Sequence[str]) -> LockInputs:
    """What of the spec a lock depends on, in one normal form."""
    return LockInputs(
        airflow=spec.airflow.version,
        extras=tuple(sorted({canonicalize_name(extra) for extra in spec.airflow.extras})),
        python=spec.python.version,
        requirements=tuple(sorted(set(requirements))),
        constraints=find_constraints_choice(spec),
        debian=spec.base.debian or "",
        apt_runtime=tuple(sorted(set(spec.apt.runtime))),
        apt_build=tuple(sorted(set(spec.apt.build))),
        # one stage has one RUN for all Python packages
        layers_max=spec.layers.max if spec.build.multi_stage else 1,
        base_image=spec.base.image or "",
        base_airflow=spec.base.airflow or "",
    )
