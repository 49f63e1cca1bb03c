"""What compose files written for the official Airflow image may rely on, against the real image on the real engine.

The image is the session fixture ``image``; each test starts it anew, because the start is what is tested.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builder.core.process import Command, LocalRunner, ProcessResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENTRYPOINT = Path(__file__).parents[2] / "templates" / "rootfs" / "entrypoint"
LABEL = f"optbuild.test={os.getpid()}-{uuid.uuid4().hex}"
HOME = "/opt/airflow"
FOLDERS = ("dags", "logs", "plugins", "config")
USERS = [
    pytest.param(None, "airflow", "50000", id="default"),
    pytest.param("12345:0", "default", "12345", id="unknown"),
    pytest.param("0:0", "root", "0", id="root"),
]


def docker(*words: str) -> ProcessResult:
    return LocalRunner().run(Command(("docker", *words), timeout=120))


def start(image: str, *words: str, options: tuple[str, ...] = (), user: str | None = None, **env: str) -> ProcessResult:
    """``docker run --rm`` of the image with its own entrypoint, unless ``options`` change that; with loopback only."""
    flags = [f"--env={name}={value}" for name, value in env.items()]
    who = () if user is None else (f"--user={user}",)
    return docker("run", "--rm", f"--label={LABEL}", "--network=none", *who, *flags, *options, image, *words)


def bash(image: str, script: str, *, options: tuple[str, ...] = (), user: str | None = None, **env: str) -> str:
    """Standard output of a bash script in the image, which must succeed."""
    done = start(image, "bash", "-c", f"set -o errexit -o nounset; {script}", options=options, user=user, **env)
    assert done.code == 0, done.err
    return done.out


@pytest.fixture(scope="module", autouse=True)
def _sweep(orphans_removed: object) -> Iterator[None]:
    yield
    left = docker("ps", "--all", "--quiet", f"--filter=label={LABEL}").out.split()
    if left:
        docker("rm", "--force", "--volumes", *left)


@pytest.fixture(scope="module")
def config(image: str) -> dict[str, Any]:
    """The image's configuration as the engine has it."""
    found: list[dict[str, Any]] = json.loads(docker("image", "inspect", image).out)
    value: dict[str, Any] = found[0]["Config"]
    return value


@pytest.fixture(scope="module")
def environment(config: dict[str, Any]) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in config["Env"])


# -- the image's configuration ----------------------------------------------------------------------------------------


def test_the_configuration_is_the_official_images(config: dict[str, Any]) -> None:
    assert config["User"] == "50000"
    assert config["WorkingDir"] == HOME
    assert config["Entrypoint"] == ["/usr/bin/dumb-init", "--", "/entrypoint"]
    assert not config.get("Cmd")
    assert set(config["ExposedPorts"]) == {"8080/tcp"}


def test_the_environment_is_the_official_images(environment: dict[str, str]) -> None:
    assert environment["AIRFLOW_HOME"] == HOME
    assert "/home/airflow/.local/bin" in environment["PATH"].split(":")
    assert re.fullmatch(r"\d+\.\d+\.\d+", environment["AIRFLOW_VERSION"])
    assert environment["LANG"] == "C.UTF-8"
    assert environment["DUMB_INIT_SETSID"] == "1"
    assert "/dev/shm" in environment["GUNICORN_CMD_ARGS"]  # noqa: S108 - gunicorn's heartbeat files
    assert "HOME" not in environment, "would be the home of root and of every other user too"


def test_the_labels_say_what_it_is(config: dict[str, Any], environment: dict[str, str]) -> None:
    labels = config["Labels"]
    assert labels["org.apache.airflow.version"] == environment["AIRFLOW_VERSION"]
    assert labels["optbuild.project"]
    assert re.fullmatch(r"[0-9a-f]{12}", labels["optbuild.content"])
    assert any(name.startswith("org.opencontainers.image.") for name in labels)


# -- who may run it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("user", "name", "uid"), USERS)
def test_every_user_of_group_0_is_somebody(image: str, user: str | None, name: str, uid: str) -> None:
    words = bash(image, 'echo "$(id -u) $(id -g) $(whoami) $(umask) $PWD"', user=user).split()
    assert words == [uid, "0", name, "0002", HOME]


@pytest.mark.parametrize(("user", "home"), [(None, "/home/airflow"), ("12345:0", "/home/airflow"), ("0:0", "/root")])
def test_every_user_has_a_home(image: str, user: str | None, home: str) -> None:
    assert bash(image, "echo $HOME", user=user).strip() == home


@pytest.mark.parametrize(("user", "name", "uid"), USERS)
def test_every_user_of_group_0_runs_airflow(
    image: str, environment: dict[str, str], user: str | None, name: str, uid: str
) -> None:
    done = start(image, "version", user=user)
    assert (done.code, done.out.strip()) == (0, environment["AIRFLOW_VERSION"]), done.err


