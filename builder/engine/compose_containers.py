"""The containers of a compose project on the engine, and the names of their images.

Labels: github.com/docker/compose, ``pkg/api/labels.go``.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.core.naming import shorten_id
from builder.core.redact import mask_log
from builder.engine.compose_labels import LABEL_PROJECT
from builder.engine.errors import translate_sdk_errors
from builder.engine.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.engine.client import Engine

LABEL_SERVICE = "com.docker.compose.service"
LABEL_NUMBER = "com.docker.compose.container-number"
LABEL_HASH = "com.docker.compose.config-hash"
LABEL_ONE_OFF = "com.docker.compose.oneoff"
_INTERIM_NAME = re.compile(r"[0-9a-f]{12}_")
"""``<12 digits of the old ID>_<name>`` (Compose, ``pkg/compose/convergence.go``)."""


@dataclass(frozen=True)
class Container:
    """One container of a service as the engine describes it. Times in seconds since 1970, None: not yet."""

    id: str
    name: str
    service: str
    number: int
    image_id: str
    status: str
    """``created``, ``running``, ``restarting``, ``paused``, ``exited``, ``dead``, ``removing``."""
    exit_code: int = 0
    health: str | None = None
    """``starting``, ``healthy``, ``unhealthy``; None: it has no health check."""
    restart_policy: str = "no"
    image_name: str = ""
    """As it was created from."""
    config_hash: str = ""
    """Compose's own, over the definition that it was created from."""
    started: float | None = None
    restarts: int = 0
    """How often the engine started it again because it had ended."""

    @property
    def running(self) -> bool:
        return self.status in {"running", "restarting", "paused"}

    @property
    def completed(self) -> bool:
        """It did its work and ended well."""
        return self.status == "exited" and self.exit_code == 0


