"""Containers of one verification, through testcontainers: labelled, on one network, their logs masked."""

from __future__ import annotations

import io
import posixpath
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from builder.core.redact import mask_values
from builder.image.verify.deadline import Deadline
from builder.image.verify.environment import HOST_ALIAS
from builder.image.verify.scheduler import NotRun

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping

    from docker.models.containers import Container
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.network import Network

    from builder.engine.endpoint import Endpoint
    from builder.image.verify.session import VerifySession

Found = TypeVar("Found")

LOG_TAIL_LINES = 40
POLL_SECONDS = 0.25
PROBE_SHARES = 256
"""CPU shares of probes against the 1024 of roles: what others wait for goes first."""
API_SECONDS = 120
CONFLICT = 409
"""HTTP status of the engine's API for kill, exec and top of a container that does not run."""
NOT_RUNNING = -1
"""In place of the exit code of a command in a container that has ended."""
_MOST_LINKS = 40
"""path_resolution(7): beyond that it is an error."""


@dataclass(frozen=True)
class ContainerOptions:
    """How one container is started. ``files`` are copied in before it runs; ``entrypoint`` None: the image's own."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] | None = None
    user: str | None = None
    hostname: str | None = None
    alias: str | None = None
    files: tuple[tuple[str, bytes], ...] = ()
    writable_files: tuple[tuple[str, bytes], ...] = ()
    """As ``files``, and every user may write them."""
    volumes: tuple[tuple[str, str], ...] = ()
    tmpfs: tuple[str, ...] = ()
    read_only: bool = False
    """The root file system is; ``files`` cannot be copied into it then."""
    shares: int = 1024


class RunningContainer:
    """A container that runs or ran."""

    def __init__(self, wrapped: DockerContainer, hidden: tuple[str, ...]) -> None:
        self._wrapped = wrapped
        self._hidden = hidden

    @property
    def container(self) -> Container:
        return self._wrapped.get_wrapped_container()

    def inspect_state(self) -> dict[str, Any]:
        """Docker's State object: Running, ExitCode, Pid, OOMKilled."""
        container = self.container
        container.reload()
        return dict(container.attrs["State"])

    def find_exit_code(self) -> int | None:
        """None while it runs."""
        state = self.inspect_state()
        return None if state["Running"] else int(state["ExitCode"])

    def read_logs(self, tail: int = LOG_TAIL_LINES) -> str:
        """The last lines of both streams, secrets masked."""
        return mask_values(bytes(self.container.logs(tail=tail)).decode("utf-8", "replace"), self._hidden)

    def iterate_lines(self) -> Iterator[str]:
        """Lines of its output as they come, until it ends."""
        rest = b""
        for chunk in self.container.logs(stream=True, follow=True):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (mask_values(line.decode("utf-8", "replace"), self._hidden) for line in whole)

    def execute(self, *command: str) -> tuple[int, str]:
        """Exit code and output of a command inside; NOT_RUNNING and nothing when the container has ended."""
        done = _call_unless_ended(lambda: self.container.exec_run(list(command)))
        if done is None:
            return NOT_RUNNING, ""
        code, output = done
        return int(code or 0), mask_values(bytes(output).decode("utf-8", "replace"), self._hidden)

    def terminate(self) -> bool:
        """SIGTERM to its PID 1; False when it has ended already."""
        return _call_unless_ended(lambda: (self.container.kill("SIGTERM"),)) is not None  # type: ignore[func-returns-value] # a tuple

    def list_process_ages(self) -> tuple[tuple[int, str], ...]:
        """Seconds since its start, and command line, of each process inside; empty where the engine's ps tells none."""
        from docker.errors import APIError  # the SDK costs 150 ms

        try:
            found = self.container.top(ps_args="-eo pid,etimes,args")
        except APIError:
            return ()
        return tuple((int(age), " ".join(words)) for _, age, *words in found.get("Processes") or () if age.isdigit())

    def list_processes(self) -> str:
        """A line per process inside; empty when the container has ended."""
        found = _call_unless_ended(self.container.top) or {}
        return "\n".join(" ".join(row) for row in found.get("Processes") or ())


def _call_unless_ended(ask: Callable[[], Any]) -> Any:
    """What ``ask`` gives; None when the engine refuses because the container does not run."""
    from docker.errors import APIError  # the SDK costs 150 ms

    try:
        return ask()
    except APIError as error:
        if error.status_code != CONFLICT:
            raise
        return None