@pytest.mark.parametrize(("user", "name", "uid"), USERS)
def test_every_user_of_group_0_writes_files_that_the_group_can_change(
    image: str, user: str | None, name: str, uid: str
) -> None:
    places = " ".join(f"{HOME}/{folder}/new" for folder in FOLDERS)
    out = bash(image, f"touch {HOME}/new {places}; stat -c '%U:%g %a' {HOME}/new {places}", user=user)
    assert out.splitlines() == [f"{name}:0 664"] * 5


def test_the_folders_belong_to_the_user_and_are_open_to_the_group(image: str) -> None:
    places = " ".join(f"{HOME}/{folder}" for folder in FOLDERS)
    out = bash(image, f"stat -c '%u:%g %a' {HOME} {places} /home/airflow; stat -c '%g %a' /etc/passwd")
    assert out.splitlines() == ["50000:0 775"] * 6 + ["0 664"]


def refused(image: str, *options: str) -> None:
    """A user outside group 0 could write nothing: one line says so, and what to do."""
    done = start(image, "version", options=options, user="1000:1000")
    assert (done.code, done.out) == (1, "")
    assert 'user: "1000:0"' in done.err
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("entrypoint: error: ")


def test_a_user_outside_group_0_is_refused(image: str) -> None:
    refused(image)


def test_the_airflow_user_in_another_group_is_warned(image: str) -> None:
    done = start(image, "bash", "-c", "echo works", user="50000:1000")
    assert (done.code, done.out) == (0, "works\n")
    assert "warning" in done.err


def test_a_read_only_root_file_system_works_for_an_unknown_user(image: str) -> None:
    """Libraries ask for the user's name; it comes from the environment where /etc/passwd cannot be written."""
    script = "python -c 'import getpass; print(getpass.getuser())'; airflow version; echo $HOME"
    options = ("--read-only", "--tmpfs=/opt/airflow:mode=0775,uid=50000,gid=0")
    lines = bash(image, script, options=options, user="12345:0").splitlines()
    assert (lines[0], lines[-1]) == ("default", "/home/airflow")


def test_a_folder_that_cannot_be_written_is_said_before_airflow_stumbles(image: str, tmp_path: Path) -> None:
    """As after `docker compose up` where Docker itself made the host's folder."""
    done = start(image, "bash", "-c", "true", options=(f"--volume={tmp_path}:/opt/airflow/logs",))
    assert done.code == 0
    assert done.err.startswith("entrypoint: warning: user 50000 cannot write to /opt/airflow/logs;")


def test_nothing_is_said_when_nothing_is_wrong(image: str) -> None:
    assert start(image, "bash", "-c", "true").err == ""


# -- what is in it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", [None, "12345:0", "0:0"])
def test_packages_are_a_virtual_environment_in_the_home_folder(image: str, user: str | None) -> None:
    script = "type -P airflow; type -P python; python -c 'import sys, airflow; print(sys.prefix)'"
    lines = bash(image, script, user=user).splitlines()
    local = "/home/airflow/.local"
    assert lines == [f"{local}/bin/airflow", f"{local}/bin/python", local]


@pytest.mark.parametrize("user", [None, "0:0"])
def test_a_login_shell_finds_the_packages_too(image: str, user: str | None) -> None:
    """It replaces PATH; /etc/profile.d puts the virtual environment first again."""
    prefix = 'python -c "import sys; print(sys.prefix)"'
    lines = bash(image, f"bash -lc 'type -P airflow; {prefix}'; stat -c '%a %u:%g' /etc/profile.d", user=user)
    assert lines.splitlines() == ["/home/airflow/.local/bin/airflow", "/home/airflow/.local", "755 0:0"]


def test_the_systems_python_finds_the_packages_for_root_too(image: str) -> None:
    bash(image, "/usr/bin/python3 -c 'import airflow'", user="0:0")


def test_tools_that_compose_files_call_are_there(image: str) -> None:
    tools = "curl gosu dumb-init bash getconf awk grep df numfmt chown"
    assert bash(image, f"type -P dumb-init; for tool in {tools}; do type -P $tool >/dev/null; done") == (
        "/usr/bin/dumb-init\n"
    )


def test_curl_and_gosu_work(image: str) -> None:
    """curl is what compose files check health with: its exit code must tell that nobody answers (7)."""
    script = "gosu airflow id -u; gosu airflow airflow version; curl --silent localhost:8080 || echo $?"
    assert [*bash(image, script, user="0:0").split()][::2] == ["50000", "7"]


# -- first words ------------------------------------------------------------------------------------------------------


