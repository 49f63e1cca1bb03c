"""What a verification will start and expect, as a value: made from a spec and its lock, or from an image's labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder.airflow.model import ExitHealth, JobHealth, PingHealth, Role
from builder.airflow.releases import SCHEDULER, find_release
from builder.core.errors import VerifyUsageError
from builder.core.naming import DEFAULT_DATABASE, LABEL_AIRFLOW, LABEL_BASE_DIGEST, LABEL_BASE_NAME, LABEL_PROJECT
from builder.image.spec.roles import choose_broker_image

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.airflow.model import Release
    from builder.image.lock.foundation import Contract
    from builder.image.lock.model import Lock
    from builder.image.spec.model import Spec

AIRFLOW_USER = "50000"


@dataclass(frozen=True)
class Timeouts:
    """Seconds that each step may take; a check fails when its step takes longer.

    They are counted while the machine has a processor to spare (see :mod:`builder.image.verify.deadline`).
    """

    database: float = 60.0
    probe: float = 240.0
    """Roles go first, so on a busy machine a probe of six seconds was seen to take two minutes."""
    providers: float = 300.0
    """A provider of a cloud has hundreds of modules; those of an image with PostgreSQL take three seconds."""
    init: float = 180.0
    role: float = 120.0
    dag: float = 120.0
    dags: float = 1800.0
    """Airflow gives each file 30 s, and so does the probe."""
    stop: float = 15.0
    """The image's contract: SIGTERM ends each role within this time."""


@dataclass(frozen=True)
class DagFolder:
    """A folder whose DAG files the image must be able to import. ``shown``: how messages name it."""

    path: Path
    shown: str


@dataclass(frozen=True)
class PlanBase:
    """The image that the image was made from: whose layers are not its own to answer for. ``layers`` counts them."""

    name: str
    layers: int
    contract: Contract = ""
    """Whose promises an image made from it keeps; empty: ours."""
    diffs: tuple[str, ...] = ()
    """Which layers they must be; empty: nobody knows."""
    distributions: frozenset[str] = frozenset()
    """Names, normalised, of the distributions that stay as the base has them."""


@dataclass(frozen=True)
class VerifyPlan:
    """Everything that ``verify_image`` needs to know beside the image."""

    airflow: str
    """The version that ``airflow version`` must say."""
    requirements: tuple[str, ...]
    """PEP 508; the spec's own and ``apache-airflow[extras]==version``."""
    roles: tuple[Role, ...]
    database: str
    """``sqlite``, or the image to start a server from."""
    labels: tuple[tuple[str, str], ...] = ()
    """Labels that the image must carry, with these values."""
    user: str = AIRFLOW_USER
    forbidden: tuple[bytes, ...] = field(default=(), repr=False)
    """Values of the build's own secrets: in no layer, wherever they stand."""
    dags: DagFolder | None = None
    timeouts: Timeouts = Timeouts()
    broker: str | None = None
    """The image of Celery's broker; None: no role needs one."""
    base: PlanBase | None = None
    """None: the image stands on nothing but its own layers, or nobody knows on what."""
    entrypoint: tuple[str, ...] = ()
    """That of the base, where it and its ``user`` must stay; empty: the contract says which."""

    @property
    def is_described(self) -> bool:
        """Whether the image was rendered from a spec, and is held to all that such an image promises."""
        return any(name == LABEL_PROJECT for name, _ in self.labels)

    @property
    def has_own_contract(self) -> bool:
        """Whether it is held to the promises of our own images: folders, and an entrypoint that fails with the
        migration. Other images, and those that extend ``apache/airflow``, keep what that one promises."""
        return self.is_described and (self.base is None or self.base.contract != "official")

    @property
    def kept_distributions(self) -> frozenset[str]:
        """Those that are as the base has them."""
        return frozenset() if self.base is None else self.base.distributions

    @property
    def distributions(self) -> tuple[str, ...]:
        """Names of the required distributions, normalised, sorted."""
        return tuple(sorted({canonicalize_name(Requirement(text).name) for text in self.requirements}))

    @property
    def starters(self) -> tuple[Role, ...]:
        """Roles that do their work and end (``init``)."""
        return tuple(role for role in self.roles if isinstance(role.health, ExitHealth))

    @property
    def servers(self) -> tuple[Role, ...]:
        """Roles that stay."""
        return tuple(role for role in self.roles if not isinstance(role.health, ExitHealth))

    @property
    def release(self) -> Release:
        """What is known of its Airflow. Raises UnknownAirflowError."""
        return find_release(self.airflow)

    @property
    def dag_runners(self) -> tuple[str, ...]:
        """The roles without which no DAG comes to its end, those that the plan lacks included: who reads the files, who
        schedules, whom the tasks talk to, and the worker."""
        series = self.release.series
        worker = self.worker.name if self.worker is not None else None
        names = (SCHEDULER.name, series.dag_reader, series.execution_api, worker)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    @property
    def worker(self) -> Role | None:
        """The role that runs the tasks, if the plan has a Celery worker."""
        return next((role for role in self.servers if isinstance(role.health, PingHealth)), None)

    @property
    def missing_dag_runner(self) -> str | None:
        """The first of them that the plan lacks."""
        started = {role.name for role in self.servers}
        return next((name for name in self.dag_runners if name not in started), None)

    @property
    def scheduler(self) -> Role | None:
        """The role that runs DAGs, if the plan has one."""
        jobs = (role for role in self.servers if isinstance(role.health, JobHealth))
        return next((role for role in jobs if role.health == SCHEDULER.role.health), None)


