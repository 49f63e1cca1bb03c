"""What a container of a verification answers when it has ended, and when the engine refuses."""

from __future__ import annotations

import io
import tarfile
import threading
from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest

from builder.image.verify import containers
from builder.image.verify.containers import wait_until
from builder.image.verify.scheduler import NotRun


class Refusing:
    """The SDK's container whose every call the engine answers with ``status``."""

    def __init__(self, status: int) -> None:
        self._status = status

    def _refuse(self, *_: Any, **__: Any) -> None:
        from docker.errors import APIError  # noqa: PLC0415 - 150 ms for this test only

        response: Any = type("Response", (), {"status_code": self._status, "reason": "", "url": ""})
        raise APIError("refused", response)

    kill = exec_run = top = _refuse


def box_that(status: int) -> containers.RunningContainer:
    wrapped: Any = type("Wrapped", (), {"get_wrapped_container": lambda _: Refusing(status)})()
    return containers.RunningContainer(wrapped, ())


def test_a_container_that_has_ended_takes_no_signal_and_runs_nothing() -> None:
    box = box_that(409)
    assert box.terminate() is False
    assert box.execute("cat", "x") == (containers.NOT_RUNNING, "")
    assert box.list_processes() == ""
    assert box.list_process_ages() == ()


def test_a_ps_that_tells_no_ages_is_no_failure() -> None:
    assert box_that(500).list_process_ages() == ()


def test_another_refusal_of_the_engine_is_raised() -> None:
    from docker.errors import APIError  # noqa: PLC0415 - the SDK

    box = box_that(500)
    for ask in (box.terminate, box.list_processes, partial(box.execute, "x")):
        with pytest.raises(APIError):
            ask()


def test_waiting_ends_with_the_answer_the_time_or_the_cancellation() -> None:
    cancelled = threading.Event()
    assert wait_until(lambda: 0, 1, cancelled) == 0
    assert wait_until(lambda: None, 0, cancelled) is None
    cancelled.set()
    with pytest.raises(NotRun):
        wait_until(lambda: None, 10, cancelled)


class Client:
    """The SDK's client with one container that is made of an image, and its files as the engine packs them."""

    def __init__(self, **files: tarfile.TarInfo) -> None:
        self.files, self.created, self.removed, self.asked = files, list[Any](), 0, list[str]()
        self.containers = self

    def create(self, image: str, command: Any, labels: Any) -> Client:
        self.created.append((image, labels))
        return self

    def get_archive(self, path: str) -> tuple[list[bytes], dict[str, Any]]:
        from docker.errors import NotFound  # noqa: PLC0415 - the SDK

        self.asked.append(path)
        info = self.files.get(path.rpartition("/")[2].partition(".")[0])
        if info is None:
            raise NotFound("no such file")
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as archive:
            info.size = len(b"[core]") if info.isreg() else 0
            archive.addfile(info, io.BytesIO(b"[core]"))
        text = data.getvalue()
        return [text[:100], text[100:]], {}

    def remove(self, *, v: bool) -> None:
        self.removed += v


def read(client: Client, path: str) -> bytes | None:
    session: Any = type("Session", (), {"client": client, "labels": {"mine": "1"}, "guard_creation": nullcontext})()
    endpoint: Any = None
    return containers.ContainerFactory(session, endpoint, "sha256:1", ()).read_image_file(path)


def test_a_file_of_the_image_is_read_without_starting_it() -> None:
    kinds = {"link": tarfile.SYMTYPE, "loop": tarfile.SYMTYPE, "folder": tarfile.DIRTYPE}
    others = {name: tarfile.TarInfo(name) for name in kinds}
    for name, kind in kinds.items():
        others[name].type = kind
        others[name].linkname = {"link": "../etc/airflow.cfg", "loop": "/opt/airflow/loop.cfg"}.get(name, "")
    client = Client(airflow=tarfile.TarInfo("airflow.cfg"), **others)
    assert read(client, "/opt/airflow/airflow.cfg") == b"[core]"
    assert read(client, "/opt/airflow/other.cfg") is None
    assert read(client, "/opt/airflow/link.cfg") == b"[core]"
    assert client.asked[-1] == "/opt/airflow/../etc/airflow.cfg"
    assert read(client, "/opt/airflow/folder.cfg") is None
    assert read(client, "/opt/airflow/loop.cfg") is None
    assert client.created == [("sha256:1", {"mine": "1"})] * 5
    assert client.removed == 5
