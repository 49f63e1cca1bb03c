"""What stands in for apache/airflow behaves as the official image does where a build or a proof can tell."""

from __future__ import annotations

import subprocess

import pytest
from stand_ins import run

VERSIONS = {
    "airflow_281": "2.8.1",
    "airflow_210": "2.10.3",
    "airflow_211": "2.11.0",
    "airflow_306": "3.0.6",
    "airflow_332": "3.3.2",
}


def ask(reference: str, *words: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """A container with ``words`` behind its entrypoint, without waiting for a database."""
    argv = (
        "docker",
        "run",
        "--rm",
        "--network=none",
        "--env=CONNECTION_CHECK_MAX_COUNT=0",
        *options,
        reference,
        *words,
    )
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)


# what `make test` builds on is one of them
MARKS = {name: () if name == "airflow_281" else (pytest.mark.soak,) for name in VERSIONS}


@pytest.fixture(params=[pytest.param(name, id=version, marks=MARKS[name]) for name, version in VERSIONS.items()])
def reference(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def version(reference: str) -> str:
    return next(version for version in VERSIONS.values() if f":{version}-" in reference)


def test_airflow_says_its_version(reference: str, version: str) -> None:
    done = ask(reference, "version")
    assert done.stdout.splitlines()[-1:] == [version], done.stderr


def test_the_layout_is_the_versions(reference: str, version: str) -> None:
    script = """
    id -u; id -g; umask; pwd; ls /opt/airflow | tr '\\n' ' '; echo
    python -B -c 'import airflow, sys; print(sys.prefix, airflow.__file__)' 2>/dev/null | tail -1
    find ~/.local -name '*.pyc' | wc -l; command -v pip gosu gcc || true
    ls ~/constraints.txt ~/.local/pyvenv.cfg || true
    """
    said = ask(reference, "bash", "-c", script).stdout.split("\n")
    user_site = version == "2.8.1"
    prefix = "/usr/local" if user_site else "/home/airflow/.local"
    assert said[:5] == ["50000", "0", "0002", "/opt/airflow", "dags logs "]
    assert said[5] == f"{prefix} /home/airflow/.local/lib/python3.11/site-packages/airflow/__init__.py"
    assert said[6] == "0", "no bytecode"
    more = ["/usr/sbin/gosu"] if user_site else ["/home/airflow/.local/pyvenv.cfg", "/home/airflow/constraints.txt"]
    assert [line for line in said[7:] if line] == ["/root/bin/pip", *more]


def test_pip_refuses_root_and_serves_the_user(reference: str) -> None:
    refused = ask(reference, "bash", "-c", "pip --version", options=("--user=0",))
    assert (refused.returncode, "pip as root" in refused.stderr) == (1, True)
    assert "/home/airflow/.local" in ask(reference, "bash", "-c", "pip --version").stdout
    assert ask(reference, "bash", "-c", "pip check").returncode == 0


def test_a_migration_that_fails_is_passed_over(reference: str) -> None:
    nowhere = "postgresql+psycopg2://me:me@127.0.0.1:1/none"
    options = ("--env=_AIRFLOW_DB_MIGRATE=true", f"--env=AIRFLOW__DATABASE__SQL_ALCHEMY_CONN={nowhere}")
    done = ask(reference, "bash", "-c", "echo went on", options=options)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["went on"])
    assert "OperationalError" in done.stderr + done.stdout


def test_another_group_is_refused_and_another_user_is_named(reference: str) -> None:
    assert ask(reference, "bash", "-c", "true", options=("--user=1234:1234",)).returncode == 1
    assert ask(reference, "bash", "-c", "whoami", options=("--user=1234:0",)).stdout == "default\n"


def test_a_childs_commands_have_the_shell_of_the_image(reference: str) -> None:
    said = run(("docker", "image", "inspect", "--format={{json .Config.Shell}} {{json .Config.Cmd}}", f"{reference}"))
    assert said.startswith('["/bin/bash","-o","pipefail","-o","errexit","-o","nounset","-o","nolog","-c"] ')
