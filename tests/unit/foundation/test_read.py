"""What a foundation records of an image, and which images cannot be one: each refusal says what was found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.errors import BaseRefusedError, ExitCode
from builder.foundation.read import choose_contract
from builder.image.lock.foundation import InstalledDistribution, InstalledPackage

if TYPE_CHECKING:
    from collections.abc import Callable

SITE = "usr/local/lib/python3.11/site-packages"
DIGEST = "sha256:" + "1" * 64
ALPINE = b'PRETTY_NAME="Alpine Linux v3.20"\nID=alpine\n'
RED_HAT = b'PRETTY_NAME="Red Hat Enterprise Linux 9.4 (Plow)"\nID="rhel"\nID_LIKE="fedora"\n'
UBUNTU = b"PRETTY_NAME='Ubuntu 22.04.4 LTS'\nID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=jammy\n"
BULLSEYE = b'PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\nID=debian\nVERSION_CODENAME=bullseye\n'


def test_what_a_python_image_is(reading: Any, base: Any) -> None:
    config = {"Cmd": ["python3"], "Entrypoint": None, "User": "", "WorkingDir": "/", "Shell": None}
    read = reading.read(replace(base, config=config))
    found = read.foundation
    assert (found.kind, found.reference, found.digest, found.platform) == (
        "image",
        "python:3.11-slim",
        DIGEST,
        "linux/amd64",
    )
    assert (found.debian, found.glibc, found.python) == ("bookworm", "2.36", "3.11.9")
    assert found.python_path == "/usr/local/bin/python3.11"
    assert (found.user, found.entrypoint, found.command, found.shell, found.working_folder) == (
        "",
        (),
        ("python3",),
        (),
        "/",
    )
    assert found.environment == (("PATH", "/usr/local/bin:/usr/bin:/bin"), ("LANG", "C.UTF-8"))
    assert found.packages == (
        InstalledPackage("dpkg", "1.21.22", "amd64"),
        InstalledPackage("libc6", "2.36-9+deb12u7", "amd64"),
    )
    (pip,) = found.distributions
    assert (pip.name, pip.version, pip.folder) == ("pip", "24.0", f"/{SITE}")
    assert len(found.layers) == 2
    assert "Package: gone" in read.status, "dpkg's file as it is: apt reads it whole"
    assert reading.engine.pulled == []


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("2024-03-01T10:00:00.123456789Z", 1_709_287_200),
        ("0001-01-01T00:00:00Z", 0),
        ("9999-01-01T00:00:00Z", 0),
        ("yesterday", 0),
    ],
)
def test_when_an_image_was_made(reading: Any, base: Any, said: str, seconds: int) -> None:
    assert reading.read(replace(base, created=said)).created == seconds


def test_what_an_airflow_image_is(reading: Any, base: Any, make_distribution: Callable[..., dict[str, bytes]]) -> None:
    """2.8.1: a user's site, no environment; the first of two distributions with one name counts."""
    home = "home/airflow/.local/lib/python3.11/site-packages"
    files = {
        **make_distribution(home, "apache-airflow", "2.8.1", "pandas>=1.2; extra == 'pandas'", "dill>=0.2", size=2000),
        **make_distribution(home, "pip", "23.3.2"),
    }
    config = {
        "User": "50000",
        "Entrypoint": ["/usr/bin/dumb-init", "--", "/entrypoint"],
        "Shell": ["/bin/sh", "-o", "errexit", "-c"],
        "WorkingDir": "/opt/airflow",
    }
    image = replace(base.having(files), config=config, digests=(f"apache/airflow@{DIGEST}",))
    wanted = {"kind": "airflow", "reference": "apache/airflow:2.8.1-python3.11", "airflow": "2.8.1"}
    read = reading.read(image, **wanted)
    airflow, pip = read.foundation.distributions
    assert (airflow.name, airflow.folder, pip.version) == ("apache-airflow", f"/{home}", "23.3.2")
    assert airflow.bytes > 2000
    assert [one.requires for one in read.metadata] == [("pandas>=1.2; extra == 'pandas'", "dill>=0.2"), ()]
    assert [one.name for one in read.metadata] == ["apache-airflow", "pip"]
    assert read.foundation.shell == ("/bin/sh", "-o", "errexit", "-c")
    assert (read.foundation.user, read.foundation.working_folder) == ("50000", "/opt/airflow")
    assert read.foundation.entrypoint == ("/usr/bin/dumb-init", "--", "/entrypoint")


