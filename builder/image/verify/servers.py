"""The servers of a verification: from which image each is started, the wanted one or one made from Debian's packages,
and having it answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.engine.client import split_reference
from builder.image.base.servers import ensure_server_image
from builder.image.verify.containers import wait_until
from builder.image.verify.scheduler import CheckFailure

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable

    from builder.core.progress import Progress, Task
    from builder.core.runtime import Runtime
    from builder.engine.client import Engine
    from builder.image.base.servers import PackagedServer
    from builder.image.verify.containers import RunningContainer

SILENT_PULL_SECONDS = 15
"""A registry that says nothing for this long is taken for unreachable."""


def choose_server_image(runtime: Runtime, engine: Engine, wanted: str, server: PackagedServer) -> tuple[str, str]:
    """The image's reference, and what is special about it (empty: it is the wanted one).

    Raises what ``ensure_server_image`` raises.
    """
    if engine.find_image_id(wanted) is not None or _pull_image(wanted, engine, runtime.progress):
        return wanted, ""
    made = ensure_server_image(runtime, engine, server)
    why = f"{wanted} is not on this engine and cannot be pulled"
    return made, f"{why}: the roles run against {made}, made from Debian's packages"


def wait_for_server_start(
    name: str, box: RunningContainer, answers: Callable[[], bool], seconds: float, cancelled: threading.Event
) -> None:
    """Until ``answers`` is true. Raises CheckFailure when the server ended, or says nothing for ``seconds``."""

    def looked() -> bool | None:
        return False if box.find_exit_code() is not None else answers() or None

    if not wait_until(looked, seconds, cancelled):
        code = box.find_exit_code()
        how = f"did not answer within {seconds:.0f} s" if code is None else f"ended with exit code {code}"
        raise CheckFailure(f"{name} {how}", log=box.read_logs())


def _pull_image(image: str, engine: Engine, progress: Progress) -> bool:
    from docker.errors import DockerException  # the SDK costs 150 ms
    from requests.exceptions import RequestException

    repository, tag = split_reference(image)
    with progress.task(f"pulling {image}") as task:
        timeout, engine.client.api.timeout = engine.client.api.timeout, SILENT_PULL_SECONDS
        try:
            _show_pull_progress(engine.client.api.pull(repository, tag=tag, stream=True, decode=True), task)
        except (DockerException, RequestException, OSError):
            task.update(detail="not possible here")
        finally:
            engine.client.api.timeout = timeout
    return engine.find_image_id(image) is not None


def _show_pull_progress(events: Iterable[dict[str, Any]], task: Task) -> None:
    for event in events:
        if event.get("error"):
            task.update(detail="not possible here")
            return
        task.update(detail=str(event.get("status", "")))
