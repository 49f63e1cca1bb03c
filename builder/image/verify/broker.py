"""Celery's broker beside the roles, and whether a worker answers through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.image.base.servers import REDIS
from builder.image.verify.containers import ContainerOptions, wait_until
from builder.image.verify.environment import BROKER_HOST
from builder.image.verify.scheduler import CheckFailure, CheckPassed
from builder.image.verify.servers import choose_server_image, wait_for_server_start

if TYPE_CHECKING:
    import threading

    from builder.airflow.model import Role
    from builder.core.runtime import Runtime
    from builder.engine.client import Engine
    from builder.image.verify.containers import ContainerFactory, RunningContainer

_SERVER = ("redis-server", "--save", "", "--appendonly", "no")
PING_PAUSE_SECONDS = 2.0
"""A ping starts Python and Celery: on a busy machine the worker needs the processor more."""


def choose_broker(runtime: Runtime, engine: Engine, wanted: str | None) -> tuple[str, str]:
    """The broker's image, and what is special about it; empty where no role needs one."""
    return ("", "") if wanted is None else choose_server_image(runtime, engine, wanted, REDIS)


def check_broker(
    yard: ContainerFactory, image: str, note: str, seconds: float, cancelled: threading.Event
) -> CheckPassed:
    """Up means that it answers a ping."""
    box = yard.start(ContainerOptions(_SERVER, alias=BROKER_HOST, tmpfs=("/data",)), image=image)
    wait_for_server_start(image, box, lambda: "PONG" in box.execute("redis-cli", "ping")[1], seconds, cancelled)
    return CheckPassed(note or f"{image} answers")


def wait_for_ping(
    role: Role, app: str, box: RunningContainer, seconds: float, cancelled: threading.Event
) -> CheckPassed:
    """Celery's own ping, as the official compose file asks: that the process runs proves nothing, a worker without a
    broker tries again for ever."""
    command = f'exec celery --app {app} inspect ping --timeout 5 -d "celery@$(hostname)"'
    said = ""

    def looked() -> bool | None:
        nonlocal said
        if (code := box.find_exit_code()) is not None:
            raise CheckFailure(f"{role.name} ended with exit code {code}", log=box.read_logs())
        code, said = box.execute("bash", "-c", command)
        if code == 0:
            return True
        cancelled.wait(PING_PAUSE_SECONDS)
        return None

    if wait_until(looked, seconds, cancelled):
        return CheckPassed("answers Celery's ping")
    last = said.strip().splitlines()[-1:] or ["nothing"]
    raise CheckFailure(
        f"{role.name} did not answer Celery's ping within {seconds:.0f} s; the ping said: {last[0]}",
        log=box.read_logs(),
    )