class StackEngine:
    """What optimize and rollback ask of the engine. Every method raises EngineFailedError when it refuses."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def identity(self) -> str:
        return self._engine.info.identity

    def list_containers(self, project: str) -> tuple[Container, ...]:
        """Those that Compose takes for its own, in all states, without those of ``docker compose run``; sorted.

        The images that it builds carry its labels too: a container that somebody made of one is not among them.
        """
        with translate_sdk_errors(f"listing the containers of {project}"):
            listed = self._engine.client.api.containers(all=True, filters={"label": f"{LABEL_PROJECT}={project}"})
        own = [item for item in listed if item["Labels"].get(LABEL_ONE_OFF) == "False" and LABEL_HASH in item["Labels"]]
        found = [self._inspect_container(item["Id"]) for item in own]
        return tuple(sorted((one for one in found if one), key=lambda one: (one.service, one.number, one.name)))

    def _inspect_container(self, identity: str) -> Container | None:
        from docker.errors import NotFound  # the SDK costs 150 ms

        with translate_sdk_errors(f"looking at container {shorten_id(identity)}"):
            try:
                return parse_container(self._engine.client.api.inspect_container(identity))
            except NotFound:
                return None  # it went between list and look

    def list_used_images(self) -> frozenset[str]:
        """IDs of the images of all containers on this engine, whatever their state."""
        with translate_sdk_errors("listing all containers"):
            return frozenset(str(item["ImageID"]) for item in self._engine.client.api.containers(all=True))

    def list_all_images(self) -> frozenset[str]:
        """IDs of all images, those without a name too."""
        with translate_sdk_errors("listing all images"):
            return frozenset(str(item["Id"]) for item in self._engine.client.api.images(all=True))

    def find_image_id(self, reference: str) -> str | None:
        return self._engine.find_image_id(reference)

    def list_references(self, image_id: str) -> tuple[str, ...]:
        """All names of an image; none where there is no such image."""
        found = self._engine.inspect_image(image_id)
        return found.references if found else ()

    def tag(self, image_id: str, reference: str) -> None:
        self._engine.tag(image_id, reference)

    def untag(self, reference: str) -> None:
        """Refuses the last name of an image."""
        self._engine.untag(reference)

    def remove(self, image_id: str) -> bool:
        """Delete an image that has one name at most and that no container uses. False: the engine says it is used.

        Nameless images that it was made from stay: each is an image of its own, to be judged by itself.
        """
        from docker.errors import APIError, ImageNotFound  # the SDK costs 150 ms

        with translate_sdk_errors(f"removing image {image_id}"):
            try:
                self._engine.client.api.remove_image(image_id, force=False, noprune=True)
            except ImageNotFound:
                return True
            except APIError as error:
                if error.status_code == 409:
                    return False
                raise
        return True

    def read_image_environment(self, image_id: str) -> Mapping[str, str]:
        """What its ENV sets, secrets among it; empty where there is no such image."""
        from docker.errors import ImageNotFound  # the SDK costs 150 ms

        with translate_sdk_errors(f"looking at image {shorten_id(image_id)}"), contextlib.suppress(ImageNotFound):
            attrs: Mapping[str, Any] = self._engine.client.api.inspect_image(image_id)  # type: ignore[no-untyped-call] # the SDK
            return dict(text.partition("=")[::2] for text in (attrs.get("Config") or {}).get("Env") or ())
        return {}

    def read_log(self, container: str, lines: int) -> tuple[str, ...]:
        """The last lines of what a container said, secrets of its environment masked; none where it is gone."""
        from docker.errors import NotFound  # the SDK costs 150 ms

        with translate_sdk_errors(f"reading the log of {shorten_id(container)}"), contextlib.suppress(NotFound):
            attrs = self._engine.client.api.inspect_container(container)
            data: bytes = self._engine.client.api.logs(container, tail=lines)
            return _mask_environment(data.decode("utf-8", "replace"), attrs)
        return ()

    def read_health_output(self, container: str) -> tuple[str, ...]:
        """What its last health check said, masked in the same way; none where it said nothing."""
        from docker.errors import NotFound  # the SDK costs 150 ms

        with translate_sdk_errors(f"reading the health of {shorten_id(container)}"), contextlib.suppress(NotFound):
            attrs = self._engine.client.api.inspect_container(container)
            checks = (attrs["State"].get("Health") or {}).get("Log") or ()
            return _mask_environment(str(checks[-1].get("Output") or ""), attrs) if checks else ()
        return ()

    def find_exit_times(self, project: str, since: float, until: float) -> Mapping[str, float]:
        """Container ID → when it ended. The engine remembers some 256 events, so a busy one may have forgotten."""
        return self._find_last_events(project, "die", since, until)

    def find_stopping_containers(self, project: str, since: float, until: float) -> frozenset[str]:
        """Containers that were asked to end and have not yet: the engine goes on with that when its client is gone."""
        asked, ended = (self._find_last_events(project, word, since, until) for word in ("kill", "die"))
        running = {one.id for one in self.list_containers(project) if one.running}
        return frozenset(name for name, at in asked.items() if name in running and ended.get(name, 0.0) < at)

    def remove_unfinished_containers(self, project: str) -> tuple[str, ...]:
        """Take away containers that Compose was making in place of others which are still there; their names.

        It gives them a passing name until the old one is gone; stopped in between, it trips over both the next time.
        They never ran, and their volumes are those of the old ones.
        """
        found = self.list_containers(project)
        numbers = [(one.service, one.number) for one in found]
        half = [
            one
            for one in found
            if one.status == "created"
            and _INTERIM_NAME.match(one.name)
            and numbers.count((one.service, one.number)) > 1
        ]
        for one in half:
            with translate_sdk_errors(f"removing the container {one.name}"):
                self._engine.client.api.remove_container(one.id, v=False, force=False)
        return tuple(one.name for one in half)

    def _find_last_events(self, project: str, word: str, since: float, until: float) -> dict[str, float]:
        """Container ID → when that last happened to it."""
        filters = {"type": "container", "event": word, "label": f"{LABEL_PROJECT}={project}"}
        with translate_sdk_errors("reading the events"):
            window: Any = {
                "since": f"{since:.3f}",
                "until": f"{until:.3f}",
            }  # the API takes fractions, its stubs do not
            events = self._engine.client.events(decode=True, filters=filters, **window)
            return {event["Actor"]["ID"]: event["timeNano"] / 1e9 for event in _iterate_and_close(events)}


def _iterate_and_close(events: Any) -> Iterator[Any]:
    try:
        yield from events
    finally:
        events.close()


def _mask_environment(text: str, attrs: Mapping[str, Any]) -> tuple[str, ...]:
    """Its lines, without the secrets that the container's environment holds."""
    pairs = (text.partition("=") for text in attrs["Config"].get("Env") or ())
    return tuple(mask_log(text, {name: value for name, _, value in pairs}).splitlines())


def parse_container(attrs: Mapping[str, Any]) -> Container:
    """From what ``docker inspect`` says."""
    state, labels = attrs["State"], attrs["Config"].get("Labels") or {}
    number = labels.get(LABEL_NUMBER, "1")
    return Container(
        id=attrs["Id"],
        name=attrs["Name"].removeprefix("/"),
        service=labels.get(LABEL_SERVICE, ""),
        number=int(number) if number.isdecimal() else 1,
        image_id=attrs["Image"],
        status=state["Status"],
        exit_code=int(state.get("ExitCode") or 0),
        health=_parse_health((state.get("Health") or {}).get("Status")),
        restart_policy=(attrs["HostConfig"].get("RestartPolicy") or {}).get("Name") or "no",
        image_name=str(attrs["Config"].get("Image") or ""),
        config_hash=labels.get(LABEL_HASH, ""),
        started=parse_timestamp(state.get("StartedAt")),
        restarts=int(attrs.get("RestartCount") or 0),
    )


def _parse_health(status: str | None) -> str | None:
    return None if status in {None, "", "none"} else status
