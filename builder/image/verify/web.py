"""A role that is asked over HTTP: its own port answers, and its JSON is believed, never the status alone."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from builder.image.verify.containers import RunningContainer, wait_until
from builder.image.verify.deadline import Deadline
from builder.image.verify.scheduler import CheckFailure, CheckPassed

if TYPE_CHECKING:
    import threading

    from builder.airflow.model import HttpHealth
    from builder.image.verify.observer import Observer

LOOK_SECONDS = 5.0
"""Between two looks at where the container listens."""
ELSEWHERE_SECONDS = 15.0
"""Who has listened on other ports only for this long is not waited for any more."""


def wait_for_http(
    name: str,
    health: HttpHealth,
    box: RunningContainer,
    observer: Observer,
    *,
    seconds: float,
    cancelled: threading.Event,
) -> CheckPassed:
    """The role's own port answers, and its JSON says that every component is healthy; the status code says nothing."""
    said, started, ports = "nothing answers", time.monotonic(), OtherPorts(box, health.port)

    def looked() -> bool | None:
        nonlocal said
        if (code := box.find_exit_code()) is not None:
            raise CheckFailure(f"{name} ended with exit code {code}", log=box.read_logs())
        observer.require_running(name)
        fine, said = check_http_answer(health, (observer.find_event(f"http:{name}") or (True, ""))[1])
        return fine or (False if ports.is_permanent() else None)

    if wait_until(looked, seconds, cancelled):
        return CheckPassed(f"port {health.port}{health.path}: {said}")
    raise CheckFailure(
        f"port {health.port}{health.path} after {time.monotonic() - started:.0f} s: {said}{ports.format_words()}",
        hint=_PORT_HINT,
        log=box.read_logs(),
    )


_PORT_HINT = "the role must answer on the port of its health check ([roles.NAME] health in optbuild.toml)"


def check_http_answer(health: HttpHealth, answer: str) -> tuple[bool, str]:
    """Whether the answer (``STATUS BODY``, empty for none) is good, and what it says."""
    status, _, body = answer.partition(" ")
    if not status:
        return False, "nothing answers"
    if status != "200":
        return False, f"HTTP status {status}"
    if not health.json_components:
        return True, "HTTP status 200"
    try:
        found = json.loads(body)
    except ValueError:
        return False, "the answer is not JSON"
    states = {name: _find_component_state(found, name) for name in health.json_components}
    words = ", ".join(f"{name} is {state}" for name, state in states.items())
    return all(state == "healthy" for state in states.values()), words


def _find_component_state(found: Any, name: str) -> str:
    component = found.get(name) if isinstance(found, dict) else None
    return str(component.get("status")) if isinstance(component, dict) else "missing"


class OtherPorts:
    """Where a container listens instead of on the ``expected`` port; looked at now and then, since a look costs."""

    def __init__(self, box: RunningContainer, expected: int) -> None:
        self._box = box
        self._expected = expected
        self._looked = time.monotonic()
        self._deadline: Deadline | None = None

    def is_permanent(self) -> bool:
        """Whether it has listened on other ports only for so long that it will not come to the expected one."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._deadline = (self._deadline or Deadline(ELSEWHERE_SECONDS)) if self._find_other_ports() else None
        return self._deadline is not None and self._deadline.is_over()

    def format_words(self) -> str:
        """For the end of a sentence; empty when it listens nowhere, or where it should."""
        found = ", ".join(map(str, self._find_other_ports()))
        return f"; the container listens on {found} instead" if found else ""

    def _find_other_ports(self) -> list[int]:
        code, text = self._box.execute("cat", "/proc/net/tcp", "/proc/net/tcp6")
        ports = parse_listening_ports(text) if code == 0 else set()
        return [] if self._expected in ports else sorted(port for port in ports if port < _FIRST_EPHEMERAL)


_FIRST_EPHEMERAL = 32768
"""Linux's default ip_local_port_range; above it the engine's own name server listens."""


def parse_listening_ports(text: str) -> set[int]:
    """proc_net_tcp(5): address:port in hex, state 0A is listening."""
    return {int(port, 16) for port in re.findall(r"^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ 0A ", text, re.MULTILINE)}