def make_plan_from_spec(spec: Spec, lock: Lock, roles: tuple[Role, ...]) -> VerifyPlan:
    """The plan for the image of a spec; ``roles`` are those that it ends up with (version's own and the spec's)."""
    kept = lock.foundation if lock.foundation is not None and lock.foundation.contract == "official" else None
    return VerifyPlan(
        airflow=spec.airflow.version,
        requirements=(
            _format_airflow_requirement(spec.airflow.version, spec.airflow.extras),
            *lock.inputs.requirements,
        ),
        roles=roles,
        database=spec.verify.database,
        broker=choose_broker_image(spec.verify.broker, roles),
        labels=((LABEL_AIRFLOW, spec.airflow.version), (LABEL_PROJECT, spec.image.name), *_list_base_labels(lock)),
        dags=find_spec_dags(spec),
        base=_make_plan_base(lock),
        user=AIRFLOW_USER if kept is None else kept.user or "root",
        entrypoint=() if kept is None else kept.entrypoint,
    )


def _make_plan_base(lock: Lock) -> PlanBase | None:
    found = lock.foundation
    if found is None:
        return None
    replaced = {canonicalize_name(one.name) for one in lock.python}
    kept = frozenset(one.name for one in found.distributions) - replaced
    return PlanBase(found.reference, len(found.layers), found.contract, found.layers, kept)


def _list_base_labels(lock: Lock) -> tuple[tuple[str, str], ...]:
    found = lock.foundation
    return () if found is None else ((LABEL_BASE_NAME, found.reference), (LABEL_BASE_DIGEST, found.digest))


def find_spec_dags(spec: Spec) -> DagFolder | None:
    """The folder that ``[verify] dags`` names."""
    return None if spec.verify.dags is None else DagFolder(spec.folder / spec.verify.dags, spec.verify.dags)


def make_plan_from_labels(
    image: str, labels: Mapping[str, str], roles: tuple[Role, ...], base: PlanBase | None = None
) -> VerifyPlan:
    """The plan for an image that nothing but its labels describes. Raises VerifyUsageError when they do not suffice."""
    version = read_airflow_label(image, labels)
    project = ((LABEL_PROJECT, labels[LABEL_PROJECT]),) if LABEL_PROJECT in labels else ()
    expected = ((LABEL_AIRFLOW, version), *project)
    return VerifyPlan(
        version, (_format_airflow_requirement(version, ()),), roles, DEFAULT_DATABASE, expected, base=base
    )


def read_airflow_label(image: str, labels: Mapping[str, str]) -> str:
    """What ``org.apache.airflow.version`` says; the official images carry it too."""
    if version := labels.get(LABEL_AIRFLOW):
        return version
    raise VerifyUsageError(
        f"{image} carries no label {LABEL_AIRFLOW}, so nothing says which Airflow it should have",
        hint="name the folder of its optbuild.toml instead: optbuild verify DIR",
    )


def _format_airflow_requirement(version: str, extras: tuple[str, ...]) -> str:
    return f"apache-airflow[{','.join(extras)}]=={version}" if extras else f"apache-airflow=={version}"