def test_without_a_word_airflow_explains_itself_and_fails(image: str) -> None:
    done = start(image)
    assert done.code == 2
    assert "GROUP_OR_COMMAND" in done.out + done.err


@pytest.mark.parametrize("words", [("version",), ("airflow", "version")])
def test_airflow_as_a_first_word_may_be_left_out(
    image: str, environment: dict[str, str], words: tuple[str, ...]
) -> None:
    assert start(image, *words).out.strip() == environment["AIRFLOW_VERSION"]


@pytest.mark.parametrize("words", [("webserver", "--help"), ("airflow", "webserver", "--help")])
def test_a_role_is_a_command_of_airflow(image: str, words: tuple[str, ...]) -> None:
    done = start(image, *words)
    assert done.code == 0
    assert "airflow webserver" in done.out


@pytest.mark.parametrize(
    ("words", "out", "code"),
    [
        pytest.param(("bash", "-c", 'echo "$0|$*"', "a b", "c  d", ""), "a b|c  d \n", 0, id="bash"),
        pytest.param(("bash", "-c", "exit 7"), "", 7, id="bash-code"),
        pytest.param(("python", "-c", "import sys; print(sys.argv)", "a b"), "['-c', 'a b']\n", 0, id="python"),
        pytest.param(("python", "-c", "raise SystemExit(9)"), "", 9, id="python-code"),
    ],
)
def test_bash_and_python_get_their_words_unchanged(image: str, words: tuple[str, ...], out: str, code: int) -> None:
    done = start(image, *words)
    assert (done.out, done.code) == (out, code)


def test_standard_input_reaches_the_command(image: str) -> None:
    argv = ("docker", "run", "--rm", "--interactive", "--network=none", f"--label={LABEL}", image, "bash")
    command = Command(argv, stdin=b"echo $UID")
    assert LocalRunner().run(command).out == "50000\n"


def test_an_unknown_word_is_airflows_to_refuse(image: str) -> None:
    done = start(image, "gunicorn")
    assert done.code == 2
    assert "invalid choice" in done.err


# -- packages are not installed at start ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pip", "pip3"])
@pytest.mark.parametrize("user", [None, "0:0"])
def test_pip_says_where_packages_go(image: str, name: str, user: str | None) -> None:
    done = start(image, "bash", "-c", f"{name} install requests", user=user)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"{name}: ")
    assert "[python] requirements in optbuild.toml" in done.err


def guarded(image: str, *options: str) -> None:
    """Said at once, before anything is waited for or migrated."""
    done = start(
        image,
        "version",
        options=options,
        _PIP_ADDITIONAL_REQUIREMENTS="requests==2.31.0",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="postgresql://127.0.0.1:1/x",
    )
    assert (done.code, done.out) == (2, "")
    assert "[python] requirements of optbuild.toml" in done.err
    assert len(done.err.splitlines()) == 1


def test_additional_requirements_stop_the_container(image: str) -> None:
    guarded(image)


@pytest.mark.parametrize("value", ["", " "])
def test_empty_additional_requirements_are_fine(image: str, value: str) -> None:
    bash(image, "true", _PIP_ADDITIONAL_REQUIREMENTS=value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONNECTION_CHECK_MAX_COUNT", "many"),
        ("CONNECTION_CHECK_MAX_COUNT", "-1"),
        ("CONNECTION_CHECK_SLEEP_TIME", "1s"),
        ("CONNECTION_CHECK_SLEEP_TIME", "."),
    ],
)
def test_a_wait_that_is_no_number_is_refused(image: str, name: str, value: str) -> None:
    done = start(image, "bash", "-c", "true", options=(f"--env={name}={value}",))
    kind = "whole number" if name.endswith("COUNT") else "number of seconds"
    assert done.code == 2
    assert done.err == f'entrypoint: error: {name} must be a {kind}, not "{value}"\n'


@pytest.mark.parametrize("value", ["0.5", ".5", "3.", "08"])
def test_a_wait_may_be_a_fraction_of_a_second(image: str, value: str) -> None:
    bash(image, "true", CONNECTION_CHECK_SLEEP_TIME=value, CONNECTION_CHECK_MAX_COUNT="08")


# -- the official compose file's init ---------------------------------------------------------------------------------

