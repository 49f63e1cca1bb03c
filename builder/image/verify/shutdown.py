"""SIGTERM: every role ends by it, in time, with a documented exit code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.airflow.variables import CONNECTION
from builder.image.verify.containers import wait_until
from builder.image.verify.deadline import Deadline
from builder.image.verify.roles import ENDED_HINT
from builder.image.verify.scheduler import CheckFailure, CheckPassed, NotRun

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection, Mapping

    from builder.image.verify.containers import RunningContainer

TERMINATED = 128 + 15
CLEAN_EXITS = frozenset({0, TERMINATED})
"""Documented: a role that ended its work says 0; one that SIGTERM ended while it prepared says 143."""
NOBODY_LISTENS = "postgresql+psycopg2://airflow@127.0.0.1:1/airflow"
"""Port 1 (tcpmux) of the container itself."""
_WAITING_WORDS = "waiting for the database"
"""What the entrypoint says in each round of its wait."""
WAIT_SECONDS = 30.0
"""For an entrypoint to say that it waits."""
_POLL_SECONDS = 0.1
GUNICORN_SECONDS = 30.0
"""From then on for a role whose gunicorn waits for a worker: its default ``graceful_timeout``, begun at the signal."""
_LATE = (
    "{name} ended only {after:.0f} s after SIGTERM: gunicorn waited for a worker that had begun in that moment and did "
    "not hear it; `docker stop` kills after 10 s"
)
_HINT = "the entrypoint must pass SIGTERM on (`exec`, dumb-init) and may not ignore it; see `docker top` in the log"


class EndedEarlyError(CheckFailure):
    """Some roles had ended by themselves before the signal. ``ended``: each with its failure."""

    def __init__(self, ended: Mapping[str, CheckFailure]) -> None:
        self.ended = ended
        every = ended.values()
        super().__init__(
            "; ".join(one.message for one in every), hint=ENDED_HINT, log="\n".join(one.log for one in every)
        )


class NotWaitingError(CheckFailure):
    """A role ended instead of waiting for its database. ``code``: how."""

    def __init__(self, name: str, code: int, log: str) -> None:
        self.code = code
        super().__init__(
            f"{name} ended with exit code {code} instead of waiting for a database that does not answer yet", log=log
        )


def make_waiting_environment() -> dict[str, str]:
    """With it the entrypoint waits for its database, longer than a verification lasts."""
    return {
        CONNECTION.name: NOBODY_LISTENS,
        "CONNECTION_CHECK_MAX_COUNT": "600",
        "CONNECTION_CHECK_SLEEP_TIME": "1",
    }


def wait_until_waiting(
    name: str, box: RunningContainer, cancelled: threading.Event, seconds: float = WAIT_SECONDS
) -> None:
    """Until its log shows that it waits. An entrypoint that waits without a word is believed after ``seconds``.

    Raises NotWaitingError.
    """

    def waits() -> bool | None:
        if (code := box.find_exit_code()) is not None:
            raise NotWaitingError(name, code, box.read_logs())
        return _WAITING_WORDS in box.read_logs() or None

    wait_until(waits, seconds, cancelled)


def stop_roles(
    boxes: Mapping[str, RunningContainer],
    seconds: float,
    cancelled: threading.Event,
    *,
    preparing: Collection[str] = (),
) -> CheckPassed:
    """SIGTERM to all roles at once: each ends within ``seconds``, and with PID 1 all its processes.
    Raises EndedEarlyError where one had ended before.

    With 0 or 143; those that are still ``preparing`` with 143 only, since they would also end well by themselves.
    """
    if not boxes:
        raise NotRun("no role runs that could be stopped")
    refuse_ended(boxes)
    limit = Deadline(seconds)
    for name, box in boxes.items():
        if not box.terminate():
            refuse_ended({name: box})
    ended = _wait_for_ends(boxes, limit, limit, cancelled)
    late = {name: box for name, box in boxes.items() if name not in ended and _has_deaf_worker(box, limit.elapsed)}
    more = _wait_for_ends(late, Deadline(GUNICORN_SECONDS), limit, cancelled)
    outcome = check_stop_results(boxes, {**ended, **more}, seconds, preparing)
    return replace(outcome, warnings=tuple(_LATE.format(name=name, after=after) for name, (_, after) in more.items()))


def _wait_for_ends(
    boxes: Mapping[str, RunningContainer], limit: Deadline, since: Deadline, cancelled: threading.Event
) -> dict[str, tuple[int, float]]:
    """Exit code and seconds ``since`` the signal of those that end before ``limit``."""
    ended: dict[str, tuple[int, float]] = {}
    while len(ended) < len(boxes) and not limit.is_over():
        for name, box in boxes.items():
            if name not in ended and (code := box.find_exit_code()) is not None:
                ended[name] = (code, since.elapsed)
        if cancelled.wait(_POLL_SECONDS):
            raise NotRun("stopped before it could end")
    return ended


def _has_deaf_worker(box: RunningContainer, elapsed: float) -> bool:
    """Whether a gunicorn in it has a worker that began within a moment of the signal, ``elapsed`` seconds ago.

    Until a worker has set its own handlers it loses SIGTERM, and gunicorn waits for it (its ``graceful_timeout``). That
    is so in every image: what is asked here is whether the signal was passed on.
    """
    return any(age <= elapsed + 3 and "gunicorn: worker" in command for age, command in box.list_process_ages())


def refuse_ended(boxes: Mapping[str, RunningContainer]) -> None:
    """A role that had been healthy and then ended was not stopped. Raises EndedEarlyError."""
    if ended := find_ended(boxes):
        raise EndedEarlyError(ended)


def find_ended(boxes: Mapping[str, RunningContainer]) -> dict[str, CheckFailure]:
    """The roles whose containers ended by themselves, and why none of them is all right, whatever its exit code."""
    codes = {name: code for name, box in boxes.items() if (code := box.find_exit_code()) is not None}
    return {
        name: CheckFailure(
            f"{name} had ended by itself with exit code {code} before SIGTERM",
            hint=ENDED_HINT,
            log=boxes[name].read_logs(),
        )
        for name, code in codes.items()
    }


def check_stop_results(
    boxes: Mapping[str, RunningContainer],
    ended: Mapping[str, tuple[int, float]],
    seconds: float,
    preparing: Collection[str],
) -> CheckPassed:
    """Every role ended in time with a documented code."""
    problems = {
        name: problem
        for name in boxes
        if (problem := _explain_stop_failure(ended.get(name), seconds, waited=name in preparing))
    }
    if problems:
        words = "; ".join(f"{name} {problem}" for name, problem in problems.items())
        raise CheckFailure(words, hint=_HINT, log="\n".join(_format_log(boxes[name]) for name in problems))
    return CheckPassed(", ".join(f"{name} {code} in {after:.1f} s" for name, (code, after) in ended.items()))


def _explain_stop_failure(found: tuple[int, float] | None, seconds: float, *, waited: bool) -> str:
    if found is None:
        return f"still runs {seconds:.0f} s after SIGTERM"
    code = found[0]
    if waited and code != TERMINATED:
        return f"ended with exit code {code}, not {TERMINATED}, when SIGTERM came while it waited for its database"
    return "" if code in CLEAN_EXITS else f"ended with exit code {code}"


def _format_log(box: RunningContainer) -> str:
    """The end of its log, and the processes that are left."""
    return f"{box.read_logs()}\n{box.list_processes()}".strip()
