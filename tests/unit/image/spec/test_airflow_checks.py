"""Whether a spec fits its Airflow: roles and their extras, commands, executors."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.airflow.releases import find_release, list_known_versions
from builder.core.debian import RELEASE_PYTHON
from builder.core.errors import SpecError
from builder.image.spec.reader import parse_spec

EXECUTOR = "AIRFLOW__CORE__EXECUTOR"
MANAGER = 'AIRFLOW__CORE__AUTH_MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"'


def make(version: str, *, extras: str = '"postgres"', env: str = "", requirements: str = "", rest: str = "") -> str:
    return (
        f'[image]\nname = "shop"\nenv = {{ {env} }}\n[base]\ndebian = "bookworm"\n[airflow]\nversion = "{version}"\n'
        f'extras = [{extras}]\n[python]\nversion = "3.11"\nrequirements = [{requirements}]\n{rest}'
    )


def parse(text: str) -> None:
    parse_spec(text, "optbuild.toml", Path("/project"))


REFUSED = {
    "worker without celery": (
        make("2.10.5", rest="[roles.worker]\n"),
        "roles.worker: the role worker needs the extra celery",
        'write extras = ["postgres", "celery"]',
    ),
    "flower without celery on 3": (make("3.3.2", rest="[roles.flower]\n"), "the role flower needs", "celery"),
    "sequential on 3": (
        make("3.3.2", env=f'{EXECUTOR} = "SequentialExecutor"'),
        "has no executor SequentialExecutor",
        "LocalExecutor",
    ),
    "celery executor without its extra": (
        make("2.11.2", env=f'{EXECUTOR} = "CeleryExecutor"'),
        "the executor CeleryExecutor needs the extra celery",
        "",
    ),
    "one of several executors": (
        make("3.1.8", env=f'{EXECUTOR} = "LocalExecutor,big:KubernetesExecutor"'),
        "the executor KubernetesExecutor needs the extra cncf.kubernetes",
        "",
    ),
    "misspelt executor": (make("2.8.1", env=f'{EXECUTOR} = "LocalExecuter"'), "has no executor LocalExecuter", ""),
    "dask after 2.6": (make("2.7.3", env=f'{EXECUTOR} = "DaskExecutor"'), "has no executor DaskExecutor", ""),
    "db init on 3": (
        make("3.3.2", rest='[roles.prepare]\ncommand = ["db", "init"]\n'),
        "`airflow db init` was removed in Airflow 3.0",
        'write command = ["db", "migrate"]',
    ),
    "db migrate before 2.7": (
        make("2.6.3", rest='[roles.prepare]\ncommand = ["airflow", "db", "migrate"]\n'),
        "came with Airflow 2.7",
        'write command = ["db", "upgrade"]',
    ),
    "webserver's command on 3": (
        make("3.0.6", rest='[roles.web]\ncommand = ["webserver"]\n'),
        "`airflow webserver` was removed",
        'write command = ["api-server"]',
    ),
    "a worker's command without celery": (
        make("2.10.5", rest='[roles.muscle]\ncommand = ["airflow", "celery", "worker", "--queues", "big"]\n'),
        "roles.muscle: the role muscle needs the extra celery",
        'write extras = ["postgres", "celery"]',
    ),
    "a worker beside an executor that sends it nothing": (
        make("2.11.2", extras='"celery"', env=f'{EXECUTOR} = "LocalExecutor"', rest="[roles.worker]\n"),
        "the role worker works for a Celery executor, and AIRFLOW__CORE__EXECUTOR is LocalExecutor",
        'write AIRFLOW__CORE__EXECUTOR = "CeleryExecutor"',
    ),
    "FAB without its extra": (make("3.3.2", env=MANAGER), "the FAB auth manager needs the extra fab", '"fab"'),
}


@pytest.mark.parametrize(("text", "message", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused(text: str, message: str, hint: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert hint in str(caught.value)


ACCEPTED = {
    "worker with celery": make("2.10.5", extras='"celery"', rest="[roles.worker]\n"),
    "celery by a requirement of Airflow": make(
        "2.10.5", requirements='"apache-airflow[celery]"', rest="[roles.worker]\n"
    ),
    "celery by its provider": make("3.3.2", requirements='"apache-airflow-providers-celery"', rest="[roles.worker]\n"),
    "a worker of one's own": make("2.10.5", rest='[roles.worker]\ncommand = ["bash", "-c"]\n'),
    "a worker that a later executor may use": make("2.10.5", extras='"celery"', rest="[roles.worker]\n"),
    "a worker for one of several executors": make(
        "3.1.8", extras='"celery"', env=f'{EXECUTOR} = "LocalExecutor,CeleryExecutor"', rest="[roles.worker]\n"
    ),
    "a worker that is off": make("2.10.5", rest="[roles.worker]\nenabled = false\n"),
    "an executor by its module": make("3.3.2", env=f'{EXECUTOR} = "shop.executors.Ours"'),
    "an alias and a module": make("3.3.2", env=f'{EXECUTOR} = "LocalExecutor,ours:shop.executors.Ours"'),
    "sequential on 2": make("2.11.2", env=f'{EXECUTOR} = "SequentialExecutor"'),
    "dask on 2.6": make("2.6.3", extras='"dask"', env=f'{EXECUTOR} = "DaskExecutor"'),
    "db init on 2, which is only deprecated": make("2.8.1", rest='[roles.prepare]\ncommand = ["db", "init"]\n'),
    "FAB with its extra": make("3.3.2", extras='"fab"', env=MANAGER),
    "FAB on 2, where it is Airflow's own": make("2.8.1", env=MANAGER),
}


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_what_fits_is_accepted(text: str) -> None:
    parse(text)


VERSIONS = list_known_versions()


def is_3(version: str) -> bool:
    return version.startswith("3.")


def make_for(version: str, debian: str = "", *, env: str = "", rest: str = "", extras: str = '"celery"') -> str:
    """A spec that fits the version but for what is given."""
    fitting = [name for name, python in RELEASE_PYTHON.items() if python in find_release(version).python_versions]
    release = debian or (fitting or ["bookworm"])[0]
    text = make(version, extras=extras, env=env, rest=rest)
    return text.replace("bookworm", release).replace('"3.11"', f'"{RELEASE_PYTHON[release]}"')


@pytest.mark.parametrize("debian", RELEASE_PYTHON)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_with_all_its_roles_is_accepted_where_debian_has_its_python(version: str, debian: str) -> None:
    known, python = find_release(version), RELEASE_PYTHON[debian]
    rest = "".join(f"[roles.{role.name}]\n" for role in known.optional_roles)
    text = make_for(version, debian, rest=rest)
    if python in known.python_versions:
        parse(text)
        return
    with pytest.raises(SpecError, match=f"Airflow {version} does not support Python {python}") as caught:
        parse(text)
    others = [name for name, other in RELEASE_PYTHON.items() if other in known.python_versions]
    assert (f'write debian = "{others[0]}"' if others else "no Debian release") in str(caught.value)


def list_walked_refusals(version: str) -> dict[str, tuple[str, str, str]]:
    """What the version refuses: spec, message, and what stands in its hint."""
    web, other = ("webserver", "api-server") if is_3(version) else ("api-server", "webserver")
    gone = "SequentialExecutor" if is_3(version) else "EdgeExecutor"
    first = "LocalExecutor" if is_3(version) else "SequentialExecutor"
    migrate = ", ".join(f'"{word}"' for word in find_release(version).series.migrate)
    removed = '"db", "init"' if is_3(version) else '"api-server"'
    instead = f"write command = [{migrate}]" if is_3(version) else 'write command = ["webserver"]'
    return {
        "role of the other major": (make_for(version, rest=f"[roles.{web}]\n"), f"has no role {web}", f"use {other}"),
        "role without its extra": (
            make_for(version, rest="[roles.worker]\n", extras='"postgres"'),
            "the role worker needs the extra celery",
            'write extras = ["postgres", "celery"]',
        ),
        "executor that it does not have": (
            make_for(version, env=f'{EXECUTOR} = "{gone}"'),
            f"has no executor {gone}",
            f"write one of: {first}",
        ),
        "executor without its extra": (
            make_for(version, env=f'{EXECUTOR} = "KubernetesExecutor"'),
            "needs the extra cncf.kubernetes",
            '"cncf.kubernetes"',
        ),
        "command that it does not have": (
            make_for(version, rest=f"[roles.prepare]\ncommand = [{removed}]\n"),
            "Airflow 3.0",
            instead,
        ),
    }


@pytest.mark.parametrize("version", [version for version in VERSIONS if version not in {"2.6.0", "2.6.1"}])
def test_every_version_refuses_what_it_does_not_have_and_names_what_it_has(version: str) -> None:
    for name, (text, message, hint) in list_walked_refusals(version).items():
        with pytest.raises(SpecError) as caught:
            parse(text)
        assert message in str(caught.value), name
        assert hint in str(caught.value), name
