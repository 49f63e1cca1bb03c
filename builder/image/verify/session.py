"""What a verification puts on the engine, and taking all of it away again: at its end, on a signal, after a kill.

Every container, network and volume carries one label that says which process owns it. Owners that this machine can see
to be dead are swept at the next start; of what another machine or PID namespace owns nothing is known, so it stays.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import signal
import threading
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.core.errors import InterruptedByUserError
from builder.core.interrupts import note_interrupt
from builder.core.naming import LABEL_SESSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

    from docker import DockerClient

REMOVE_ATTEMPTS = 20
REMOVE_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class SessionOwner:
    """The process that owns a session. ``started`` in clock ticks since boot, so that a reused PID is told apart."""

    session: str
    pid: int
    started: int
    boot: str
    namespace: str
    """The PID namespace: in another one, our view of PIDs says nothing."""
    machine: str = ""
    """What stays the same when the machine starts again; empty where that is unknown."""

    def format_label(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


def parse_owner_label(text: str) -> SessionOwner | None:
    """None for a label that this version did not write."""
    try:
        found = json.loads(text)
        owner = SessionOwner(**found)
    except (ValueError, TypeError):
        return None
    kinds = [type(value) for value in asdict(owner).values()]
    return owner if kinds == [str, int, int, str, str, str] else None


@dataclass(frozen=True)
class HostMachine:
    """What this machine knows about processes. ``started_of`` gives a PID's start in ticks, None when it is gone."""

    boot: str
    namespace: str
    started_of: Callable[[int], int | None]
    identity: str = ""
    """A hash of its machine-id; empty where it has none."""


def detect_host(proc: Path = Path("/proc"), machine_id: Path = Path("/etc/machine-id")) -> HostMachine:
    """Linux's /proc (proc(5): field 22 of ``stat`` is the start time). Without it every owner counts as unknown."""
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        namespace = str((proc / "self/ns/pid").readlink())
    except OSError:
        boot, namespace = "", ""
    return HostMachine(boot, namespace, lambda pid: _read_start_time(proc, pid), _hash_machine_id(machine_id))


def _hash_machine_id(file: Path) -> str:
    """machine-id(5) asks not to show the ID itself in untrusted places: an engine may be anybody's."""
    try:
        text = file.read_text().strip()
    except OSError:
        return ""
    return hashlib.sha256(f"optbuild {text}".encode()).hexdigest()[:16] if text else ""


def _read_start_time(proc: Path, pid: int) -> int | None:
    try:
        text = (proc / str(pid) / "stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the command's name may hold spaces and parentheses
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def make_owner(machine: HostMachine, pid: int) -> SessionOwner:
    """A fresh session of the process ``pid``."""
    started = machine.started_of(pid) or 0
    return SessionOwner(uuid.uuid4().hex[:12], pid, started, machine.boot, machine.namespace, machine.identity)


def is_dead(owner: SessionOwner, machine: HostMachine) -> bool:
    """True only when this machine can know it: same PID namespace, and the process is not there any more.

    Another boot of the same machine ended all of its processes. Containers may share a machine-id that came with their
    image; they hardly share the number of a PID namespace, which is always the same outside of containers.
    """
    if not owner.boot or owner.namespace != machine.namespace:
        return False
    if owner.boot != machine.boot:
        return bool(machine.boot) and bool(owner.machine) and owner.machine == machine.identity
    return machine.started_of(owner.pid) != owner.started


def remove_dead_sessions(client: DockerClient, machine: HostMachine) -> int:
    """Remove what dead sessions left on the engine; how many things that were."""
    dead: set[str] = set()
    for thing in _list_labelled(client, LABEL_SESSION):
        label = _read_label(thing)
        owner = parse_owner_label(label)
        if owner is not None and is_dead(owner, machine):
            dead.add(label)
    return sum(remove_labelled(client, label).removed for label in sorted(dead))


@dataclass(frozen=True)
class RemovalResult:
    """How many things were removed, and the commands that remove what is left (empty: nothing is)."""

    removed: int
    left: str = ""


def remove_labelled(client: DockerClient, label: str) -> RemovalResult:
    """Remove everything of one session: containers first, they hold the others.

    Tries again for a while: the engine refuses a network whose last container it is still taking down.
    """
    removed = 0
    things: list[Any] = []
    for attempt in range(REMOVE_ATTEMPTS):
        things = _list_labelled(client, f"{LABEL_SESSION}={label}")
        if not things:
            return RemovalResult(removed)
        time.sleep(REMOVE_PAUSE_SECONDS if attempt else 0)
        removed += sum(_remove_object(thing) for thing in things)
    things = _list_labelled(client, f"{LABEL_SESSION}={label}")
    return RemovalResult(removed, format_cleanup_commands(things))


_COMMANDS = {"container": "docker rm -f -v", "network": "docker network rm", "volume": "docker volume rm"}


def format_cleanup_commands(things: Iterable[Any]) -> str:
    """What a person types to remove the things; empty for none."""
    names: dict[str, list[str]] = {}
    for thing in things:
        kind = type(thing).__name__.lower()
        names.setdefault(kind, []).append(str(thing.name))
    return "; ".join(f"{_COMMANDS.get(kind, kind)} {' '.join(found)}" for kind, found in names.items())


def _remove_object(thing: Any) -> bool:
    from docker.errors import APIError  # the SDK costs 150 ms

    try:
        thing.remove(**({"force": True, "v": True} if hasattr(thing, "image") else {}))
    except APIError:
        return False
    return True


def _list_labelled(client: DockerClient, label: str) -> list[Any]:
    wanted: dict[str, str | list[str] | bool] = {"label": label}
    containers = client.containers.list(all=True, filters=wanted, ignore_removed=True)
    return [*containers, *client.networks.list(filters=wanted), *client.volumes.list(filters=wanted)]


def _read_label(thing: Any) -> str:
    attrs = thing.attrs
    labels = (attrs.get("Config") or attrs).get("Labels") or {}
    return str(labels.get(LABEL_SESSION, ""))


class VerifySession:
    """One verification's hold on the engine. ``creating`` guards every creation, so that none slips past ``close``."""

    def __init__(self, client: DockerClient, owner: SessionOwner) -> None:
        self.client = client
        self.owner = owner
        self._lock = threading.Lock()
        self._closed = False

    @property
    def labels(self) -> dict[str, str]:
        return {LABEL_SESSION: self.owner.format_label()}

    @contextlib.contextmanager
    def guard_creation(self) -> Iterator[None]:
        """Raises SessionClosedError once ``close`` began."""
        with self._lock:
            if self._closed:
                raise SessionClosedError
            yield

    def close(self) -> RemovalResult:
        """Remove everything. Safe to call twice."""
        with self._lock:
            self._closed = True
        return remove_labelled(self.client, self.owner.format_label())


class SessionClosedError(Exception):
    """The session ended while one of its threads still wanted something from it."""


@contextlib.contextmanager
def raise_on_signals() -> Iterator[None]:
    """Within the block a signal to end raises InterruptedByUserError, once: the clean-up is not interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: FrameType | None) -> None:
        note_interrupt(number)
        for each in before:
            signal.signal(each, signal.SIG_IGN)  # the clean-up must not be interrupted halfway
        raise InterruptedByUserError(f"interrupted by {signal.Signals(number).name}")

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    if before[signal.SIGHUP] is signal.SIG_IGN:  # nohup: go on
        del before[signal.SIGHUP]
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