def _read_file(box: Container, path: str) -> bytes | None:
    """The engine packs a link as a link: it is followed as often as Linux would."""
    for _ in range(_MOST_LINKS):
        with tarfile.open(fileobj=io.BytesIO(b"".join(box.get_archive(path)[0]))) as archive:
            found = archive.next()
            if found is None or not (found.isreg() or found.issym()):
                return None
            if found.isreg():
                stream = archive.extractfile(found)
                return stream.read() if stream is not None else None
            path = posixpath.join(posixpath.dirname(path), found.linkname)
    return None


class ContainerFactory:
    """Starts the containers of one session from one image."""

    def __init__(self, session: VerifySession, endpoint: Endpoint, image: str, hidden: tuple[str, ...]) -> None:
        from testcontainers.core.config import testcontainers_config  # half a second

        testcontainers_config.ryuk_disabled = True  # our own sweep does its work; its image may not be obtainable
        self._session = session
        self._endpoint = endpoint
        self._image = image
        self._hidden = hidden
        self._network: Network | None = None

    def open_network(self) -> None:
        """Make the session's network; every container joins it."""
        from testcontainers.core.network import Network  # half a second

        with self._session.guard_creation():
            labels = {"labels": self._session.labels}
            self._network = Network(docker_client_kw=self._make_client_options(), docker_network_kw=labels).create()

    def create_volume(self) -> str:
        """A fresh volume of the session; its name."""
        with self._session.guard_creation():
            return str(self._session.client.volumes.create(labels=self._session.labels).name)

    def start(self, start: ContainerOptions, *, image: str | None = None) -> RunningContainer:
        """Create under the session's guard, then start. Raises what the SDK raises when the engine refuses."""
        wrapped = self._configure_container(start, image or self._image)
        with self._session.guard_creation():
            wrapped.start()
        return RunningContainer(wrapped, self._hidden)

    def read_image_file(self, path: str) -> bytes | None:
        """A file of the image, past its entrypoint and without a start; None where it has none, or something else."""
        from docker.errors import NotFound  # the SDK costs 150 ms

        client = self._session.client
        with self._session.guard_creation():
            box = client.containers.create(self._image, ["true"], labels=self._session.labels)
        try:
            return _read_file(box, path)
        except NotFound:
            return None
        finally:
            box.remove(v=True)

    def _configure_container(self, start: ContainerOptions, image: str) -> DockerContainer:
        from testcontainers.core.container import DockerContainer  # half a second

        container = DockerContainer(image, docker_client_kw=self._make_client_options(), env=dict(start.environment))
        container.with_command(list(start.command))
        if self._network is not None:
            container.with_network(self._network)
            container.with_network_aliases(*([start.alias] if start.alias else []))
        for path, data in start.files:
            container.with_copy_into_container(data, path, 0o644)
        for path, data in start.writable_files:
            container.with_copy_into_container(data, path, 0o666)
        for name, path in start.volumes:
            container.with_volume_mapping(name, path, "rw")
        for path in start.tmpfs:
            container.with_tmpfs_mount(path)
        return container.with_kwargs(**self._make_options(start))

    def _make_options(self, start: ContainerOptions) -> dict[str, Any]:
        options: dict[str, Any] = {
            "labels": self._session.labels,
            "cpu_shares": start.shares,
            "extra_hosts": {HOST_ALIAS: "host-gateway"},
            "entrypoint": None if start.entrypoint is None else list(start.entrypoint),
            "user": start.user,
            "read_only": start.read_only or None,
            "hostname": start.hostname,
        }
        return {name: value for name, value in options.items() if value is not None}

    def _make_client_options(self) -> dict[str, Any]:
        certificates = self._endpoint.certificates
        tls = {} if certificates is None else {"DOCKER_CERT_PATH": str(certificates), "DOCKER_TLS_VERIFY": "1"}
        return {"environment": {"DOCKER_HOST": self._endpoint.host, **tls}, "timeout": API_SECONDS}


def wait_until(probe: Callable[[], Found | None], seconds: float, cancelled: threading.Event) -> Found | None:
    """What ``probe`` gives as soon as it is not None; None after ``seconds``, as a Deadline counts them.

    Raises NotRun when all is cancelled.
    """
    limit = Deadline(seconds)
    while True:
        found = probe()
        if found is not None or limit.is_over():
            return found
        if cancelled.wait(POLL_SECONDS):
            raise NotRun("stopped before it could end")