INIT = r"""
if [[ -z "${AIRFLOW_UID}" ]]; then echo "AIRFLOW_UID not set"; fi
number() { printf "%04d%04d%04d%04d" ${1//./ }; }
found=$(AIRFLOW__LOGGING__LOGGING_LEVEL=INFO && gosu airflow airflow version)
if (( 10#$(number ${found}) < 10#$(number 2.2.0) )); then echo "too old: ${found}"; exit 1; fi
mebibyte=1048576
memory=$(($(getconf _PHYS_PAGES) * $(getconf PAGE_SIZE) / mebibyte))
processors=$(grep -cE 'cpu[0-9]+' /proc/stat)
disk=$(df / | tail -1 | awk '{print $4}')
numfmt --to iec $((memory * mebibyte)) $((disk * 1024))
echo "${processors} processors"
mkdir -p /sources/logs /sources/dags /sources/plugins
chown -R "${AIRFLOW_UID}:0" /sources/{logs,dags,plugins}
exec /entrypoint airflow version
"""


def test_the_official_init_service_works(image: str, environment: dict[str, str]) -> None:
    """Its steps in order: bash instead of the entrypoint, as root, `gosu`, figures of the machine, `chown`, then the
    entrypoint, whose side effect is the migration and the first user."""
    done = start(
        image,
        "-c",
        INIT,
        options=("--entrypoint=/bin/bash", "--volume=/sources", "--env=_PIP_ADDITIONAL_REQUIREMENTS="),
        user="0:0",
        AIRFLOW_UID="1234",
        _AIRFLOW_DB_MIGRATE="true",
        _AIRFLOW_WWW_USER_CREATE="true",
        _AIRFLOW_WWW_USER_USERNAME="airflow",
        _AIRFLOW_WWW_USER_PASSWORD="airflow",
    )
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == environment["AIRFLOW_VERSION"]
    assert re.search(r"Database migrating done", done.out)
    assert 'User "airflow" created with role "Admin"' in done.out


# -- the tests above notice -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "instead", "check"),
    [
        pytest.param("fail 1 ", "say ", refused, id="lets-any-group-in"),
        pytest.param("_PIP_ADDITIONAL_REQUIREMENTS:-", "NOTHING:-", guarded, id="ignores-requirements"),
    ],
)
def test_a_broken_entrypoint_is_noticed(image: str, tmp_path: Path, written: str, instead: str, check: Any) -> None:
    text = ENTRYPOINT.read_text("utf-8")
    assert written in text
    broken = tmp_path / "entrypoint"
    broken.write_text(text.replace(written, instead), "utf-8")
    broken.chmod(0o755)
    with pytest.raises(AssertionError):
        check(image, f"--volume={broken}:/entrypoint:ro", "--env=CONNECTION_CHECK_MAX_COUNT=1")


PLUGIN = 'import gc, sys\nprint("collector", gc.isenabled(), gc.get_freeze_count() > 0, file=sys.stderr)\n'
"""Says whether the collector works, and whether it was told to pass over what was there before."""
SCRIPT = "/home/airflow/.local/bin/airflow"


def look_at_collector(image: str, folder: Path, script: str) -> str:
    """What a plugin sees of it when this text is the ``airflow`` script, and has begun its work."""
    plugins, own = folder / "plugins", folder / "airflow"
    plugins.mkdir()
    (plugins / "look.py").write_text(PLUGIN)
    plugins.chmod(0o755)
    own.write_text(script)
    own.chmod(0o755)
    mounted = (f"--volume={plugins}:{HOME}/plugins:ro", f"--volume={own}:{SCRIPT}:ro")
    done = start(image, "plugins", options=mounted)
    (line,) = re.findall(r"^collector .*$", done.out + done.err, re.MULTILINE)
    return str(line)


def unpause_collector(script: str) -> str:
    """As the installer wrote it."""
    written = runpy.run_path(str(Path(__file__).parents[2] / "templates/scripts/start_script.py"))
    assert script.count(written["PAUSED"]) == 1
    return script.replace(written["PAUSED"], written["IMPORT"])


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param(lambda script: script, "collector True True", id="as it is"),
        pytest.param(unpause_collector, "collector True False", id="not paused"),
        pytest.param(lambda script: script.replace("    gc.enable()\n", ""), "collector False True", id="broken"),
    ],
)
def test_the_collector_works_when_airflow_does(
    image: str, tmp_path: Path, change: Callable[[str], str], seen: str
) -> None:
    """For whatever runs after the import, plugins and DAGs too, it is on; where it stays off, this sees it."""
    assert look_at_collector(image, tmp_path, change(bash(image, f"cat {SCRIPT}"))) == seen


def test_the_script_is_what_its_distribution_lists(image: str) -> None:
    """RECORD has its hash and size: pip, and whoever checks an installation, finds it unchanged."""
    program = (
        "import base64, hashlib, importlib.metadata as m; "
        "(file,) = (f for d in m.distributions() for f in d.files or () if str(f).endswith('bin/airflow')); "
        "data = file.locate().read_bytes(); "
        "made = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('='); "
        "print(file.hash.value == made, file.size == len(data))"
    )
    assert bash(image, f'python -c "{program}"').strip() == "True True"
