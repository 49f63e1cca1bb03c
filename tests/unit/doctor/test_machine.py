"""Each line of the doctor, green and red."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import ToolMissingError, ToolTimeoutError
from builder.core.process import Command, ProcessResult
from builder.doctor import machine as doctor
from builder.doctor.machine import examine_machine
from builder.doctor.model import FindingState, MachineFinding, ProbeContext
from builder.report.doctor import format_findings_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBhjCCAS2gAwIBAgIUNdLwUkPfucKqhAhEogs3vERAqlUwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNb3B0YnVpbGQgdGVzdDAgFw0yNjExMjMyMzA0MzdaGA8yMTI2
MTAzMDIzMDQzN1owGDEWMBQGA1UEAwwNb3B0YnVpbGQgdGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABJ8GLf8YQVEntps9j8nfFh3X/psdQO/aAInPP8FXtLQ9
9jCjmltSHjWFXOMmN4106O1SGJ/J/B70jmcPNA6KMvKjUzBRMB0GA1UdDgQWBBSA
Wwl5tiXu4jTOulEUQV61uNtddzAfBgNVHSMEGDAWgBSAWwl5tiXu4jTOulEUQV61
uNtddzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIBHcG38ghgNi
+tVdKC7spcSov2M871QdX927exfgf5HKAiAqPUJJ3TAsKfF+SvkwTEMylQQAK3aO
9lmu8XszDPwVaA==
-----END CERTIFICATE-----
"""
"""Self-signed, its key thrown away; only parsed here."""
GREEN = {
    "docker version": json.dumps({"Server": {"Version": "26.1.5+dfsg1", "Os": "linux", "Arch": "amd64"}}),
    "docker buildx version": "github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3\n",
    "docker compose version": "2.26.1-4\n",
    "docker-compose version": "2.26.1-4\n",
    "mmdebstrap --version": "mmdebstrap 1.3.5\n",
    "docker info": json.dumps(
        {
            "DockerRootDir": "/var/lib/docker",
            "Driver": "overlay2",
            "DriverStatus": [["Supports d_type", "true"], ["Native Overlay Diff", "true"]],
        }
    ),
    "docker buildx imagetools": "Name: docker.io/library/postgres:13\n",
    "docker image inspect": "sha256:1\n",
}


