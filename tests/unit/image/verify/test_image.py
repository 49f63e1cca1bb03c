"""What an image's configuration must say."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from builder.engine.archive import LayerFile
from builder.image.verify import image
from builder.image.verify.contents import PRIVILEGE, LayerFinding
from builder.image.verify.image import (
    LayerAnswer,
    LayerReader,
    check_configuration,
    check_contents,
    check_credentials,
    check_privileges,
)
from builder.image.verify.model import CheckStatus
from builder.image.verify.plan import PlanBase, VerifyPlan
from builder.image.verify.scheduler import CheckFailure

if TYPE_CHECKING:
    from pathlib import Path

VERSION = ("org.apache.airflow.version", "2.8.1")
PLAN = VerifyPlan("2.8.1", (), (), "sqlite", (VERSION, ("optbuild.project", "mine")))
FOREIGN = VerifyPlan("2.8.1", (), (), "sqlite", (VERSION,))
PORTS = {"webserver": 8080}

CONFIG: dict[str, Any] = {
    "User": "50000",
    "Entrypoint": ["/usr/bin/dumb-init", "--", "/entrypoint"],
    "ExposedPorts": {"8080/tcp": {}},
    "Labels": {"org.apache.airflow.version": "2.8.1", "optbuild.project": "mine"},
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"User": ""}, "runs as user root"),
        ({"User": "1000:0"}, "runs as user 1000:0"),
        ({"Entrypoint": None}, r"its entrypoint is \[\], expected /entrypoint$"),
        ({"Entrypoint": ["/entrypoint"]}, "expected /entrypoint behind dumb-init"),
        ({"Entrypoint": ["/bin/sh", "-c", "/usr/bin/dumb-init -- /entrypoint"]}, "behind dumb-init"),
        ({"Entrypoint": ["/usr/bin/dumb-init", "--", "/bin/bash", "/entrypoint"]}, "behind dumb-init"),
        ({"Entrypoint": ["/usr/bin/dumb-init", "--", "/other/entrypoint"]}, "behind dumb-init"),
        ({"ExposedPorts": None}, "it does not expose port 8080"),
        ({"ExposedPorts": {"8081/tcp": {}, "8080/udp": {}}}, "it does not expose port 8080"),
        ({"Labels": None}, "label org.apache.airflow.version is missing"),
        ({"Labels": {**CONFIG["Labels"], "org.apache.airflow.version": "2.9.0"}}, "is 2.9.0, expected 2.8.1"),
    ],
)
def test_the_configuration_keeps_the_contract(change: dict[str, Any], words: str) -> None:
    check_configuration({"Config": CONFIG}, PLAN, PORTS)
    check_configuration({"Config": {**CONFIG, "User": "50000:0"}}, PLAN, PORTS)
    check_configuration({"Config": {**CONFIG, "Entrypoint": ["dumb-init", "-v", "/entrypoint"]}}, PLAN, PORTS)
    with pytest.raises(CheckFailure, match=words):
        check_configuration({"Config": {**CONFIG, **change}}, PLAN, PORTS)


BASE = PlanBase("apache/airflow:2.8.1", 2, "official", ("sha256:1", "sha256:2"))


def test_an_image_that_extends_another_keeps_user_and_entrypoint_of_that_one() -> None:
    plan = replace(PLAN, base=BASE, user="airflow", entrypoint=("/usr/local/bin/start", "/entrypoint.sh"))
    kept = {**CONFIG, "User": "airflow", "Entrypoint": ["/usr/local/bin/start", "/entrypoint.sh"]}
    root = {"Layers": ["sha256:1", "sha256:2", "sha256:3"]}
    check_configuration({"Config": kept, "RootFS": root}, plan, PORTS)
    for change, words in (
        ({"User": "50000"}, "runs as user 50000, its base as airflow"),
        ({"Entrypoint": CONFIG["Entrypoint"]}, "its entrypoint is .*, its base's is .*entrypoint.sh"),
    ):
        with pytest.raises(CheckFailure, match=words):
            check_configuration({"Config": {**kept, **change}, "RootFS": root}, plan, PORTS)


@pytest.mark.parametrize("layers", [[], ["sha256:1"], ["sha256:2", "sha256:1"], ["sha256:1", "sha256:3", "sha256:2"]])
def test_an_image_that_stands_on_other_layers_than_the_lock_says_is_refused(layers: list[str]) -> None:
    with pytest.raises(CheckFailure, match=r"lowest 2 layers are not those of apache/airflow:2\.8\.1, which the lock"):
        check_configuration({"Config": CONFIG, "RootFS": {"Layers": layers}}, replace(PLAN, base=BASE), PORTS)


def test_a_port_that_the_variables_move_is_exposed_too() -> None:
    with pytest.raises(CheckFailure, match="its variables move the webserver to port 9090, expected 8080"):
        check_configuration({"Config": CONFIG}, PLAN, {"webserver": 9090})
    both = {**CONFIG, "ExposedPorts": {"8080/tcp": {}, "9090/tcp": {}}}
    assert "port 8080" in check_configuration({"Config": both}, PLAN, {"webserver": 9090}).message


def test_an_image_that_no_spec_describes_may_start_behind_another_program() -> None:
    own = {**CONFIG, "Entrypoint": ["/sbin/tini", "--", "/entrypoint"], "ExposedPorts": {"80/tcp": {}}}
    assert "port" not in check_configuration({"Config": own}, FOREIGN, {}).message
    with pytest.raises(CheckFailure, match="expected /entrypoint"):
        check_configuration({"Config": {**own, "Entrypoint": ["/start.sh"]}}, FOREIGN, {})


GCC = LayerFinding("compiler", "/usr/bin/gcc", "a" * 64, "a compiler or linker")
SETUID = LayerFinding(PRIVILEGE, "/usr/bin/bash", "b" * 64, "a setuid file")
SETGID = LayerFinding(PRIVILEGE, "/usr/bin/wall", "b" * 64, "a setgid file")


class Answered:
    """A look through the layers that found these."""

    def __init__(self, *findings: LayerFinding) -> None:
        self.answer = LayerAnswer(findings, 1000, 4, 1)

    def read(self, _: threading.Event) -> LayerAnswer:
        return self.answer


def test_one_look_at_the_layers_answers_two_checks() -> None:
    found: Any = Answered(GCC, SETUID, SETGID)
    with pytest.raises(CheckFailure, match=r"^a compiler or linker: /usr/bin/gcc \(layer a{12}\)$"):
        check_contents(found, threading.Event())
    with pytest.raises(CheckFailure, match=r"^a setuid file: /usr/bin/bash .* \(and 1 more\)$") as caught:
        check_privileges(found, threading.Event())
    assert "chmod u-s" in caught.value.hint
    assert caught.value.log.count("\n") == 1
    clean: Any = Answered()
    assert check_contents(clean, threading.Event()).message.startswith("4 layers, 1000 files read, 1 layers known")
    assert "was added" in check_privileges(clean, threading.Event()).message


def test_what_the_base_has_is_noted_and_refuses_nothing() -> None:
    found: Any = Answered()
    found.answer = replace(found.answer, base="python:3.11", remarks=(GCC, SETUID, SETGID, SETUID))
    contents = check_contents(found, threading.Event())
    assert contents.message.startswith("4 layers above the base, ")
    assert contents.notes == ("the base python:3.11 has compilers or linkers (1): /usr/bin/gcc",)
    assert check_privileges(found, threading.Event()).notes == (
        "the base python:3.11 has setuid files (2): /usr/bin/bash",
        "the base python:3.11 has setgid files (1): /usr/bin/wall",
    )
    assert contents.status is CheckStatus.PASSED


class Archive:
    """An engine that packs these files; it counts how often it is asked."""

    def __init__(self, *files: LayerFile) -> None:
        self.files, self.asked = files, 0

    def iterate(self, _chunks: Any, *, skip: Any) -> Any:
        self.asked += 1
        return iter([one for one in self.files if not skip(one.layer)])


def test_only_what_lies_above_the_base_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look takes the base's remarks from its memory; a build secret is found in any layer."""

    def layer_file(layer: str, path: str, mode: int = 0o755, data: bytes = b"") -> LayerFile:
        return LayerFile(f"blobs/sha256/{layer}", path, len(data), mode, lambda: data)

    archive = Archive(layer_file("low", "/usr/bin/gcc"), layer_file("low", "/etc/x", 0o644, b"hunter2"))
    monkeypatch.setattr(image, "iterate_layer_files", archive.iterate)
    monkeypatch.setattr(image, "_lower_priority", lambda: None)
    attrs = {"Id": "sha256:x", "RootFS": {"Layers": ["sha256:low", "sha256:high"]}}
    client: Any = None

    def look(plan: VerifyPlan) -> LayerAnswer:
        return LayerReader(client, attrs, tmp_path, plan).read(threading.Event())

    based = replace(PLAN, base=PlanBase("python:3.11", 1))
    for asked in (1, 1):
        found = look(based)
        assert (found.findings, [one.path for one in found.remarks]) == ((), ["/usr/bin/gcc"])
        assert (found.base, found.layers, archive.asked) == ("python:3.11", 1, asked)
    assert [one.kind for one in look(replace(based, forbidden=(b"hunter2",))).findings] == ["secret"]
    assert [one.kind for one in look(PLAN).findings] == ["compiler"], "without a base all layers are the image's own"
    archive.files = (*archive.files, layer_file("high", "/usr/bin/gcc"))
    (tmp_path / image.CACHE_FILE).unlink()
    assert [one.layer for one in look(based).findings] == ["high"]


class History:
    """An engine whose image was made by these steps, the newest first."""

    def __init__(self, *steps: str) -> None:
        self.images = self
        self._steps = steps

    def get(self, _: str) -> History:
        return self

    def history(self) -> list[dict[str, str]]:
        return [{"CreatedBy": step} for step in self._steps]


def test_steps_of_the_history_are_counted_from_the_oldest() -> None:
    engine: Any = History("RUN |1 A_TOKEN=r3al /bin/sh -c true", "USER 0", "ADD base.tar /")
    with pytest.raises(CheckFailure, match=r"^step 3 of the history \(.*\*\*\*.*\) holds the value of A_TOKEN$"):
        check_credentials(engine, {"Id": "sha256:x"}, ())
    assert "3 steps" in check_credentials(History("a", "b", "c"), {"Id": "sha256:x"}, ()).message  # type: ignore[arg-type] # as above
