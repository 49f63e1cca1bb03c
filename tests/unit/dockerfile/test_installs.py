"""What a command installs or removes."""

from __future__ import annotations

import pytest

from builder.dockerfile.installs import parse_pip_install, parse_system_change, split_requirement
from builder.dockerfile.shell import ShellCommand, parse_shell_commands


def one(text: str) -> ShellCommand:
    return parse_shell_commands(text)[0]


@pytest.mark.parametrize(
    ("text", "manager", "action", "packages"),
    [
        ("apt-get install -y --no-install-recommends gcc=4:12 libpq-dev:amd64", "apt", "install", ("gcc", "libpq-dev")),
        ("apt-get -y -o Dpkg::Use-Pty=0 install gcc", "apt", "install", ("gcc",)),
        ("apt install -t bookworm-backports git", "apt", "install", ("git",)),
        ("apt-get purge -y --auto-remove gcc", "apt", "remove", ("gcc",)),
        ("apt-get update", "apt", "update", ()),
        ("apk add --no-cache --virtual .deps gcc", "apk", "install", ("gcc",)),
        ("apk del .deps", "apk", "remove", (".deps",)),
        ("dnf install -y gcc-c++", "dnf", "install", ("gcc-c++",)),
    ],
)
def test_system_packages(text: str, manager: str, action: str, packages: tuple[str, ...]) -> None:
    found = parse_system_change(one(text))
    assert found is not None
    assert (found.manager, found.action, found.packages) == (manager, action, packages)


def test_other_commands_change_no_package() -> None:
    assert parse_system_change(one("echo apt-get install gcc")) is None
    assert parse_pip_install(one("echo pip install x")) is None
    assert parse_pip_install(one("pip download x")) is None
    assert parse_pip_install(one("python -m venv x")) is None


@pytest.mark.parametrize(
    "text",
    [
        "pip install --no-cache-dir -r r.txt -c c.txt 'pandas>=2' -U",
        "pip3.11 --no-cache-dir install -rr.txt --constraint=c.txt pandas>=2 -U".replace(">=", "=="),
        "python3 -m pip install --no-cache-dir --requirement r.txt -c c.txt pandas --index-url http://x -U",
        "/root/.local/bin/pip install -U --no-cache-dir -i http://x pandas --requirement=r.txt -cc.txt",
    ],
)
def test_pip(text: str) -> None:
    found = parse_pip_install(one(text))
    assert found is not None
    assert found.requirements[0].startswith("pandas")
    assert (found.files, found.constraints) == (("r.txt",), ("c.txt",))
    assert {"--no-cache-dir", "-U"} <= set(found.options)
    assert not found.uv


def test_uv_is_known() -> None:
    found = parse_pip_install(one("uv pip install --system pandas"))
    assert found is not None
    assert found.uv
    assert found.requirements == ("pandas",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Pandas == 2.0.3 ; python_version < '3'", ("pandas", "==2.0.3")),
        ("apache_airflow[celery,postgres]==2.8.1", ("apache-airflow", "==2.8.1")),
        ("numpy", ("numpy", "")),
        ("x @ https://example.org/x.whl", ("x", "@address")),
        ("./local", None),
        ("git+https://example.org/x", None),
        ("thing-1.0-py3-none-any.whl", None),
        ("--hash=sha256:0", None),
        ("# a comment", None),
        ("", None),
    ],
)
def test_requirement(text: str, expected: tuple[str, str] | None) -> None:
    assert split_requirement(text) == expected
