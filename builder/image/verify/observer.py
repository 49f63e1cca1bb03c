"""The observer: one start of Airflow beside the roles that watches their database and their ports."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from builder.image.verify.containers import ContainerOptions
from builder.image.verify.deadline import MOST_TIMES, Deadline
from builder.image.verify.probes import PROBE_FOLDER, parse_probe_answer, read_probe_files
from builder.image.verify.scheduler import CheckFailure, NotRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.airflow.model import JobHealth
    from builder.image.verify.containers import RunningContainer

_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class LoginQuestion:
    """Can ``user`` (its ``username`` and ``password``) log in at ``base`` + ``form``, and see ``home``? ``role``: the
    one that the user has, and keeps after that. ``token``: where it is given one, and what it reaches with that."""

    base: str
    form: str
    home: str
    user: Mapping[str, str] = field(repr=False)
    role: str
    token: tuple[str, str] | None = None


def make_observer_options(
    environment: Mapping[str, str],
    *,
    jobs: Mapping[str, tuple[JobHealth, str]],
    http: Mapping[str, str],
    login: Mapping[str, LoginQuestion],
    dag_id: str | None,
    seconds: float,
) -> ContainerOptions:
    """``jobs``: role → its job and the host name it runs under. ``http``: role → the address of its health page.
    ``login``: role → how somebody is to log in there. ``seconds``: how long anybody waits for it; at their hard limit
    the observer gives up."""
    asked = {
        "jobs": {role: {"type": job.job_type, "hostname": hostname} for role, (job, hostname) in jobs.items()},
        "http": dict(http),
        "login": {role: asdict(question) for role, question in login.items()},
        "dag_id": dag_id,
        "seconds": MOST_TIMES * seconds,
    }
    variables = {**environment, "OPTBUILD_VERIFY": json.dumps(asked), "PYTHONDONTWRITEBYTECODE": "1"}
    return ContainerOptions(
        (f"{PROBE_FOLDER}/observer.py",), variables, ("python",), files=read_probe_files("observer.py", "login.py")
    )


class Observer:
    """What it has said so far. Its container is read on a thread of its own."""

    def __init__(self, box: RunningContainer) -> None:
        self.box = box
        self._events: dict[str, tuple[bool, str]] = {}
        self._ended = False
        self._changed = threading.Condition()
        threading.Thread(target=self._read, name="observer", daemon=True).start()

    def _read(self) -> None:
        try:
            for line in self.box.iterate_lines():
                found = parse_probe_answer(line)
                if found is not None:
                    self._note(str(found["event"]), bool(found["ok"]), str(found["detail"]))
        except Exception:  # noqa: BLE001, S110 - the container was removed: the wait reports that it ended
            pass
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _note(self, event: str, ok: bool, detail: str) -> None:
        with self._changed:
            self._events[event] = (ok, detail)
            self._changed.notify_all()

    def find_event(self, event: str) -> tuple[bool, str] | None:
        """Whether the event was good, and its words; None as long as it has not come."""
        with self._changed:
            return self._events.get(event)

    def require_running(self, whom: str) -> None:
        """Raises CheckFailure when it has ended: without it nothing more is learned about a role."""
        with self._changed:
            ended = self._ended
        if ended:
            raise CheckFailure(
                f"nothing is known about {whom}: verify's observer, which watches from a container of the same image, "
                f"ended with exit code {self.box.find_exit_code()}",
                log=self.box.read_logs(),
            )

    def wait(self, event: str, seconds: float, cancelled: threading.Event) -> tuple[bool, str] | None:
        """None when the observer ended, or ``seconds`` passed, as a Deadline counts them, without it."""
        limit = Deadline(seconds)
        with self._changed:
            while event not in self._events and not self._ended and not limit.is_over():
                self._changed.wait(_POLL_SECONDS)
                if cancelled.is_set():
                    raise NotRun("stopped before it could end")
            return self._events.get(event)