@dataclass
class FakeRunner:
    """Answers by the beginning of a command: its output, an exit code with stderr, or an error to raise."""

    answers: Mapping[str, str | tuple[int, str] | Exception]
    asked: list[Command] = field(default_factory=list)

    def run(self, command: Command, **_callbacks: Any) -> ProcessResult:
        self.asked.append(command)
        text = " ".join(command.argv)
        answer = next((a for start, a in self.answers.items() if text.startswith(start)), (127, "not found"))
        if isinstance(answer, Exception):
            raise answer
        code, out, err = (0, answer, "") if isinstance(answer, str) else (answer[0], "", answer[1])
        return ProcessResult(command, code, out, err)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH on which everything is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("docker", "docker-compose", "mmdebstrap"):
        (folder / name).touch(mode=0o755)
    return folder


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A PEM file with one certificate."""
    path = tmp_path / "ca.pem"
    path.write_text(CERTIFICATE)
    return path


@pytest.fixture
def machine(tools: Path, bundle: Path) -> ProbeContext:
    env = {"PATH": str(tools), "SSL_CERT_FILE": str(bundle)}
    return ProbeContext(FakeRunner(GREEN), env, lambda _folder: 50_000_000_000)


def saying(machine: ProbeContext, **answers: Any) -> ProbeContext:
    """The same machine, on which some tools answer otherwise (`_` stands for a space)."""
    changed = {key.replace("__", "-").replace("_", " "): answer for key, answer in answers.items()}
    return replace(machine, runner=FakeRunner({**changed, **{k: v for k, v in GREEN.items() if k not in changed}}))


def line(machine: ProbeContext, name: str) -> MachineFinding:
    return next(finding for finding in examine_machine(machine) if finding.name == name)


def test_the_engine_is_asked_about_itself_once(machine: ProbeContext) -> None:
    examine_machine(machine)
    assert isinstance(machine.runner, FakeRunner)
    assert [command.argv[1] for command in machine.runner.asked].count("info") == 1


def test_containerds_image_store_writes_layers_in_the_usual_order(machine: ProbeContext) -> None:
    status = [["driver-type", "io.containerd.snapshotter.v1"]]
    found = line(
        saying(machine, docker_info=json.dumps({"Driver": "overlayfs", "DriverStatus": status})), "layer order"
    )
    assert (found.state, found.advice) == (FindingState.OK, "")


def test_a_machine_that_has_everything_is_green_in_every_line(machine: ProbeContext) -> None:
    findings = examine_machine(machine)
    assert [finding.state for finding in findings] == [FindingState.OK] * 9
    assert [finding.advice for finding in findings] == [""] * 9
    assert doctor.is_ready(findings)


RED: dict[str, tuple[str, dict[str, Any], FindingState, str]] = {
    "engine is down": (
        "Docker engine",
        {"docker_version": (1, "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?")},
        FindingState.MISSING,
        "unix:///x",
    ),
    "engine is silent": (
        "Docker engine",
        {"docker_version": ToolTimeoutError("docker", 8)},
        FindingState.MISSING,
        "within 8 s",
    ),
    "engine is old": (
        "Docker engine",
        {"docker_version": json.dumps({"Server": {"Version": "20.10.24+dfsg1"}})},
        FindingState.MISSING,
        "20.10.24+dfsg1, which is older than 23",
    ),
    "engine talks nonsense": ("Docker engine", {"docker_version": "<html>"}, FindingState.MISSING, ""),
    "no buildx": (
        "buildx",
        {"docker_buildx_version": (1, "docker: 'buildx' is not a docker command.")},
        FindingState.MISSING,
        "does not work",
    ),
    "old buildx": (
        "buildx",
        {"docker_buildx_version": "github.com/docker/buildx v0.12.1 abc"},
        FindingState.WARNING,
        "0.12.1",
    ),
    "no compose": (
        "Compose v2",
        {"docker_compose_version": (1, "not a docker command")},
        FindingState.WARNING,
        "does not work",
    ),
    "compose v1": (
        "docker-compose v1",
        {"docker__compose_version": "1.29.2\n"},
        FindingState.WARNING,
        "docker-compose 1.29.2",
    ),
    "broken compose v1": (
        "docker-compose v1",
        {"docker__compose_version": (1, "ModuleNotFoundError")},
        FindingState.WARNING,
        "does not work",
    ),
    "mmdebstrap and registry": (
        "mmdebstrap",
        {
            "mmdebstrap_": (1, "perl is broken"),
            "docker_buildx_imagetools": (1, "no such host"),
            "docker_image": (1, ""),
        },
        FindingState.MISSING,
        "debian:bookworm-slim, in which it could run, is neither here nor can be pulled",
    ),
    "mmdebstrap and Docker Hub, database in a registry of one's own": (
        "mmdebstrap",
        {
            "mmdebstrap_": (1, ""),
            "docker_buildx_imagetools_inspect_debian:bookworm-slim": (1, "no such host"),
            "docker_image_inspect_--format_{{.Id}}_debian:bookworm-slim": (1, "No such image"),
        },
        FindingState.MISSING,
        "neither here nor",
    ),
    "disk of a remote engine": ("disk", {"docker_info": (1, "")}, FindingState.WARNING, "cannot be seen"),
    "layers of a remote engine": ("layer order", {"docker_info": (1, "")}, FindingState.WARNING, "does not say"),
    "layers within a container": (
        "layer order",
        {"docker_info": json.dumps({"Driver": "overlay2", "DriverStatus": [["Native Overlay Diff", "false"]]})},
        FindingState.WARNING,
        "overlay2 without native diff sorts files in its own way",
    ),
    "layers without overlay2": ("layer order", {"docker_info": '{"Driver": "vfs"}'}, FindingState.WARNING, "vfs sorts"),
    "no registry": (
        "registry",
        {"docker_buildx_imagetools": (1, "ERROR: no such host"), "docker_image": (1, "")},
        FindingState.WARNING,
        "postgres:13 cannot be pulled: no such host",
    ),
    "silent registry": (
        "registry",
        {"docker_buildx_imagetools": ToolTimeoutError("docker", 2.5), "docker_image": (1, "")},
        FindingState.WARNING,
        "its registry did not answer within 2.5 s",
    ),
    "mmdebstrap, and a silent registry": (
        "mmdebstrap",
        {
            "mmdebstrap_": (1, ""),
            "docker_buildx_imagetools": ToolTimeoutError("docker", 2.5),
            "docker_image": (1, ""),
        },
        FindingState.WARNING,
        "debian:bookworm-slim would make the base, but its registry did not answer within 2.5 s",
    ),
}


@pytest.mark.parametrize(("name", "answers", "state", "found"), RED.values(), ids=RED)
def test_a_line_in_which_something_is_missing(
    machine: ProbeContext, name: str, answers: dict[str, Any], state: FindingState, found: str
) -> None:
    finding = line(saying(machine, **answers), name)
    assert finding.state is state
    assert found in finding.found
    assert finding.advice


def test_without_docker_the_engine_is_missing_and_nothing_is_asked_of_it(machine: ProbeContext, tools: Path) -> None:
    (tools / "docker").unlink()
    findings = examine_machine(machine)
    assert [f.name for f in findings if f.state is FindingState.MISSING] == ["Docker engine", "buildx"]
    assert isinstance(machine.runner, FakeRunner)
    assert not [command for command in machine.runner.asked if command.argv[0] == "docker"]


@pytest.mark.parametrize(
    ("answers", "found"),
    [({"docker_image": (1, "")}, "can be pulled"), ({"docker_buildx_imagetools": (1, "")}, "which is here")],
    ids=["pulled", "here"],
)
def test_without_mmdebstrap_a_debian_image_is_good_enough(
    machine: ProbeContext, tools: Path, answers: dict[str, Any], found: str
) -> None:
    (tools / "mmdebstrap").unlink()
    finding = line(replace(saying(machine, **answers), release="trixie"), "mmdebstrap")
    assert finding.state is FindingState.OK
    assert "debian:trixie-slim" in finding.found
    assert found in finding.found


def test_sqlite_makes_no_debian_image_appear(machine: ProbeContext, tools: Path) -> None:
    """No database image is needed then; Debian's is all the same."""
    (tools / "mmdebstrap").unlink()
    nowhere = saying(machine, docker_buildx_imagetools=(1, "no such host"), docker_image=(1, ""))
    assert line(replace(nowhere, database="sqlite"), "mmdebstrap").state is FindingState.MISSING


