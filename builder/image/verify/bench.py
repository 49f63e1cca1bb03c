"""What the checks of one verification share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from builder.airflow.variables import HOME, HOME_VARIABLE
from builder.image.verify.image import LayerReader
from builder.image.verify.probes import StaticProbe, make_probe_options, run_probe
from builder.image.verify.scheduler import NotRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from docker import DockerClient

    from builder.airflow.model import Role
    from builder.image.verify.containers import ContainerFactory, RunningContainer
    from builder.image.verify.environment import VerifyDatabase
    from builder.image.verify.observer import Observer
    from builder.image.verify.plan import VerifyPlan
    from builder.image.verify.scheduler import CheckFailure


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
    selected: frozenset[str] = frozenset()
    """The names of the checks that run."""
    broker: tuple[str, str] = ("", "")
    """The image of Celery's broker and what is special about it; empty where no role needs one."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    boxes: dict[str, RunningContainer] = field(default_factory=dict)
    observer: Observer | None = None
    observer_ready: threading.Event = field(default_factory=threading.Event)
    stop_begins: threading.Event = field(default_factory=threading.Event)
    """Set when the roles are about to be stopped, or nobody will stop them."""
    wait_for_checks: Callable[[tuple[str, ...]], None] = lambda _: None
    """Until the checks of these names ended."""
    withdraw: Callable[[str, CheckFailure], None] = lambda *_: None
    """A role whose check passed did not last: its check failed."""
    configuration: Mapping[tuple[str, str], str] | None = field(default=None, repr=False)
    """The image's airflow.cfg, as (section, key) → value; None: not read yet."""

    probe: StaticProbe = field(init=False, repr=False)
    """Whichever check asks first starts it."""

    layers: LayerReader = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.layers = LayerReader(self.client, self.attrs, self.cache_folder, self.plan)
        seconds = self.plan.timeouts.probe
        self.probe = StaticProbe(lambda: run_probe(self.yard, make_probe_options(self.plan), seconds, self.cancelled))

    @property
    def home(self) -> str:
        return find_airflow_home(self.attrs)

    def make_hostname(self, role: Role) -> str:
        """Jobs are told apart by it, also in a database that others use."""
        return f"{role.name}-{self.dag_id.rpartition('_')[2]}"[:63]

    def wait_for_observer(self) -> Observer:
        """As soon as it has started. Raises NotRun when it does not."""
        while not self.observer_ready.wait(0.5):
            if self.cancelled.is_set():
                raise NotRun("stopped before it could end")
        if self.observer is None:
            raise NotRun("the observer did not start")
        return self.observer


def read_image_environment(attrs: Mapping[str, Any]) -> dict[str, str]:
    """The image's ENV."""
    return dict(str(text).partition("=")[::2] for text in (attrs.get("Config") or {}).get("Env") or ())


def find_airflow_home(attrs: Mapping[str, Any]) -> str:
    """The image's AIRFLOW_HOME."""
    return read_image_environment(attrs).get(HOME_VARIABLE, HOME)
