"""Images that break a promise on purpose: how one is described, made of a good one, and verified."""

from __future__ import annotations

import contextlib
import os
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runtime_factory import make_runtime

from builder.core.process import Command, LocalRunner
from builder.image.verify.run import verify_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.airflow.model import Role
    from builder.image.verify.model import VerifyReport
    from builder.image.verify.plan import VerifyPlan

GOOD = 'exec /entrypoint.good "$@"'
AS_ENTRYPOINT = (
    "RUN mv /entrypoint /entrypoint.good && printf '%s\\n' '#!/bin/bash' {lines} >/entrypoint && chmod 755 /entrypoint"
)
AIRFLOW_2, AIRFLOW_3, CELERY, DATABASE, BROKER = "airflow", "airflow-3", "airflow-celery", "database", "broker"
"""What is sabotaged: an image of images/, or that of a server beside the first, or the last, of them."""
SERVERS = {DATABASE: AIRFLOW_2, BROKER: CELERY}
"""A server that is sabotaged → the image that is verified beside it."""


def entrypoint(*lines: str) -> str:
    """A script in the entrypoint's place; the good one is /entrypoint.good."""
    return AS_ENTRYPOINT.format(lines=" ".join(f"'{line}'" for line in lines))


@dataclass(frozen=True)
class Sabotage:
    """``dockerfile`` follows FROM and USER 0. ``only``: the checks to run besides what they need; empty: all."""

    check: str
    dockerfile: tuple[str, ...]
    words: str
    only: tuple[str, ...] = ()
    roles: tuple[str, ...] = ("init", "webserver", "scheduler")
    """Those of the plan. Without init the others start on the database that all cases share, migrated already."""
    makes_user: bool = False
    """Its init makes a user: five seconds of the case."""
    fresh: bool = False
    """Needs an empty database."""
    base: str = AIRFLOW_2
    requirements: tuple[str, ...] = ()
    """More than those of the plan."""
    patience: float | None = None
    """Seconds for a role that will never do its job; None: the product's own."""

    @property
    def verified(self) -> str:
        """The image of images/ that is verified, sabotaged or not."""
        return SERVERS.get(self.base, self.base)

    def change_plan(self, plan: VerifyPlan, reference: str) -> VerifyPlan:
        """The good image's plan, for the sabotaged image ``reference``."""
        is_plain = bool(self.only) and not self.makes_user
        roles = tuple(remove_user(role) if is_plain else role for role in plan.roles if role.name in self.roles)
        patience = plan.timeouts.role if self.patience is None else self.patience
        return replace(
            plan,
            roles=roles,
            requirements=(*plan.requirements, *self.requirements),
            timeouts=replace(plan.timeouts, role=patience),
            database=reference if self.base == DATABASE else plan.database,
            broker=_choose_broker(self, plan, reference),
        )


def _choose_broker(case: Sabotage, plan: VerifyPlan, reference: str) -> str | None:
    if case.base == BROKER:
        return reference
    is_needed = any(role.needs_broker for role in plan.roles if role.name in case.roles)
    return plan.broker if is_needed else None


def remove_user(role: Role) -> Role:
    """The role that makes no user."""
    return replace(role, environment=tuple(pair for pair in role.environment if "_WWW_USER_" not in pair[0]))


@contextlib.contextmanager
def derive(good: str, user: str, lines: tuple[str, ...], folder: Path) -> Iterator[str]:
    """An image made of the good one; only its own tag and layers are removed, never the good one."""
    reference = f"optbuild-sabotaged-postgres:{uuid.uuid4().hex[:12]}"
    (folder / "Dockerfile").write_text("\n".join((f"FROM {good}", "USER 0", *lines, f"USER {user}")) + "\n")
    label = f"--label=optbuild.test={os.getpid()}-{uuid.uuid4().hex}"
    command = ("docker", "build", "--quiet", "--network=none", label, "--tag", reference, str(folder))
    built = LocalRunner().run(Command(command, timeout=300))
    assert built.ok, built.err
    yield reference
    LocalRunner().run(Command(("docker", "rmi", reference), timeout=120))


def verify(reference: str, plan: VerifyPlan, cache: Path, *only: str, url: str = "") -> VerifyReport:
    env = {name: value for name, value in os.environ.items() if name != "OPTBUILD_DATABASE_URL"}
    env |= {"XDG_CACHE_HOME": str(cache), "XDG_STATE_HOME": str(cache)}
    env |= {"OPTBUILD_DATABASE_URL": url} if url else {}
    return verify_image(make_runtime(cache, env, runner=LocalRunner()), reference, plan, only=only)