def test_a_database_that_is_here_needs_no_registry(machine: ProbeContext) -> None:
    finding = line(saying(machine, docker_buildx_imagetools=(1, "x")), "registry")
    assert finding.state is FindingState.OK
    assert "postgres:13 is here already" in finding.found


def test_without_docker_compose_all_is_well(machine: ProbeContext, tools: Path) -> None:
    (tools / "docker-compose").unlink()
    assert line(machine, "docker-compose v1") == MachineFinding(
        "docker-compose v1", FindingState.OK, "not there, as it should be"
    )


@pytest.mark.parametrize(
    ("free", "state"),
    [(2_999_999_999, FindingState.MISSING), (3_000_000_000, FindingState.WARNING), (6_000_000_000, FindingState.OK)],
)
def test_the_disk_is_judged_by_numbers(machine: ProbeContext, free: int, state: FindingState) -> None:
    finding = line(replace(machine, free_bytes=lambda _folder: free), "disk")
    assert finding.state is state
    assert f"{free / 1e9:.1f} GB free in /var/lib/docker; a first build needs about 3.0 GB" == finding.found
    assert bool(finding.advice) == (state is not FindingState.OK)


def test_a_data_folder_that_is_elsewhere(machine: ProbeContext) -> None:
    def unseen(_folder: Path) -> int:
        raise FileNotFoundError

    assert line(replace(machine, free_bytes=unseen), "disk").state is FindingState.WARNING


def with_env(machine: ProbeContext, **env: str) -> ProbeContext:
    return replace(machine, env={"PATH": machine.env["PATH"], **env})


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_each_variable_that_names_a_bundle(machine: ProbeContext, bundle: Path, variable: str) -> None:
    assert line(with_env(machine, **{variable: str(bundle)}), "CA bundle").found == (
        f"{bundle} (from {variable}), 1 certificate"
    )


