"""Whether a spec fits its Airflow: roles and their extras, commands, executors."""

from __future__ import annotations

from pathlib import Path

import pytest

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
