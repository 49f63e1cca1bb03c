"""Which image a server of a verification is started from: the wanted one, or one made from Debian's packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builder.engine.client import split_reference
from builder.image.base.servers import ensure_server_image

if TYPE_CHECKING:
    from collections.abc import Iterable

    from builder.core.progress import Progress, Task
    from builder.core.runtime import Runtime
    from builder.engine.client import Engine
    from builder.image.base.servers import PackagedServer

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