@pytest.mark.parametrize(
    ("kind", "project", "contract"),
    [("image", "", ""), ("image", "shop", "optbuild"), ("airflow", "", "official"), ("airflow", "shop", "optbuild")],
)
def test_whose_contract_it_keeps(reading: Any, base: Any, kind: str, project: str, contract: str) -> None:
    info = f"{SITE}/apache_airflow-2.8.1.dist-info/METADATA"
    airflow = base.having({info: b"Metadata-Version: 2.1\nName: apache-airflow\nVersion: 2.8.1\n\n"})
    image = replace(airflow, config={"Labels": {"optbuild.project": project} if project else None})
    assert reading.read(image, kind=kind, airflow="2.8.1").foundation.contract == contract


@pytest.mark.parametrize(
    ("labels", "image", "airflow"),
    [
        ({}, "", "official"),
        ({"optbuild.project": "shop"}, "optbuild", "optbuild"),
        ({"optbuild.project": "shop", "optbuild.base.kind": "image"}, "optbuild", "optbuild"),
        ({"optbuild.project": "shop", "optbuild.base.kind": "airflow"}, "official", "official"),
        ({"optbuild.base.kind": "airflow"}, "", "official"),
    ],
)
def test_an_image_of_ours_is_known_by_its_label_and_keeps_what_its_own_base_promises(
    labels: dict[str, str], image: str, airflow: str
) -> None:
    assert (choose_contract("image", labels), choose_contract("airflow", labels)) == (image, airflow)


def test_an_image_of_ours_must_have_the_airflow_of_the_spec(
    reading: Any, base: Any, make_distribution: Callable[..., dict[str, bytes]]
) -> None:
    files = make_distribution("home/airflow/.local/lib/python3.11/site-packages", "apache-airflow", "2.8.1")
    ours = replace(base.having(files), config={"Labels": {"optbuild.project": "shop"}})
    assert reading.read(ours, airflow="2.8.1").foundation.contract == "optbuild"
    with pytest.raises(BaseRefusedError, match=r"has Airflow 2\.8\.1, and the spec says 2\.8\.4"):
        reading.read(ours, airflow="2.8.4")


def test_the_fingerprint_of_the_official_image_is_not_a_secret(reading: Any, base: Any) -> None:
    line = "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D"
    read = reading.read(replace(base, environment=(*base.environment, line)))
    assert read.foundation.environment[-1][0] == "GPG_KEY"


def test_a_distribution_of_a_version_that_no_installer_reads_is_said(
    reading: Any, base: Any, make_distribution: Callable[..., dict[str, bytes]]
) -> None:
    read = reading.read(base.having(make_distribution(SITE, "old", "1.0-unknown-x")))
    assert [one.name for one in read.foundation.distributions] == ["pip"]
    assert any("old of the base is not counted" in note for note in reading.progress.notes)