def test_a_bundle_that_is_not_there(machine: ProbeContext) -> None:
    finding = line(with_env(machine, REQUESTS_CA_BUNDLE="/nowhere/ca.pem"), "CA bundle")
    assert finding.state is FindingState.MISSING
    assert finding.found == "REQUESTS_CA_BUNDLE names /nowhere/ca.pem, which is not a file"


@pytest.mark.parametrize(
    "text", ["", "no certificate\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_bundle_that_is_broken(machine: ProbeContext, bundle: Path, text: str) -> None:
    bundle.write_text(text)
    finding = line(machine, "CA bundle")
    assert finding.state is FindingState.MISSING
    assert "cannot be read as certificates" in finding.found


def test_no_bundle_at_all(machine: ProbeContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.engine.secrets.CA_PATHS", ())
    assert line(with_env(machine), "CA bundle").state is FindingState.WARNING


def test_sqlite_needs_no_registry(machine: ProbeContext) -> None:
    assert line(replace(machine, database="sqlite"), "registry").state is FindingState.OK


def test_a_tool_that_vanishes_while_it_is_asked(machine: ProbeContext) -> None:
    gone = ToolMissingError("docker", hint="x")
    finding = line(saying(machine, docker_buildx_version=gone), "buildx")
    assert finding.state is FindingState.MISSING


def test_the_login_of_a_proxy_is_not_shown(machine: ProbeContext) -> None:
    said = "ERROR: proxyconnect tcp: http://me:hunter2@proxy.example failed"
    found = str(examine_machine(saying(machine, docker_version=(1, said))))
    assert "hunter2" not in found
    assert "http://***@proxy.example failed" in found


def test_every_question_has_a_timeout(machine: ProbeContext) -> None:
    examine_machine(machine)
    assert isinstance(machine.runner, FakeRunner)
    assert machine.runner.asked
    assert [command.argv for command in machine.runner.asked if not command.timeout] == []


def test_json(machine: ProbeContext) -> None:
    document = json.loads(format_findings_json(examine_machine(saying(machine, docker_version=(1, "down")))))
    assert (document["schema_version"], document["ready"]) == (1, False)
    assert document["findings"][0] == {
        "name": "Docker engine",
        "state": "missing",
        "found": "down",
        "advice": document["findings"][0]["advice"],
    }


BASE = "python:3.11-slim-bookworm"


def test_without_a_base_image_nothing_is_said_of_one(machine: ProbeContext) -> None:
    assert "base image" not in {finding.name for finding in examine_machine(machine)}


@pytest.mark.parametrize(
    ("answers", "state", "found"),
    [
        ({}, FindingState.OK, f"{BASE} is here"),
        ({"docker_image_inspect": (1, "No such image")}, FindingState.OK, f"{BASE} can be pulled"),
        (
            {"docker_image_inspect": (1, "No such image"), "docker_buildx_imagetools": (1, "ERROR: x: not found")},
            FindingState.MISSING,
            f"{BASE} is not here and cannot be pulled: x: not found",
        ),
        (
            {"docker_image_inspect": (1, "No such image"), "docker_buildx_imagetools": ToolTimeoutError("docker", 2.5)},
            FindingState.WARNING,
            f"{BASE} is not here, and its registry did not answer within 2.5 s: nobody knows whether it can be pulled",
        ),
    ],
    ids=["here", "to be pulled", "nowhere", "silent"],
)
def test_a_base_image(machine: ProbeContext, answers: dict[str, Any], state: FindingState, found: str) -> None:
    finding = line(saying(replace(machine, base_image=BASE), **answers), "base image")
    assert (finding.state, finding.found) == (state, found)
    assert bool(finding.advice) is (state is not FindingState.OK)


def test_a_base_image_needs_docker(machine: ProbeContext) -> None:
    finding = line(replace(machine, base_image=BASE, env={"PATH": "/nowhere"}), "base image")
    assert (finding.state, finding.found) == (FindingState.WARNING, "not asked: docker is not on PATH")


def test_a_base_image_needs_no_mmdebstrap(machine: ProbeContext) -> None:
    finding = line(replace(machine, base_image=BASE, env={"PATH": "/nowhere"}), "mmdebstrap")
    assert (finding.state, finding.found) == (FindingState.OK, f"not needed: the base is {BASE}")
