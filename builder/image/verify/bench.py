"""What the checks of one verification share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from builder.airflow.variables import HOME, HOME_VARIABLE
from builder.image.verify.probes import StaticProbe, make_probe_options, run_probe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from docker import DockerClient

    from builder.airflow.model import Role
    from builder.image.verify.containers import ContainerFactory, RunningContainer
    from builder.image.verify.environment import VerifyDatabase
    from builder.image.verify.observer import Observer
    from builder.image.verify.plan import VerifyPlan


@dataclass
class VerifyContext:
    """What the checks of one run share."""

    plan: VerifyPlan
    attrs: Mapping[str, Any]
    client: DockerClient
    yard: ContainerFactory
    database: VerifyDatabase
    environment: Mapping[str, str]
    cache_folder: Path
    dag_id: str
    user: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the user that init makes is called, for this verification alone."""
    volumes: tuple[tuple[str, str], ...] = ()
    cancelled: threading.Event = field(default_factory=threading.Event)
    boxes: dict[str, RunningContainer] = field(default_factory=dict)
    observer: Observer | None = None
    observer_ready: threading.Event = field(default_factory=threading.Event)

    probe: StaticProbe = field(init=False, repr=False)
    """Whichever check asks first starts it."""

    def __post_init__(self) -> None:
        seconds = self.plan.timeouts.probe
        self.probe = StaticProbe(lambda: run_probe(self.yard, make_probe_options(self.plan), seconds, self.cancelled))

    @property
    def home(self) -> str:
        return find_airflow_home(self.attrs)

    def make_hostname(self, role: Role) -> str:
        """Jobs are told apart by it, also in a database that others use."""
        return f"{role.name}-{self.dag_id.rpartition('_')[2]}"[:63]


def find_airflow_home(attrs: Mapping[str, Any]) -> str:
    """The image's AIRFLOW_HOME."""
    variables = dict(text.partition("=")[::2] for text in (attrs.get("Config") or {}).get("Env") or ())
    return str(variables.get(HOME_VARIABLE, HOME))