def make_refused(base: Any) -> dict[str, tuple[Any, dict[str, Any], str, str]]:
    """What is wrong → the image, what is wanted of it, a part of the message, a part of the next step."""
    release = "usr/lib/os-release"
    return {
        "Alpine": (base.having({release: ALPINE}), {}, "is Alpine Linux v3.20, and optbuild adds Debian", "bookworm"),
        "RHEL": (base.having({release: RED_HAT}), {}, "is Red Hat Enterprise Linux 9.4 (Plow)", "bookworm or trixie"),
        "Ubuntu": (base.having({release: UBUNTU}), {}, "is Ubuntu 22.04.4 LTS; the releases", "trixie"),
        "old Debian": (base.having({release: BULLSEYE}), {}, "Debian GNU/Linux 11 (bullseye); the releases", "trixie"),
        "nothing": (base.without(release), {}, "it has no /etc/os-release", "take an image"),
        "distroless": (base.without("var/lib/dpkg/status"), {}, "without dpkg (distroless)", "take an image"),
        "no dpkg": (base.without("usr/bin/dpkg"), {}, "without dpkg (distroless)", "take an image"),
        "no shell": (base.without("usr/bin/sh"), {}, "has no /bin/sh", "take an image"),
        "no shell of its own": (
            replace(base, config={"Shell": ["/bin/bash", "-c"]}),
            {},
            "has no /bin/bash",
            "take an image",
        ),
        "no libc6": (base.having({"var/lib/dpkg/status": b""}), {}, "has no package libc6", "take an image"),
        "Windows": (replace(base, platform=("windows", "amd64")), {}, "is a Windows image", "of Linux"),
        "another platform": (
            base,
            {"platform": "linux/arm64"},
            "is for linux/amd64 on this engine, and the lock is for linux/arm64",
            "docker pull --platform linux/arm64 python:3.11-slim",
        ),
        "another Python": (
            base,
            {"python": "3.12"},
            "has Python 3.11 at /usr/local/bin/python3.11, and the spec says 3.12",
            'version = "3.11" in [python]',
        ),
        "no Python": (base.without("usr/local/bin/python3.11"), {}, "has no python3 on its PATH", "that has it"),
        "no full version": (
            base.without("usr/local/include/python3.11/patchlevel.h"),
            {},
            "nothing in it says which one in full",
            "PYTHON_VERSION",
        ),
        "no Airflow": (base, {"kind": "airflow", "airflow": "2.8.1"}, "has no apache-airflow", "write image ="),
        "a secret": (
            replace(base, environment=(*base.environment, "DB_PASSWORD=s3cr3t-4711")),
            {},
            "its variable DB_PASSWORD that looks like a secret",
            "without it",
        ),
        "a password in an address": (
            replace(base, environment=(*base.environment, "INDEX=https://me:s3cr3t-4711@index.example/simple")),
            {},
            "its variable INDEX that looks like a secret",
            "without it",
        ),
        "triggers": (replace(base, config={"OnBuild": ["RUN x"]}), {}, "has 1 ONBUILD instructions", "without them"),
        "an invisible character": (
            replace(base, config={"User": "a\u202eb"}),
            {},
            "cannot be recorded in a lock: user is",
            "mend this one",
        ),
        "a variable of two lines": (
            replace(base, environment=("PATH=/usr/local/bin", "X=a\nRUN b")),
            {},
            "environment holds a value of X with a character that cannot be seen",
            "",
        ),
        "never pushed": (replace(base, digests=()), {}, "has no digest: it was made on this engine", "docker push"),
        "pushed elsewhere": (
            replace(base, digests=(f"registry.example/python@{DIGEST}",)),
            {},
            "has no digest",
            "docker push python:3.11-slim",
        ),
    }


@pytest.mark.parametrize("case", range(23))
def test_an_image_that_cannot_be_a_base_is_refused(reading: Any, base: Any, case: int) -> None:
    image, wanted, message, hint = list(make_refused(base).values())[case]
    with pytest.raises(BaseRefusedError) as caught:
        reading.read(image, **wanted)
    error = caught.value
    assert message in error.message
    assert hint in (error.hint or "")
    assert error.where is not None
    assert (error.where.line, error.where.key, error.exit_code) == (4, "base.image", ExitCode.USAGE)
    assert "s3cr3t" not in str(error)


def test_every_case_is_run(base: Any) -> None:
    assert len(make_refused(base)) == 23


def test_an_airflow_of_another_version_is_refused(
    reading: Any, base: Any, make_distribution: Callable[..., dict[str, bytes]]
) -> None:
    image = base.having(make_distribution(SITE, "apache-airflow", "2.9.0"))
    with pytest.raises(BaseRefusedError, match=r"has Airflow 2.9.0, and the spec says 2.8.1") as caught:
        reading.read(image, kind="airflow", airflow="2.8.1")
    assert 'write version = "2.9.0" in [airflow]' in (caught.value.hint or "")


def test_bytes_are_those_of_the_files_that_are_there(
    reading: Any, base: Any, make_distribution: Callable[..., dict[str, bytes]]
) -> None:
    """RECORD may name what was taken away since."""
    files = make_distribution(SITE, "six", "1.16.0", size=500)
    record = next(name for name in files if name.endswith("RECORD"))
    files[record] += b"tests/gone.py,,\n../../../../../etc/passwd,,\n"
    read = reading.read(base.having(files))
    six = next(one for one in read.foundation.distributions if one.name == "six")
    assert six == InstalledDistribution("six", "1.16.0", f"/{SITE}", 500 + len(files[record]))
